"""Sheets and the checks that rest on them: names, types, limits, finite numbers, scaled setpoints.

Run by the hub before a driver sees anything and by the driver's SDK for setpoints. It knows no robot's state.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

from robolink import v1
from robolink.core.values import Plain, from_value, type_of
from robolink.core.violation import Violation

MAX_STRING_BYTES: Final = 4096
MAX_BYTES_VALUE: Final = 64 * 1024
MAX_VECTOR: Final = 4096
MAX_SHEET_BYTES: Final = 128 * 1024
MAX_COMPONENTS: Final = 64
HUB_PROPERTIES: Final = ("cmd", "cmd-status", "stop", "setting-errors")
STREAM_SCHEMAS: Final = ("Odometry", "BatteryState", "JointState", "Values")

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")

_TYPE_WORDS: Final = {
    v1.VALUE_TYPE_BOOL: "a boolean",
    v1.VALUE_TYPE_INT: "an integer",
    v1.VALUE_TYPE_DOUBLE: "a number",
    v1.VALUE_TYPE_STRING: "a string",
    v1.VALUE_TYPE_BYTES: "bytes",
    v1.VALUE_TYPE_VECTOR: "a vector",
}


def sheet_hash(sheet: v1.Sheet) -> str:
    """First 16 hex digits of the SHA-256 of the deterministic encoding."""
    return hashlib.sha256(sheet.SerializeToString(deterministic=True)).hexdigest()[:16]


def validate_robot_id(robot: str) -> None:
    """A robot id is a DNS-1123 label, so it is also its Kubernetes name.

    Raises:
        Violation: INVALID.
    """
    if not _LABEL.fullmatch(robot):
        raise Violation(
            v1.CAUSE_INVALID,
            f"robot id {robot!r} is no DNS-1123 label: 1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit",
        )


def validate_sheet(sheet: v1.Sheet) -> None:
    """Whether a sheet says what it must.

    Raises:
        Violation: INVALID; the text names the component and the field.
    """
    size = sheet.ByteSize()
    if size > MAX_SHEET_BYTES:
        raise Violation(v1.CAUSE_INVALID, f"the sheet has {size} bytes, the limit is {MAX_SHEET_BYTES}")
    if not _LABEL.fullmatch(sheet.model):
        raise Violation(v1.CAUSE_INVALID, f"model {sheet.model!r} is no DNS-1123 label")
    if not 1 <= len(sheet.components) <= MAX_COMPONENTS:
        raise Violation(
            v1.CAUSE_INVALID, f"{len(sheet.components)} components: 1 to {MAX_COMPONENTS} are allowed"
        )
    _names("component", sheet.model, [each.name for each in sheet.components])
    for component in sheet.components:
        _validate_component(component)


def _validate_component(component: v1.Component) -> None:
    name = component.name
    _names(
        "property or method",
        name,
        [each.name for each in component.methods] + [p.field.name for p in component.properties],
    )
    _names("stream", name, [each.name for each in component.streams])
    _names("setpoint", name, [each.name for each in component.setpoints])
    for method in component.methods:
        where = f"{name}.{method.name}"
        if method.kind not in (v1.METHOD_KIND_CALL, v1.METHOD_KIND_GOAL):
            raise Violation(v1.CAUSE_INVALID, f"{where} is neither a call nor a goal")
        _validate_fields(where, method.args)
        _validate_fields(where, method.results)
    for prop in component.properties:
        _validate_fields(name, [prop.field])
        if prop.access not in (v1.ACCESS_READ_WRITE, v1.ACCESS_READ_ONLY):
            raise Violation(v1.CAUSE_INVALID, f"{name}.{prop.field.name} has no access mode")
    for stream in component.streams:
        if stream.schema not in STREAM_SCHEMAS:
            raise Violation(v1.CAUSE_INVALID, f"{name}.{stream.name}: schema {stream.schema!r} is unknown")
    for setpoint in component.setpoints:
        where = f"{name}.{setpoint.name}"
        _validate_fields(where, setpoint.fields)
        if not setpoint.fields or any(each.type != v1.VALUE_TYPE_DOUBLE for each in setpoint.fields):
            raise Violation(v1.CAUSE_INVALID, f"{where}: a setpoint is made of one or more DOUBLE fields")
        for field in setpoint.fields:
            if field.minimum > 0 or (field.HasField("maximum") and field.maximum < 0):
                raise Violation(
                    v1.CAUSE_INVALID,
                    f"{where}.{field.name}: zero must be within the limits: it is standing still",
                )


def _names(kind: str, where: str, names: Sequence[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            raise Violation(v1.CAUSE_INVALID, f"{where}: {kind} name {name!r} is not [a-z][a-z0-9_]*")
    if len(set(names)) != len(names):
        twice = sorted({each for each in names if names.count(each) > 1})
        raise Violation(v1.CAUSE_INVALID, f"{where}: {kind} {', '.join(twice)} stands twice")


def _validate_fields(where: str, fields: Iterable[v1.Field]) -> None:
    fields = list(fields)
    _names("field", where, [each.name for each in fields])
    for field in fields:
        what = f"{where}.{field.name}"
        if field.type not in _TYPE_WORDS:
            raise Violation(v1.CAUSE_INVALID, f"{what} has no type")
        for limit in (field.minimum, field.maximum):
            if not math.isfinite(limit):
                raise Violation(v1.CAUSE_INVALID, f"{what}: limits must be finite")
        if field.HasField("minimum") and field.HasField("maximum") and field.minimum > field.maximum:
            raise Violation(
                v1.CAUSE_INVALID, f"{what}: minimum {field.minimum} is over maximum {field.maximum}"
            )
        if field.HasField("default_value"):
            check_value(what, field, field.default_value)


class SheetIndex:
    """A sheet by names: "component.method", "component.property"."""

    def __init__(self, sheet: v1.Sheet) -> None:
        """Index once; the sheet is not changed afterwards."""
        self.sheet = sheet
        self._components = {each.name: each for each in sheet.components}
        self._methods = {f"{c.name}.{m.name}": m for c in sheet.components for m in c.methods}
        self._properties = {f"{c.name}.{p.field.name}": p for c in sheet.components for p in c.properties}
        self._setpoints = {(c.name, s.name): s for c in sheet.components for s in c.setpoints}
        self._streams = {(c.name, s.name): s for c in sheet.components for s in c.streams}

    def component(self, name: str) -> v1.Component | None:
        """A component."""
        return self._components.get(name)

    def method(self, name: str) -> v1.Method | None:
        """A method by "component.method"."""
        return self._methods.get(name)

    def property(self, name: str) -> v1.Property | None:
        """A property by "component.property"."""
        return self._properties.get(name)

    def properties(self) -> dict[str, v1.Property]:
        """All properties by "component.property"."""
        return dict(self._properties)

    def setpoint(self, component: str, name: str) -> v1.SetpointInfo | None:
        """A setpoint."""
        return self._setpoints.get((component, name))

    def stream(self, component: str, name: str) -> v1.StreamInfo | None:
        """A stream."""
        return self._streams.get((component, name))


def _in_limits(name: str, field: v1.Field, number: float) -> None:
    unit = f" {field.unit}" if field.unit not in ("", "1") else ""
    if field.HasField("maximum") and number > field.maximum:
        raise Violation(
            v1.CAUSE_LIMIT, f"{name} = {number}{unit} is over the maximum of {field.maximum}{unit}"
        )
    if field.HasField("minimum") and number < field.minimum:
        raise Violation(
            v1.CAUSE_LIMIT, f"{name} = {number}{unit} is under the minimum of {field.minimum}{unit}"
        )


def check_value(name: str, field: v1.Field, value: v1.Value) -> None:
    """Type, finiteness, limits, length and choices of one value; an integer is taken for a DOUBLE.

    Raises:
        Violation: INVALID or LIMIT; the text names value and limit.
    """
    kind = value.WhichOneof("kind")
    wanted = field.type
    if kind == "double_value" and wanted == v1.VALUE_TYPE_DOUBLE:
        number = value.double_value
        if not math.isfinite(number):
            raise Violation(v1.CAUSE_INVALID, f"{name} = {number} is not a finite number")
        _in_limits(name, field, number)
    elif kind == "int_value" and wanted in (v1.VALUE_TYPE_DOUBLE, v1.VALUE_TYPE_INT):
        _in_limits(name, field, value.int_value)
    elif type_of(value) != wanted:
        raise Violation(
            v1.CAUSE_INVALID,
            f"{name} must be {_TYPE_WORDS.get(wanted, 'of a type')}, got {from_value(value)!r}",
        )
    elif kind == "string_value":
        _check_length(name, "bytes", len(value.string_value.encode()), field.length or MAX_STRING_BYTES)
        if field.choices and value.string_value not in field.choices:
            raise Violation(
                v1.CAUSE_INVALID, f"{name} = {value.string_value!r} is none of {', '.join(field.choices)}"
            )
    elif kind == "bytes_value":
        _check_length(name, "bytes", len(value.bytes_value), field.length or MAX_BYTES_VALUE)
    elif kind == "vector_value":
        _check_vector(name, field, value.vector_value.values)


def _check_length(name: str, what: str, length: int, limit: int) -> None:
    if length > limit:
        raise Violation(v1.CAUSE_LIMIT, f"{name} has {length} {what}, the limit is {limit}")


def _check_vector(name: str, field: v1.Field, values: Sequence[float]) -> None:
    if field.length and len(values) != field.length:
        raise Violation(v1.CAUSE_INVALID, f"{name} has {len(values)} elements, not {field.length}")
    _check_length(name, "elements", len(values), MAX_VECTOR)
    for number in values:
        if not math.isfinite(number):
            raise Violation(v1.CAUSE_INVALID, f"{name} holds {number}: not a finite number")
        _in_limits(name, field, number)


def check_args(method_name: str, method: v1.Method, args: Sequence[v1.NamedValue]) -> None:
    """The arguments of a command against its method.

    Raises:
        Violation: INVALID (unknown, double, missing, of a wrong type, not finite) or LIMIT.
    """
    given = {each.name: each.value for each in args}
    if len(given) != len(args):
        raise Violation(v1.CAUSE_INVALID, f"{method_name}: an argument stands twice")
    for field in method.args:
        value = given.pop(field.name, None)
        if value is not None:
            check_value(f"{method_name}: {field.name}", field, value)
        elif not field.HasField("default_value"):
            raise Violation(v1.CAUSE_INVALID, f"{method_name}: argument {field.name} is missing")
    if given:
        known = ", ".join(each.name for each in method.args) or "none"
        raise Violation(
            v1.CAUSE_INVALID, f"{method_name}: no argument {sorted(given)[0]!r}; there are: {known}"
        )


def typed_args(method: v1.Method, args: Sequence[v1.NamedValue]) -> dict[str, Plain]:
    """Checked arguments as plain values: defaults filled in, integers made floats where the sheet says DOUBLE."""
    given = {each.name: from_value(each.value) for each in args}
    typed: dict[str, Plain] = {}
    for field in method.args:
        plain = given.get(field.name)
        if plain is None:
            plain = from_value(field.default_value)
        if plain is not None:
            typed[field.name] = typed_plain(field, plain)
    return typed


def typed_plain(field: v1.Field, plain: Plain) -> Plain:
    """An integer becomes a float where the sheet says DOUBLE."""
    if field.type == v1.VALUE_TYPE_DOUBLE and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    return plain


def scale_setpoint(info: v1.SetpointInfo, values: Sequence[float]) -> tuple[tuple[float, ...], bool]:
    """Scale a setpoint by one factor into its limits, so that its direction is kept.

    Args:
        info: Of the setpoint; zero is within its limits.
        values: In the order of `info.fields`, in their units.

    Returns:
        The values within all limits, and whether they were scaled.

    Raises:
        Violation: INVALID, a wrong length or a number that is not finite.
    """
    if len(values) != len(info.fields):
        raise Violation(v1.CAUSE_INVALID, f"{info.name} has {len(values)} values, not {len(info.fields)}")
    factor = 1.0
    for field, value in zip(info.fields, values, strict=True):
        if not math.isfinite(value):
            raise Violation(v1.CAUSE_INVALID, f"{info.name}.{field.name} = {value} is not a finite number")
        if field.HasField("maximum") and value > field.maximum:
            factor = min(factor, field.maximum / value)
        if field.HasField("minimum") and value < field.minimum:
            factor = min(factor, field.minimum / value)
    if factor == 1.0:
        return tuple(values), False
    # The product may round to just over the limit: clamp what is left of that.
    return tuple(
        _clamp(field, value * factor) for field, value in zip(info.fields, values, strict=True)
    ), True


def _clamp(field: v1.Field, value: float) -> float:
    if field.HasField("maximum"):
        value = min(value, field.maximum)
    if field.HasField("minimum"):
        value = max(value, field.minimum)
    return value
