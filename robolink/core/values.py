"""Plain Python values to the schema's Value and back; one meaning of "value" for arguments, settings and readings.

It checks no limits; that is sheet.py's.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from robolink import v1

Plain = bool | int | float | str | bytes | tuple[float, ...]

INT_LIMIT: Final = 1 << 63

_TYPES: Final[dict[str, v1.ValueType]] = {
    "bool_value": v1.VALUE_TYPE_BOOL,
    "int_value": v1.VALUE_TYPE_INT,
    "double_value": v1.VALUE_TYPE_DOUBLE,
    "string_value": v1.VALUE_TYPE_STRING,
    "bytes_value": v1.VALUE_TYPE_BYTES,
    "vector_value": v1.VALUE_TYPE_VECTOR,
}


def to_value(value: Plain | Sequence[float]) -> v1.Value:
    """One value as a message; numpy numbers and arrays are taken too.

    Raises:
        ValueError: Another type, or an integer that does not fit 64 bits.
    """
    if isinstance(value, bool):
        return v1.Value(bool_value=value)
    if isinstance(value, str):
        return v1.Value(string_value=value)
    if isinstance(value, bytes | bytearray):
        return v1.Value(bytes_value=bytes(value))
    if isinstance(value, numbers.Integral):
        number = int(value)
        if not -INT_LIMIT <= number < INT_LIMIT:
            raise ValueError(f"{number} does not fit 64 bits")
        return v1.Value(int_value=number)
    if isinstance(value, numbers.Real):
        return v1.Value(double_value=float(value))
    if type(value).__name__ == "bool_":
        return v1.Value(bool_value=bool(value))
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        try:
            return v1.Value(vector_value=v1.Vector(values=[float(each) for each in value]))
        except TypeError as exc:
            raise ValueError(f"{value!r} is no vector of numbers") from exc
    raise ValueError(f"{value!r} is none of bool, int, float, str, bytes, vector of floats")


def from_value(value: v1.Value) -> Plain | None:
    """The plain value; None if the message holds none."""
    kind = value.WhichOneof("kind")
    if kind is None:
        return None
    if kind == "vector_value":
        return tuple(value.vector_value.values)
    plain: Plain = getattr(value, kind)
    return plain


def type_of(value: v1.Value) -> v1.ValueType:
    """Which type it holds; UNSPECIFIED if none."""
    kind = value.WhichOneof("kind")
    return v1.VALUE_TYPE_UNSPECIFIED if kind is None else _TYPES[kind]


def named(values: Mapping[str, Plain | Sequence[float]]) -> list[v1.NamedValue]:
    """A mapping as the schema's list.

    Raises:
        ValueError: As `to_value`, naming the key.
    """
    listed = []
    for name, value in values.items():
        try:
            listed.append(v1.NamedValue(name=name, value=to_value(value)))
        except ValueError as exc:
            raise ValueError(f"{name}: {exc}") from exc
    return listed


def to_values(values: Mapping[str, Plain | Sequence[float]]) -> v1.Values:
    """A mapping as one message. Raises ValueError as `named`."""
    return v1.Values(values=named(values))


def values_to_dict(values: v1.Values | Sequence[v1.NamedValue]) -> dict[str, Plain]:
    """The mapping; names without a value are left out."""
    listed = values.values if isinstance(values, v1.Values) else values
    found = ((each.name, from_value(each.value)) for each in listed)
    return {name: plain for name, plain in found if plain is not None}
