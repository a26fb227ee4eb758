"""A Device resource, as the Kubernetes API has it, as the document that edgecore would render of it.

Reads what is there and checks only what cannot be carried; whether it makes sense is faults.py's question.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb


def to_device(resource: Mapping[str, Any]) -> pb.Device:
    """The document.

    Raises:
        ValueError: A part has another type than a Device has, or configData does not pass.
    """
    try:
        metadata, spec = resource["metadata"], resource["spec"]
        device = pb.Device(name=metadata["name"], namespace=metadata.get("namespace", "default"))
        device.spec.device_model_reference = spec.get("deviceModelRef", {}).get("name", "")
        protocol = spec.get("protocol", {})
        device.spec.protocol.protocol_name = protocol.get("protocolName", "")
        device.spec.protocol.config_data.CopyFrom(dmi.config(protocol.get("configData") or {}))
        for each in spec.get("properties") or ():
            _property(device.spec.properties.add(), each)
        for each in spec.get("methods") or ():
            device.spec.methods.add(
                name=each["name"],
                description=each.get("description", ""),
                property_names=each.get("propertyNames") or (),
            )
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"the Device is malformed: {exc!r}") from exc
    return device


def _property(made: pb.DeviceProperty, each: Mapping[str, Any]) -> None:
    made.name = each["name"]
    made.desired.value = (each.get("desired") or {}).get("value", "")
    made.report_cycle = each.get("reportCycle", 0)
    made.collect_cycle = each.get("collectCycle", 0)
    made.report_to_cloud = each.get("reportToCloud", False)
    visitors = each.get("visitors") or {}
    made.visitors.protocol_name = visitors.get("protocolName", "")
    made.visitors.config_data.CopyFrom(dmi.config(visitors.get("configData") or {}))
    push = each.get("pushMethod") or {}
    if http := push.get("http"):
        made.push_method.http.host_name = http.get("hostName", "")
        made.push_method.http.port = http.get("port", 0)
        made.push_method.http.request_path = http.get("requestPath", "")
        made.push_method.http.timeout = http.get("timeout", 0)
    if mqtt := push.get("mqtt"):
        made.push_method.mqtt.address = mqtt.get("address", "")
        made.push_method.mqtt.topic = mqtt.get("topic", "")
        made.push_method.mqtt.qos = mqtt.get("qos", 0)
        made.push_method.mqtt.retained = mqtt.get("retained", False)
    if otel := push.get("otel"):
        made.push_method.otel.endpoint_url = otel.get("endpointURL", "")
    if push.get("dbMethod"):
        made.push_method.db_method.SetInParent()
