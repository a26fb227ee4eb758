"""The mapper's REST: mapper-framework's routes, but writes by POST, each but ping with a token, and each error in words.

HTTP alone: requests in, answers out. What they mean is restcalls.py's, what may run is the hub's.
"""

from __future__ import annotations

import contextlib
import datetime
import hmac
import json
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from robolink import v1
from robolink.errors import (
    CommandError,
    ConfigError,
    DeadlineExceededError,
    RobolinkError,
    TransportError,
)
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.hublink import HubLink
from robolink_kubeedge.restcalls import NotHereError, RestCalls

log = logging.getLogger(__name__)

API: Final = "/api/v1"
MAX_BODY_BYTES: Final = 64 * 1024
CONNECTIONS: Final = 64
DATABASE: Final = "the mapper writes into no database yet: record on the hub, or push by http, mqtt or otel"
# Of a refused command; the rest is the asker's fault.
STATUS: Final[dict[int, int]] = {
    v1.CAUSE_DENIED: 403,
    v1.CAUSE_UNKNOWN_ROBOT: 404,
    v1.CAUSE_UNSUPPORTED: 404,
    v1.CAUSE_NO_LEASE: 409,
    v1.CAUSE_BUSY: 409,
    v1.CAUSE_LATCHED: 409,
    v1.CAUSE_UNREACHABLE: 503,
}


class RestServer:
    """One HTTP server.

    Args:
        config: Port, token, whether GET may write.
        table: The devices.
        counters: Of the mapper.
        link: The hub.
    """

    def __init__(
        self, config: MapperConfig, table: DeviceTable, counters: Counter[str], link: HubLink
    ) -> None:
        """Read the token, bind the port.

        Raises:
            ConfigError: One of them is not to be had.
        """
        self._config, self._counters = config, counters
        self._token()
        self._calls = RestCalls(table, counters, link)
        self._socket = _bind(config.rest.address, config.common.http_port)
        self.port: int = self._socket.getsockname()[1]

    def _token(self) -> str:
        path = Path(self._config.rest.token_file)
        try:
            token = path.read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise ConfigError(f"the REST's token {path} cannot be read: {exc.strerror}") from exc
        if not token:
            raise ConfigError(f"the REST's token {path} is empty", hint="put one line of random text there")
        return token

    async def run(self) -> None:
        """Serve until cancelled."""
        rest = self._config.rest
        settings = uvicorn.Config(
            self.app(),
            log_config=None,
            access_log=False,
            lifespan="off",
            limit_concurrency=CONNECTIONS,
            ssl_certfile=rest.tls_cert_file or None,
            ssl_keyfile=rest.tls_key_file or None,
        )
        log.info("REST on %s:%d", rest.address, self.port)
        try:
            await _Server(settings).serve(sockets=[self._socket])
        finally:
            self._socket.close()
            await self._calls.close()

    def app(self) -> Starlette:
        """The routes."""
        device, method = f"{API}/device/{{ns}}/{{name}}", f"{API}/devicemethod/{{ns}}/{{name}}"
        calls = self._calls
        routes = [
            Route(f"{API}/ping", self._ping, methods=["GET"]),
            self._route(f"{device}/{{prop}}", "GET", self._read),
            self._route(method, "GET", self._methods),
            self._route(f"{method}/{{method}}", "POST", self._post),
            self._route(f"{API}/meta/model/{{ns}}/{{name}}", "GET", self._model),
            self._route(f"{API}/command/{{ns}}/{{name}}/{{id}}", "GET", self._command),
            self._route(f"{API}/database/{{ns}}/{{name}}", "GET", self._database),
            self._route(f"{API}/events", "GET", lambda _: _done({"Data": calls.events()})),
            self._route(f"{API}/counters", "GET", lambda _: _done({"Data": calls.counts()})),
        ]
        if self._config.rest.get_writes:
            routes.append(self._route(f"{method}/{{method}}/{{prop}}/{{data:path}}", "GET", self._get_write))
        return Starlette(routes=routes)

    def _route(self, path: str, verb: str, answer: Callable[[Request], Awaitable[Answer]]) -> Route:
        async def endpoint(request: Request) -> Response:
            self._counters["rest_requests"] += 1
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token()}".encode()):
                self._counters["rest_denied"] += 1
                return _response(401, {"error": "a token is needed: Authorization: Bearer TOKEN"})
            try:
                status, body = await answer(request)
            except NotHereError as exc:
                return _response(404, {"error": str(exc)})
            except (ValueError, ConfigError) as exc:
                return _response(400, {"error": str(exc)})
            except RobolinkError as exc:
                return _failed(exc)
            return _response(status, body)

        return Route(path, endpoint, methods=[verb])

    async def _ping(self, _: Request) -> Response:
        return _response(200, {"Message": "This is v1 API, the server is running normally."})

    async def _read(self, request: Request) -> Answer:
        return 200, {"Data": self._calls.read(_device(request), request.path_params["prop"])}

    async def _methods(self, request: Request) -> Answer:
        return 200, {"Data": {"methods": self._calls.methods(_device(request))}}

    async def _post(self, request: Request) -> Answer:
        wait_s = request.query_params.get("wait_s", "0")
        method, body = request.path_params["method"], await _body(request)
        done, data = await self._calls.invoke(_device(request), method, body, _seconds(wait_s))
        return (200 if done else 202), {"Data": data}

    async def _get_write(self, request: Request) -> Answer:
        parts = request.path_params
        done, data = await self._calls.write(_device(request), parts["method"], parts["prop"], parts["data"])
        return (200 if done else 202), {"Data": data}

    async def _model(self, request: Request) -> Answer:
        return 200, self._calls.model(_device(request))

    async def _command(self, request: Request) -> Answer:
        return 200, {"Data": await self._calls.command(_device(request), request.path_params["id"])}

    async def _database(self, request: Request) -> Answer:
        self._calls.read(_device(request), "")
        return 503, {"error": DATABASE}


Answer = tuple[int, dict[str, Any]]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The mapper's process has handlers of its own."""
        yield


async def _done(body: dict[str, Any]) -> Answer:
    return 200, body


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address, port))
        made.listen(CONNECTIONS)
    except OSError as exc:
        made.close()
        raise ConfigError(
            f"the REST's port {address}:{port} cannot be bound: {exc.strerror}",
            hint="choose another common.http_port, or leave rest.token_file empty",
        ) from exc
    return made


def _device(request: Request) -> tuple[str, str]:
    return request.path_params["ns"], request.path_params["name"]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 600:
        raise ValueError(f"wait_s={text[:20]!r} must be 0 to 600 seconds")
    return seconds


async def _body(request: Request) -> dict[str, Any]:
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > MAX_BODY_BYTES:
            raise ValueError(f"the body is over {MAX_BODY_BYTES} bytes")
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"the body is no JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise ValueError("the body must be a JSON object")
    return found


def _failed(exc: RobolinkError) -> Response:
    body: dict[str, Any] = {"error": str(exc.args[0]) if exc.args else type(exc).__name__}
    if exc.hint:
        body["hint"] = exc.hint
    if isinstance(exc, CommandError):
        body["cause"] = v1.Cause.Name(exc.cause).removeprefix("CAUSE_") if exc.cause else ""
        return _response(504 if isinstance(exc, DeadlineExceededError) else STATUS.get(exc.cause, 400), body)
    return _response(503 if isinstance(exc, TransportError) else 500, body)


def _response(status: int, body: dict[str, Any]) -> Response:
    stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(
        {"apiVersion": "v1", "statusCode": status, "timeStamp": stamp} | body, status, headers
    )
