"""Clusters with real servers in them: an API server and its etcd on loopback, one pair for the whole run.

ROBOLINK_TESTBED names a folder with the programs that `.ci/testbed` builds; without it there are no such clusters here.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from robolink.cli.ports import free_ports
from robolink.cloud import KubeConfig
from robolink.cloud._errors import ApiStatusError
from robolink.cloud._http import KubeApi
from robolink.cloud._watch import resource_path
from robolink.errors import TransportError
from tests.conftest import wait_for
from tests.kubeedge.cluster import RESOURCES, Cluster, DoubleEdge

ROOT = Path(__file__).parents[3]
CRDS = ROOT.parent / "shared" / "data" / "kubeedge-crds"
TOKEN = "testbed"
START_TIMEOUT_S = 120.0
_numbers = itertools.count(1)


def programs() -> Path | None:
    """Where the built programs are; None if there are none."""
    folder = os.environ.get("ROBOLINK_TESTBED", "")
    return Path(folder) if folder and (Path(folder) / "kube-apiserver").is_file() else None


def asked() -> bool:
    """Whether this run is to be against real servers."""
    return bool(os.environ.get("ROBOLINK_TESTBED"))


def describe() -> str:
    """What the servers are, once they have run."""
    return f"kube-apiserver {servers().version} with etcd" if servers.cache_info().currsize else "not started"


def missing() -> str:
    """Why there is no real API server here; "" if there is one."""
    if programs() is None:
        return "no ROBOLINK_TESTBED with a kube-apiserver in it: run .ci/testbed"
    if shutil.which("etcd") is None:
        return "no etcd: apt-get install etcd-server"
    return "" if CRDS.is_dir() else "KubeEdge's CRDs are not beside this checkout: shared/data/kubeedge-crds"


def kinds() -> dict[str, Callable[[Path], Cluster]]:
    """By name, what can be started here."""
    return {} if missing() else {"api-server": RealApi}


class Servers:
    """Etcd and kube-apiserver, and KubeEdge's three CRDs in them.

    Attributes:
        admin: May everything.
        version: What the API server says of itself.
    """

    def __init__(self) -> None:
        folder = self.folder = Path(tempfile.mkdtemp(prefix="robolink-testbed-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        atexit.register(self.close)
        port = free_ports(3)
        self.url = f"https://127.0.0.1:{port + 2}"
        etcd = f"http://127.0.0.1:{port}"
        peer = f"http://127.0.0.1:{port + 1}"
        self._run(
            "etcd",
            *("--data-dir", str(folder / "etcd")),
            *("--listen-client-urls", etcd, "--advertise-client-urls", etcd),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
            *("--initial-cluster", f"default={peer}"),
        )
        key = folder / "accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        (folder / "tokens.csv").write_text(
            f'{TOKEN},admin,admin,"system:masters"\n{TOKEN}-app,app,app\n{TOKEN}-nobody,nobody,nobody\n'
        )
        found = programs()
        assert found is not None
        self._run(
            str(found / "kube-apiserver"),
            *("--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", str(port + 2)),
            *("--cert-dir", str(folder / "certificates"), "--token-auth-file", str(folder / "tokens.csv")),
            *("--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.255.0.0/24"),
            *("--service-account-issuer", self.url, "--service-account-key-file", str(key)),
            *(
                "--service-account-signing-key-file",
                str(key),
                "--disable-admission-plugins",
                "ServiceAccount",
            ),
        )
        wait_for(self._ready, START_TIMEOUT_S, "the API server")
        self.admin = self.config()
        self.api = KubeApi(self.admin)
        self.version = self.api.get("/version")["gitVersion"]
        for each in sorted(CRDS.glob("*.yaml")):
            self._define(yaml.safe_load(each.read_text()))

    def _run(self, *command: str) -> None:
        name = Path(command[0]).name
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))

    def config(self, user: str = "", namespace: str = "default") -> KubeConfig:
        """As admin, or another user of the token file."""
        certificate = self.folder / "certificates" / "apiserver.crt"
        token = f"{TOKEN}-{user}" if user else TOKEN
        tls = ssl.create_default_context(cafile=str(certificate))
        return KubeConfig(server=self.url, namespace=namespace, tls=tls, token=lambda: token)

    def kubeconfig(self, path: Path, user: str = "", namespace: str = "default") -> Path:
        """The same for kubectl."""
        certificate = str(self.folder / "certificates" / "apiserver.crt")
        token = f"{TOKEN}-{user}" if user else TOKEN
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [
                {"name": "here", "cluster": {"server": self.url, "certificate-authority": certificate}}
            ],
            "users": [{"name": "me", "user": {"token": token}}],
            "contexts": [
                {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": namespace}}
            ],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def _ready(self) -> bool:
        for each in self._processes:
            if each.poll() is not None:
                logs = sorted(self.folder.glob("*.log"))
                raise AssertionError("\n".join(log.read_text()[-1500:] for log in logs))
        try:
            answer = KubeApi(self.config()).get("/api/v1/namespaces/default")
        except (TransportError, OSError):
            return False
        return bool(answer["metadata"]["name"])

    def create(self, path: str, document: dict[str, Any]) -> Any:
        """POST; what is there already stays."""
        try:
            return self.api.request("POST", path, document)
        except ApiStatusError as exc:
            if exc.status != 409:
                raise
            return None

    def _define(self, document: dict[str, Any]) -> None:
        self.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", document)
        path = resource_path("default", document["spec"]["names"]["plural"])

        def served() -> bool:
            try:
                self.api.get(path)
            except ApiStatusError:
                return False
            return True

        wait_for(served, 30, f"the resource {path}")

    def close(self) -> None:
        for each in reversed(self._processes):
            each.kill()
            each.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


@cache
def servers() -> Servers:
    """Started once; they end with the interpreter."""
    return Servers()


class RealApi(DoubleEdge):
    """A real API server over doubles of cloudcore and edgecore, in a namespace of its own."""

    def __init__(self, folder: Path) -> None:
        self.servers = servers()
        self.name = f"kube-apiserver {self.servers.version} with etcd; doubles of cloudcore and edgecore"
        self.namespace = f"site-{next(_numbers)}"
        document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.servers.create("/api/v1/namespaces", document)
        self.config = self.servers.config(namespace=self.namespace)
        self.kubeconfig = self.servers.kubeconfig(folder / "kubeconfig", namespace=self.namespace)
        super().__init__(self.config, folder)

    def apply(self, document: dict[str, Any]) -> None:
        """As `kubectl apply` does on a first time."""
        self.servers.create(resource_path(self.namespace, RESOURCES[document["kind"]]), document)
