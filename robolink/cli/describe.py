"""`robolink describe`: a robot's sheet for people and scripts."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from robolink import v1
from robolink.cli.options import NOT_SAFETY
from robolink.cli.output import Cell, console, print_json, print_table
from robolink.cli.session import connected
from robolink.cli.values import json_value, shown
from robolink.cli.views import View, short
from robolink.core.values import from_value


def describe_robot(hub: str | None, robot: str, as_json: bool) -> int:
    """Print the sheet."""
    with connected(hub) as site:
        description = site.robot(robot).describe()
    if as_json:
        print_json(view(description))
    else:
        _print(description)
    return 0


def _print(description: v1.Description) -> None:
    sheet = description.sheet
    screen = console()
    state = "online" if description.online else "offline"
    made_by = " ".join(filter(None, (sheet.vendor, sheet.model, sheet.version)))
    screen.print(f"{description.robot}: {made_by}, {state}, sheet {description.sheet_hash}", soft_wrap=True)
    if sheet.description:
        screen.print(sheet.description, soft_wrap=True)
    levels = ", ".join(_name(v1.StopLevel, "STOP_LEVEL_", each) for each in sheet.stop_levels) or "none"
    screen.print(f"stop levels: {levels}. {NOT_SAFETY}\n", soft_wrap=True)
    print_table(("kind", "name", "values", "about"), _rows(sheet))
    if any(method.motion for component in sheet.components for method in component.methods):
        sys.stdout.write(
            "\n* moves the robot: needs a lease (`robolink call` takes it), refused while stopped\n"
        )


def _rows(sheet: v1.Sheet) -> Iterator[tuple[Cell, ...]]:
    for component in sheet.components:
        kind = _name(v1.ComponentType, "COMPONENT_TYPE_", component.type).lower()
        yield (kind, "bold"), (component.name, "bold"), "", component.description
        prefix = f"  {component.name}."
        for method in component.methods:
            word = ("goal" if method.kind == v1.METHOD_KIND_GOAL else "call") + ("*" if method.motion else "")
            values = ", ".join(map(_field, method.args)) or "()"
            if method.results:
                values += " → " + ", ".join(map(_field, method.results))
            yield word, prefix + method.name, values, method.description
        for setpoint in component.setpoints:
            about = setpoint.description or f"dies after {setpoint.ttl_ms} ms"
            yield "setpoint*", prefix + setpoint.name, ", ".join(map(_field, setpoint.fields)), about
        for prop in component.properties:
            word = "setting" if prop.access == v1.ACCESS_READ_WRITE else "reading"
            yield word, prefix + prop.field.name, _typed(prop.field), prop.field.description
        for stream in component.streams:
            yield (
                "stream",
                prefix + stream.name,
                f"{stream.schema} at {stream.rate_hz:g} Hz",
                stream.description,
            )


def _field(field: v1.Field) -> str:
    return f"{field.name}: {_typed(field)}"


def _typed(field: v1.Field) -> str:
    text = _name(v1.ValueType, "VALUE_TYPE_", field.type).lower()
    if field.length and field.type == v1.VALUE_TYPE_VECTOR:
        text += f"[{field.length}]"
    if field.unit not in ("", "1"):
        text += f" {field.unit}"
    if field.HasField("minimum") or field.HasField("maximum"):
        low = f"{field.minimum:g}" if field.HasField("minimum") else ""
        high = f"{field.maximum:g}" if field.HasField("maximum") else ""
        text += f" {low}..{high}"
    if field.choices:
        text += " " + "|".join(field.choices)
    if field.HasField("default_value"):
        text += f" = {shown(from_value(field.default_value))}"
    return text


def _name(enum: Any, prefix: str, number: int) -> str:
    return short(enum, prefix, number) or "unspecified"


def view(description: v1.Description) -> View:
    """The sheet with stable keys."""
    sheet = description.sheet
    return {
        "robot": description.robot,
        "online": description.online,
        "sheet_hash": description.sheet_hash,
        "model": sheet.model,
        "vendor": sheet.vendor,
        "version": sheet.version,
        "description": sheet.description,
        "stop_levels": [_name(v1.StopLevel, "STOP_LEVEL_", each) for each in sheet.stop_levels],
        "on_link_loss": short(v1.OnDisconnect, "ON_DISCONNECT_", sheet.on_link_loss),
        "components": [_component(each) for each in sheet.components],
    }


def _component(component: v1.Component) -> View:
    return {
        "name": component.name,
        "type": short(v1.ComponentType, "COMPONENT_TYPE_", component.type),
        "description": component.description,
        "methods": [_method(each) for each in component.methods],
        "setpoints": [
            {
                "name": each.name,
                "description": each.description,
                "fields": [_field_view(field) for field in each.fields],
                "ttl_ms": each.ttl_ms,
                "minimum_rate_hz": each.minimum_rate_hz,
            }
            for each in component.setpoints
        ],
        "properties": [
            {**_field_view(each.field), "writable": each.access == v1.ACCESS_READ_WRITE}
            for each in component.properties
        ],
        "streams": [
            {
                "name": each.name,
                "description": each.description,
                "schema": each.schema,
                "rate_hz": each.rate_hz,
                "frame_id": each.frame_id,
            }
            for each in component.streams
        ],
    }


def _method(method: v1.Method) -> View:
    return {
        "name": method.name,
        "kind": short(v1.MethodKind, "METHOD_KIND_", method.kind),
        "description": method.description,
        "motion": method.motion,
        "maintenance": method.maintenance,
        "args": [_field_view(each) for each in method.args],
        "results": [_field_view(each) for each in method.results],
        "max_duration_ms": method.max_duration_ms,
        "on_disconnect": short(v1.OnDisconnect, "ON_DISCONNECT_", method.on_disconnect),
    }


def _field_view(field: v1.Field) -> View:
    return {
        "name": field.name,
        "type": short(v1.ValueType, "VALUE_TYPE_", field.type),
        "description": field.description,
        "unit": field.unit,
        "minimum": field.minimum if field.HasField("minimum") else None,
        "maximum": field.maximum if field.HasField("maximum") else None,
        "length": field.length,
        "default": json_value(from_value(field.default_value)) if field.HasField("default_value") else None,
        "choices": list(field.choices),
    }
