"""DeviceModel and Device resources from a capability sheet: plain dictionaries, the same ones for the same sheet.

It applies nothing to a cluster. Motion setpoints get no property: a velocity kept in a cloud and delivered late is an accident.
"""

from __future__ import annotations

import re
from typing import Any, Final

from robolink import v1
from robolink.core.twintext import fits_name
from robolink_kubeedge.push_rules import PushRules

API_VERSION: Final = "devices.kubeedge.io/v1beta1"
PROTOCOL: Final = "robolink"
HASH_DIGITS: Final = 8
MAX_NAME: Final = 63
CYCLE_MS: Final = 1000

# What the hub and the mapper add to every robot's twin: name, type, writable, what it is.
OWN_PROPERTIES: Final = (
    ("cmd", "STRING", True, "One command: ID/METHOD/ARGS/ISSUED_MS/TTL_MS. See docs/kubeedge.md"),
    ("cmd-status", "STRING", False, "The last four verdicts, newest last: ID:STATE or ID:STATE:CAUSE"),
    (
        "stop",
        "STRING",
        True,
        "Software stop, not safety rated: SOFT_HOLD, STOP_THEN_CUT or CUT; never lowered",
    ),
    ("stop-generation", "INT", False, "Counts the stops; a release names the newest"),
    ("setting-errors", "STRING", False, "Settings that were refused: NAME:CAUSE or NAME:VERSION:CAUSE"),
    (
        "sync",
        "STRING",
        True,
        "ID or ID/NAME,NAME: observed once all that is desired beside it was taken or refused",
    ),
    ("device-faults", "STRING", False, "What is wrong with this Device: CODE or CODE:DETAIL"),
)
# The one method that writes properties, as mapper-framework's methods do; it is served by the mapper's REST.
SET_METHOD: Final = "set"

_TYPES: Final = {
    v1.VALUE_TYPE_BOOL: ("BOOLEAN", ""),
    v1.VALUE_TYPE_INT: ("INT", ""),
    v1.VALUE_TYPE_DOUBLE: ("DOUBLE", ""),
    v1.VALUE_TYPE_STRING: ("STRING", "text that does not pass: # and base64url"),
    v1.VALUE_TYPE_BYTES: ("STRING", "bytes: # and base64url without padding"),
    v1.VALUE_TYPE_VECTOR: ("STRING", "vector: elements joined by commas"),
}


def kubeedge_type(kind: v1.ValueType) -> str:
    """The word of a DeviceModel for one of our types."""
    return _TYPES.get(kind, ("STRING", ""))[0]


def model_name(sheet: v1.Sheet, sheet_hash: str) -> str:
    """Name of the DeviceModel: the sheet's model, and some of its hash, so that another sheet is another model."""
    return f"{sheet.model[: MAX_NAME - HASH_DIGITS - 1].rstrip('-.')}-{sheet_hash[:HASH_DIGITS]}"


def device_model(sheet: v1.Sheet, sheet_hash: str, namespace: str = "default") -> dict[str, Any]:
    """The DeviceModel of every robot with this sheet."""
    properties = [
        _model_property(f"{component.name}.{prop.field.name}", prop)
        for component in sheet.components
        for prop in component.properties
    ]
    for name, kind, writable, text in OWN_PROPERTIES:
        access = "ReadWrite" if writable else "ReadOnly"
        properties.append({"name": name, "description": text, "type": kind, "accessMode": access})
    return {
        "apiVersion": API_VERSION,
        "kind": "DeviceModel",
        "metadata": {
            "name": model_name(sheet, sheet_hash),
            "namespace": namespace,
            "labels": _labels(sheet),
            "annotations": {"robolink.io/sheet-hash": sheet_hash},
        },
        "spec": {"protocol": PROTOCOL, "properties": properties},
    }


def device(
    robot: str,
    sheet: v1.Sheet,
    sheet_hash: str,
    *,
    namespace: str = "default",
    node: str = "",
    push: PushRules | None = None,
) -> dict[str, Any]:
    """The Device of one robot. It sets no desired value: that is the operator's.

    Args:
        robot: Its id at the hub; the Device's name.
        sheet: Its sheet.
        sheet_hash: The sheet's hash.
        namespace: Where it goes.
        node: The edge node whose mapper serves it; "" leaves it to whoever applies it.
        push: Which readings the mapper sends past edgecore, and where to.
    """
    spec: dict[str, Any] = {
        "deviceModelRef": {"name": model_name(sheet, sheet_hash)},
        "protocol": {"protocolName": PROTOCOL, "configData": {"robot": robot}},
        "properties": [
            _device_property(name) | (push.of(robot, name) if push is not None else {})
            for name in property_names(sheet)
        ],
        "methods": [*_set_method(sheet), *_methods(sheet)],
        "stateReport": {"reportToCloud": True, "reportCycle": CYCLE_MS},
    }
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": API_VERSION,
        "kind": "Device",
        "metadata": {
            "name": robot,
            "namespace": namespace,
            "labels": _labels(sheet),
            "annotations": {"robolink.io/sheet-hash": sheet_hash},
        },
        "spec": spec,
    }


def property_names(sheet: v1.Sheet) -> list[str]:
    """Every property of the robot's twin, the hub's own last."""
    names = [
        f"{component.name}.{prop.field.name}"
        for component in sheet.components
        for prop in component.properties
    ]
    return [*(name for name in names if fits_name(name)), *(name for name, *_ in OWN_PROPERTIES)]


def _labels(sheet: v1.Sheet) -> dict[str, str]:
    def label(text: str) -> str:
        return re.sub(r"[^A-Za-z0-9\-_.]", "-", text)[:MAX_NAME].strip("-_.")

    return {
        "app.kubernetes.io/managed-by": PROTOCOL,
        "robolink.io/model": label(sheet.model),
        "robolink.io/vendor": label(sheet.vendor),
    }


def _model_property(name: str, prop: v1.Property) -> dict[str, Any]:
    field = prop.field
    kind, note = _TYPES.get(field.type, ("STRING", ""))
    description = ". ".join(part for part in (field.description, note) if part)
    made: dict[str, Any] = {
        "name": name,
        "type": kind,
        "accessMode": "ReadWrite" if prop.access == v1.ACCESS_READ_WRITE else "ReadOnly",
    }
    if description:
        made["description"] = description
    if field.unit:
        made["unit"] = field.unit
    if kind != "STRING" and field.HasField("minimum"):
        made["minimum"] = f"{field.minimum:.15g}"
    if kind != "STRING" and field.HasField("maximum"):
        made["maximum"] = f"{field.maximum:.15g}"
    return made


def _device_property(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "collectCycle": CYCLE_MS,
        "reportCycle": CYCLE_MS,
        "reportToCloud": True,
        # Strings alone: edgecore makes every number a float32, and a list or map keeps the device from the mapper.
        "visitors": {"protocolName": PROTOCOL, "configData": {"property": name}},
    }


def _set_method(sheet: v1.Sheet) -> list[dict[str, Any]]:
    names = [
        f"{component.name}.{prop.field.name}"
        for component in sheet.components
        for prop in component.properties
        if prop.access == v1.ACCESS_READ_WRITE
    ]
    names = [each for each in names if fits_name(each)]
    if not names:
        return []
    text = "Write one setting. By its desired value, or by the mapper's REST"
    return [{"name": SET_METHOD, "description": text, "propertyNames": names}]


def _methods(sheet: v1.Sheet) -> list[dict[str, Any]]:
    return [_method(component, method) for component in sheet.components for method in component.methods]


def _method(component: v1.Component, method: v1.Method) -> dict[str, Any]:
    args = ", ".join(_argument(each) for each in method.args)
    kind = "goal" if method.kind == v1.METHOD_KIND_GOAL else "call"
    text = f"{method.description or kind}. By property cmd; arguments: {args or 'none'}"
    return {
        "name": f"{component.name}.{method.name}",
        "description": text,
        "propertyNames": ["cmd", "cmd-status"],
    }


def _argument(field: v1.Field) -> str:
    limits = ""
    if field.HasField("minimum") or field.HasField("maximum"):
        low = f"{field.minimum:.15g}" if field.HasField("minimum") else ""
        high = f"{field.maximum:.15g}" if field.HasField("maximum") else ""
        limits = f" {low}..{high}"
    unit = f" {field.unit}" if field.unit and field.unit != "1" else ""
    return f"{field.name}{limits}{unit}"
