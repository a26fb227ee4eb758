"""ROS 2 messages by introspection: their leaves, reading and writing them by path, and flattening to typed values.

Pure: works on whatever has `get_fields_and_field_types()`. Paths are `pose.position.x`, elements `points.0.x`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from robolink import v1

Plain = bool | int | float | str | bytes | tuple[float, ...]

MAX_LEAVES: Final = 512
MAX_ELEMENTS: Final = 65_536
MAX_INT: Final = (1 << 63) - 1

_FLOATS: Final = {"float", "double", "long double"}
_RANGES: Final[dict[str, tuple[int, int]]] = {
    "octet": (0, 255),
    "char": (0, 255),
    **{f"uint{bits}": (0, (1 << bits) - 1) for bits in (8, 16, 32, 64)},
    **{f"int{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (8, 16, 32, 64)},
}
_BYTES: Final = {"octet", "char", "uint8"}
# A time or a duration is one number: seconds.
_TIMES: Final = {"builtin_interfaces/Time", "builtin_interfaces/Duration"}
_ARRAY: Final = re.compile(
    r"(?P<fixed>[^<\[]+(?:<\d+>)?)\[(?P<length>\d+)\]|sequence<(?P<base>[^,]+)(?:, (?P<most>\d+))?>"
)


class Kind(NamedTuple):
    """What one field holds.

    Attributes:
        base: "double", "string", "geometry_msgs/Pose" …
        array: It holds many.
        length: Exactly so many; 0: any number.
        most: At most so many; 0: no limit.
    """

    base: str
    array: bool = False
    length: int = 0
    most: int = 0


class Leaf(NamedTuple):
    """One value of a message, and how the standard spells it."""

    path: str
    kind: Kind
    type: v1.ValueType

    @property
    def name(self) -> str:
        """As an argument or a field of a sheet."""
        return member_name(self.path)


@lru_cache(4096)
def member_name(path: str) -> str:
    """A path as a name of the standard."""
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", path).lower()).strip("_")
    return (name if name[:1].isalpha() else f"f_{name}")[:48]


@lru_cache(4096)
def parse(text: str) -> Kind:
    """A field's type as rclpy writes it: "sequence<double, 3>", "int32[4]", "string<8>"."""
    found = _ARRAY.fullmatch(text)
    if found is None:
        return Kind(_plain_base(text))
    if found["length"]:
        return Kind(_plain_base(found["fixed"]), True, int(found["length"]))
    return Kind(_plain_base(found["base"]), True, 0, int(found["most"] or 0))


def _plain_base(text: str) -> str:
    return "string" if re.fullmatch(r"w?string(<\d+>)?", text) else text


@lru_cache(4096)
def value_type(kind: Kind) -> v1.ValueType:
    """The standard's type; UNSPECIFIED for what has no single value (messages, lists of texts)."""
    if kind.base == "string":
        return v1.VALUE_TYPE_UNSPECIFIED if kind.array else v1.VALUE_TYPE_STRING
    if kind.base in _TIMES:
        return v1.VALUE_TYPE_UNSPECIFIED if kind.array else v1.VALUE_TYPE_DOUBLE
    if kind.array and kind.base in _BYTES:
        return v1.VALUE_TYPE_BYTES
    if kind.base in _FLOATS or kind.base in _RANGES or kind.base == "boolean":
        if kind.array:
            return v1.VALUE_TYPE_VECTOR
        if kind.base == "boolean":
            return v1.VALUE_TYPE_BOOL
        return v1.VALUE_TYPE_DOUBLE if kind.base in _FLOATS else v1.VALUE_TYPE_INT
    return v1.VALUE_TYPE_UNSPECIFIED


def fields_of(message: Any) -> Mapping[str, Kind]:
    """Every field of a message or its class."""
    return _kinds(message if isinstance(message, type) else type(message))


@cache
def _kinds(kind: type) -> Mapping[str, Kind]:
    """Asked once of each type: it does not change, and is needed for every message."""
    found = getattr(kind, "get_fields_and_field_types", None)
    if found is None:
        raise ValueError(f"{kind.__name__} is no message")
    return {name: parse(text) for name, text in found().items()}


def leaves(message: Any, before: str = "") -> Iterator[Leaf]:
    """Values of a default message that an argument can set; lists of messages and of texts are left out."""
    for name, kind in fields_of(message).items():
        path = f"{before}{name}"
        type_ = value_type(kind)
        if type_:
            yield Leaf(path, kind, type_)
        elif not kind.array and kind.base != "string":
            yield from leaves(getattr(message, name), f"{path}.")


def leaf(message: Any, path: str) -> Leaf:
    """The leaf at a path of a default message.

    Raises:
        ValueError: There is none; the text names the path and what there is.
    """
    first, _, rest = path.partition(".")
    kinds = fields_of(message)
    if first not in kinds:
        raise ValueError(
            f"{path!r}: {type(message).__name__} has no field {first!r}, it has {', '.join(kinds)}"
        )
    kind = kinds[first]
    if kind.array and rest:
        index, _, rest = rest.partition(".")
        if not index.isdigit():
            raise ValueError(f"{path!r}: {first} is a list; name an element: {first}.0")
        kind = Kind(kind.base)
        if rest:
            return leaf(_element(message, first), rest)._replace(path=path)
    elif rest:
        return leaf(getattr(message, first), rest)._replace(path=path)
    type_ = value_type(kind)
    if not type_:
        raise ValueError(f"{path!r} is of type {kind.base}: name one of its fields")
    return Leaf(path, kind, type_)


def _element(message: Any, name: str) -> Any:
    """A default element of a list of messages."""
    slots = list(message.get_fields_and_field_types())
    slot = message.SLOT_TYPES[slots.index(name)].value_type
    import importlib

    return getattr(importlib.import_module(".".join(slot.namespaces)), slot.name)()


def read(message: Any, path: str) -> Plain:
    """The value at a path.

    Raises:
        ValueError: There is none (a list may be too short), or it is not finite.
    """
    kind, value = Kind(""), message
    for part in path.split("."):
        if part.isdigit():
            if int(part) >= len(value):
                raise ValueError(f"{path}: the list has {len(value)} elements")
            kind, value = Kind(kind.base), value[int(part)]
        else:
            kinds = fields_of(value)
            if part not in kinds:
                raise ValueError(f"{path}: no field {part!r}")
            kind, value = kinds[part], getattr(value, part)
    found: Plain | None = plain(kind, value)
    if found is None:
        raise ValueError(f"{path} is of type {kind.base}: name one of its fields")
    return found


def plain(kind: Kind, value: Any) -> Plain | None:
    """One field's value, or None for what has no single value."""
    type_ = value_type(kind)
    if kind.base in _TIMES and type_:
        return float(value.sec) + float(value.nanosec) / 1e9
    if type_ == v1.VALUE_TYPE_BYTES:
        return b"".join(value) if kind.base == "octet" else bytes(value)
    if type_ == v1.VALUE_TYPE_VECTOR:
        if len(value) > MAX_ELEMENTS:
            raise ValueError(f"{len(value)} elements are over the limit of {MAX_ELEMENTS}")
        return tuple(float(each[0] if isinstance(each, bytes) else each) for each in value)
    if type_ == v1.VALUE_TYPE_INT:
        number = value[0] if isinstance(value, bytes) else int(value)
        if number > MAX_INT:
            raise ValueError(f"{number} does not fit 64 bits with a sign")
        return int(number)
    if type_ == v1.VALUE_TYPE_DOUBLE:
        return float(value)
    if type_ == v1.VALUE_TYPE_BOOL:
        return bool(value)
    return str(value) if type_ == v1.VALUE_TYPE_STRING else None


def number(message: Any, path: str) -> float:
    """As `read`, for what must be a number. Raises ValueError if it is none."""
    found = read(message, path)
    if not isinstance(found, bool | int | float):
        raise ValueError(f"{path} is no number")
    return float(found)


def flatten(message: Any) -> dict[str, Plain]:
    """Every value by its name: lists of numbers are vectors, a list of messages a vector for each of its numbers.

    Raises:
        ValueError: Over `MAX_LEAVES` values.
    """
    found: dict[str, Plain] = {}
    for name, value in _flat(message, ""):
        found[name] = value
        if len(found) > MAX_LEAVES:
            raise ValueError(f"over {MAX_LEAVES} values in one {type(message).__name__}")
    return found


def _flat(message: Any, before: str) -> Iterator[tuple[str, Plain]]:
    for name, kind in fields_of(message).items():
        value, path = getattr(message, name), f"{before}{name}"
        single = plain(kind, value)
        if single is not None:
            yield path, single
        elif not kind.array:
            yield from _flat(value, f"{path}_")
        elif kind.base == "string":
            yield from ((f"{path}_{at}", str(each)) for at, each in enumerate(value))
        elif kind.base in _TIMES:
            yield path, tuple(each.sec + each.nanosec / 1e9 for each in value)
        else:
            yield from _columns(path, value)


def _columns(path: str, messages: Iterable[Any]) -> Iterator[tuple[str, Plain]]:
    columns: dict[str, list[Plain]] = {}
    for at, each in enumerate(messages):
        if at >= MAX_ELEMENTS:
            raise ValueError(f"{path}: over {MAX_ELEMENTS} elements")
        for name, value in _flat(each, ""):
            columns.setdefault(name, []).append(value)
    for name, values in columns.items():
        if all(isinstance(each, bool | int | float) for each in values):
            yield f"{path}_{name}", tuple(float(each) for each in values)  # type: ignore[arg-type]
        else:
            yield from ((f"{path}_{name}_{at}", each) for at, each in enumerate(values))


def write(message: Any, path: str, value: Plain) -> None:
    """Set the value at a path; a list of messages grows up to a named element.

    Raises:
        ValueError: No such path, another type, or out of the field's range.
    """
    first, _, rest = path.partition(".")
    kinds = fields_of(message)
    if first not in kinds:
        raise ValueError(f"{type(message).__name__} has no field {first!r}")
    kind = kinds[first]
    if not rest:
        try:
            setattr(message, first, _for_ros(kind, value, getattr(message, first)))
        except (AssertionError, TypeError, OverflowError) as exc:
            raise ValueError(f"{path} = {value!r} is refused: {exc}") from exc
    elif kind.array:
        _write_element(message, first, kind, rest, value)
    else:
        write(getattr(message, first), rest, value)


def _write_element(message: Any, first: str, kind: Kind, rest: str, value: Plain) -> None:
    index, _, rest = rest.partition(".")
    if not index.isdigit() or int(index) > MAX_LEAVES:
        raise ValueError(f"{first}.{index}: an element is named by its number")
    values = list(getattr(message, first))
    while len(values) <= int(index):
        values.append("" if kind.base == "string" else _element(message, first) if "/" in kind.base else 0)
    if rest:
        write(values[int(index)], rest, value)
    else:
        values[int(index)] = _for_ros(Kind(kind.base), value, values[int(index)])
    setattr(message, first, values)


def _for_ros(kind: Kind, value: Plain, present: Any) -> Any:
    type_ = value_type(kind)
    if kind.base in _TIMES and isinstance(value, int | float):
        present.sec, present.nanosec = int(value // 1), int(value % 1 * 1e9)
        return present
    if type_ in (v1.VALUE_TYPE_VECTOR, v1.VALUE_TYPE_BYTES) and isinstance(value, tuple | bytes):
        return _list_for_ros(kind, value)
    if type_ == v1.VALUE_TYPE_BOOL and isinstance(value, bool):
        return value
    if type_ == v1.VALUE_TYPE_DOUBLE and isinstance(value, int | float):
        return float(value)
    if type_ == v1.VALUE_TYPE_STRING and isinstance(value, str):
        return value
    if type_ == v1.VALUE_TYPE_INT and isinstance(value, int):
        low, high = _RANGES[kind.base]
        if not low <= value <= high:
            raise ValueError(f"{value} is outside of {low} to {high}")
        return bytes([value]) if kind.base == "octet" else value
    raise ValueError(f"{value!r} is no value of a field of type {kind.base}")


def _list_for_ros(kind: Kind, value: tuple[float, ...] | bytes) -> Any:
    if (kind.length and len(value) != kind.length) or (kind.most and len(value) > kind.most):
        raise ValueError(f"{len(value)} elements, {kind.length or kind.most} are allowed")
    if isinstance(value, bytes):
        return [bytes([each]) for each in value] if kind.base == "octet" else list(value)
    if kind.base in _FLOATS:
        return list(value)
    if kind.base == "boolean":
        return [bool(each) for each in value]
    low, high = _RANGES[kind.base]
    whole = [int(each) for each in value]
    if any(each != number or not low <= number <= high for each, number in zip(value, whole, strict=True)):
        raise ValueError(f"not all of {value[:8]} are whole numbers of {low} to {high}")
    return whole


def sheet_field(found: Leaf, name: str = "") -> v1.Field:
    """A leaf as a sheet says it, with the limits of its type. Its length is that of a fixed list."""
    field = v1.Field(name=name or found.name, type=found.type, length=found.kind.length)
    if found.type == v1.VALUE_TYPE_INT and found.kind.base in _RANGES and not found.kind.base.endswith("64"):
        field.minimum, field.maximum = map(float, _RANGES[found.kind.base])
    field.description = found.path if field.name != found.path else ""
    return field
