"""`python -m tests.kubeedge.testbed.soak`: the mapper soak of `benchmarks/mapper_soak.py` on a real edgecore and cloudcore.

The same bounds by the same code; what the double counts is asked of the mapper and of edgecore's log here.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks import mapper_soak
from robolink.cloud._http import KubeApi
from robolink.cloud._watch import Ask, Change, Watcher, resource_path
from tests.kubeedge.testbed import kubeedge

RATE = int(os.environ.get("ROBOLINK_EDGE_RATE", "1000"))


class RealEdge:
    """The double's words over real programs; edgecore's rate to the cloud is raised as docs/kubeedge.md asks for.

    Attributes:
        path: Of edgecore's socket.
    """

    def __init__(self, folder: Path, broker: int = 0) -> None:
        self.cluster = kubeedge.KubeEdge(folder, broker, RATE)
        self.path, self.namespace = self.cluster.socket, self.cluster.namespace
        self.node = self.cluster.node
        self._api = KubeApi(self.cluster.config)
        self._twins: dict[str, dict[str, tuple[str, str]]] = {}
        self._places: dict[str, list[str]] = {}
        self._ends = False
        threading.Thread(target=self._watch, daemon=True).start()

    def faults(self) -> dict[str, int]:
        log = self.cluster.edge.log()
        return {"panics": log.count("panic:"), "refused": log.count("rejected due to")}

    def close(self) -> None:
        self._ends = True
        self.cluster.close()

    def apply(self, manifest: dict[str, Any]) -> None:
        self.cluster.apply(manifest)
        if manifest["kind"] == "Device":
            self._places[manifest["metadata"]["name"]] = [
                each["name"] for each in manifest["spec"]["properties"]
            ]
        else:
            time.sleep(1)  # A Device at once after its model comes before it.

    def patch_desired(self, name: str, prop: str, value: str) -> None:
        path = resource_path(self.namespace, "devices", name)
        at = f"/spec/properties/{self._places[name].index(prop)}/desired"
        self._api.patch(path, [{"op": "add", "path": at, "value": {"value": value}}])

    def reported(self, name: str, prop: str) -> tuple[str, str]:
        return self._twins.get(name, {}).get(prop, ("", ""))

    def _watch(self) -> None:
        watcher, now, api = (
            Watcher(self.namespace, "devicestatuses", jitter=lambda: 0.0),
            0.0,
            KubeApi(self.cluster.config),
        )
        while not self._ends:
            ask = watcher.next(now)
            if not isinstance(ask, Ask):
                now = ask
                time.sleep(0.05)
            elif ask.verb == "list":
                self._take(watcher.page(api.get(ask.path)))
            else:
                for event in api.stream(ask.path):
                    self._take(watcher.event(event))
                watcher.ended(now)

    def _take(self, change: Change | None) -> None:
        for each in change.put if change is not None else ():
            twins = (each.get("status") or {}).get("twins", ())
            self._twins[each["metadata"]["name"]] = {
                twin["propertyName"]: tuple(
                    (twin.get(half) or {}).get("value", "") for half in ("observedDesired", "reported")
                )
                for twin in twins
            }


if __name__ == "__main__":
    if why := kubeedge.missing():
        sys.exit(why)
    sys.exit(mapper_soak.main(edge=RealEdge, program="tests.kubeedge.testbed.soak"))
