"""Commands through a twin as text: `ID/METHOD/ARGS/ISSUED_MS/TTL_MS`, within the 512 characters that KubeEdge lets through.

Only the encoding and the status line; whether such a command may run is decided like any other's, by the hub.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from robolink import v1
from robolink.core.values import Plain, to_value

MAX_CHARACTERS: Final = 512
DEFAULT_TTL_MS: Final = 30_000
STATUS_KEPT: Final = 4

_CHARSET: Final = re.compile(r"[a-zA-Z0-9\-_.,:/@#]*")
_ID: Final = re.compile(r"[a-zA-Z0-9\-_.]{1,40}")
_METHOD: Final = re.compile(r"cancel|release|[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_ARG_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_PLAIN_STRING: Final = re.compile(r"[a-zA-Z0-9\-_.]*")


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
        ValueError: A part is not of the allowed characters, or the whole is over 512.
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
    numbers = parts[3:]
    if not all(_NUMBER.fullmatch(each) for each in numbers):
        raise ValueError("the time of issue and the ttl are whole milliseconds")
    return TwinCommand(
        id=parts[0],
        method=parts[1],
        args=_decode_args(parts[2]),
        issued_ms=int(numbers[0]),
        ttl_ms=int(numbers[1]) if len(numbers) == 2 else DEFAULT_TTL_MS,
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
    command_id: str, method: str, args: Mapping[str, Plain], *, issued_ms: int, ttl_ms: int = DEFAULT_TTL_MS
) -> str:
    """The text of a command with plain arguments.

    Raises:
        ValueError: As `encode`.
    """
    pairs = tuple((name, _text_of(value)) for name, value in args.items())
    return encode(TwinCommand(id=command_id, method=method, args=pairs, issued_ms=issued_ms, ttl_ms=ttl_ms))


def _text_of(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # "1e+05" does not pass; "1e05" is the same number.
        return repr(value).replace("+", "")
    if isinstance(value, str):
        if _PLAIN_STRING.fullmatch(value):
            return value
        value = value.encode()
    if isinstance(value, bytes):
        return "#" + base64.urlsafe_b64encode(value).decode().rstrip("=")
    return "@".join(_text_of(float(each)) for each in value) + ("@" if len(value) == 1 else "")


def bind(command: TwinCommand, method: v1.Method) -> list[v1.NamedValue]:
    """The arguments, typed by the sheet; unknown names are left to the sheet's check.

    Raises:
        ValueError: A text is not of the type that the sheet wants.
    """
    types = {field.name: field.type for field in method.args}
    bound = []
    for name, text in command.args:
        try:
            plain = _parse(text, types.get(name, v1.VALUE_TYPE_STRING))
        except (ValueError, binascii.Error) as exc:
            raise ValueError(
                f"{command.method}: {name}:{text} is not {v1.ValueType.Name(types[name])}"
            ) from exc
        bound.append(v1.NamedValue(name=name, value=to_value(plain)))
    return bound


def _parse(text: str, kind: int) -> Plain:
    if kind == v1.VALUE_TYPE_BOOL:
        return {"true": True, "false": False, "1": True, "0": False}.get(text) or _false(text)
    if kind == v1.VALUE_TYPE_INT:
        return int(text)
    if kind == v1.VALUE_TYPE_DOUBLE:
        return float(text)
    if kind == v1.VALUE_TYPE_VECTOR:
        return tuple(float(each) for each in text.split("@") if each)
    data = _unbase64(text[1:]) if text.startswith("#") else text.encode()
    return data if kind == v1.VALUE_TYPE_BYTES else data.decode()


def _false(text: str) -> bool:
    if text not in ("false", "0"):
        raise ValueError(text)
    return False


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


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
        for index, each in enumerate(entries):
            if each.partition(":")[0] == twin_id:
                entries[index] = entry
                return ",".join(entries)
        return ",".join([*entries, entry][-STATUS_KEPT:])

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
