"""Readings past edgecore: what is due when, in injected time; what arrives, at a real broker and at real HTTP servers."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import aiomqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge import push_ways
from robolink_kubeedge.config import PushSection
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.faults import Fault
from robolink_kubeedge.push import Plan, Pusher, Target, asked
from robolink_kubeedge.push_ways import PushError, Reading, Way
from robolink_kubeedge.reports import ReportQueue
from tests.bridges.kubeedge.conftest import Broker
from tests.bridges.kubeedge.test_devices import KEY, description, device, info, state

DISTANCE = "base.distance"
QUICK = PushSection(back_off_s=0.01, back_off_max_s=0.01, tries=3, timeout_s=5)


def pushing(name: str = DISTANCE, cycle_ms: int = 1000, **ways: Any) -> pb.Device:
    made = device()
    made.spec.properties.add(name="device-faults")
    each = next(each for each in made.spec.properties if each.name == name)
    each.report_cycle = cycle_ms
    for key, fields in ways.items():
        getattr(each.push_method, key).SetInParent()
        for field, value in fields.items():
            setattr(getattr(each.push_method, key), field, value)
    return made


@pytest.fixture
def table() -> DeviceTable:
    made = DeviceTable(ReportQueue())
    made.robot_infos([info()], 0.0)
    made.described(description(), 0.0)
    made.twin_changed(v1.Twin(robot="base-1", properties=[state(DISTANCE, reported=1.5)]), 0.0, whole=True)
    return made


@pytest.mark.parametrize(
    ("ways", "says"),
    [
        ({"http": {"host_name": "ftp://x"}}, "no http address"),
        ({"http": {"host_name": "http://h", "port": 99999}}, "no http address"),
        ({"mqtt": {"address": "tcp://h", "topic": "a/+/b"}}, "no topic"),
        ({"mqtt": {"address": "tcp://h", "topic": ""}}, "no topic"),
        ({"mqtt": {"address": "tcp://h", "topic": "a", "qos": 7}}, "qos 7"),
        ({"mqtt": {"address": "ws://h", "topic": "a"}}, "no broker"),
        ({"otel": {"endpoint_url": "nowhere"}}, "no http address"),
        ({"otel": {"endpoint_url": "http://h"}, "mqtt": {"address": "h", "topic": "a"}}, "one of them"),
    ],
)
def test_what_cannot_be_used_is_a_fault_of_that_property(
    ways: dict[str, Any], says: str, table: DeviceTable
) -> None:
    document = pushing(**ways)
    method = next(each for each in document.spec.properties if each.name == DISTANCE).push_method
    with pytest.raises(ValueError, match=says):
        push_ways.way_of(method)
    assert list(asked(document, 100)) == [Fault("PUSH_INVALID", DISTANCE)]
    table.put(document, 0.0)
    plan = Plan(100)
    plan.update(table, 0.0)
    assert plan.due(0.0) == []
    assert [each[1] for each in table.events] == [Fault("PUSH_INVALID", DISTANCE)]
    table.put(pushing(otel={"endpoint_url": "http://h/v1/metrics"}), 0.0)
    plan.update(table, 0.0)
    assert len(plan.due(0.0)) == 1
    assert not table.events[-1][2], "the fault is over"


def test_a_database_is_refused_in_words_and_pushes_nothing(table: DeviceTable) -> None:
    table.put(pushing(db_method={}), 0.0)
    plan = Plan(100)
    plan.update(table, 0.0)
    assert plan.due(9.0) == []
    (event,) = table.events
    assert "no database yet" in event[1].words


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 30.0), max_size=40), st.integers(1, 20_000))
def test_each_cycle_once_and_no_burst_after_a_pause(steps: list[float], cycle_ms: int) -> None:
    plan, table = Plan(100), DeviceTable(ReportQueue())
    table.put(pushing(cycle_ms=cycle_ms, otel={"endpoint_url": "http://h"}), 0.0)
    now, count = 0.0, 0
    for step in steps:
        now += step
        plan.update(table, now)
        found = plan.due(now)
        assert len(found) <= 1
        count += len(found)
    assert count <= now / (max(100, cycle_ms) / 1000) + 1


def reading(way: Way, value: Any = 1.5, text: str = "1.5") -> Reading:
    return Reading(KEY, DISTANCE, way, value, text, "DOUBLE", 10**18)


class Unwilling:
    """Takes a reading only after so many refusals."""

    def __init__(self, refusals: int) -> None:
        self.refusals, self.took = refusals, []

    async def __aenter__(self) -> Unwilling:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def send(self, reading: Reading) -> None:
        if self.refusals:
            self.refusals -= 1
            raise PushError("no")
        self.took.append(reading)


@pytest.mark.parametrize(("refusals", "arrives"), [(0, True), (2, True), (3, False)])
async def test_tries_are_bounded_and_the_outcome_is_told(refusals: int, arrives: bool) -> None:
    counters: Counter[str] = Counter()
    sender = Unwilling(refusals)
    target = Target(sender, QUICK, counters)
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    target.put(reading(Way("http", "http://h")))
    task = asyncio.create_task(target.run(lambda _, arrived: told.set_result(arrived)))
    assert await asyncio.wait_for(told, 10) is arrives
    task.cancel()
    assert counters["push_failed"] == (0 if arrives else 1)
    assert counters["push_again"] == min(refusals, 2)


def test_what_waits_is_bounded_and_the_oldest_goes() -> None:
    counters: Counter[str] = Counter()
    target = Target(Unwilling(0), PushSection(waiting=2), counters)
    made = [reading(Way("http", "http://h"), float(each), str(each)) for each in range(3)]
    assert [target.put(each) for each in made] == [None, None, made[0]]
    assert counters["push_overflow"] == 1


class Sink:
    """An HTTP server that keeps what is posted; it refuses as often as it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Any]] = []
        self.refuse = 0
        self.statuses: dict[str, int] = {}
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if sink.refuse:
                    sink.refuse -= 1
                    self.send_error(503)
                    return
                if self.path in sink.statuses:
                    self.send_error(sink.statuses[self.path])
                    return
                sink.got.append((self.path, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_by_http_after_refusals_and_the_fault_comes_and_goes(table: DeviceTable, sink: Sink) -> None:
    sink.refuse = QUICK.tries + 1
    counters: Counter[str] = Counter()
    http = {"host_name": "http://127.0.0.1", "port": sink.port, "request_path": "in"}
    table.put(pushing(cycle_ms=100, http=http), 0.0)
    task = asyncio.create_task(Pusher(QUICK, table, counters).run())
    await until(lambda: sink.got and len(table.events) == 2)
    task.cancel()
    path, body = sink.got[0]
    assert path == "/in"
    assert body | {"timeStamp": 0} == {
        "namespace": "default", "deviceName": "base-1", "propertyName": DISTANCE, "value": "1.5",
        "type": "DOUBLE", "timeStamp": 0,
    }  # fmt: skip
    assert [(each[1].code, each[2]) for each in table.events] == [
        ("PUSH_FAILED", True),
        ("PUSH_FAILED", False),
    ]
    assert counters["push_failed"] == 1


@pytest.mark.parametrize(
    ("status", "again"),
    [(400, 0), (401, 0), (404, 0), (413, 0), (408, 2), (425, 2), (429, 2), (500, 2), (503, 2)],
)
async def test_what_the_request_is_blamed_for_is_not_said_again(sink: Sink, status: int, again: int) -> None:
    sink.statuses["/wrong"] = status
    counters: Counter[str] = Counter()
    host = f"http://127.0.0.1:{sink.port}"
    target = Target(push_ways.sender(Way("http", host)), QUICK, counters)
    target.put(reading(Way("http", host, "/wrong")))
    target.put(reading(Way("http", host, "/right")))
    told: list[bool] = []
    task = asyncio.create_task(target.run(lambda _, arrived: told.append(arrived)))
    await until(lambda: len(told) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert told == [False, True]
    assert (counters["push_again"], counters["push_failed"], counters["pushed"]) == (again, 1, 1)


async def test_a_failure_is_over_with_what_was_asked_for_and_so_is_its_target(
    table: DeviceTable, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robolink_kubeedge.push.MAX_TARGETS", 1)
    closed = sink.port
    sink.close()
    other = Sink()
    counters: Counter[str] = Counter()
    table.put(pushing(cycle_ms=100, http={"host_name": "http://127.0.0.1", "port": closed}), 0.0)
    task = asyncio.create_task(Pusher(QUICK, table, counters).run())
    failed = Fault("PUSH_FAILED", DISTANCE)
    try:
        await until(lambda: (KEY, failed, True) in table.events)
        table.put(pushing(), 0.0)
        await until(lambda: table.events[-1] == (KEY, failed, False))
        table.put(pushing(cycle_ms=100, http={"host_name": "http://127.0.0.1", "port": other.port}), 0.0)
        await until(lambda: other.got)
        assert counters["push_targets_refused"] == 0
        assert table.events[-1] == (KEY, failed, False)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        other.close()


async def test_an_address_that_no_library_foresaw_ends_nobody_elses_push(
    table: DeviceTable, sink: Sink
) -> None:
    document = pushing(cycle_ms=100, mqtt={"address": "tcp://a..b", "topic": "t"})
    well = next(each for each in document.spec.properties if each.name == "stop-generation")
    well.report_cycle, well.push_method.http.host_name = 100, f"http://127.0.0.1:{sink.port}"
    table.put(document, 0.0)
    counters: Counter[str] = Counter()
    task = asyncio.create_task(Pusher(QUICK, table, counters).run())
    await until(lambda: task.done() or (counters["push_unforeseen"] and len(sink.got) > 2))
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (KEY, Fault("PUSH_FAILED", DISTANCE), True) in table.events


def test_how_an_old_way_ends_is_no_fault_of_the_present_one(table: DeviceTable) -> None:
    pusher = Pusher(QUICK, table, Counter())
    table.put(pushing(http={"host_name": "http://h", "request_path": "old"}), 0.0)
    pusher._plan.update(table, 0.0)
    [was] = pusher._plan.due(0.0)
    table.put(pushing(http={"host_name": "http://h", "request_path": "new"}), 0.0)
    pusher._plan.update(table, 0.0)
    pusher._told(reading(was.way), False)
    assert not table.events
    [now] = pusher._plan.due(9.0)
    pusher._told(reading(now.way), False)
    assert [each[1:] for each in table.events] == [(Fault("PUSH_FAILED", DISTANCE), True)]


async def test_a_ways_own_timeout_counts() -> None:
    class Silent(Unwilling):
        async def send(self, reading: Reading) -> None:
            await asyncio.Event().wait()

    def way(timeout: int) -> Way:
        document = pushing(http={"host_name": "http://h", "timeout": timeout})
        return push_ways.way_of(
            next(each for each in document.spec.properties if each.name == DISTANCE).push_method
        )

    assert [way(each).timeout_s for each in (0, 250, 10**15)] == [0.0, 0.25, push_ways.MAX_TIMEOUT_S]
    with pytest.raises(ValueError, match="-1 ms"):
        way(-1)
    target = Target(Silent(0), QUICK.model_copy(update={"timeout_s": 1e6}), Counter())
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    target.put(reading(way(1)))
    task = asyncio.create_task(target.run(lambda _, arrived: told.set_result(arrived)))
    assert await asyncio.wait_for(told, 10) is False
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_by_otel_as_a_gauge(table: DeviceTable, sink: Sink) -> None:
    table.put(pushing(otel={"endpoint_url": f"http://127.0.0.1:{sink.port}/v1/metrics"}), 0.0)
    task = asyncio.create_task(Pusher(QUICK, table, Counter()).run())
    await until(lambda: sink.got)
    task.cancel()
    path, body = sink.got[0]
    assert path == "/v1/metrics"
    (resource,) = body["resourceMetrics"]
    assert {"key": "device.id", "value": {"stringValue": "default/base-1"}} in resource["resource"][
        "attributes"
    ]
    metric = resource["scopeMetrics"][0]["metrics"][0]
    assert metric["name"] == DISTANCE
    assert metric["gauge"]["dataPoints"][0]["asDouble"] == 1.5


@pytest.mark.parametrize(
    ("value", "points"),
    [
        (True, [{"asInt": "1"}]),
        (-7, [{"asInt": "-7"}]),
        ((1.0, 2.0), [{"asDouble": 1.0}, {"asDouble": 2.0}]),
        ("dock", [{"asInt": "1"}]),
        (float("nan"), [{"asInt": "1"}]),
    ],
)
def test_values_of_each_type_as_points_of_a_gauge(value: Any, points: list[dict[str, Any]]) -> None:
    body = json.loads(push_ways.otlp(reading(Way("otel", "http://h"), value, "dock")))
    found = body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"]
    plain = [{key: each[key] for key in each if key in ("asInt", "asDouble")} for each in found]
    assert plain == points


async def test_by_mqtt_at_a_real_broker_that_comes_late(table: DeviceTable, tmp_path: Any) -> None:
    broker = Broker(tmp_path)
    broker.stop()
    counters: Counter[str] = Counter()
    mqtt = {
        "address": f"tcp://127.0.0.1:{broker.port}",
        "topic": "robots/base-1/distance",
        "qos": 1,
        "retained": True,
    }
    table.put(pushing(cycle_ms=100, mqtt=mqtt), 0.0)
    task = asyncio.create_task(Pusher(QUICK, table, counters).run())
    await until(lambda: counters["push_failed"])
    broker.start()
    try:
        await until(lambda: counters["pushed"])
        async with asyncio.timeout(20), aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe("robots/#")
            message = await anext(aiter(client.messages))
        assert message.retain
        assert json.loads(message.payload)["value"] == "1.5"
        # The broker goes and comes: the connection is opened again.
        pushed = counters["pushed"]
        broker.stop()
        await until(lambda: counters["push_again"] > 1)
        broker.start()
        await until(lambda: counters["pushed"] > pushed + 1)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        broker.stop()
