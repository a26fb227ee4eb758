"""HTTP to one API server: requests that answer, and streams of watch events. It repeats no write and keeps no objects."""

from __future__ import annotations

import contextlib
import http.client
import json
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from robolink.cloud._config import KubeConfig
from robolink.cloud._errors import status_of
from robolink.errors import ConfigError, ConnectionLostError, RemoteProtocolError, TransportTimeoutError

REQUEST_TIMEOUT_S: Final = 15.0
# A stream is silent between changes; the API server says a bookmark about each minute, and ends it by itself.
STREAM_TIMEOUT_S: Final = 360.0
# Of one object as a line of a watch, or of a whole answer.
MAX_LINE: Final = 8 << 20
MAX_BODY: Final = 256 << 20
JSON_PATCH: Final = "application/json-patch+json"
# A peer that is gone without a word is noticed within some 45 s.
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class KubeApi:
    """Requests to one API server; any number of threads.

    Args:
        config: Where it is, who we are.
        timeout_s: For one request.
    """

    def __init__(self, config: KubeConfig, *, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        """Nothing is opened yet.

        Raises:
            ConfigError: The server's address is none.
        """
        parts = urlsplit(config.server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{config.server!r} is no address of an API server", hint="https://HOST:PORT")
        self._config, self._timeout_s = config, timeout_s
        self._host, self._prefix = parts.hostname, parts.path.rstrip("/")
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._secure = parts.scheme == "https"
        self._local = threading.local()
        # Of all threads, to be closed at the end; a thread's own is in `_local`.
        self._open_ones: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()

    def get(self, path: str) -> Any:
        """A document. Raises as `request`."""
        return self.request("GET", path)

    def patch(self, path: str, operations: list[dict[str, Any]]) -> Any:
        """A JSON patch; the object as it is then. Raises as `request`."""
        return self.request("PATCH", path, operations, JSON_PATCH)

    def request(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """One request and its answer.

        Raises:
            ApiStatusError: Any status that is no success.
            ConnectionLostError: No connection, or it broke: a patch may or may not have been taken.
            TransportTimeoutError: No answer in time; the same holds.
        """
        data = None if body is None else json.dumps(body).encode()
        with self._told(path):
            answer = self._exchange(method, path, data, kind)
            if answer.status == 401 and self._config.token_renewed is not None:
                answer.read(MAX_BODY)
                self._config.token_renewed()
                answer = self._exchange(method, path, data, kind)
            text = answer.read(MAX_BODY)
            if answer.will_close:
                self._drop()
        if not 200 <= answer.status < 300:
            raise status_of(_parse_error(text), answer.status, answer.getheader("Retry-After", ""))
        return _parse(text, path)

    def _exchange(self, method: str, path: str, data: bytes | None, kind: str) -> http.client.HTTPResponse:
        for fresh in (False, True):
            connection, reused = self._connection()
            try:
                connection.request(method, self._prefix + path, data, self._headers(kind))
                return connection.getresponse()
            except (
                http.client.RemoteDisconnected,
                BrokenPipeError,
                ConnectionResetError,
                ssl.SSLEOFError,
                ssl.SSLZeroReturnError,
            ):
                self._drop()
                # The server closes what was idle for long. A write may be done all the same: who asked for it has to know.
                if fresh or not reused or method != "GET":
                    raise
        raise AssertionError("unreachable")

    def _headers(self, kind: str) -> dict[str, str]:
        headers = {"Accept": "application/json", "Content-Type": kind, "User-Agent": "robolink-cloud"}
        if self._config.token is not None:
            headers["Authorization"] = f"Bearer {self._config.token()}"
        return headers

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        """This thread's connection, and whether it has been used before."""
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is not None and kept.sock is not None and _is_closed(kept.sock):
            self._drop()
            kept = None
        if kept is None:
            kept = self._local.connection = self._open(self._timeout_s)
            with self._lock:
                self._open_ones.add(kept)
            return kept, False
        return kept, kept.sock is not None

    def _open(self, timeout_s: float) -> http.client.HTTPConnection:
        if self._secure:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=timeout_s, context=self._config.tls
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)

    def _drop(self) -> None:
        kept: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if kept is not None:
            kept.close()
            self._local.connection = None
            with self._lock:
                self._open_ones.discard(kept)

    def close(self) -> None:
        """Close what is kept open; no request may be under way."""
        with self._lock:
            for connection in self._open_ones:
                connection.close()
            self._open_ones.clear()

    @contextlib.contextmanager
    def _told(self, path: str) -> Iterator[None]:
        """Faults of the wire as our errors; this thread's connection is not used again."""
        try:
            yield
        except TimeoutError as exc:
            self._drop()
            raise TransportTimeoutError(
                f"the API server {self._config.server} did not answer {path} within {self._timeout_s:g} s"
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            self._drop()
            raise ConnectionLostError(
                f"no answer from the API server {self._config.server}: {exc}",
                hint="is its address right, and is it up? kubectl get --raw /readyz",
            ) from exc

    def stream(self, path: str) -> EventStream:
        """A watch; one JSON document a line. Raises as `request`."""
        with self._told(path):
            connection = self._open(STREAM_TIMEOUT_S)
            connection.connect()
            assert connection.sock is not None
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _KEEPALIVE:
                if hasattr(socket, name):
                    connection.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
            connection.request("GET", self._prefix + path, headers=self._headers("application/json"))
            answer = connection.getresponse()
            if answer.status != 200:
                text = answer.read(MAX_BODY)
                connection.close()
                if answer.status == 401 and self._config.token_renewed is not None:
                    self._config.token_renewed()  # The watcher asks again after a moment.
                raise status_of(_parse_error(text), answer.status, answer.getheader("Retry-After", ""))
        return EventStream(connection, answer, self._config.server)


class EventStream:
    """Lines of one watch, until it ends or is closed from any thread."""

    def __init__(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, server: str
    ) -> None:
        """Over an answer whose head was read."""
        self._connection, self._answer, self._server = connection, answer, server
        self._socket, self._closed = connection.sock, False

    def __iter__(self) -> Iterator[Any]:
        """Each event; ends when the server ends the watch.

        Raises:
            ConnectionLostError: It broke, or was silent for too long.
            RemoteProtocolError: A line is no JSON, or over the limit.
        """
        try:
            while line := self._answer.readline(MAX_LINE + 1):
                if len(line) > MAX_LINE:
                    raise RemoteProtocolError(f"a watch event is over the limit of {MAX_LINE} bytes")
                yield _parse(line, "watch")
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as exc:
            # A socket that is closed under a reader shows as any of these.
            if not self._closed:
                raise ConnectionLostError(f"the watch at {self._server} broke: {exc}") from exc
        finally:
            self._answer.close()
            self._connection.close()

    def close(self) -> None:
        """End it; a thread that reads wakes up."""
        self._closed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _is_closed(idle: socket.socket) -> bool:
    """Whether the server has ended a connection on which it owes nothing: then there is its end to read."""
    with selectors.DefaultSelector() as selector:
        selector.register(idle, selectors.EVENT_READ)
        return bool(selector.select(0))


def _parse(text: bytes, path: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as exc:
        raise RemoteProtocolError(
            f"{path}: the answer is no JSON: {text[:80]!r}", hint="is this address a Kubernetes API server?"
        ) from exc


def _parse_error(text: bytes) -> Any:
    """A `Status`, or the words of whoever answered instead: a path that is not served yet answers in plain text."""
    try:
        return json.loads(text)
    except ValueError:
        return {"kind": "Status", "message": text[:200].decode(errors="replace").strip()}
