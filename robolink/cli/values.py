"""Words typed on a command line to values, by the sheet's types. Limits are the hub's to check, with its own text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Final

import typer

from robolink import v1
from robolink.core.values import Plain

_BOOLEANS: Final = {"true": True, "yes": True, "on": True, "1": True} | dict.fromkeys(
    ("false", "no", "off", "0"), False
)


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _vector(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.strip("[]()").split(",") if part.strip())


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_PARSERS: Final[dict[int, tuple[str, Callable[[str], Plain]]]] = {
    v1.VALUE_TYPE_BOOL: ("true or false", _boolean),
    v1.VALUE_TYPE_INT: ("an integer", lambda text: int(text, 0)),
    v1.VALUE_TYPE_DOUBLE: ("a number", float),
    v1.VALUE_TYPE_STRING: ("text", str),
    v1.VALUE_TYPE_BYTES: ("base64", _bytes),
    v1.VALUE_TYPE_VECTOR: ("numbers as 1,2,3", _vector),
}


def typed(where: str, field: v1.Field, text: str) -> Plain:
    """One word as the sheet's type.

    Raises:
        typer.BadParameter: It is not of that type; the text names value, type and unit.
    """
    words, parse = _PARSERS.get(field.type, _PARSERS[v1.VALUE_TYPE_STRING])
    try:
        return parse(text)
    except (ValueError, binascii.Error) as exc:
        unit = f", in {field.unit}" if field.unit not in ("", "1") else ""
        raise typer.BadParameter(f"{where} = {text!r} is not {words}{unit}") from exc


def typed_arguments(name: str, method: v1.Method, words: Iterable[str]) -> dict[str, Plain]:
    """`name=value …` as a method's arguments.

    Raises:
        typer.BadParameter: A word is no NAME=VALUE, stands twice, is unknown, missing or of another type.
    """
    fields = {field.name: field for field in method.args}
    given: dict[str, Plain] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            raise typer.BadParameter(f"{word!r} is not NAME=VALUE; {name} takes {_signature(method)}")
        if key not in fields:
            raise typer.BadParameter(f"{name} has no argument {key!r}; it takes {_signature(method)}")
        if key in given:
            raise typer.BadParameter(f"{name}: {key} stands twice")
        given[key] = typed(f"{name}: {key}", fields[key], text)
    missing = [
        each.name for each in method.args if each.name not in given and not each.HasField("default_value")
    ]
    if missing:
        raise typer.BadParameter(f"{name}: {', '.join(missing)} missing; it takes {_signature(method)}")
    return given


def _signature(method: v1.Method) -> str:
    return " ".join(f"{each.name}=…" for each in method.args) or "no arguments"


def json_value(value: Any) -> Any:
    """A plain value for JSON: vectors as lists, bytes as {"base64": …}, numbers that JSON lacks as their name."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, tuple | list):
        return [json_value(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def shown(value: Any, unit: str = "") -> str:
    """A plain value for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:.8g}"
    elif isinstance(value, bytes):
        text = f"{len(value)} bytes"
    elif isinstance(value, tuple):
        text = ", ".join(shown(each) for each in value)
    elif isinstance(value, str):
        text = value or '""'
    else:
        text = str(value)
    return f"{text} {unit}" if unit not in ("", "1") else text
