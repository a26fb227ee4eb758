"""What stands between a cloud app and a mapper, behind one set of words: doubles here, real servers in `testbed/`.

A test that uses these words alone runs against each kind of cluster; `name` says what it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from robolink.cloud import KubeConfig
from robolink_kubeedge.double import EdgecoreDouble
from robolink_kubeedge.double_faces import BusFace, MetaServerFace
from tests.cloud.fake_api import FakeApi
from tests.kubeedge.relay import Relay

RESOURCES = {"Device": "devices", "DeviceModel": "devicemodels"}


class Cluster(Protocol):
    """One API server, one edge node.

    Attributes:
        name: What is real in it, for people.
        config: Of the API server.
        socket: Edgecore's, for a mapper.
        node: Of the edge.
        metaserver: Edgecore's, by HTTP.
        kubeconfig: A file for kubectl; None where no kubectl can speak to it.
        namespace: Of all that a test applies.
    """

    namespace: str

    name: str
    config: KubeConfig
    socket: Path
    node: str
    kubeconfig: Path | None
    metaserver: str

    def apply(self, document: dict[str, Any]) -> None:
        """Create or replace a DeviceModel or a Device."""

    def kill_edge(self) -> None:
        """Edgecore is gone, without a word."""

    def start_edge(self) -> None:
        """And there again."""

    def edge_ended(self) -> bool:
        """Whether edgecore has ended by itself."""

    def cut(self) -> None:
        """The link between cloud and edge breaks."""

    def mend(self) -> None:
        """And up again."""

    def close(self) -> None:
        """End all that was started."""


class DoubleEdge:
    """Edgecore and cloudcore as doubles, below any API server."""

    node = "edge-1"
    namespace = "default"

    def __init__(self, config: KubeConfig, folder: Path, broker: int = 0) -> None:
        self.socket = folder / "dmi.sock"
        self.double = EdgecoreDouble(self.socket)
        self.double.start()
        self._meta = MetaServerFace(self.double)
        self.metaserver = self._meta.url
        self._bus = BusFace(self.double, broker) if broker else None
        self._relay = Relay(config, self.double, self.namespace, self.node)

    def kill_edge(self) -> None:
        self.double.stop()

    def start_edge(self) -> None:
        self.double.start()

    def edge_ended(self) -> bool:
        return self.double.panicked

    def cut(self) -> None:
        self.double.link_down()

    def mend(self) -> None:
        # What was written meanwhile was written over a broken link, however slow a thread of ours is.
        self._relay.settle()
        self.double.link_up()

    def close(self) -> None:
        self._relay.close()
        if self._bus is not None:
            self._bus.close()
        self._meta.close()
        self.double.stop()


class DoubleCluster(DoubleEdge):
    """All doubles: for the fast tests."""

    name = "fake API server, doubles of cloudcore and edgecore"
    kubeconfig = None

    def __init__(self, folder: Path, broker: int = 0) -> None:
        self.api = FakeApi()
        self.config = KubeConfig(server=self.api.url)
        super().__init__(self.config, folder, broker)

    def apply(self, document: dict[str, Any]) -> None:
        self.api.put(RESOURCES[document["kind"]], document)

    def close(self) -> None:
        super().close()
        self.api.close()
