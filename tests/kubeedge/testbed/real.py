"""Clusters with real servers in them: an API server and its etcd on loopback, one pair for the whole run.

ROBOLINK_TESTBED names a folder with the programs that `.ci/testbed` builds; without it there are no such clusters here. The whole
kube-apiserver is taken if it is there, else the part of it that serves custom resources: the same code of resources, patches
and watches, without roles, namespaces and admission policies.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
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
from robolink.errors import ConfigError, TransportError
from tests.conftest import wait_for
from tests.kubeedge.cluster import RESOURCES, Cluster, DoubleEdge

ROOT = Path(__file__).parents[3]
CRDS = ROOT.parent / "shared" / "data" / "kubeedge-crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
START_TIMEOUT_S = 120.0
WHOLE, PART = "kube-apiserver", "apiextensions-apiserver"
# Of the part: what these look at is not served there.
PLUGINS = (
    "NamespaceLifecycle",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
)
_numbers = itertools.count(1)


def programs() -> Path | None:
    """Where the built programs are; None if there are none."""
    folder = os.environ.get("ROBOLINK_TESTBED", "")
    found = Path(folder) if folder else None
    return found if found is not None and any((found / name).is_file() for name in (WHOLE, PART)) else None


def whole() -> bool:
    """Whether the API server has roles, namespaces and admission."""
    found = programs()
    return found is not None and (found / WHOLE).is_file()


def asked() -> bool:
    """Whether this run is to be against real servers."""
    return bool(os.environ.get("ROBOLINK_TESTBED"))


def missing() -> str:
    """Why there is no real API server here; "" if there is one."""
    if programs() is None:
        return "no ROBOLINK_TESTBED with an API server in it: run .ci/testbed"
    if shutil.which("etcd") is None:
        return "no etcd: apt-get install etcd-server"
    return "" if CRDS.is_dir() else "KubeEdge's CRDs are not beside this checkout: shared/data/kubeedge-crds"


def describe() -> str:
    """What the servers are, once they have run."""
    return f"{servers().version}, with etcd" if servers.cache_info().currsize else "not started"


def kinds() -> dict[str, Callable[..., Cluster]]:
    """By name, what can be started here."""
    return {} if missing() else {"api-server": RealApi}


class Servers:
    """Etcd and an API server, and KubeEdge's three CRDs in it.

    Attributes:
        admin: May everything.
        version: What the API server is.
    """

    def __init__(self) -> None:
        folder = self.folder = Path(tempfile.mkdtemp(prefix="robolink-testbed-"))
        self._processes: list[subprocess.Popen[bytes]] = []
        atexit.register(self.close)
        port = free_ports(3)
        self.url = f"https://127.0.0.1:{port + 2}"
        etcd, peer = (f"http://127.0.0.1:{port + each}" for each in (0, 1))
        self._run(
            "etcd",
            *("--data-dir", str(folder / "etcd"), "--initial-cluster", f"default={peer}"),
            *("--listen-client-urls", etcd, "--advertise-client-urls", etcd),
            *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        )
        self._certificates("admin", "system:masters")
        self._serve(etcd, port + 2)
        wait_for(self._ready, START_TIMEOUT_S, "the API server")
        self.admin = self.config()
        self.api = KubeApi(self.admin)
        module = (Path(__file__).parent / "go.mod").read_text()
        release = module.partition("\tk8s.io/kubernetes v")[2].split()[0]
        self.version = f"{WHOLE if whole() else PART} of Kubernetes {release}"
        for each in sorted(CRDS.glob("*.yaml")):
            self._define(yaml.safe_load(each.read_text()))

    def _run(self, *command: str) -> None:
        name = Path(command[0]).name
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.folder)

    def _certificates(self, user: str, group: str) -> None:
        """A client's certificate, by an authority that lives as long as these servers."""
        if not (self.folder / "ca.crt").exists():
            new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=testbed")
            self._openssl(*new, "-keyout", "ca.key", "-out", "ca.crt")
        new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/O={group}/CN={user}")
        self._openssl(*new, "-keyout", f"{user}.key", "-out", f"{user}.csr")
        by = ("-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2")
        self._openssl("x509", "-req", "-in", f"{user}.csr", *by, "-out", f"{user}.crt")

    def _serve(self, etcd: str, port: int) -> None:
        folder, found = self.folder, programs()
        assert found is not None
        common = (
            *("--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--secure-port", str(port)),
            *("--cert-dir", str(folder / "certificates"), "--client-ca-file", str(folder / "ca.crt")),
        )
        if whole():
            self._openssl("genrsa", "-out", "accounts.key", "2048")
            self._run(
                str(found / WHOLE),
                *common,
                *("--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.255.0.0/24"),
                *("--service-account-issuer", self.url, "--service-account-key-file", "accounts.key"),
                *("--service-account-signing-key-file", "accounts.key"),
                *("--disable-admission-plugins", "ServiceAccount"),
            )
            return
        # The part asks the whole for what it does not know itself. Here it asks itself, and is told that there is none.
        own = str(self.kubeconfig(folder / "own.kubeconfig", trusted=False))
        self._run(
            str(found / PART),
            *common,
            *("--kubeconfig", own, "--authentication-kubeconfig", own, "--authorization-kubeconfig", own),
            *("--authentication-skip-lookup", "--disable-admission-plugins", ",".join(PLUGINS)),
            "--enable-priority-and-fairness=false",
        )

    def user(self, name: str) -> None:
        """Somebody who may nothing yet."""
        self._certificates(name, "people")

    def config(self, user: str = "admin", namespace: str = "default") -> KubeConfig:
        """As admin, or another user."""
        return KubeConfig.from_file(self.kubeconfig(self.folder / f"{user}.kubeconfig", user, namespace))

    def kubeconfig(
        self, path: Path, user: str = "admin", namespace: str = "default", *, trusted: bool = True
    ) -> Path:
        """The same for kubectl; `trusted`: the server's own certificate is there already."""
        folder = self.folder
        how: dict[str, Any] = {"insecure-skip-tls-verify": True}
        if trusted:
            found = [*sorted((folder / "certificates").glob("*.crt")), Path("none-yet.crt")]
            how = {"certificate-authority": str(found[0])}
        keys = {"client-certificate": str(folder / f"{user}.crt"), "client-key": str(folder / f"{user}.key")}
        context = {"cluster": "here", "user": "me", "namespace": namespace}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": {"server": self.url} | how}],
            "users": [{"name": "me", "user": keys}],
            "contexts": [{"name": "here", "context": context}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def _ready(self) -> bool:
        for each in self._processes:
            if each.poll() is not None:
                logs = sorted(self.folder.glob("*.log"))
                raise AssertionError("\n".join(log.read_text()[-1500:] for log in logs))
        api = None
        try:
            api = KubeApi(self.config())
            api.get(DEFINITIONS)
        except (TransportError, ConfigError):
            return False
        finally:
            if api is not None:
                api.close()
        return True

    def create(self, path: str, document: dict[str, Any]) -> Any:
        """POST; what is there already stays."""
        try:
            return self.api.request("POST", path, document)
        except ApiStatusError as exc:
            if exc.status != 409:
                raise
            return None

    def _define(self, document: dict[str, Any]) -> None:
        self.create(DEFINITIONS, document)
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

    def __init__(self, folder: Path, broker: int = 0) -> None:
        self.servers = servers()
        self.name = f"{self.servers.version} with etcd; doubles of cloudcore and edgecore"
        self.namespace = f"site-{next(_numbers)}"
        if whole():
            document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
            self.servers.create("/api/v1/namespaces", document)
        self.config = self.servers.config(namespace=self.namespace)
        self.kubeconfig = self.servers.kubeconfig(folder / "kubeconfig", namespace=self.namespace)
        super().__init__(self.config, folder, broker)

    def apply(self, document: dict[str, Any]) -> None:
        """As `kubectl apply` does on a first time."""
        self.servers.create(resource_path(self.namespace, RESOURCES[document["kind"]]), document)
