"""Where the Kubernetes API is and who we are there: a kubeconfig, a pod's own service account, or told by the app.

Reads files and runs a kubeconfig's login program; sends nothing.
"""

from __future__ import annotations

import base64
import json
import os
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from robolink.errors import ConfigError

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
LOGIN_TIMEOUT_S: Final = 60.0

# Asked anew for each request: tokens of pods and of login programs are renewed under way.
TokenSource = Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeConfig:
    """One API server and one identity.

    Attributes:
        server: "https://HOST:PORT"; "http://…" for `kubectl proxy`.
        namespace: Where the robots' Devices are, unless `Fleet` is told another.
        tls: For https.
        token: The bearer token; none for client certificates and `kubectl proxy`.
        token_renewed: Called when the API server refuses the token, before it is asked for once more.
    """

    server: str
    namespace: str = "default"
    tls: ssl.SSLContext | None = None
    token: TokenSource | None = field(default=None, repr=False)
    token_renewed: Callable[[], None] | None = field(default=None, repr=False)

    @classmethod
    def load(cls, context: str = "") -> KubeConfig:
        """A pod's service account if we run in a pod, else the kubeconfig that kubectl would take.

        Raises:
            ConfigError: There is neither, or it is wrong.
        """
        if not context and "KUBECONFIG" not in os.environ and "KUBERNETES_SERVICE_HOST" in os.environ:
            return cls.in_cluster()
        return cls.from_file(context=context)

    @classmethod
    def in_cluster(
        cls, folder: Path = SERVICE_ACCOUNT, environment: Mapping[str, str] = os.environ
    ) -> KubeConfig:
        """A pod's own service account.

        Raises:
            ConfigError: We run in no pod, or its account is not mounted.
        """
        try:
            host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
            tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
            namespace = (folder / "namespace").read_text().strip()
        except (KeyError, OSError) as exc:
            raise ConfigError(
                f"no service account of a pod is here: {exc}",
                hint="outside a cluster use a kubeconfig; in a pod, automountServiceAccountToken",
            ) from exc
        host = f"[{host}]" if ":" in host else host
        return cls(
            server=f"https://{host}:{port}",
            namespace=namespace,
            tls=tls,
            token=lambda: (folder / "token").read_text().strip(),
        )

    @classmethod
    def from_file(cls, path: Path | str | None = None, context: str = "") -> KubeConfig:
        """A kubeconfig's context; without a path KUBECONFIG, then ~/.kube/config.

        Raises:
            ConfigError: The file is not there or not right; it says what.
        """
        listed = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
        found = Path(path or listed or "~/.kube/config").expanduser()
        try:
            import yaml
        except ImportError as exc:
            raise ConfigError("a kubeconfig needs PyYAML", hint="pip install 'robolink[cloud]'") from exc
        try:
            document = yaml.safe_load(found.read_text())
            return _from_document(document, context, found.parent)
        except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, ssl.SSLError) as exc:
            raise ConfigError(f"{found} is no usable kubeconfig: {exc!r}") from exc
        except OSError as exc:
            raise ConfigError(
                f"no kubeconfig at {found}, or a file that it names is not there: {exc}",
                hint="set KUBECONFIG, or give a path",
            ) from exc


def _from_document(document: Any, context: str, folder: Path) -> KubeConfig:
    def named(kind: str, name: str) -> Any:
        key = kind.removesuffix("s")
        for each in document.get(kind) or ():
            if each["name"] == name:
                return each[key] or {}
        raise ValueError(f"{kind} has no {name!r}")

    chosen = named("contexts", context or document.get("current-context", ""))
    cluster, user = named("clusters", chosen["cluster"]), named("users", chosen["user"])
    token, renewed = _token(user, folder)
    return KubeConfig(
        server=str(cluster["server"]).rstrip("/"),
        namespace=chosen.get("namespace", "default"),
        tls=_tls(cluster, user, folder) if str(cluster["server"]).startswith("https:") else None,
        token=token,
        token_renewed=renewed,
    )


def _data(entry: Any, name: str, folder: Path) -> bytes | None:
    """What a kubeconfig holds inline (`NAME-data`, base64) or names as a file (`NAME`)."""
    if inline := entry.get(f"{name}-data"):
        return base64.b64decode(inline)
    return (folder / Path(entry[name]).expanduser()).read_bytes() if entry.get(name) else None


def _tls(cluster: Any, user: Any, folder: Path) -> ssl.SSLContext:
    authority = _data(cluster, "certificate-authority", folder)
    tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    certificate, key = _data(user, "client-certificate", folder), _data(user, "client-key", folder)
    if certificate and key:
        # OpenSSL reads certificates from files alone. Only we may read this one, and only for a moment.
        with tempfile.NamedTemporaryFile("wb", suffix=".pem") as file:
            file.write(certificate.rstrip() + b"\n" + key)
            file.flush()
            tls.load_cert_chain(file.name)
    return tls


def _token(user: Any, folder: Path) -> tuple[TokenSource | None, Callable[[], None] | None]:
    if text := user.get("token"):
        return (lambda: str(text)), None
    if path := user.get("tokenFile"):
        return (lambda: (folder / Path(path).expanduser()).read_text().strip()), None
    if program := user.get("exec"):
        login = _Login(program, folder)
        return login.token, login.forget
    return None, None


class _Login:
    """A kubeconfig's login program (`exec`): run when its last token was refused, not for each request."""

    def __init__(self, program: Any, folder: Path) -> None:
        self._command = [program["command"], *(program.get("args") or ())]
        self._env = {each["name"]: each["value"] for each in program.get("env") or ()}
        self._api, self._folder, self._kept = program.get("apiVersion", ""), folder, ""

    def forget(self) -> None:
        self._kept = ""

    def token(self) -> str:
        if not self._kept:
            asked = {"apiVersion": self._api, "kind": "ExecCredential", "spec": {"interactive": False}}
            environment = {**os.environ, **self._env, "KUBERNETES_EXEC_INFO": json.dumps(asked)}
            try:
                shown = subprocess.run(
                    self._command, env=environment, capture_output=True, check=True, timeout=LOGIN_TIMEOUT_S
                )
                self._kept = str(json.loads(shown.stdout)["status"]["token"])
            except (OSError, subprocess.SubprocessError, ValueError, KeyError) as exc:
                raise ConfigError(
                    f"the kubeconfig's login program {self._command[0]} gave no token: {exc}",
                    hint="log in by kubectl once; a program that gives certificates is not supported",
                ) from exc
        return self._kept
