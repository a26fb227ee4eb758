"""Discovery against a small API server: dry by default, its own alone, operators' values kept, nothing deleted unasked."""

from __future__ import annotations

import copy
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from robolink.cloud import KubeApi, KubeConfig
from robolink.errors import ConfigError, RobolinkError
from robolink_kubeedge import manifests
from robolink_kubeedge.discover import OWNER_LABEL, Cluster, Step, Verb, check_owner, plan, summary
from robolink_sims.base import SimBase

SHEET, HASH = SimBase("base-1").sheet, "0123456789abcdef"
MODEL = manifests.model_name(SHEET, HASH)


class Server:
    """As much of an API server as discovery asks of one: lists, creates, replaces with a version, deletes."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.writes: list[tuple[str, str]] = []
        self.version = 0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                code, body = server.answer(
                    self.command, self.path, json.loads(self.rfile.read(length) or b"null")
                )
                data = json.dumps(body).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 -- the library's names

            def log_message(self, *_: Any) -> None:
                return

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.cluster = Cluster(
            KubeApi(KubeConfig(server=f"http://127.0.0.1:{self.http.server_port}")), "default"
        )

    def answer(self, verb: str, path: str, body: Any) -> tuple[int, Any]:
        if verb == "GET":
            items = [each for key, each in self.objects.items() if key.startswith(f"{path}/")]
            return 200, {"items": [{k: v for k, v in each.items() if k != "kind"} for each in items]}
        key = f"{path}/{body['metadata']['name']}" if verb == "POST" else path
        self.writes.append((verb, key.rpartition("/v1beta1/namespaces/default/")[2]))
        present = self.objects.get(key)
        if verb == "POST" and present is not None:
            return 409, {"kind": "Status", "reason": "AlreadyExists", "message": "already exists"}
        if verb == "PUT" and (
            present is None or body["metadata"]["resourceVersion"] != present["metadata"]["resourceVersion"]
        ):
            return 409, {"kind": "Status", "reason": "Conflict", "message": "the object has been modified"}
        if verb == "DELETE":
            del self.objects[key]
            return 200, {}
        return 200, self.keep(key, body)

    def keep(self, key: str, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        body = copy.deepcopy(body)
        body["metadata"]["resourceVersion"] = str(self.version)
        self.objects[key] = body
        return body

    def device(self, name: str) -> dict[str, Any]:
        return self.objects[f"/apis/devices.kubeedge.io/v1beta1/namespaces/default/devices/{name}"]

    def change(self, name: str) -> None:
        key = f"/apis/devices.kubeedge.io/v1beta1/namespaces/default/devices/{name}"
        self.keep(key, self.objects[key])


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def wanted(*robots: str, sheet_hash: str = HASH, node: str = "edge-1") -> list[dict[str, Any]]:
    model = manifests.device_model(SHEET, sheet_hash)
    return [*(manifests.device(each, SHEET, sheet_hash, node=node) for each in robots), model]


def run(server: Server, made: list[dict[str, Any]], *, prune: bool = False) -> list[str]:
    steps = plan(made, server.cluster.present(), "site-a", prune=prune)
    done: list[Step] = []
    pauses: list[float] = []
    server.cluster.carry_out(steps, done.append, pauses.append)
    assert done == steps
    return [f"{each.verb.value} {each.kind} {each.name}" for each in steps]


def test_models_come_first_with_a_second_between_and_a_second_run_changes_nothing(server: Server) -> None:
    model = manifests.model_name(SHEET, HASH)
    steps = plan(wanted("b", "a"), server.cluster.present(), "site-a")
    assert server.writes == [], "a plan alone writes nothing"
    pauses: list[float] = []
    server.cluster.carry_out(steps, lambda _: None, pauses.append)
    assert [key for _, key in server.writes] == [f"devicemodels/{model}", "devices/a", "devices/b"]
    assert pauses == [1.0]
    assert server.device("a")["metadata"]["labels"][OWNER_LABEL] == "site-a"
    server.writes.clear()
    assert {each.partition(" ")[0] for each in run(server, wanted("a", "b"))} == {"same"}
    assert server.writes == []


def test_desired_values_of_an_operator_and_defaults_of_the_server_are_kept(server: Server) -> None:
    run(server, wanted("a"))
    device = server.device("a")
    device["spec"]["nodeName"] = "edge-7"
    properties = {each["name"]: each for each in device["spec"]["properties"]}
    properties["base.max_speed"]["desired"] = {"value": "0.4"}
    properties["base.distance"]["pushMethod"] = {"otel": {"endpointURL": "http://h"}}
    device["metadata"]["labels"]["team"] = "yard"
    # Another sheet: another model, the same device.
    newer = wanted("a", sheet_hash="f" * 16, node="")
    assert run(server, newer)[:2] == [
        f"create DeviceModel {manifests.model_name(SHEET, 'f' * 16)}", "update Device a"
    ]  # fmt: skip
    after = server.device("a")
    properties = {each["name"]: each for each in after["spec"]["properties"]}
    assert properties["base.max_speed"]["desired"] == {"value": "0.4"}
    assert properties["base.distance"]["pushMethod"] == {"otel": {"endpointURL": "http://h"}}
    assert after["spec"]["nodeName"] == "edge-7", "no node was said"
    assert after["metadata"]["labels"]["team"] == "yard"
    assert after["spec"]["deviceModelRef"]["name"].endswith("ffffffff")


def test_what_it_did_not_make_is_left_alone_and_nothing_is_deleted_unasked(server: Server) -> None:
    run(server, wanted("a", "b"))
    del server.device("a")["metadata"]["labels"][OWNER_LABEL]
    server.device("a")["spec"]["nodeName"] = "theirs"
    steps = run(server, wanted("a"))
    assert "leave Device a" in steps
    assert "leave Device b" in steps
    assert server.device("a")["spec"]["nodeName"] == "theirs"
    # Another discovery's are not ours either, not even to be deleted.
    server.device("b")["metadata"]["labels"][OWNER_LABEL] = "site-b"
    assert not [each for each in run(server, [], prune=True) if each.startswith("delete Device ")]
    server.device("b")["metadata"]["labels"][OWNER_LABEL] = "site-a"
    steps = run(server, [], prune=True)
    assert steps == ["delete Device b", f"leave DeviceModel {MODEL}"], "somebody's Device still uses it"
    server.device("a")["metadata"]["labels"][OWNER_LABEL] = "site-a"
    assert run(server, [], prune=True) == ["delete Device a", f"delete DeviceModel {MODEL}"]


def test_what_changed_meanwhile_is_not_written_over(server: Server) -> None:
    run(server, wanted("a"))
    steps = plan(wanted("a", node="edge-2"), server.cluster.present(), "site-a")
    server.change("a")
    with pytest.raises(RobolinkError, match="modified"):
        server.cluster.carry_out(steps, lambda _: None)
    assert server.device("a")["spec"]["nodeName"] == "edge-1"


def test_lines_counts_and_owners() -> None:
    steps = plan(wanted("a"), [], "site-a")
    assert [str(each) for each in steps][1] == "create device a"
    assert summary(steps)["create"] == 2
    assert steps[0].verb is Verb.CREATE
    assert check_owner("site-a.b_C") == "site-a.b_C"
    for wrong in ("", "-a", "a b", "ä", "a" * 64):
        with pytest.raises(ConfigError):
            check_owner(wrong)
