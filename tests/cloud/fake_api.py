"""A Kubernetes API server for three resources over real HTTP: lists in pages, watches, JSON patches, and what goes wrong there.

It knows no schema and no role beyond what a test forbids; the real one is in the test bed.
"""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Document = dict[str, Any]
PREFIX = "/apis/devices.kubeedge.io/v1beta1/namespaces/"
KINDS = {"devices": "Device", "devicestatuses": "DeviceStatus", "devicemodels": "DeviceModel"}


class Refusal(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason = code, reason


def pointer(document: Any, path: str) -> tuple[Any, Any]:
    """Parent and key of a JSON pointer."""
    parts = [each.replace("~1", "/").replace("~0", "~") for each in path.split("/")[1:]]
    for part in parts[:-1]:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document, int(parts[-1]) if isinstance(document, list) else parts[-1]


def json_patch(document: Document, operations: list[Document]) -> Document:
    """RFC 6902 as far as the SDK uses it."""
    made = copy.deepcopy(document)
    for each in operations:
        try:
            parent, key = pointer(made, each["path"])
            if each["op"] == "test":
                if parent[key] != each["value"]:
                    raise Refusal(422, "Invalid", f"testing value {each['path']} failed")
            elif each["op"] in ("add", "replace"):
                parent[key] = each["value"]
            else:
                raise Refusal(400, "BadRequest", f"unknown op {each['op']}")
        except (KeyError, IndexError) as exc:
            raise Refusal(422, "Invalid", f"no path {each['path']}") from exc
    return made


class FakeApi:
    """The server; `url` once it is started.

    Attributes:
        forbidden: (verb, resource) pairs that RBAC refuses.
        absent: Resources whose CRD is not installed.
        token: If set, the bearer token that it wants.
        requests: (method, path with query) of each request.
        before_patch: Called with each patch before it is applied: a second writer.
        lose_answers: So many patches are applied, and their connection is cut instead of answered.
        refuse: So many requests are answered with this status.
        close_idle: Connections are closed, without a word, once they have had an answer.
        held: Resources whose watch events wait; `release` lets them go.
    """

    def __init__(self) -> None:
        self.forbidden: set[tuple[str, str]] = set()
        self.absent: set[str] = set()
        self.token = ""
        self.requests: list[tuple[str, str]] = []
        self.before_patch: Callable[[str, list[Document]], None] | None = None
        self.lose_answers = 0
        self.refuse: list[int] = []
        self.held: set[str] = set()
        self.close_idle = False
        self._objects: dict[tuple[str, str, str], Document] = {}
        self._history: list[tuple[int, str, str, Document]] = []
        self._version, self._oldest = 100, 0
        self._changed = threading.Condition(threading.RLock())
        self._streams = 0
        self._closing = False
        self._cut = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    # The test's side.

    def put(self, resource: str, document: Document, namespace: str = "default") -> Document:
        """Create or replace."""
        with self._changed:
            key = (namespace, resource, document["metadata"]["name"])
            before = self._objects.get(key)
            made = copy.deepcopy(document)
            made["metadata"].setdefault("namespace", namespace)
            generation = 0 if before is None else before["metadata"]["generation"]
            changed = before is None or before.get("spec") != made.get("spec")
            self._version += 1
            made["metadata"] |= {
                "resourceVersion": str(self._version),
                "generation": generation + (1 if changed else 0),
            }
            self._objects[key] = made
            self._event("ADDED" if before is None else "MODIFIED", namespace, resource, made)
            return copy.deepcopy(made)

    def get(self, resource: str, name: str, namespace: str = "default") -> Document:
        with self._changed:
            return copy.deepcopy(self._objects[namespace, resource, name])

    def desired(self, robot: str, name: str) -> str:
        """A desired text; "" for none."""
        spec = self.get("devices", robot)["spec"]
        entry = next(each for each in spec["properties"] if each["name"] == name)
        return str(entry.get("desired", {}).get("value", ""))

    def wish(self, robot: str, name: str, text: str) -> None:
        """Another writer of one desired value."""
        with self._changed:
            document = self.get("devices", robot)
            entry = next(each for each in document["spec"]["properties"] if each["name"] == name)
            entry["desired"] = {"value": text}
            self.put("devices", document)

    def report(self, robot: str, state: str = "ok", *, old: bool = False, **twins: tuple[str, str]) -> None:
        """What comes up from the edge: observed and reported text by property ("__" stands for ".", "_" for "-")."""
        resource = "devices" if old else "devicestatuses"
        with self._changed:
            key = ("default", resource, robot)
            found = self._objects.get(key, {"metadata": {"name": robot}, "status": {}})
            document = copy.deepcopy(found)
            listed = {each["propertyName"]: each for each in document.get("status", {}).get("twins", [])}
            for name, (observed, reported) in twins.items():
                word = name.replace("__", "\0").replace("_", "-").replace("\0", ".")
                stamp = {"timestamp": str(1_795_000_000_000 + self._version)}
                listed[word] = {
                    "propertyName": word,
                    "observedDesired": {"value": observed, "metadata": stamp},
                    "reported": {"value": reported, "metadata": stamp},
                }
            document["status"] = {"state": state, "twins": list(listed.values())}
            self.put(resource, document)

    def delete(self, resource: str, name: str, namespace: str = "default") -> None:
        with self._changed:
            found = self._objects.pop((namespace, resource, name))
            self._version += 1
            found["metadata"]["resourceVersion"] = str(self._version)
            self._event("DELETED", namespace, resource, found)

    def forget(self) -> None:
        """Etcd is compacted: watches end, and older resource versions are gone."""
        with self._changed:
            self._version += 1
            self._oldest = self._version
            self.cut()

    def release(self) -> None:
        """Events that were held go out, late."""
        with self._changed:
            self.held.clear()
            self._changed.notify_all()

    def cut(self) -> None:
        """All watches break."""
        with self._changed:
            self._cut += 1
            self._changed.notify_all()

    @property
    def streams(self) -> int:
        """Open watches."""
        return self._streams

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()

    def _event(self, kind: str, namespace: str, resource: str, document: Document) -> None:
        self._history.append((self._version, kind, f"{namespace}/{resource}", copy.deepcopy(document)))
        self._changed.notify_all()

    # The client's side.

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._serve("GET")

            def do_PATCH(self) -> None:
                self._serve("PATCH")

            def do_POST(self) -> None:
                self._serve("POST")

            def do_DELETE(self) -> None:
                self._serve("DELETE")

            def log_message(self, *args: Any) -> None:
                pass

            def _serve(self, method: str) -> None:
                api.requests.append((method, self.path))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    api._answer(self, method, json.loads(body) if body else None)
                except Refusal as exc:
                    status = {"kind": "Status", "message": str(exc), "reason": exc.reason, "code": exc.code}
                    self.answer(exc.code, status)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def answer(self, code: int, document: Document) -> None:
                data = json.dumps(document).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.close_connection = self.close_connection or api.close_idle

        return Handler

    def _answer(self, handler: Any, method: str, body: Any) -> None:
        parts = urlsplit(handler.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        namespace, _, rest = parts.path.removeprefix(PREFIX).partition("/")
        resource, _, name = rest.partition("/")
        verb = {"PATCH": "patch", "POST": "create", "DELETE": "delete"}.get(method) or (
            "watch" if "watch" in query else "get" if name else "list"
        )
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            raise Refusal(401, "Unauthorized", "Unauthorized")
        if (verb, resource) in self.forbidden:
            raise Refusal(403, "Forbidden", f'{resource} is forbidden: User "app" cannot {verb} resource')
        if self.refuse:
            raise Refusal(self.refuse.pop(0), "ServiceUnavailable", "not now")
        if resource in self.absent or resource not in KINDS:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        if verb == "watch":
            self._watch(handler, namespace, resource, int(query["resourceVersion"]))
        elif verb == "list":
            handler.answer(200, self._list(namespace, resource, query))
        elif verb == "get":
            handler.answer(200, self._found(namespace, resource, name))
        elif verb == "create":
            handler.answer(201, self.put(resource, body, namespace))
        elif verb == "delete":
            self._found(namespace, resource, name)
            self.delete(resource, name, namespace)
            handler.answer(200, {"kind": "Status", "status": "Success"})
        else:
            self._patch(handler, namespace, resource, name, body)

    def _found(self, namespace: str, resource: str, name: str) -> Document:
        with self._changed:
            if (namespace, resource, name) not in self._objects:
                raise Refusal(404, "NotFound", f'{resource} "{name}" not found')
            return copy.deepcopy(self._objects[namespace, resource, name])

    def _list(self, namespace: str, resource: str, query: dict[str, str]) -> Document:
        with self._changed:
            names = sorted(key for key in self._objects if key[:2] == (namespace, resource))
            start, limit = int(query.get("continue", "0")), int(query["limit"])
            metadata = {"resourceVersion": str(self._version)}
            if start + limit < len(names):
                metadata["continue"] = str(start + limit)
            items = [copy.deepcopy(self._objects[key]) for key in names[start : start + limit]]
            return {"kind": f"{KINDS[resource]}List", "metadata": metadata, "items": items}

    def _patch(self, handler: Any, namespace: str, resource: str, name: str, body: Any) -> None:
        if self.before_patch is not None:
            self.before_patch(name, body)
        with self._changed:
            made = self.put(resource, json_patch(self._found(namespace, resource, name), body), namespace)
            lost = self.lose_answers > 0
            self.lose_answers -= lost
        if lost:
            handler.close_connection = True
            handler.connection.close()
            raise BrokenPipeError
        handler.answer(200, made)

    def _watch(self, handler: Any, namespace: str, resource: str, version: int) -> None:
        if version < self._oldest:
            raise Refusal(410, "Expired", "too old resource version")
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()

        def say(kind: str, document: Document) -> None:
            data = json.dumps({"type": kind, "object": document}).encode() + b"\n"
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()

        with self._changed:
            self._streams += 1
            cut, at = self._cut, 0
            self._changed.notify_all()
        try:
            while not self._closing and cut == self._cut:
                with self._changed:
                    if resource in self.held:
                        self._changed.wait(1.0)
                        continue
                    news, at = self._history[at:], len(self._history)
                for number, kind, place, document in news:
                    if number > version and place == f"{namespace}/{resource}":
                        say(kind, document)
                say("BOOKMARK", {"metadata": {"resourceVersion": str(self._version)}}) if news else None
                with self._changed:
                    self._changed.wait_for(
                        lambda at=at: len(self._history) > at or self._closing or cut != self._cut, 1.0
                    )
        finally:
            self._streams -= 1
            handler.close_connection = True
