"""The mapper's REST against a real mapper, hub and robot: routes of mapper-framework, writes by POST, nothing without a token."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.cli.ports import free_ports
from robolink.core.values import to_value
from robolink.errors import ConfigError, RejectedError
from robolink_kubeedge import restcalls
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.mapper import Mapper
from robolink_kubeedge.rest import RestServer
from tests.bridges.kubeedge.conftest import ROBOT, Bench, with_parts
from tests.conftest import HubProcess, wait_for

LIMIT = "walker.limit"
TOKEN = "0123456789abcdef"
DEVICE = f"default/{ROBOT}"


class Rest:
    """A client with the token, and one without."""

    def __init__(self, bench: Bench, port: int) -> None:
        base = f"http://127.0.0.1:{port}/api/v1/"
        self.bench = bench
        self.bare = httpx.Client(base_url=base, timeout=30, trust_env=False)
        self.client = httpx.Client(
            base_url=base, timeout=30, trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}
        )

    def up(self) -> bool:
        try:
            return self.bare.get("ping").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, verb: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        answer = self.client.request(verb, path, **more)
        body = answer.json()
        assert body["apiVersion"] == "v1"
        assert body["statusCode"] == answer.status_code
        return answer.status_code, body

    def method(self, name: str, body: Any, wait_s: float = 0) -> tuple[int, dict[str, Any]]:
        return self.ask("POST", f"devicemethod/{DEVICE}/{name}?wait_s={wait_s}", json=body)


@pytest.fixture(scope="module")
def rest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    tmp_path = tmp_path_factory.mktemp("rest")
    hub = HubProcess(tmp_path)
    hub.start()
    bench = Bench(hub, tmp_path)
    port = free_ports(1)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    config = bench.mapper.config.read_text().replace("common: {", f"common: {{http_port: {port}, ")
    bench.mapper.config.write_text(config)
    with_parts(bench, f"rest: {{token_file: {tmp_path}/token, get_writes: true}}\n")
    made = Rest(bench, port)
    wait_for(made.up, what="the REST")
    bench.wait_state("ok")
    # It is up before the hub has described its robot.
    wait_for(
        lambda: made.ask("GET", f"device/{DEVICE}/{LIMIT}")[1].get("Data", {}).get("value"), what="a value"
    )
    yield made
    made.bare.close()
    made.client.close()
    bench.close()
    hub.kill()


def test_reads_methods_model_and_what_is_not_there(rest: Rest) -> None:
    for path in (f"device/{DEVICE}/{LIMIT}", "events", f"meta/model/{DEVICE}"):
        for header in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            assert rest.bare.get(path, headers=header).status_code == 401
    status, body = rest.ask("GET", f"device/{DEVICE}/{LIMIT}")
    assert status == 200
    assert (body["Data"]["value"], body["Data"]["type"]) == ("0.5", "DOUBLE")
    _, body = rest.ask("GET", f"devicemethod/{DEVICE}")
    assert {each["name"] for each in body["Data"]["methods"]} == {"set", "walker.count", "walker.walk"}
    _, body = rest.ask("GET", f"meta/model/{DEVICE}")
    assert any(each["name"] == LIMIT for each in body["spec"]["properties"])
    status, body = rest.ask("GET", f"database/{DEVICE}")
    assert (status, "no database yet" in body["error"]) == (503, True)
    assert rest.ask("GET", "events")[1]["Data"] == []
    assert rest.ask("GET", "counters")[1]["Data"]["rest_denied"] == 9
    for path in (
        f"device/{DEVICE}/nothing",
        "device/default/nobody/x",
        "devicemethod/other/walker-1",
        f"command/{DEVICE}/{bytes(16).hex()}",
    ):
        assert rest.ask("GET", path)[0] == 404
    assert rest.ask("GET", f"command/{DEVICE}/xyz")[0] == 400


def test_a_setting_a_call_and_a_goal_by_post(rest: Rest) -> None:
    status, body = rest.method("set", {"property": LIMIT, "value": 0.75})
    assert status == 200, body
    rest.bench.wait_observed(LIMIT, "0.75")
    status, body = rest.method("walker.count", {"args": {"number": 1}})
    assert (status, body["Data"]["state"]) == (200, "SUCCEEDED")
    status, body = rest.method("walker.walk", {"args": {"number": 2, "seconds": 0.1}}, wait_s=30)
    assert (status, body["Data"]["state"]) == (200, "SUCCEEDED")
    # One that is not waited for: its lease is held until it ends, and it can be asked for.
    status, body = rest.method("walker.walk", {"args": {"number": 3, "seconds": 30.0}})
    assert status == 202
    path = f"command/{DEVICE}/{body['Data']['id']}"
    assert rest.ask("GET", path)[1]["Data"]["state"] in ("ACCEPTED", "RUNNING", "DISPATCHED")
    status, body = rest.method("walker.walk", {"args": {"number": 4}})
    assert (status, body["cause"]) == (409, "BUSY")
    assert rest.method("set", {"property": "stop", "value": "SOFT_HOLD"})[0] == 200
    wait_for(lambda: rest.ask("GET", path)[1]["Data"]["state"] == "STOPPED", what="the stop")
    status, body = rest.method("walker.walk", {"args": {"number": 5}})
    assert (status, body["cause"]) == (409, "LATCHED")
    assert rest.bench.ran() == [1, 2, 3]
    rest.bench.robot.release()


def test_bad_requests_are_told_and_run_nothing(rest: Rest) -> None:
    for body in (
        [],
        {"args": []},
        {"args": {"number": "x"}},
        {"args": {"number": 1.5}},
        {"args": {"number": True}},
        {"args": {"number": 2**63}},
        {"args": {"number": 1e300}},
        {"args": {"number": "9" * 30}},
        {"args": {"number": 1, "unknown": 10**400}},
    ):
        status, answer = rest.method("walker.count", body)
        assert status == 400, (body, answer)
        assert answer["error"]
    assert rest.method("walker.count", {"args": {"numbers": 1}})[0] == 400
    assert rest.method("walker.fly", {})[0] == 404
    assert rest.method("walker.count", {"args": {"number": 1}}, wait_s=1e9)[0] == 400
    for name in ("cmd", "sync", "walker.nothing", "setting-errors"):
        assert rest.method("set", {"property": name, "value": "x"})[0] == 404
    assert rest.method("set", {"property": LIMIT, "value": "fast"})[0] == 400
    assert rest.method("set", {"property": LIMIT, "value": 9.0})[1]["cause"] == "LIMIT"
    assert rest.method("set", {})[0] == 400
    for word in ("Infinity", "-Infinity", "NaN"):
        body = f'{{"args": {{"number": {word}}}, "property": "{LIMIT}", "value": {word}}}'
        for name in ("walker.count", "set"):
            raw = rest.client.post(f"devicemethod/{DEVICE}/{name}", content=body)
            assert (raw.status_code, str(float(word)) in raw.json()["error"]) == (400, True)
    raw = rest.client.post(f"devicemethod/{DEVICE}/set", content=b"{" * 100)
    assert raw.status_code == 400
    assert rest.client.post(f"devicemethod/{DEVICE}/set", content=b" " * 70_000).status_code == 400
    # By GET, behind its flag: mapper-framework's form.
    assert rest.ask("GET", f"devicemethod/{DEVICE}/set/{LIMIT}/0.6")[0] == 200
    rest.bench.wait_observed(LIMIT, "0.6")
    status, answer = rest.ask("GET", f"devicemethod/{DEVICE}/walker.count/cmd/number:8")
    assert (status, answer["Data"]["state"]) == (200, "SUCCEEDED")
    assert rest.ask("GET", f"devicemethod/{DEVICE}/walker.count/{LIMIT}/1")[0] == 400
    assert rest.ask("GET", f"devicemethod/{DEVICE}/walker.count/cmd/nonsense")[0] == 400
    assert rest.bench.ran() == [1, 2, 3, 8]
    rest.bench.hub_process.kill()

    def away() -> bool:
        status, _ = rest.method("set", {"property": LIMIT, "value": 0.5})
        return status == 503

    wait_for(away, 30, "the answer without a hub")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.text(),
    st.lists,
    max_leaves=5,
)


@given(JSON, st.sampled_from([None, *v1.ValueType.values()[1:]]))
def test_any_json_is_a_value_that_can_be_sent_or_is_refused(value: Any, kind: v1.ValueType | None) -> None:
    try:
        made = restcalls._plain("walker.limit", value, kind)
    except ValueError:
        return
    to_value(made)
    numbers = made if isinstance(made, tuple) else (made,)
    assert all(math.isfinite(each) for each in numbers if isinstance(each, float))


@pytest.mark.parametrize("fault", [ValueError("no"), ZeroDivisionError("no"), RejectedError("no", cause=8)])
async def test_a_request_hears_of_whatever_keeps_its_method_from_running(fault: Exception) -> None:
    class Robot:
        async def goal(self, *_: Any, **__: Any) -> None:
            raise fault

    accepted = asyncio.get_running_loop().create_future()
    await restcalls._hold(Robot(), "walker.count", v1.Method(), {}, accepted)  # type: ignore[arg-type]
    assert accepted.exception() is fault


def test_get_writes_nothing_unless_asked_and_no_token_no_rest(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    parts = {"common": {"http_port": 0}, "rest": {"token_file": str(tmp_path / "token")}}
    mapper = Mapper(MapperConfig.model_validate(parts))
    server = RestServer(mapper.config, mapper.table, mapper.counters, mapper.hub)
    paths = {route.path for route in server.app().routes}  # type: ignore[attr-defined]
    assert not any("{data" in each for each in paths)
    taken = {"common": {"http_port": server.port}, "rest": parts["rest"]}
    with pytest.raises(ConfigError, match="cannot be bound"):
        RestServer(MapperConfig.model_validate(taken), mapper.table, mapper.counters, mapper.hub)
    server._socket.close()
    for text, says in (("", "is empty"), (None, "cannot be read")):
        (tmp_path / "token").unlink() if text is None else (tmp_path / "token").write_text(text)
        with pytest.raises(ConfigError, match=says):
            RestServer(mapper.config, mapper.table, mapper.counters, mapper.hub)
