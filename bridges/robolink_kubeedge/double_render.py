"""Resources as edgecore renders them for a mapper: what does not pass keeps the whole Device away.

The double's own reading of the API, apart from the mapper's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format

from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb

Key = tuple[str, str]
Manifest = dict[str, Any]


@dataclass(slots=True)
class Resource:
    """One Device: the cloud's copy, edgecore's store, and what the mapper was told."""

    manifest: Manifest
    # What MapperRegister and UpdateDevice show; behind `manifest` after a broken link.
    edge: pb.Device | None = None
    twins: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    state: str = ""
    # Counts changes, as the API server does.
    version: int = 1
    # What edgecore's store holds, and its metaserver shows; ahead of `edge` after a broken link.
    stored: Manifest | None = None
    # Whether edgecore takes reports for it: it heard of the Device while the link was up.
    member: bool = False


def to_dmi(manifest: Manifest, log: list[str]) -> pb.Device | None:
    """The device as edgecore renders it; None (and a line in its log) where it refuses."""
    spec = manifest["spec"]
    try:
        configs = [spec["protocol"].get("configData", {})]
        configs += [each.get("visitors", {}).get("configData", {}) for each in spec.get("properties", ())]
        if any("data" in each for each in configs):
            raise ValueError("configData holds a key named data")
        device = pb.Device(name=manifest["metadata"]["name"], namespace=key_of(manifest)[0])
        device.spec.device_model_reference = spec["deviceModelRef"]["name"]
        device.spec.protocol.protocol_name = spec["protocol"]["protocolName"]
        device.spec.protocol.config_data.CopyFrom(dmi.config(configs[0]))
        for each in spec.get("properties", ()):
            made = device.spec.properties.add(name=each["name"])
            made.desired.value = each.get("desired", {}).get("value", "")
            made.report_to_cloud = each.get("reportToCloud", False)
            visitors = each.get("visitors", {})
            made.visitors.protocol_name = visitors.get("protocolName", "")
            made.visitors.config_data.CopyFrom(dmi.config(visitors.get("configData", {})))
            made.report_cycle, made.collect_cycle = each.get("reportCycle", 0), each.get("collectCycle", 0)
            # As Go reads the resource's JSON into it: keys without regard to case.
            if "pushMethod" in each:
                json_format.ParseDict(_push(each["pushMethod"]), made.push_method, ignore_unknown_fields=True)
        for each in spec.get("methods", ()):
            made_method = device.spec.methods.add(name=each["name"], description=each.get("description", ""))
            made_method.property_names.extend(each.get("propertyNames", ()))
    except ValueError as exc:
        log.append(f"{manifest['metadata']['name']}: {exc}")
        return None
    return device


def _push(method: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in method.items() if key in ("http", "mqtt")}
    if "otel" in method:
        made["otel"] = {"endpointUrl": method["otel"].get("endpointURL", "")}
    if "dbMethod" in method:
        made["dbMethod"] = {key.lower(): {} for key in method["dbMethod"]}
    return made


def key_of(manifest: Manifest) -> Key:
    """Namespace and name."""
    metadata = manifest["metadata"]
    return metadata.get("namespace", "default"), metadata["name"]


def model_key(device: Manifest) -> Key:
    """Of the model that a Device names."""
    return key_of(device)[0], device["spec"]["deviceModelRef"]["name"]


def to_model(manifest: Manifest) -> pb.DeviceModel:
    """A DeviceModel."""
    namespace, name = key_of(manifest)
    model = pb.DeviceModel(name=name, namespace=namespace)
    for each in manifest["spec"]["properties"]:
        model.spec.properties.add(
            name=each["name"], type=each["type"], access_mode=each["accessMode"], unit=each.get("unit", "")
        )
    return model
