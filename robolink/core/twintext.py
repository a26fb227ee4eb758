"""Twin values as KubeEdge carries them: short text of few characters, and back by the sheet's type.

Written by the mapper and read by the cloud's SDK, or the other way round. Checks no limits (the hub does) and sends nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final, NamedTuple

from robolink import v1
from robolink.core import twincmd
from robolink.core.values import Plain

# What edgecore lets through, key and value; anything else it drops while it answers OK.
MAX_VALUE_CHARACTERS: Final = 512
MAX_NAME_CHARACTERS: Final = 128
_VALUE: Final = re.compile(r"[a-zA-Z0-9\-_.,:/@#]{0,512}")
_NAME: Final = re.compile(r"[a-zA-Z0-9\-_.,:/@#]{1,128}")

# Strings and bytes that do not fit are marked by it: "#" + base64url without padding.
MARK: Final = "#"
# What is too long even so: "#long:" + its length in bytes + ":" + 16 hex digits of its SHA-256.
TOO_LONG: Final = "#long:"


class Encoded(NamedTuple):
    """A value's text; `marked` if it does not stand there as it is, `lost` if only its digest does."""

    text: str
    marked: bool = False
    lost: bool = False


def fits_value(text: str) -> bool:
    """Whether edgecore accepts it as a twin value."""
    return _VALUE.fullmatch(text) is not None


def fits_name(text: str) -> bool:
    """Whether edgecore accepts it as a property name; "component.property" always does, up to 128 characters."""
    return _NAME.fullmatch(text) is not None


def encode(value: v1.Value) -> Encoded:
    """Write a value so that it always passes; the empty text stands for no value."""
    kind = value.WhichOneof("kind")
    if kind is None:
        return Encoded("")
    if kind == "bool_value":
        return Encoded("true" if value.bool_value else "false")
    if kind == "int_value":
        return Encoded(str(value.int_value))
    if kind == "double_value":
        return Encoded(_number(value.double_value))
    if kind == "vector_value":
        text = ",".join(_number(each) for each in value.vector_value.values)
        return Encoded(text) if len(text) <= MAX_VALUE_CHARACTERS else _too_long(text.encode())
    if kind == "bytes_value":
        return _base64(value.bytes_value) if value.bytes_value else Encoded("")
    return encode_text(value.string_value)


def encode_text(text: str) -> Encoded:
    """Write a string; one that starts with the mark is encoded too, so that decoding stays exact."""
    if fits_value(text) and not text.startswith(MARK):
        return Encoded(text)
    return _base64(text.encode())


def _number(value: float) -> str:
    # "1e+05" does not pass; "1e05" is the same number.
    return repr(value).replace("+", "")


def _base64(data: bytes) -> Encoded:
    text = MARK + base64.urlsafe_b64encode(data).decode().rstrip("=")
    return Encoded(text, marked=True) if len(text) <= MAX_VALUE_CHARACTERS else _too_long(data)


def _too_long(data: bytes) -> Encoded:
    text = f"{TOO_LONG}{len(data)}:{hashlib.sha256(data).hexdigest()[:16]}"
    return Encoded(text, marked=True, lost=True)


def decode(text: str, kind: v1.ValueType) -> Plain:
    """Read a desired value.

    Raises:
        ValueError: The text is not of that type; the message says what was expected.
    """
    try:
        if text.startswith(TOO_LONG) and kind in (v1.VALUE_TYPE_STRING, v1.VALUE_TYPE_BYTES):
            raise ValueError(text)  # A digest stands for no value.
        return twincmd.parse(text, kind, separator=",")
    except ValueError as exc:
        name = v1.ValueType.Name(kind).removeprefix("VALUE_TYPE_")
        raise ValueError(f"{text[:60]!r} is no {name}") from exc
