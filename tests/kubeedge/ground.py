"""A cluster, a mapper that only listens, and the cloud's side by the API alone: what tests of edgecore itself stand on."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from robolink.cloud._errors import ApiStatusError
from robolink.cloud._http import KubeApi
from robolink.cloud._watch import resource_path
from robolink_kubeedge import dmi
from tests.conftest import wait_for
from tests.kubeedge.cluster import RESOURCES, Cluster
from tests.kubeedge.mapper_stub import MapperStub

KIND = {"apiVersion": "devices.kubeedge.io/v1beta1"}
PROTOCOL = "stub"
# A message goes through four programs; a wait for what must *not* come ends with something that must.
PATIENCE_S = 40.0


class Ground:
    """A cluster, one mapper that only listens, and the cloud's side by the API alone."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.api = KubeApi(cluster.config)
        # Beside edgecore's: that path is short enough for a socket.
        self.stub = MapperStub(
            cluster.socket, cluster.socket.parent / "stub.sock", cluster.namespace, PROTOCOL
        )
        self.stub.start()

    def model(self, name: str = "m", **more: Any) -> None:
        properties = [
            {"name": each, "type": "STRING", "accessMode": "ReadWrite"} | more for each in ("x", "y")
        ]
        spec = {"protocol": PROTOCOL, "properties": properties}
        self.cluster.apply(KIND | {"kind": "DeviceModel", "metadata": {"name": name}, "spec": spec})

    def device(
        self,
        name: str = "d",
        model: str = "m",
        config: dict[str, Any] | None = None,
        protocol: str = PROTOCOL,
    ) -> None:
        visitors = {"protocolName": protocol, "configData": {"property": "p"}}
        spec = {
            "deviceModelRef": {"name": model},
            "nodeName": self.cluster.node,
            "protocol": {"protocolName": protocol, "configData": config or {"robot": "r"}},
            "properties": [{"name": each, "visitors": visitors} for each in ("x", "y")],
        }
        self.cluster.apply(KIND | {"kind": "Device", "metadata": {"name": name}, "spec": spec})

    def place(self, *names: str) -> None:
        """A model and its devices, known to edgecore, the stub registered."""
        self.stub.register()
        self.model()
        for each in names or ("d",):
            self.device(each)
        self.told("RegisterDevice", len(names) or 1)

    def wish(self, value: str, name: str = "d", index: int = 0) -> None:
        path = resource_path(self.cluster.namespace, "devices", name)
        at = f"/spec/properties/{index}/desired"
        self.api.patch(path, [{"op": "add", "path": at, "value": {"value": value}}])

    def delete(self, kind: str, name: str) -> None:
        self.api.request("DELETE", resource_path(self.cluster.namespace, RESOURCES[kind], name))

    def status(self, name: str = "d") -> dict[str, Any]:
        try:
            found = self.api.get(resource_path(self.cluster.namespace, "devicestatuses", name))
        except ApiStatusError as exc:
            assert exc.status == 404
            return {}
        status: dict[str, Any] = found.get("status") or {}
        return status

    def twin(self, prop: str = "x", name: str = "d") -> tuple[str, str] | None:
        """Observed desired and reported; None as long as there is no such twin."""
        for each in self.status(name).get("twins", ()):
            if each["propertyName"] == prop:
                halves = each.get("observedDesired") or {}, each.get("reported") or {}
                return halves[0].get("value", ""), halves[1].get("value", "")
        return None

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        return wait_for(condition, PATIENCE_S, what)

    def told(self, call: str, count: int = 1) -> list[Any]:
        """So many calls of this name have come."""
        found: list[Any] = []

        def there() -> bool:
            found[:] = [request for name, request in list(self.stub.calls) if name == call]
            return len(found) >= count

        self.wait(there, f"{call} number {count}; heard: {self.stub.names()}")
        return found

    def report(self, value: str, name: str = "d") -> None:
        self.stub.report(name, dmi.twin("x", "", value))

    def heard(self, value: str, name: str = "d") -> bool:
        """Says a value again until the cloud has it: the first report of a property is lost."""
        found = self.twin("x", name)
        if found is None or found[1] != value:
            self.report(value, name)
        return found is not None and found[1] == value

    def written(self) -> str:
        """The desired value of "x" in edgecore's store."""
        first: dict[str, Any] = self.stored().get("properties", [{}])[0]
        return str(first.get("desired", {}).get("value", ""))

    def stored(self, name: str = "d") -> dict[str, Any]:
        """What edgecore's metaserver shows of a device."""
        url = f"{self.cluster.metaserver}/apis/devices.kubeedge.io/v1beta1/devices"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                listed = json.load(answer)
        except OSError:
            return {}  # It asks the cloud first, and waits long where the link has just broken.
        for each in listed.get("items", ()):
            if each["metadata"]["name"] == name:
                spec: dict[str, Any] = each["spec"]
                return spec
        return {}

    def close(self) -> None:
        self.stub.stop()
        self.api.close()
