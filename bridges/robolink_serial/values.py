"""Plain values and the schema's Value on the serial line. No limits are checked here."""

from __future__ import annotations

from robolink import v1

Plain = bool | int | float | str | bytes | tuple[float, ...]


def to_value(value: Plain, kind: v1.ValueType) -> v1.Value:
    """As the field's type says: an int where a double is declared becomes one."""
    if kind == v1.VALUE_TYPE_DOUBLE and isinstance(value, int | float):
        return v1.Value(double_value=float(value))
    if isinstance(value, bool):
        return v1.Value(bool_value=value)
    if isinstance(value, int):
        return v1.Value(int_value=value)
    if isinstance(value, float):
        return v1.Value(double_value=value)
    if isinstance(value, str):
        return v1.Value(string_value=value)
    if isinstance(value, bytes):
        return v1.Value(bytes_value=value)
    return v1.Value(vector_value=v1.Vector(values=value))


def from_value(value: v1.Value) -> Plain | None:
    """The plain value; None if it holds none."""
    kind = value.WhichOneof("kind")
    if kind is None:
        return None
    if kind == "vector_value":
        return tuple(value.vector_value.values)
    plain: Plain = getattr(value, kind)
    return plain
