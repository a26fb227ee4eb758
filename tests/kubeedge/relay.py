"""A double of cloudcore: carries Devices from an API server (fake or real) to the double of edgecore, and reports back up.

It keeps no rule of its own. What a broken link does is the double of edgecore's to show.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from robolink.cloud._config import KubeConfig
from robolink.cloud._errors import ApiStatusError
from robolink.cloud._http import KubeApi
from robolink.cloud._watch import Ask, Change, Watcher, resource_path
from robolink.errors import RobolinkError
from robolink_kubeedge.double import EdgecoreDouble

MODEL_WAIT_S = 10.0
API_VERSION = "devices.kubeedge.io/v1beta1"


class Relay:
    """Between one namespace and one double; Devices of other nodes are none of its business."""

    def __init__(self, config: KubeConfig, double: EdgecoreDouble, namespace: str, node: str) -> None:
        self._node = node
        self.failures: list[str] = []
        self._api, self._double, self._namespace = KubeApi(config), double, namespace
        self._specs: dict[tuple[str, str], Any] = {}
        self._written: dict[str, Any] = {}
        self._ends = threading.Event()
        self._streams: list[Any] = []
        # Models first: a device whose model is not there yet comes to the mapper without it.
        self._models_there = threading.Event()
        self._threads = [
            threading.Thread(target=self._down, args=("devicemodels", "DeviceModel"), daemon=True),
            threading.Thread(target=self._down, args=("devices", "Device"), daemon=True),
            threading.Thread(target=self._up, daemon=True),
        ]
        for each in self._threads:
            each.start()

    def _down(self, resource: str, kind: str) -> None:
        watcher, now = Watcher(self._namespace, resource, jitter=lambda: 0.0), 0.0
        if kind == "Device":
            self._models_there.wait()
        while not self._ends.is_set():
            ask = watcher.next(now)
            if not isinstance(ask, Ask):
                now = ask
                self._ends.wait(0.1)
                continue
            try:
                if ask.verb == "list":
                    self._pass(kind, watcher.page(self._api.get(ask.path)))
                    self._models_there.set()
                else:
                    stream = self._api.stream(ask.path)
                    self._streams.append(stream)
                    for event in stream:
                        self._pass(kind, watcher.event(event))
                    watcher.ended(now)
            except RobolinkError as exc:
                self.failures.append(str(exc))
                watcher.failed(exc, now)

    def _pass(self, kind: str, change: Change | None) -> None:
        if change is None or self._ends.is_set():
            return
        if change.removed and kind == "Device":
            self._specs.pop((kind, change.removed), None)
            self._written.pop(change.removed, None)
            self._double.delete(change.removed, self._namespace, with_model=False)
        for document in change.put:
            name = document["metadata"]["name"]
            if kind == "Device" and document["spec"].get("nodeName") != self._node:
                continue
            if kind == "Device":
                self._wait_for_model(document["spec"]["deviceModelRef"]["name"])
            # Cloudcore passes on what has changed in the spec, and nothing else.
            if self._specs.get((kind, name)) != document["spec"]:
                metadata = {"name": name, "namespace": self._namespace}
                self._double.apply({"kind": kind, "metadata": metadata, "spec": document["spec"]})
                self._specs[kind, name] = document["spec"]

    def _wait_for_model(self, name: str) -> None:
        """As cloudcore does, and all other Devices wait with it."""
        until = time.monotonic() + MODEL_WAIT_S
        while (
            ("DeviceModel", name) not in self._specs and time.monotonic() < until and not self._ends.is_set()
        ):
            self._ends.wait(0.01)

    def settle(self) -> None:
        """Until all that the API server has now is passed on."""
        items = self._api.get(resource_path(self._namespace, "devices") + "?limit=500")["items"]
        mine = {each["metadata"]["name"]: each["spec"] for each in items}
        wanted = {key: spec for key, spec in mine.items() if spec.get("nodeName") == self._node}
        while any(self._specs.get(("Device", key)) != spec for key, spec in wanted.items()):
            if self._ends.wait(0.01):
                return

    def _up(self) -> None:
        while not self._ends.is_set():
            for name in [each for kind, each in list(self._specs) if kind == "Device"]:
                try:
                    status = self._double.status(name, self._namespace)
                    if (status["twins"] or status["state"]) and status != self._written.get(name):
                        self._report(name, status)
                except (KeyError, RobolinkError) as exc:
                    self.failures.append(f"{name}: {exc!r}")
            self._double.wait(self._ends.is_set, 0.02)

    def _report(self, name: str, status: Any) -> None:
        """Each twin in a patch of its own, as cloudcore does with what comes by DMI; then the state."""
        before = self._written.get(name, {"twins": [], "state": ""})
        twins = {each["propertyName"]: each for each in before["twins"]}
        for each in status["twins"]:
            if twins.get(each["propertyName"]) != each:
                twins[each["propertyName"]] = each
                self._write(name, {"twins": list(twins.values()), "state": before["state"]})
        if status["state"] != before["state"]:
            self._write(name, status)
        self._written[name] = status

    def _write(self, name: str, status: Any) -> None:
        path = resource_path(self._namespace, "devicestatuses", name)
        try:
            self._api.patch(path, [{"op": "add", "path": "/status", "value": status}])
        except ApiStatusError as exc:
            if exc.status != 404:
                raise
            document = {
                "apiVersion": API_VERSION,
                "kind": "DeviceStatus",
                "metadata": {"name": name, "namespace": self._namespace},
                "status": status,
            }
            self._api.request("POST", resource_path(self._namespace, "devicestatuses"), document)

    def close(self) -> None:
        self._ends.set()
        self._models_there.set()
        for each in self._streams:
            each.close()
        for thread in self._threads:
            thread.join(5)
        self._api.close()
