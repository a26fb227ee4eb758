"""Commands through a twin as text: `ID/METHOD/ARGS/ISSUED_MS/TTL_MS`, in the characters that KubeEdge lets through.

Only the encoding and the status line; whether such a command may run is decided like any other's, by the hub.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from robolink import v1
from robolink.core.age import MAX_TTL_MS
from robolink.core.values import Plain, from_value, to_value

__all__ = ["Status", "TwinCommand", "bind", "command_id", "decode", "encode", "make", "parse"]

MAX_CHARACTERS: Final = 512
DEFAULT_TTL_MS: Final = 30_000
STATUS_KEPT: Final = 4

_CHARSET: Final = re.compile(r"[a-zA-Z0-9\-_.,:/@#]*")
_ID: Final = re.compile(r"[a-zA-Z0-9\-_.]{1,40}")
_METHOD: Final = re.compile(r"cancel|release|[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_ARG_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_MILLISECONDS: Final = re.compile(r"[0-9]{1,15}")
_PLAIN_STRING: Final = re.compile(r"[a-zA-Z0-9\-_.]*")
# Python's own parsers also take "1_000", "nan" and blanks.
_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_FLOAT: Final = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE]-?[0-9]{1,3})?")
_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinCommand:
    """One command as it stands in the property `cmd`; `args` are (name, text) pairs, typed by `bind`."""

    id: str
    method: str
    args: tuple[tuple[str, str], ...] = ()
    issued_ms: int
    ttl_ms: int = DEFAULT_TTL_MS


def encode(command: TwinCommand) -> str:
    """The text.

    Raises:
        ValueError: A part is not as `decode` wants it.
    """
    args = ",".join(f"{name}:{text}" for name, text in command.args)
    text = f"{command.id}/{command.method}/{args}/{command.issued_ms}/{command.ttl_ms}"
    if decode(text) != command:
        raise ValueError(f"{text!r} does not stand for the command: a part holds a separator")
    return text


def decode(text: str) -> TwinCommand:
    """The command.

    Raises:
        ValueError: What is wrong with the text.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text)} characters are over the limit of {MAX_CHARACTERS}")
    if not _CHARSET.fullmatch(text):
        raise ValueError("only the characters a-z A-Z 0-9 - _ . , : / @ # may stand in it")
    parts = text.split("/")
    if len(parts) not in (4, 5):
        raise ValueError("it must be ID/METHOD/ARGS/ISSUED_MS or ID/METHOD/ARGS/ISSUED_MS/TTL_MS")
    if not _ID.fullmatch(parts[0]):
        raise ValueError("the id must be 1 to 40 of a-z A-Z 0-9 - _ .")
    if not _METHOD.fullmatch(parts[1]):
        raise ValueError(f"{parts[1]!r} is no method: component.method, cancel or release")
    if not all(_MILLISECONDS.fullmatch(each) for each in parts[3:]):
        raise ValueError("the time of issue and the ttl are whole milliseconds")
    ttl_ms = int(parts[4]) if len(parts) == 5 else DEFAULT_TTL_MS
    if ttl_ms > MAX_TTL_MS:
        raise ValueError(f"the ttl of {ttl_ms} ms is over the limit of {MAX_TTL_MS}")
    return TwinCommand(
        id=parts[0], method=parts[1], args=_decode_args(parts[2]), issued_ms=int(parts[3]), ttl_ms=ttl_ms
    )


def _decode_args(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for part in text.split(",") if text else ():
        name, colon, value = part.partition(":")
        if not colon or not _ARG_NAME.fullmatch(name):
            raise ValueError(f"{part!r} is not NAME:VALUE")
        pairs.append((name, value))
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("an argument stands twice")
    return tuple(pairs)


def make(
    twin_id: str,
    method: str,
    args: Mapping[str, Plain | Sequence[float]],
    issued_ms: int,
    ttl_ms: int = DEFAULT_TTL_MS,
) -> str:
    """The text of a command with plain arguments.

    Raises:
        ValueError: As `encode`, and for a value that is no value of the standard or not finite.
    """
    pairs = []
    for name, value in args.items():
        try:
            pairs.append((name, _text_of(value)))
        except ValueError as exc:
            raise ValueError(f"{name}: {exc}") from exc
    return encode(
        TwinCommand(id=twin_id, method=method, args=tuple(pairs), issued_ms=issued_ms, ttl_ms=ttl_ms)
    )


def _text_of(value: Plain | Sequence[float]) -> str:
    plain = from_value(to_value(value))
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, int):
        return str(plain)
    if isinstance(plain, float):
        if not math.isfinite(plain):
            raise ValueError(f"{plain} is not a finite number")
        # "1e+22" does not pass; "1e22" is the same number.
        return repr(plain).replace("+", "")
    if isinstance(plain, tuple):
        # A single element keeps a separator, so that the text can be told from a number by eye.
        return "@".join(map(_text_of, plain)) + ("@" if len(plain) == 1 else "")
    if isinstance(plain, str):
        if _PLAIN_STRING.fullmatch(plain):
            return plain
        plain = plain.encode()
    return "#" + base64.urlsafe_b64encode(plain or b"").decode().rstrip("=")


def bind(command: TwinCommand, method: v1.Method) -> list[v1.NamedValue]:
    """The arguments, typed by the sheet; unknown names, limits and what is missing are left to the sheet's check.

    Raises:
        ValueError: A text is not of the type that the sheet wants.
    """
    types = {field.name: field.type for field in method.args}
    bound = []
    for name, text in command.args:
        kind = types.get(name, v1.VALUE_TYPE_STRING)
        try:
            bound.append(v1.NamedValue(name=name, value=to_value(parse(text, kind))))
        except ValueError as exc:
            word = v1.ValueType.Name(kind).removeprefix("VALUE_TYPE_")
            raise ValueError(f"{command.method}: {name}:{text} is no {word}") from exc
    return bound


def parse(text: str, kind: v1.ValueType, *, separator: str = "@") -> Plain:
    """A value from a twin's text; the elements of a vector stand between separators.

    Raises:
        ValueError: It is not of that type, or not finite.
    """
    if kind == v1.VALUE_TYPE_BOOL:
        if text not in _BOOLEANS:
            raise ValueError(text)
        return _BOOLEANS[text]
    if kind == v1.VALUE_TYPE_INT:
        if not _INTEGER.fullmatch(text):
            raise ValueError(text)
        return int(text)
    if kind == v1.VALUE_TYPE_DOUBLE:
        return _number(text)
    if kind == v1.VALUE_TYPE_VECTOR:
        return tuple(_number(each) for each in text.removesuffix(separator).split(separator)) if text else ()
    data = _unbase64(text[1:]) if text.startswith("#") else text.encode()
    return data if kind == v1.VALUE_TYPE_BYTES else data.decode()


def _number(text: str) -> float:
    number = float(text) if _FLOAT.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _unbase64(text: str) -> bytes:
    data = text + "=" * (-len(text) % 4)
    return base64.b64decode(data, altchars=b"-_", validate=True)


def command_id(robot: str, twin_id: str) -> bytes:
    """The 16-byte id of a twin command: the same text always is the same command."""
    return hashlib.sha256(f"robolink twin command\0{robot}\0{twin_id}".encode()).digest()[:16]


class Status:
    """The reading `cmd-status`: the last four verdicts, newest last, `ID:STATE` or `ID:STATE:CAUSE`."""

    @staticmethod
    def push(text: str, twin_id: str, state: str, cause: str = "") -> str:
        """The text with this verdict; an id that stands there is updated in its place."""
        entry = ":".join(part for part in (twin_id, state, cause) if part)
        entries = [each for each in text.split(",") if each]
        at = next((i for i, each in enumerate(entries) if each.partition(":")[0] == twin_id), len(entries))
        entries[at : at + 1] = [entry]
        return ",".join(entries[-STATUS_KEPT:])

    @staticmethod
    def parse(text: str) -> dict[str, tuple[str, str]]:
        """State and cause by twin id, oldest first."""
        found = {}
        for entry in text.split(","):
            twin_id, _, rest = entry.partition(":")
            state, _, cause = rest.partition(":")
            if twin_id:
                found[twin_id] = (state, cause)
        return found
