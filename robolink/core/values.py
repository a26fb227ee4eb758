"""Plain Python values to the schema's Value and back; one meaning of "value" for arguments, settings and readings.

It checks no limits and not whether a number is finite; that is sheet.py's.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence, Set, Sized
from typing import Any, Final

from robolink import v1

__all__ = ["Plain", "from_value", "named", "to_value", "to_values", "type_of", "values_to_dict"]

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
        ValueError: Another type, an integer that does not fit 64 bits, or text that is no Unicode.
    """
    if isinstance(value, bool):
        return v1.Value(bool_value=value)
    if isinstance(value, float):
        return v1.Value(double_value=value)
    if isinstance(value, str):
        return v1.Value(string_value=value)
    if isinstance(value, bytes | bytearray | memoryview):
        return v1.Value(bytes_value=bytes(value))
    if isinstance(value, numbers.Integral):
        number = int(value)
        if not -INT_LIMIT <= number < INT_LIMIT:
            raise ValueError(f"the integer {hex(number)[:24]} does not fit 64 bits")
        return v1.Value(int_value=number)
    if isinstance(value, numbers.Real):
        return v1.Value(double_value=_float(value))
    return _other(value)


def _other(value: Any) -> v1.Value:
    """A vector, or a numpy scalar that is in none of Python's classes of numbers (a bool, an array of no axis)."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return to_value(value.item())
    if isinstance(value, Iterable) and isinstance(value, Sized) and not isinstance(value, Mapping | Set):
        return v1.Value(vector_value=v1.Vector(values=[_float(each) for each in value]))
    raise ValueError(f"{type(value).__name__} is none of bool, int, float, str, bytes, vector of floats")


def _float(number: Any) -> float:
    # A string or boolean among the numbers is a mistake, though float() would take it.
    if not isinstance(number, numbers.Real) or isinstance(number, bool):
        raise ValueError(f"{type(number).__name__} is no number of a vector")
    try:
        return float(number)
    except OverflowError as exc:
        raise ValueError("the number is larger than any float") from exc


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
        if not isinstance(name, str):
            raise ValueError(f"{name!r} is no name")
        try:
            listed.append(v1.NamedValue(name=name, value=to_value(value)))
        except ValueError as exc:
            raise ValueError(f"{name}: {exc}") from exc
    return listed


def to_values(values: Mapping[str, Plain | Sequence[float]]) -> v1.Values:
    """A mapping as one message. Raises ValueError as `named`."""
    return v1.Values(values=named(values))


def values_to_dict(values: v1.Values | Sequence[v1.NamedValue]) -> dict[str, Plain]:
    """The mapping; names without a value are left out, of a name that stands twice the last counts."""
    listed = values.values if isinstance(values, v1.Values) else values
    found = ((each.name, from_value(each.value)) for each in listed)
    return {name: plain for name, plain in found if plain is not None}
