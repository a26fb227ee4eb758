"""Sheets and the checks that rest on them: names, types, limits, finite numbers, scaled setpoints.

Run by the hub before a driver sees anything and by the driver's SDK for setpoints. It knows no robot's state.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from robolink import v1
from robolink.core.age import MAX_SETPOINT_TTL_MS
from robolink.core.motion_words import NUMBERS, refuse_motion
from robolink.core.values import Plain, from_value, type_of
from robolink.core.violation import Violation as Violation  # the answer of every check here

MAX_STRING_BYTES: Final = 4096
MAX_BYTES_VALUE: Final = 64 * 1024
MAX_VECTOR: Final = 4096
MAX_SHEET_BYTES: Final = 128 * 1024
MAX_COMPONENTS: Final = 64
MAX_UNIT: Final = 32
# Of a foreign text or value inside one of our texts.
MAX_SHOWN: Final = 80
HUB_PROPERTIES: Final = ("cmd", "cmd-status", "stop", "setting-errors")
# What `Sample.payload` may hold; by message, the name of its field there.
PAYLOAD_FIELDS: Final[dict[str, str]] = {
    field.message_type.name: field.name
    for field in v1.Sample.DESCRIPTOR.oneofs_by_name["payload"].fields
    if field.message_type is not None
}
STREAM_SCHEMAS: Final = tuple(PAYLOAD_FIELDS)

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
_LONGEST: Final = {
    v1.VALUE_TYPE_STRING: MAX_STRING_BYTES,
    v1.VALUE_TYPE_BYTES: MAX_BYTES_VALUE,
    v1.VALUE_TYPE_VECTOR: MAX_VECTOR,
}


def shown(value: object) -> str:
    """A foreign text or value for one of our texts: quoted, cut where it is long."""
    text = repr(value[: 2 * MAX_SHOWN] if isinstance(value, str | bytes | tuple) else value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def sheet_hash(sheet: v1.Sheet) -> str:
    """First 16 hex digits of the SHA-256 of the deterministic encoding."""
    return hashlib.sha256(sheet.SerializeToString(deterministic=True)).hexdigest()[:16]


def is_label(text: str) -> bool:
    """Whether it is a DNS-1123 label."""
    return _LABEL.fullmatch(text) is not None


def validate_robot_id(robot: str) -> None:
    """A robot id is a DNS-1123 label, so it is also its Kubernetes name.

    Raises:
        Violation: INVALID.
    """
    legal = "1 to 63 of a-z, 0-9 and '-', beginning and ending with a letter or digit"
    _demand(_LABEL.fullmatch(robot), f"robot id {shown(robot)} is no DNS-1123 label: {legal}")


def validate_sheet(sheet: v1.Sheet) -> None:
    """Whether a sheet says what it must, and nothing that this version could not keep.

    Raises:
        Violation: INVALID; the text names the component and the field.
    """
    size = sheet.ByteSize()
    _demand(size <= MAX_SHEET_BYTES, f"the sheet has {size} bytes, the limit is {MAX_SHEET_BYTES}")
    _demand(_LABEL.fullmatch(sheet.model), f"model {shown(sheet.model)} is no DNS-1123 label")
    count = len(sheet.components)
    _demand(1 <= count <= MAX_COMPONENTS, f"{count} components: 1 to {MAX_COMPONENTS} are allowed")
    levels = tuple(sheet.stop_levels)
    known = len({*levels} & {*v1.StopLevel.values()} - {v1.STOP_LEVEL_UNSPECIFIED})
    _demand(len(levels) == known, f"stop levels {shown(levels)}: one is not known here, or stands twice")
    _known_policy(f"{sheet.model}: on_link_loss", sheet.on_link_loss)
    _names("component", sheet.model, [each.name for each in sheet.components])
    for component in sheet.components:
        _validate_component(component)
    _validate_modes(sheet)


def _validate_modes(sheet: v1.Sheet) -> None:
    wanted = {mode for c in sheet.components for each in c.methods for mode in each.modes}
    wanted |= {mode for c in sheet.components for each in c.setpoints for mode in each.modes}
    if not sheet.mode_property:
        _demand(not wanted, f"{sheet.model}: modes are named, but no mode_property says which one is on")
        return
    found = SheetIndex(sheet).property(sheet.mode_property)
    reading = found is not None and found.access == v1.ACCESS_READ_ONLY
    text = reading and found is not None and found.field.type == v1.VALUE_TYPE_STRING
    _demand(
        text, f"{sheet.model}: mode_property {shown(sheet.mode_property)} is no string reading of this sheet"
    )
    choices = set(found.field.choices) if found is not None else set()
    _demand(
        not choices or wanted <= choices,
        f"{sheet.model}: mode {shown(min(wanted - choices, default=''))} is none of {shown(', '.join(sorted(choices)))}",
    )


def needs_lease(method: v1.Method) -> bool:
    """Whether it runs under a lease and ends with it, as motion and maintenance do."""
    return method.motion or method.maintenance


def _demand(holds: object, text: str) -> None:
    if not holds:
        raise Violation(v1.CAUSE_INVALID, text)


def _known_policy(what: str, policy: int) -> None:
    _demand(policy in v1.OnDisconnect.values(), f"{what} = {policy} is not known here")


def _validate_component(component: v1.Component) -> None:
    name = component.name
    properties = [each.field.name for each in component.properties]
    _names("property or method", name, [each.name for each in component.methods] + properties)
    _names("stream", name, [each.name for each in component.streams])
    _names("setpoint", name, [each.name for each in component.setpoints])
    for method in component.methods:
        where = f"{name}.{method.name}"
        known = method.kind in (v1.METHOD_KIND_CALL, v1.METHOD_KIND_GOAL)
        _demand(known, f"{where} is neither a call nor a goal")
        _demand(not (method.motion and method.maintenance), f"{where} is motion and maintenance: say one")
        _known_policy(f"{where}: on_disconnect", method.on_disconnect)
        _validate_fields(where, method.args)
        _validate_fields(where, method.results)
    for prop in component.properties:
        _validate_fields(name, [prop.field])
        known = prop.access in (v1.ACCESS_READ_WRITE, v1.ACCESS_READ_ONLY)
        _demand(known, f"{name}.{prop.field.name} has no access mode")
        refuse_motion(component, prop)
    for stream in component.streams:
        where = f"{name}.{stream.name}"
        _demand(stream.schema in STREAM_SCHEMAS, f"{where}: schema {shown(stream.schema)} is unknown")
        _demand(0 <= stream.rate_hz < math.inf, f"{where}: rate_hz = {stream.rate_hz} is no rate")
    for setpoint in component.setpoints:
        _validate_setpoint(f"{name}.{setpoint.name}", setpoint)


def _validate_setpoint(where: str, setpoint: v1.SetpointInfo) -> None:
    _validate_fields(where, setpoint.fields)
    doubles = setpoint.fields and all(each.type == v1.VALUE_TYPE_DOUBLE for each in setpoint.fields)
    _demand(doubles, f"{where}: a setpoint is made of one or more DOUBLE fields")
    for field in setpoint.fields:
        still = field.minimum <= 0 and (field.maximum >= 0 or not field.HasField("maximum"))
        _demand(still, f"{where}.{field.name}: zero must be within the limits: it is standing still")
    short = setpoint.ttl_ms <= MAX_SETPOINT_TTL_MS
    _demand(short, f"{where}: ttl_ms = {setpoint.ttl_ms} is over the limit of {MAX_SETPOINT_TTL_MS}")
    rate = setpoint.minimum_rate_hz
    _demand(0 <= rate < math.inf, f"{where}: minimum_rate_hz = {rate} is no rate")


def _names(kind: str, where: str, names: Sequence[str]) -> None:
    for name in names:
        legal = _NAME.fullmatch(name)
        _demand(legal, f"{where}: {kind} name {shown(name)} is not [a-z][a-z0-9_]*, at most 48 long")
    for name, count in Counter(names).items():
        _demand(count == 1, f"{where}: {kind} {name} stands twice")


def _validate_fields(where: str, fields: Iterable[v1.Field]) -> None:
    fields = list(fields)
    _names("field", where, [each.name for each in fields])
    for field in fields:
        _validate_field(f"{where}.{field.name}", field)


def _validate_field(what: str, field: v1.Field) -> None:
    word = _TYPE_WORDS.get(field.type)
    _demand(word, f"{what} has no type")
    _demand(len(field.unit) <= MAX_UNIT, f"{what}: unit {shown(field.unit)} is over {MAX_UNIT} long")
    low, high = field.HasField("minimum"), field.HasField("maximum")
    _demand(field.type in NUMBERS or not (low or high), f"{what} is {word}: it has no minimum or maximum")
    finite = math.isfinite(field.minimum) and math.isfinite(field.maximum)
    _demand(finite, f"{what}: limits must be finite")
    ordered = not (low and high) or field.minimum <= field.maximum
    _demand(ordered, f"{what}: minimum {field.minimum} is over maximum {field.maximum}")
    longest = _LONGEST.get(field.type, 0)
    _demand(field.length <= longest, f"{what}: length {field.length} is over {longest}, the limit of {word}")
    _demand(field.type == v1.VALUE_TYPE_STRING or not field.choices, f"{what} is {word}: it has no choices")
    _demand(len(set(field.choices)) == len(field.choices), f"{what}: a choice stands twice")
    if field.HasField("default_value"):
        try:
            check_value(what, field, field.default_value)
        except Violation as violation:
            raise Violation(v1.CAUSE_INVALID, f"default of {violation.text}") from violation


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
    if field.HasField("maximum") and number > field.maximum:
        raise _over(name, field, number, f"over the maximum of {field.maximum}")
    if field.HasField("minimum") and number < field.minimum:
        raise _over(name, field, number, f"under the minimum of {field.minimum}")


def _over(name: str, field: v1.Field, number: float, what: str) -> Violation:
    unit = f" {field.unit}" if field.unit not in ("", "1") else ""
    return Violation(v1.CAUSE_LIMIT, f"{name} = {number}{unit} is {what}{unit}")


def check_value(name: str, field: v1.Field, value: v1.Value) -> v1.Value:
    """Type, finiteness, limits, length and choices of one value.

    Returns:
        The value; an integer given for a DOUBLE comes back as one.

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
        if wanted == v1.VALUE_TYPE_DOUBLE:
            return v1.Value(double_value=value.int_value)
    else:
        _check_type(name, field, value)
        if kind == "string_value" and field.choices and value.string_value not in field.choices:
            known = shown(", ".join(field.choices))
            raise Violation(v1.CAUSE_INVALID, f"{name} = {shown(value.string_value)} is none of {known}")
        if kind == "vector_value":
            for number in value.vector_value.values:
                if not math.isfinite(number):
                    raise Violation(v1.CAUSE_INVALID, f"{name} holds {number}: not a finite number")
                _in_limits(name, field, number)
    return value


def check_reading(name: str, field: v1.Field, value: v1.Value) -> v1.Value:
    """Type and length of a measured value, which may well be outside the limits or not finite.

    Returns:
        As `check_value`.

    Raises:
        Violation: INVALID or LIMIT (too long).
    """
    if field.type == v1.VALUE_TYPE_DOUBLE and value.WhichOneof("kind") == "int_value":
        return v1.Value(double_value=value.int_value)
    _check_type(name, field, value)
    return value


def _check_type(name: str, field: v1.Field, value: v1.Value) -> None:
    if type_of(value) != field.type:
        word = _TYPE_WORDS.get(field.type, "of a type known here")
        raise Violation(v1.CAUSE_INVALID, f"{name} must be {word}, got {shown(from_value(value))}")
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        _check_length(name, "bytes", len(value.string_value.encode()), field.length or MAX_STRING_BYTES)
    elif kind == "bytes_value":
        _check_length(name, "bytes", len(value.bytes_value), field.length or MAX_BYTES_VALUE)
    elif kind == "vector_value":
        count = len(value.vector_value.values)
        if field.length and count != field.length:
            raise Violation(v1.CAUSE_INVALID, f"{name} has {count} elements, not {field.length}")
        _check_length(name, "elements", count, MAX_VECTOR)


def _check_length(name: str, what: str, length: int, limit: int) -> None:
    if length > limit:
        raise Violation(v1.CAUSE_LIMIT, f"{name} has {length} {what}, the limit is {limit}")


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
        known = shown(", ".join(each.name for each in method.args)) if method.args else "none"
        raise Violation(v1.CAUSE_INVALID, f"{method_name} has no argument {shown(min(given))}, but {known}")


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


def check_mode(what: str, modes: Sequence[str], present: str) -> None:
    """Whether something that is allowed only in some modes may begin in the present one.

    Raises:
        Violation: MODE, naming both.
    """
    if modes and present not in modes:
        raise Violation(
            v1.CAUSE_MODE,
            f"{what} needs mode {shown(' or '.join(modes))}; the robot is in {shown(present or 'an unknown mode')}",
        )


def scale_setpoint(info: v1.SetpointInfo, values: Sequence[float]) -> tuple[tuple[float, ...], bool]:
    """Scale a setpoint by one factor into its limits, so that its direction is kept.

    Zero is standing still and always within: limits that leave it out are widened to it. So a vector with an element
    in a direction that the robot cannot move in at all becomes zero as a whole.

    Args:
        info: Of the setpoint.
        values: In the order of `info.fields`, in their units.

    Returns:
        The values within all limits, and whether they were scaled.

    Raises:
        Violation: INVALID, a wrong length or a number that is not finite.
    """
    if len(values) != len(info.fields):
        raise Violation(v1.CAUSE_INVALID, f"{info.name} has {len(values)} values, not {len(info.fields)}")
    factor = 1.0
    limits = []
    for field, value in zip(info.fields, values, strict=True):
        if not math.isfinite(value):
            raise Violation(v1.CAUSE_INVALID, f"{info.name}.{field.name} = {value} is not a finite number")
        low = min(field.minimum, 0.0) if field.HasField("minimum") else -math.inf
        high = max(field.maximum, 0.0) if field.HasField("maximum") else math.inf
        if value > high:
            factor = min(factor, high / value)
        elif value < low:
            factor = min(factor, low / value)
        limits.append((low, high))
    if factor == 1.0:
        return tuple(map(float, values)), False
    # The product may round to just over the limit: clamp what is left of that. Adding zero makes -0.0 plain.
    pairs = zip(limits, values, strict=True)
    return tuple(max(low, min(high, value * factor)) + 0.0 for (low, high), value in pairs), True
