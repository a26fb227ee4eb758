"""Clusters with a real cloudcore and a real edgecore, where ROBOLINK_TESTBED holds them beside the whole kube-apiserver.

All on loopback, all files in a temporary folder, no containers (edged is off). One cloudcore for the whole run, a fresh
edgecore with a fresh store for each test.
"""

from __future__ import annotations

import atexit
import base64
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from robolink.cli.ports import free_ports
from robolink.cloud._errors import ApiStatusError
from robolink.cloud._watch import resource_path
from robolink.errors import TransportError
from tests.conftest import wait_for
from tests.kubeedge.cluster import RESOURCES, Cluster
from tests.kubeedge.testbed import real
from tests.kubeedge.testbed.link import Line

CLOUD, EDGE = "cloudcore", "edgecore"
START_TIMEOUT_S = 60.0
HEARTBEAT_S = 2
# In edgecore's log.
CONNECTED = "connect to cloud access successful"
# Cloudcore wants to see these kinds too. Definitions of our own, open to any content.
SYNCS, JOBS = ("reliablesyncs.kubeedge.io", "v1alpha1"), ("operations.kubeedge.io", "v1alpha2")
BOOKS = {
    "objectsyncs": ("ObjectSync", "Namespaced", SYNCS),
    "clusterobjectsyncs": ("ClusterObjectSync", "Cluster", SYNCS),
    "nodeupgradejobs": ("NodeUpgradeJob", "Cluster", JOBS),
    "imageprepulljobs": ("ImagePrePullJob", "Cluster", JOBS),
    "configupdatejobs": ("ConfigUpdateJob", "Cluster", JOBS),
}
SYSTEM = "/api/v1/namespaces/kubeedge"
_numbers = itertools.count(1)


def missing() -> str:
    """Why there is no real KubeEdge here; "" if there is one."""
    if real.missing():
        return real.missing()
    found = real.programs()
    assert found is not None
    lacking = [each for each in (CLOUD, EDGE) if not (found / each).is_file()]
    if lacking:
        return f"no {' and no '.join(lacking)} in ROBOLINK_TESTBED (tests/kubeedge/testbed/README.md)"
    return "" if real.whole() else "cloudcore needs the whole kube-apiserver"


def describe() -> str:
    """What ran."""
    return missing() or "real; which release is for whoever put them into ROBOLINK_TESTBED to say"


def kinds() -> dict[str, Callable[..., Cluster]]:
    """By name, what can be started here."""
    return {} if missing() else {"kubeedge": KubeEdge}


def program(name: str) -> str:
    found = real.programs()
    assert found is not None
    return str(found / name)


def start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Without edgecore's look around for a kubelet."""
    environment = {**os.environ, "CHECK_EDGECORE_ENVIRONMENT": "false"}
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


class Cloudcore:
    """Over the API server of this run.

    Attributes:
        hub: Port where edgecore's websocket comes in.
        https: Port where edgecore gets its certificate.
    """

    def __init__(self) -> None:
        self.servers = real.servers()
        self.folder = Path(tempfile.mkdtemp(prefix="robolink-cloudcore-"))
        for plural, (kind, scope, group) in BOOKS.items():
            self.servers.create(real.DEFINITIONS, definition(plural, kind, scope, *group))
        port = free_ports(3)
        self.hub, self.https = port, port + 1
        kubeconfig = self.servers.kubeconfig(self.folder / "kubeconfig")
        config = self.folder / "cloudcore.yaml"
        config.write_text(yaml.safe_dump(self._config(kubeconfig, port + 2)))
        self.process = start([program(CLOUD), "--config", str(config)], self.folder)
        atexit.register(self.close)
        wait_for(lambda: answers(self.hub) and answers(self.https), START_TIMEOUT_S, "cloudcore")

    def _config(self, kubeconfig: Path, monitor: int) -> dict[str, Any]:
        here = "127.0.0.1"
        hub = {
            "advertiseAddress": [here],
            "dnsNames": ["localhost"],
            "https": {"enable": True, "address": here, "port": self.https},
            "websocket": {"enable": True, "address": here, "port": self.hub},
            "quic": {"enable": False, "address": here},
            "unixsocket": {"enable": False, "address": f"unix://{self.folder}/kubeedge.sock"},
            # It makes its own authority, and keeps it as Secrets.
            "tlsCAFile": "", "tlsCAKeyFile": "", "tlsCertFile": "", "tlsPrivateKeyFile": "",
        }  # fmt: skip
        return {
            "apiVersion": "cloudcore.config.kubeedge.io/v1alpha1",
            "kind": "CloudCore",
            "commonConfig": {"monitorServer": {"bindAddress": f"{here}:{monitor}"}},
            "kubeAPIConfig": {"kubeConfig": str(kubeconfig)},
            "modules": {
                "cloudHub": hub,
                "cloudStream": {"enable": False},
                "edgeController": {"enable": False},
                "iptablesManager": {"enable": False},
                "router": {"enable": False},
                "taskManager": {"enable": False},
            },
        }

    def token(self) -> str:
        """What lets an edge node in."""

        def read() -> str:
            try:
                found = self.servers.api.get(f"{SYSTEM}/secrets/tokensecret")
            except (ApiStatusError, TransportError):
                return ""
            return base64.b64decode(found["data"]["tokendata"]).decode()

        return str(wait_for(read, START_TIMEOUT_S, "cloudcore's token"))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def definition(plural: str, kind: str, scope: str, group: str, name: str) -> dict[str, Any]:
    """A kind that takes whatever is written."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": name,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": dict.fromkeys(("spec", "status"), anything)}},
        "subresources": {"status": {}},
    }  # fmt: skip
    names = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": scope, "names": names, "versions": [version]},
    }


@cache
def cloudcore() -> Cloudcore:
    """Started once; it ends with the interpreter."""
    return Cloudcore()


class Edgecore:
    """One edge node.

    Args:
        folder: For its socket, its store and its log.
        node: Its name.
        broker: Port of an MQTT broker; 0 for no event bus.
        cloud: Whom it serves; None for nobody.
        rate: Messages a second to the cloud; 0 for edgecore's own, 30. Each twin by DMI is one, each report by MQTT, and
            each acknowledgement of a change that came down.

    Attributes:
        socket: For mappers.
        metaserver: Port.
    """

    def __init__(
        self, folder: Path, node: str, *, broker: int = 0, cloud: Cloudcore | None = None, rate: int = 0
    ) -> None:
        self.folder, self.node = folder, node
        self.socket = folder / "dmi.sock"
        self.metaserver = free_ports(1)
        self.line = None if cloud is None else Line(cloud.hub)
        self._config = folder / "edgecore.yaml"
        self._config.write_text(yaml.safe_dump(self._document(broker, cloud, rate)))
        self._process: subprocess.Popen[bytes] | None = None

    def _document(self, broker: int, cloud: Cloudcore | None, rate: int) -> dict[str, Any]:
        here, folder = "127.0.0.1", self.folder
        hub: dict[str, Any] = {"enable": False}
        if cloud is not None and self.line is not None:
            hub = {
                "enable": True,
                # It connects anew two of these after the link broke.
                "heartbeat": HEARTBEAT_S,
                "httpServer": f"https://{here}:{cloud.https}",
                "token": cloud.token(),
                "websocket": {"enable": True, "server": f"{here}:{self.line.port}"},
                "quic": {"enable": False},
                "rotateCertificates": False,
                "tlsCaFile": str(folder / "edge-ca.crt"),
                "tlsCertFile": str(folder / "edge.crt"),
                "tlsPrivateKeyFile": str(folder / "edge.key"),
            }
            if rate:
                hub |= {"messageQPS": rate, "messageBurst": 2 * rate}
        bus: dict[str, Any] = {"enable": False}
        if broker:
            bus = {"enable": True, "mqttMode": 2, "mqttServerExternal": f"tcp://{here}:{broker}"}
        return {
            "apiVersion": "edgecore.config.kubeedge.io/v1alpha2",
            "kind": "EdgeCore",
            "database": {"dataSource": str(folder / "edgecore.db")},
            "modules": {
                "deviceTwin": {"enable": True, "dmiSockPath": str(self.socket)},
                "edgeHub": hub,
                "edgeStream": {"enable": False},
                "edged": {"enable": False, "hostnameOverride": self.node},
                "eventBus": bus,
                "metaManager": {
                    "enable": True,
                    "metaServer": {"enable": True, "server": f"{here}:{self.metaserver}"},
                },
                "serviceBus": {"enable": False},
                "taskManager": {"enable": False},
            },
        }

    def log(self) -> str:
        """All that it has said."""
        path = self.folder / f"{EDGE}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """And wait until mappers can call it, and cloudcore knows it: what is created before never comes."""
        self.socket.unlink(missing_ok=True)
        before = self.log().count(CONNECTED)
        process = self._process = start([program(EDGE), "--config", str(self._config)], self.folder)

        def serves() -> bool:
            assert process.poll() is None, self.log()[-3000:]
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(self.socket))
            except OSError:
                return False
            return True

        wait_for(serves, START_TIMEOUT_S, "edgecore's socket")
        if self.line is not None:
            wait_for(lambda: self.log().count(CONNECTED) > before, START_TIMEOUT_S, "edgecore at cloudcore")

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        self.kill()
        if self.line is not None:
            self.line.close()


class KubeEdge:
    """All real: API server, etcd, cloudcore and edgecore."""

    def __init__(self, folder: Path, broker: int = 0, rate: int = 0) -> None:
        self.servers, self.cloud = real.servers(), cloudcore()
        self.name = f"{self.servers.version} with etcd; cloudcore and edgecore"
        number = next(_numbers)
        # No node of the doubles': they share the API server.
        self.namespace, self.node = f"edge-site-{number}", f"edge-node-{number}"
        for path, document in (
            ("/api/v1/namespaces", {"kind": "Namespace", "metadata": {"name": self.namespace}}),
            ("/api/v1/nodes", {"kind": "Node", "metadata": {"name": self.node, "labels": {
                "node-role.kubernetes.io/edge": ""}}}),
        ):  # fmt: skip
            self.servers.create(path, {"apiVersion": "v1"} | document)
        self.config = self.servers.config(namespace=self.namespace)
        self.kubeconfig = self.servers.kubeconfig(folder / "kubeconfig", namespace=self.namespace)
        # A unix socket's path may have 107 characters; a test's folder may be longer.
        self._folder = Path(tempfile.mkdtemp(prefix="rl-"))
        self.edge = Edgecore(self._folder, self.node, broker=broker, cloud=self.cloud, rate=rate)
        self.socket = self.edge.socket
        self.metaserver = f"http://127.0.0.1:{self.edge.metaserver}"
        self.edge.start()

    def apply(self, document: dict[str, Any]) -> None:
        """As `kubectl apply` does on a first time."""
        self.servers.create(resource_path(self.namespace, RESOURCES[document["kind"]]), document)

    def kill_edge(self) -> None:
        self.edge.kill()

    def start_edge(self) -> None:
        self.edge.start()

    def edge_ended(self) -> bool:
        return not self.edge.alive()

    def cut(self) -> None:
        self.silence()
        assert self.edge.line is not None
        self.edge.line.drop()

    def silence(self) -> None:
        """The link is down, and nobody is told: what is sent waits."""
        assert self.edge.line is not None
        self.edge.line.cut()

    def mend(self) -> None:
        assert self.edge.line is not None
        self.edge.line.mend()

    def close(self) -> None:
        self.edge.close()
        shutil.rmtree(self._folder, ignore_errors=True)
