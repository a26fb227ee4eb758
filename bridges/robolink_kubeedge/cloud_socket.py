"""The double's cloud face for another process: one JSON line in, one JSON line out, on a unix socket.

For tests and the demo alone; a real cloud is the Kubernetes API.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from pathlib import Path
from typing import Any, Final

from robolink.errors import ConfigError, ConnectionLostError
from robolink_kubeedge.double import EdgecoreDouble
from robolink_kubeedge.sockets import claim

TIMEOUT_S: Final = 10.0
HINT: Final = "start it: robolink kubeedge double --folder DIR"


class CloudServer:
    """Serves `EdgecoreDouble.apply`, `patch_desired` and `status` on a path until closed."""

    def __init__(self, double: EdgecoreDouble, path: Path) -> None:
        """Bind and serve in a thread."""
        claim(path, "double")

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    self.wfile.write(json.dumps(_answer(double, line)).encode() + b"\n")

        self._server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self._server.daemon_threads = True
        self._path = path
        self._thread = threading.Thread(target=self._server.serve_forever, name="cloud", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def _answer(double: EdgecoreDouble, line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        match request["do"]:
            case "apply":
                double.apply(request["manifest"])
                return {"ok": True}
            case "patch":
                double.patch_desired(request["device"], request["property"], request["value"])
                return {"ok": True}
            case "status":
                return {"ok": True, "status": double.status(request["device"])}
            case other:
                return {"ok": False, "error": f"unknown: {other!r}"}
    except KeyError as exc:
        return {"ok": False, "error": f"there is no {exc}"}
    except (ValueError, TypeError, StopIteration) as exc:
        return {"ok": False, "error": f"{type(exc).__name__}: {exc}"}


def ask(path: Path, **request: Any) -> dict[str, Any]:
    """One request.

    Raises:
        ConnectionLostError: No double serves there.
        ConfigError: It refused.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                line = lines.readline()
        except OSError as exc:
            raise ConnectionLostError(f"no double serves on {path}: {exc}", hint=HINT) from exc
    answer: dict[str, Any] = json.loads(line or b"{}")
    if not answer.get("ok"):
        raise ConfigError(f"the double refused: {answer.get('error', 'no answer')}")
    return answer
