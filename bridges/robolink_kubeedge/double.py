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
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc

from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.double_render import Key, Manifest, Resource, key_of, model_key, to_dmi, to_model
from robolink_kubeedge.sockets import claim

log = logging.getLogger(__name__)

DIAL_TIMEOUT_S: Final = 10.0
# What edgecore lets through as a twin's value; the rest it drops while it answers OK.
VALUE: Final = re.compile(r"^[a-zA-Z0-9-_.,:/@#]{1,512}$")
NAME: Final = re.compile(r"^[a-zA-Z0-9-_.,:/@#]{1,128}$")
STATES: Final = ("ok", "online", "offline", "unknown", "unhealthy")
# A model that is applied again so soon after its deletion is lost.
MODEL_GRACE_S: Final = 1.0
WORKERS: Final = 4


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
        self._devices: dict[Key, Resource] = {}
        # The cloud's copies, and edgecore's: a model comes down with a Device of it alone.
        self._models: dict[Key, Manifest] = {}
        self._edge_models: dict[Key, Manifest] = {}
        # Deleted while their mapper was down: edgecore goes on showing them until its own restart.
        self._ghosts: dict[Key, pb.Device] = {}
        self._ghost_models: set[Key] = set()
        # Socket of the mapper by protocol name.
        self._mappers: dict[str, str] = {}
        self._link = True
        self._deleted_at: dict[Key, float] = {}
        self._pauses = 0.0
        self._server: grpc.Server | None = None
        self._changed = threading.Condition(self._lock)

    # The process.

    def start(self) -> None:
        """Serve; after a restart what a broken link kept from the mapper is shown."""
        claim(self.path, "edgecore")
        self.panicked = False
        with self._lock:
            for key in self._ghost_models:
                self._edge_models.pop(key, None)
            self._ghosts.clear()
            self._ghost_models.clear()
            for resource in self._devices.values():
                if resource.stored is not None:
                    resource.edge = to_dmi(resource.stored, self.log)
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

    def _now(self) -> float:
        return self._clock() + self._pauses

    def pause(self, seconds: float) -> None:
        """Let its own time pass, as an operator who waits between two steps."""
        self._pauses += seconds

    def _take_token(self, context: Any) -> None:
        with self._lock:
            now = self._now()
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
            if not request.mapper.protocol:
                context.abort(grpc.StatusCode.UNKNOWN, "fail to register mapper because the protocol is nil")
            response = pb.MapperRegisterResponse()
            if not request.with_data:
                return response  # And edgecore never learns how to call it.
            self._mappers[request.mapper.protocol] = request.mapper.address.decode()
            for device in (*(each.edge for each in self._devices.values()), *self._ghosts.values()):
                if device is None or device.spec.protocol.protocol_name != request.mapper.protocol:
                    continue
                model = self._model_of(device)
                if model is None:
                    continue
                response.device_list.append(device)
                response.model_list.append(model)
            self._changed.notify_all()
            return response

    def _report_status(
        self, request: pb.ReportDeviceStatusRequest, context: Any
    ) -> pb.ReportDeviceStatusResponse:
        self._take_token(context)
        with self._changed:
            self.counters["status_reports"] += 1
            if not request.reported_device.twins:
                context.abort(grpc.StatusCode.UNKNOWN, "ReportDeviceStatusRequest does not have twin data")
            for each in request.reported_device.twins:
                if not (each.HasField("observed_desired") and each.HasField("reported")):
                    self._panic(context, f"twin {each.property_name} lacks a half")
            resource = self._devices.get((request.device_namespace, request.device_name))
            if resource is None or not resource.member:
                self.log.append(f"report of unknown device {request.device_name}")
                return pb.ReportDeviceStatusResponse()
            if not self._link:
                self.counters["reports_lost"] += 1
                return pb.ReportDeviceStatusResponse()
            for each in request.reported_device.twins:
                halves = (each.observed_desired.value, each.reported.value)
                if self._passes(each.property_name, halves):
                    self._land(resource, each.property_name, halves)
            self._changed.notify_all()
        return pb.ReportDeviceStatusResponse()

    def _passes(self, name: str, halves: tuple[str, str]) -> bool:
        """Whether edgecore lets a twin through; if not, its log alone tells."""
        if NAME.fullmatch(name) and all(not text or VALUE.fullmatch(text) for text in halves):
            return True
        self.counters["charset"] += 1
        self.log.append(f"{name}: {halves!r} does not match")
        return False

    def report_by_bus(self, key: Key, twins: dict[str, tuple[str, str]]) -> int:
        """A report over the event bus, without a limiter; one bad twin refuses all. The code that edgecore answers."""
        with self._changed:
            self.counters["bus_reports"] += 1
            resource = self._devices.get(key)
            if resource is None or not resource.member:
                self.log.append(f"report of unknown device {key}")
                return 404
            if any(not self._passes(name, halves) for name, halves in twins.items()):
                return 400
            if not self._link:
                self.counters["reports_lost"] += 1
                return 200
            for name, halves in twins.items():
                self._land(resource, name, halves)
            self._changed.notify_all()
        return 200

    def state_by_bus(self, key: Key, state: str) -> None:
        """A state over the event bus."""
        with self._changed:
            self.counters["bus_states"] += 1
            self._state(key, state)

    def _state(self, key: Key, state: str) -> None:
        resource = self._devices.get(key)
        if resource is not None and resource.member and self._link and state in STATES:
            resource.state = state
            self._changed.notify_all()

    def stored(self) -> list[Manifest]:
        """All Devices in edgecore's store, as its metaserver lists them."""
        with self._lock:
            return [copy.deepcopy(each.stored) for each in self._devices.values() if each.stored is not None]

    def _land(self, resource: Resource, name: str, halves: tuple[str, str]) -> None:
        """One twin reaches the cloud, which knows the Device's own properties alone."""
        if not any(each["name"] == name for each in self._properties(resource)):
            self.counters["no_property"] += 1
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
            self._state((request.device_namespace, request.device_name), request.state)
        return pb.ReportDeviceStatesResponse()

    # The cloud's face.

    def apply(self, manifest: Manifest) -> None:
        """Create or replace a DeviceModel or a Device."""
        key = key_of(manifest)
        with self._lock:
            if manifest["kind"] == "DeviceModel":
                if self._now() - self._deleted_at.get(key, float("-inf")) < MODEL_GRACE_S:
                    self.counters["models_lost"] += 1
                    self.log.append(f"model {key[1]} is deleted after it was created again")
                    return
                self._models[key] = copy.deepcopy(manifest)
                return
            self._ghosts.pop(key, None)
            resource = self._devices.get(key)
            if resource is None:
                self._devices[key] = resource = Resource(copy.deepcopy(manifest))
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

    def delete(self, name: str, namespace: str = "default", *, with_model: bool = True) -> None:
        """Delete a Device, and its model unless told otherwise: the model goes first, with its last Device."""
        with self._lock:
            resource = self._devices.pop((namespace, name))
            spec = resource.manifest["spec"]
            model, protocol = (namespace, spec["deviceModelRef"]["name"]), spec["protocol"]["protocolName"]
            if with_model:
                self._models.pop(model, None)
                self._deleted_at[model] = self._now()
            if not any(model_key(each.manifest) == model for each in self._devices.values()):
                request = pb.RemoveDeviceModelRequest(model_name=model[1], model_namespace=namespace)
                if self._call(protocol, "RemoveDeviceModel", request, model[1]):
                    self._edge_models.pop(model, None)
                else:
                    self._ghost_models.add(model)
            gone = pb.RemoveDeviceRequest(device_name=name, device_namespace=namespace)
            if not self._call(protocol, "RemoveDevice", gone, name) and resource.edge is not None:
                self._ghosts[namespace, name] = resource.edge

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
            for resource in self._devices.values():
                self._store(resource)

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
    def _properties(resource: Resource) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = resource.manifest["spec"]["properties"]
        return found

    @staticmethod
    def _store(resource: Resource) -> None:
        resource.stored = copy.deepcopy(resource.manifest)
        resource.stored["metadata"]["resourceVersion"] = str(resource.version)

    def _pass_down(self, resource: Resource, name: str) -> None:
        resource.version += 1
        if not self._link:
            return
        self._store(resource)
        resource.member = resource.member or name == "RegisterDevice"
        self._send_model(resource, created=name == "RegisterDevice")
        device = to_dmi(resource.manifest, self.log)
        if device is None:
            return
        resource.edge = device
        if self._model_of(device) is None:
            self.log.append(f"{name} {device.name}: its device model is not in the cache")
            return
        kind = pb.RegisterDeviceRequest if name == "RegisterDevice" else pb.UpdateDeviceRequest
        self._call(device.spec.protocol.protocol_name, name, kind(device=device), device.name)

    def _send_model(self, resource: Resource, *, created: bool) -> None:
        """With the first Device of it, and with a changed Device if it has changed itself."""
        key = model_key(resource.manifest)
        model = self._models.get(key)
        others = sum(model_key(each.manifest) == key for each in self._devices.values()) > 1
        if model is None or (others if created else self._edge_models.get(key) == model):
            return
        self._edge_models[key] = copy.deepcopy(model)
        self._ghost_models.discard(key)
        name = "CreateDeviceModel" if created else "UpdateDeviceModel"
        request = (pb.CreateDeviceModelRequest if created else pb.UpdateDeviceModelRequest)(
            model=to_model(model)
        )
        self._call(model["spec"].get("protocol", ""), name, request, key[1])

    def _call(self, protocol: str, name: str, request: Any, what: str) -> bool:
        """Dialled anew for each call; an error is logged, never retried. Whether it was answered."""
        address = self._mappers.get(protocol)
        if address is None or self._server is None:
            self.log.append(f"{name} {what}: no mapper for {protocol}")
            return False
        self.calls.append((name, what))
        try:
            with grpc.insecure_channel(f"unix:{address}") as channel:
                dmi.call(channel, dmi.DOWN, name)(request, timeout=DIAL_TIMEOUT_S)
        except grpc.RpcError as exc:
            self.counters["downward_failed"] += 1
            self.log.append(f"{name} {what}: {exc}")
            return False
        return True

    def _model_of(self, device: pb.Device) -> pb.DeviceModel | None:
        found = self._edge_models.get((device.namespace, device.spec.device_model_reference))
        return None if found is None else to_model(found)
