"""A double of edgecore's gRPC side with an in-memory cloud above it, and with edgecore's traps: for tests and the demo.

It stands in for a cluster where none is; it is no edgecore, and shares no rule with the mapper but the wire.
"""

from __future__ import annotations

import copy
import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc

from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.sockets import claim

log = logging.getLogger(__name__)

Key = tuple[str, str]
Manifest = dict[str, Any]

DIAL_TIMEOUT_S: Final = 10.0
# What edgecore lets through as a twin's value; the rest it drops while it answers OK.
VALUE: Final = re.compile(r"^[a-zA-Z0-9-_.,:/@#]{1,512}$")
WORKERS: Final = 4


@dataclass(slots=True)
class _Resource:
    """One Device: the cloud's copy, edgecore's store, and what the mapper was told."""

    manifest: Manifest
    # What MapperRegister and UpdateDevice show; behind `manifest` after a broken link.
    edge: pb.Device | None = None
    twins: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    state: str = ""


class EdgecoreDouble:
    """Serves DeviceManagerService and calls the mapper; `apply`, `patch_desired`, `status` are the cloud's face.

    Args:
        path: Of its unix socket.
        rate_per_s: Of the limiter that all upward calls share.
        burst: Of the same.
        clock: Monotonic s, for the limiter.

    Attributes:
        counters: Calls, and how often each trap snapped.
        log: What edgecore writes to its log and tells nobody else.
        calls: Downward calls that were made: name and device.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        rate_per_s: float = 1.0,
        burst: float = 100.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Not serving yet."""
        self.path = Path(path)
        self.counters: Counter[str] = Counter()
        self.log: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.panicked = False
        self._rate, self._burst, self._clock = rate_per_s, burst, clock
        self._tokens, self._at = burst, clock()
        self._lock = threading.RLock()
        self._devices: dict[Key, _Resource] = {}
        self._models: dict[Key, Manifest] = {}
        # Socket of the mapper by protocol name.
        self._mappers: dict[str, str] = {}
        self._link = True
        self._server: grpc.Server | None = None
        self._changed = threading.Condition(self._lock)

    # The process.

    def start(self) -> None:
        """Serve; also a restart: then what a broken link kept from the mapper is shown at last."""
        claim(self.path, "edgecore")
        self.panicked = False
        with self._lock:
            for resource in self._devices.values():
                resource.edge = self._to_dmi(resource.manifest)
        self._server = grpc.server(futures.ThreadPoolExecutor(WORKERS))
        calls: dict[str, Callable[[Any, Any], Any]] = {
            "MapperRegister": self._mapper_register,
            "ReportDeviceStatus": self._report_status,
            "ReportDeviceStates": self._report_states,
        }
        self._server.add_generic_rpc_handlers((dmi.handlers(dmi.UP, calls),))
        self._server.add_insecure_port(f"unix:{self.path}")
        self._server.start()

    def stop(self) -> None:
        """End; edgecore keeps its mappers and devices over a restart."""
        if self._server is not None:
            self._server.stop(0).wait()
            self._server = None
        self.path.unlink(missing_ok=True)

    # Calls of the mapper.

    def _take_token(self, context: Any) -> None:
        with self._lock:
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now
            if self._tokens < 1:
                self.counters["limited"] += 1
                context.abort(grpc.StatusCode.UNKNOWN, f"fail to report: {dmi.LIMITER_WORDS}")
            self._tokens -= 1

    def _panic(self, context: Any, why: str) -> NoReturn:
        """A nil pointer in edgecore takes the whole process down."""
        self.counters["panics"] += 1
        self.log.append(f"panic: {why}")
        self.panicked = True
        if self._server is not None:
            self._server.stop(0)
        context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
        raise AssertionError  # abort raises; the checker does not know.

    def _mapper_register(self, request: pb.MapperRegisterRequest, context: Any) -> pb.MapperRegisterResponse:
        self._take_token(context)
        with self._changed:
            self.counters["registrations"] += 1
            response = pb.MapperRegisterResponse()
            if not request.with_data:
                return response  # And edgecore never learns how to call it.
            self._mappers[request.mapper.protocol] = request.mapper.address.decode()
            for resource in self._devices.values():
                if (
                    resource.edge is None
                    or resource.edge.spec.protocol.protocol_name != request.mapper.protocol
                ):
                    continue
                response.device_list.append(resource.edge)
                response.model_list.append(self._model_of(resource))
            self._changed.notify_all()
            return response

    def _report_status(
        self, request: pb.ReportDeviceStatusRequest, context: Any
    ) -> pb.ReportDeviceStatusResponse:
        self._take_token(context)
        with self._changed:
            self.counters["status_reports"] += 1
            for each in request.reported_device.twins:
                if not (each.HasField("observed_desired") and each.HasField("reported")):
                    self._panic(context, f"twin {each.property_name} lacks a half")
            resource = self._devices.get((request.device_namespace, request.device_name))
            if resource is None or resource.edge is None:
                self.log.append(f"report of unknown device {request.device_name}")
                return pb.ReportDeviceStatusResponse()
            if not self._link:
                self.counters["reports_lost"] += 1
                return pb.ReportDeviceStatusResponse()
            for each in request.reported_device.twins:
                self._land(resource, each)
            self._changed.notify_all()
        return pb.ReportDeviceStatusResponse()

    def _land(self, resource: _Resource, each: pb.Twin) -> None:
        """One twin reaches the cloud, as far as edgecore lets it."""
        name, halves = each.property_name, (each.observed_desired.value, each.reported.value)
        for text in halves:
            if text and not VALUE.fullmatch(text):
                self.counters["charset"] += 1
                self.log.append(f"{name}: value {text!r} does not match")
                return
        if name not in resource.heard:
            # Cloudcore writes an empty twin for the first report of a property.
            resource.heard.add(name)
            halves = ("", "")
        # Metadata of the mapper is dropped, and made anew.
        stamp = {"timestamp": str(time.time_ns() // 10**6), "type": "string"}
        resource.twins[name] = {
            "propertyName": name,
            "observedDesired": {"value": halves[0], "metadata": dict(stamp)},
            "reported": {"value": halves[1], "metadata": dict(stamp)},
        }

    def _report_states(
        self, request: pb.ReportDeviceStatesRequest, context: Any
    ) -> pb.ReportDeviceStatesResponse:
        self._take_token(context)
        with self._changed:
            self.counters["state_reports"] += 1
            resource = self._devices.get((request.device_namespace, request.device_name))
            if resource is not None and self._link:
                resource.state = request.state
                self._changed.notify_all()
        return pb.ReportDeviceStatesResponse()

    # The cloud's face.

    def apply(self, manifest: Manifest) -> None:
        """Create or replace a DeviceModel or a Device."""
        key = _key(manifest)
        with self._lock:
            if manifest["kind"] == "DeviceModel":
                known = key in self._models
                self._models[key] = copy.deepcopy(manifest)
                if self._link:
                    self._call_model("UpdateDeviceModel" if known else "CreateDeviceModel", key)
                return
            resource = self._devices.get(key)
            if resource is None:
                self._devices[key] = resource = _Resource(copy.deepcopy(manifest))
                created = True
            else:
                created = False
                resource.manifest = copy.deepcopy(manifest)
            self._pass_down(resource, "RegisterDevice" if created else "UpdateDevice")

    def patch_desired(self, name: str, prop: str, value: str, namespace: str = "default") -> None:
        """What a cloud app does: one desired value.

        Raises:
            KeyError: No such device or property.
        """
        with self._lock:
            resource = self._devices[namespace, name]
            entry = next(each for each in self._properties(resource) if each["name"] == prop)
            if entry.get("desired", {}).get("value") == value:
                self.counters["same_value"] += 1
                return  # The resource does not change, so nobody is told.
            entry["desired"] = {"value": value}
            self._pass_down(resource, "UpdateDevice")

    def delete(self, name: str, namespace: str = "default") -> None:
        """Delete a Device and its model: the model goes first."""
        with self._lock:
            resource = self._devices.pop((namespace, name))
            model = (namespace, resource.manifest["spec"]["deviceModelRef"]["name"])
            self._models.pop(model, None)
            model_request = pb.RemoveDeviceModelRequest(model_name=model[1], model_namespace=namespace)
            protocol = resource.manifest["spec"]["protocol"]["protocolName"]
            self._call(protocol, "RemoveDeviceModel", model_request, model[1])
            device_request = pb.RemoveDeviceRequest(device_name=name, device_namespace=namespace)
            self._call(protocol, "RemoveDevice", device_request, name)

    def status(self, name: str, namespace: str = "default") -> dict[str, Any]:
        """The DeviceStatus's status: twins and state."""
        with self._lock:
            resource = self._devices[namespace, name]
            return {"twins": copy.deepcopy(list(resource.twins.values())), "state": resource.state}

    def reported(self, name: str, prop: str, namespace: str = "default") -> tuple[str, str]:
        """Observed desired and reported text of one property; empty where nothing landed."""
        with self._lock:
            found = self._devices[namespace, name].twins.get(prop)
            return (found["observedDesired"]["value"], found["reported"]["value"]) if found else ("", "")

    def wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Until something that was reported makes it true."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)

    def link_down(self) -> None:
        """The cloud is out of reach: reports answer OK and are lost, writes do not come down."""
        with self._lock:
            self._link = False

    def link_up(self) -> None:
        """Writes made meanwhile reach edgecore's store, and neither UpdateDevice nor MapperRegister shows them."""
        with self._lock:
            self._link = True

    def mapper_device(self, name: str, namespace: str = "default") -> pb.Device:
        """What the mapper answers to GetDevice.

        Raises:
            grpc.RpcError: It knows no such device, or does not answer.
        """
        request = pb.GetDeviceRequest(device_name=name, device_namespace=namespace)
        protocol = self._devices[namespace, name].manifest["spec"]["protocol"]["protocolName"]
        with grpc.insecure_channel(f"unix:{self._mappers[protocol]}") as channel:
            answer = dmi.call(channel, dmi.DOWN, "GetDevice")(request, timeout=DIAL_TIMEOUT_S)
        found: pb.Device = answer.device
        return found

    # Down to the mapper.

    @staticmethod
    def _properties(resource: _Resource) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = resource.manifest["spec"]["properties"]
        return found

    def _pass_down(self, resource: _Resource, name: str) -> None:
        if not self._link:
            return
        device = self._to_dmi(resource.manifest)
        if device is None:
            return
        resource.edge = device
        if name == "RegisterDevice":
            request: Any = pb.RegisterDeviceRequest(device=device)
        else:
            model = (device.namespace, device.spec.device_model_reference)
            if model in self._models:
                self._call_model("UpdateDeviceModel", model)
            request = pb.UpdateDeviceRequest(device=device)
        self._call(device.spec.protocol.protocol_name, name, request, device.name)

    def _call_model(self, name: str, key: Key) -> None:
        model = _model(self._models[key])
        kind = pb.CreateDeviceModelRequest if name == "CreateDeviceModel" else pb.UpdateDeviceModelRequest
        self._call(self._models[key]["spec"].get("protocol", ""), name, kind(model=model), key[1])

    def _call(self, protocol: str, name: str, request: Any, what: str) -> None:
        """Dialled anew for each call; an error is logged, never retried."""
        address = self._mappers.get(protocol)
        if address is None or self._server is None:
            self.log.append(f"{name} {what}: no mapper for {protocol}")
            return
        self.calls.append((name, what))
        try:
            with grpc.insecure_channel(f"unix:{address}") as channel:
                dmi.call(channel, dmi.DOWN, name)(request, timeout=DIAL_TIMEOUT_S)
        except grpc.RpcError as exc:
            self.counters["downward_failed"] += 1
            self.log.append(f"{name} {what}: {exc}")

    def _to_dmi(self, manifest: Manifest) -> pb.Device | None:
        """The device as edgecore renders it; None (and a line in its log) where it refuses."""
        spec = manifest["spec"]
        try:
            configs = [spec["protocol"].get("configData", {})]
            configs += [each.get("visitors", {}).get("configData", {}) for each in spec.get("properties", ())]
            if any("data" in each for each in configs):
                raise ValueError("configData holds a key named data")
            device = pb.Device(name=manifest["metadata"]["name"], namespace=_key(manifest)[0])
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
            for each in spec.get("methods", ()):
                device.spec.methods.add(name=each["name"], description=each.get("description", ""))
        except ValueError as exc:
            self.log.append(f"{manifest['metadata']['name']}: {exc}")
            return None
        return device

    def _model_of(self, resource: _Resource) -> pb.DeviceModel:
        key = (_key(resource.manifest)[0], resource.manifest["spec"]["deviceModelRef"]["name"])
        return _model(self._models[key]) if key in self._models else pb.DeviceModel()


def _key(manifest: Manifest) -> Key:
    metadata = manifest["metadata"]
    return metadata.get("namespace", "default"), metadata["name"]


def _model(manifest: Manifest) -> pb.DeviceModel:
    namespace, name = _key(manifest)
    model = pb.DeviceModel(name=name, namespace=namespace)
    for each in manifest["spec"]["properties"]:
        model.spec.properties.add(
            name=each["name"], type=each["type"], access_mode=each["accessMode"], unit=each.get("unit", "")
        )
    return model
