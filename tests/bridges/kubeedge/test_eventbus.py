"""Reports over a real broker, with the double of edgecore as its other client; and what a mapper reads in edgecore's store."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiomqtt
import pytest

from robolink.errors import ConfigError
from robolink_kubeedge import eventbus
from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.double_faces import BusFace, MetaServerFace
from robolink_kubeedge.edge import EdgeLink
from robolink_kubeedge.metaserver import MetaServer, Settling
from robolink_kubeedge.reports import Priority, ReportQueue, StateReport, TwinReport, TwinText
from robolink_kubeedge.tls import check_pair
from tests.bridges.kubeedge.conftest import Bench, Broker, with_parts
from tests.bridges.kubeedge.test_devices import KEY, device
from tests.conftest import HubProcess, wait_for

LIMIT = "walker.limit"


def test_messages_are_as_edgecore_reads_them() -> None:
    twins = (TwinText("a.b", "1", "2"), TwinText("c", "", ""))
    topic, payload = eventbus.message(TwinReport(device=KEY, twins=twins, priority=Priority.CHANGE), "e-1", 7)
    assert topic == "$hw/events/device/default/base-1/twin/update"
    assert json.loads(payload) == {
        "event_id": "e-1",
        "timestamp": 7,
        "twin": {
            "a.b": {"expected": {"value": "1"}, "actual": {"value": "2"}},
            "c": {"expected": {"value": ""}, "actual": {"value": ""}},
        },
    }
    topic, payload = eventbus.message(StateReport(device=KEY, state="ok", priority=Priority.CHANGE), "e-2", 8)
    assert topic.endswith("/base-1/state/update")
    assert json.loads(payload)["state"] == "ok"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"event_id": "m-1", "code": 400, "reason": "bad"}', "bad"),
        (b'{"event_id": "x-1", "code": 400, "reason": "bad"}', ""),
        (b'{"event_id": "m-1", "twin": {}}', ""),
        (b"\xff", ""),
        (b"[]", ""),
        (b'{"code": "x"}', ""),
    ],
)
def test_only_refusals_of_our_own_reports_are_told(payload: bytes, reason: str) -> None:
    assert eventbus.refusal(payload, "m-") == reason


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://h:x", ""])
def test_what_is_no_broker_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match="no broker"):
        eventbus.address(url)
    assert eventbus.address("127.0.0.1:1884") == ("127.0.0.1", 1884)
    assert eventbus.address("tcp://h") == ("h", 1883)


async def test_a_report_whose_task_never_began_is_said_again() -> None:
    """The broker is lost in the very turn in which a report is handed to it."""
    config = MapperConfig.model_validate({"event_bus": {"url": "mqtt://127.0.0.1:9"}})
    queue = ReportQueue()
    edge = EdgeLink(config, DeviceTable(queue), Counter(), lambda: None)
    edge._registered = True
    bus = eventbus.EventBus(config.event_bus, queue, edge, Counter())
    lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    client: Any = SimpleNamespace(publish=lambda *_, **__: lost)
    queue.put(KEY, TwinText("cmd-status", "", "a1:SUCCEEDED"), Priority.COMMAND, 0.0)
    publishing = asyncio.create_task(bus._publish(client))
    while queue.waiting():
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    queue.put(("default", "base-2"), TwinText("stop", "CUT", "CUT"), Priority.STOP, 0.0)
    lost.set_exception(aiomqtt.MqttError("lost"))
    edge.bus_wake.set()
    (ended,) = await asyncio.gather(publishing, return_exceptions=True)
    assert isinstance(ended, ExceptionGroup)
    assert queue.waiting() == 2


def test_reports_go_by_the_bus_and_by_dmi_while_the_broker_is_away(
    hub: HubProcess, broker: Broker, tmp_path: Path
) -> None:
    bench = Bench(hub, tmp_path)
    bus = BusFace(bench.double, broker.port)
    try:
        with_parts(bench, f"event_bus: {{url: 'mqtt://127.0.0.1:{broker.port}'}}\n")
        assert bench.double.wait(lambda: bench.double.counters["bus_reports"] >= 2, 20)
        by_dmi = bench.double.counters["status_reports"]
        bench.patch(LIMIT, "0.7")
        bench.wait_observed(LIMIT, "0.7")
        assert bench.double.counters["status_reports"] == by_dmi, (
            "edgecore's socket is for registrations alone"
        )
        broker.stop()
        bench.patch(LIMIT, "0.8")
        bench.wait_observed(LIMIT, "0.8")
        assert bench.double.counters["status_reports"] > by_dmi
        broker.start()
        before = bench.double.counters["bus_reports"]
        wait_for(bus._client.is_connected, 30, "the double at the broker")
        numbers = iter(range(1, 1000))

        def by_bus() -> bool:
            bench.patch(LIMIT, f"0.8{next(numbers):03}")
            return bench.double.wait(lambda: bench.double.counters["bus_reports"] > before, 1)

        wait_for(by_bus, 30, "a report by the bus")
        assert bench.double.counters["charset"] == bench.double.counters["panics"] == 0
    finally:
        bus.close()
        bench.close()


def resource(version: int, *, protocol: str = "robolink", **desired: str) -> dict[str, Any]:
    names = {each.replace("__", "."): value for each, value in desired.items()}
    return {
        "metadata": {"name": "base-1", "namespace": "default", "resourceVersion": str(version)},
        "spec": {
            "protocol": {"protocolName": protocol, "configData": {"robot": "base-1"}},
            "properties": [{"name": name, "desired": {"value": value}} for name, value in names.items()],
        },
    }


def desired(table: DeviceTable) -> str:
    found = table.entry(KEY)
    assert found is not None
    return next(each.desired.value for each in found[0].document.spec.properties)


def test_the_store_counts_once_it_has_settled_and_dmi_is_not_undone_by_older_news() -> None:
    table = DeviceTable(ReportQueue())
    settling = Settling(table, "robolink")
    newer = [resource(5, base__max_speed="0.9")]
    assert settling.look(newer, 0.0) == settling.look(newer, 0.0) == 0, "a device that edgecore never told of"
    told = device(base__max_speed="0.5")
    table.put(told, 0.0)
    assert settling.look(newer, 0.0) == 0, "edgecore has called since"
    assert settling.look(newer, 0.0) == 1
    assert desired(table) == "0.9"
    # The resync still shows what edgecore's cache has: no news, and no way back.
    table.registered(_answer(told), table.snapshot(), 0.0)
    assert desired(table) == "0.9"
    # A call of edgecore is newer than a store that lags behind.
    table.put(device(base__max_speed="0.6"), 0.0)
    assert settling.look(newer, 0.0) == settling.look(newer, 0.0) == 0
    assert desired(table) == "0.6"
    assert settling.look([resource(6, protocol="modbus")], 0.0) == 0


def _answer(*devices: Any) -> Any:
    from robolink_kubeedge import dmi_pb2 as pb

    return pb.MapperRegisterResponse(device_list=devices)


def test_a_malformed_resource_is_told_on_its_device_and_goes_again() -> None:
    table = DeviceTable(ReportQueue())
    settling = Settling(table, "robolink")
    table.put(device(), 0.0)
    bad = resource(7, base__max_speed="1")
    bad["spec"]["properties"][0]["name"] = 7
    for _ in range(2):
        settling.look([bad, {"metadata": None}, {}], 0.0)
    assert [each[1].code for each in table.events] == ["BAD_DEVICE"]
    assert table.counters["store_unreadable"] == 4
    for _ in range(2):
        settling.look([resource(8, base__max_speed="1")], 0.0)
    assert table.events[-1][1:] == (table.events[0][1], False)


def test_a_value_written_over_a_broken_link_comes_by_the_metaserver(hub: HubProcess, tmp_path: Path) -> None:
    bench = Bench(hub, tmp_path)
    (tmp_path / "token").write_text("secret\n")
    face = MetaServerFace(bench.double, "secret")
    try:
        with_parts(bench, f"metaserver: {{url: '{face.url}', token_file: {tmp_path}/token, period_s: 0.2}}\n")
        bench.patch(LIMIT, "0.3")
        bench.wait_observed(LIMIT, "0.3")
        bench.double.link_down()
        bench.patch(LIMIT, "0.9")
        bench.double.link_up()
        bench.wait_observed(LIMIT, "0.9")
        bench.patch("cmd", bench.cmd("a1", "walker.count", number=1))
        assert bench.verdict("a1") == ("SUCCEEDED", "")
    finally:
        face.close()
        bench.close()


def test_with_sync_a_lost_write_arrives_without_a_metaserver(bench: Bench) -> None:
    bench.double.link_down()
    bench.patch(LIMIT, "0.3")
    bench.patch("sync", "1")
    bench.double.link_up()
    assert bench.robot.twin.get(LIMIT)[LIMIT].desired.version == 0, "nothing told the mapper"
    bench.patch("sync", "2")
    bench.wait_observed("sync", "2")
    bench.wait_observed(LIMIT, "0.3")
    # The same value once more, after somebody at the robot has set another.
    bench.robot.twin.set(LIMIT, 0.8, wait_s=5)
    bench.patch("sync", f"3/{LIMIT}")
    bench.wait_observed("sync", f"3/{LIMIT}")
    bench.wait_observed(LIMIT, "0.3")
    assert bench.robot.twin.get(LIMIT)[LIMIT].desired.value.double_value == 0.3


def test_tls_files_that_are_none_are_told_before_anything_is_asked_or_served(tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate\n")
    for wrong in (tmp_path / "none.pem", text):
        config = MapperConfig.model_validate({"metaserver": {"url": "https://h", "ca_file": str(wrong)}})
        with pytest.raises(ConfigError, match=wrong.name):
            MetaServer(config, DeviceTable(ReportQueue()), Counter(), lambda: None)
        with pytest.raises(ConfigError, match=wrong.name):
            check_pair(str(wrong), "")
    with pytest.raises(ConfigError, match="tls_cert_file"):
        check_pair("", str(text))
    check_pair("", "")
