"""The doctor finds each usual fault, says its cure, and takes nothing away from a mapper that serves."""

from __future__ import annotations

import asyncio
import copy
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from robolink.errors import ConfigError
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge import doctor, manifests
from robolink_kubeedge.config import MapperConfig, load
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.doctor import Finding, examine, judge
from robolink_kubeedge.reports import ReportQueue
from robolink_kubeedge.server import MapperServer
from robolink_kubeedge.sockets import hold_protocol, lock_holder
from robolink_sims.base import SimBase
from tests.bridges.kubeedge.conftest import ROBOT, Bench, Mapper

SHEET, HASH = SimBase("base-1").sheet, "0" * 16


def config(folder: Path, **more: Any) -> MapperConfig:
    parts = {
        "grpc_server": {"socket_path": str(folder / "mapper.sock")},
        "common": {"edgecore_sock": str(folder / "dmi.sock")},
        "hub": {"url": "tcp://127.0.0.1:9"},
    }
    return MapperConfig.model_validate(parts | more)


def of(findings: list[Finding], what: str) -> Finding:
    return next(each for each in findings if each.what == what)


def test_with_nothing_there_each_part_says_its_cure(tmp_path: Path) -> None:
    more = {"event_bus": {"url": "mqtt://127.0.0.1:9"}, "metaserver": {"url": "http://127.0.0.1:9"}}
    found = examine(config(tmp_path, **more))
    for what in ("edgecore", "mapper", "hub", "event bus", "metaserver"):
        assert not of(found, what).good
        assert of(found, what).cure
        assert "cure:" in str(of(found, what))
    assert "is not there" in of(found, "edgecore").text
    (tmp_path / "dmi.sock").write_text("")
    assert "is no socket" in of(examine(config(tmp_path)), "edgecore").text
    (tmp_path / "dmi.sock").unlink()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dmi.sock"))
    assert "served by nobody" in of(examine(config(tmp_path)), "edgecore").text


def test_on_a_working_site_all_is_well_and_a_fault_of_one_device_is_told(
    bench: Bench, tmp_path: Path
) -> None:
    made = load(bench.mapper.config)
    before = bench.double.counters["registrations"]
    found = examine(made)
    assert all(each.good for each in found), [str(each) for each in found if not each.good]
    assert "serves 1 of 1" in of(found, "mapper").text
    assert bench.double.counters["registrations"] == before
    odd = copy.deepcopy(bench.device)
    odd["spec"]["properties"].append({"name": "walker.wings"})
    bench.double.apply(odd)
    assert bench.double.wait(lambda: "UNKNOWN_PROPERTY" in bench.reported("device-faults")[1], 20)
    bench.wait_state("unhealthy")
    told = of(examine(made), f"device default/{ROBOT}")
    assert "walker.wings" in told.text
    assert told.cure
    # A second mapper of this protocol does not start, says why, and takes nothing away.
    folder = tmp_path / "second"
    folder.mkdir()
    second = Mapper(bench.hub_process.url, folder, tmp_path / "dmi.sock")
    command = [sys.executable, "-m", "robolink.cli", "kubeedge", "mapper", "--config", str(second.config)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "another mapper serves protocol 'robolink'" in ended.stderr
    assert bench.double.counters["registrations"] == before
    # Somebody else's mapper of our protocol, seen by its socket.
    elsewhere = made.model_copy(
        update={"grpc_server": made.grpc_server.model_copy(update={"socket_path": str(folder / "x.sock")})}
    )
    told = of(examine(elsewhere), "protocol robolink")
    assert not told.good
    assert "another mapper serves" in told.text
    shown = subprocess.run(
        [sys.executable, "-m", "robolink.cli", "kubeedge", "doctor", "--config", str(bench.mapper.config), "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert shown.returncode == 1
    assert '"good": true' in shown.stdout


@pytest.mark.parametrize("namespace", ["default", "lab"])
async def test_the_robots_devices_are_looked_for_in_their_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, namespace: str
) -> None:
    made, table = config(tmp_path), DeviceTable(ReportQueue())
    # Edgecore may leave out the namespace that is everybody's.
    told = pb.Device(name="base-1", namespace="" if namespace == "default" else namespace)
    table.put(told, 0.0)
    server = MapperServer(Path(made.grpc_server.socket_path), table, lambda: None)
    monkeypatch.setattr(doctor, "_hub", lambda _: (["base-1"], doctor._good("hub", "1 robots")))
    await server.start()
    try:
        found = await asyncio.to_thread(examine, made, None, namespace)
        assert "serves 1 of 1" in of(found, "mapper").text
        other = "lab" if namespace == "default" else "default"
        assert not of(await asyncio.to_thread(examine, made, None, other), "mapper").good
        request = pb.RemoveDeviceRequest(device_name="base-1", device_namespace=told.namespace)
        await server._on_remove_device(request, None)
        assert table.keys == ()
    finally:
        await server.close()


def faulty() -> Iterator[tuple[dict[str, Any], str]]:
    device = manifests.device("base-1", SHEET, HASH, node="edge-1")

    def spec(path: str, value: Any) -> dict[str, Any]:
        made = copy.deepcopy(device)
        *before, last = path.split(".")
        node: Any = made["spec"]
        for each in before:
            node = node[int(each)] if each.isdigit() else node[each]
        node[last] = value
        return made

    yield spec("protocol.configData", {"robots": ["a"]}), "list does not pass"
    yield spec("protocol.configData", {"data": "x"}), "a key named data"
    yield spec("protocol.configData", {"robot": 7}), "CONFIG_TYPE"
    yield spec("protocol.protocolName", "modbus"), "its protocol is 'modbus'"
    yield spec("deviceModelRef", {"name": "gone"}), "its model 'gone'"
    yield spec("nodeName", ""), "no nodeName"
    yield spec("properties.0.desired", {"value": "a b"}), "cannot be reported back"
    yield spec("properties.0.pushMethod", {"dbMethod": {"redis": {}}}), "DB_METHOD"
    yield spec("properties.0.name", "a b"), "BAD_NAME"
    yield spec("properties", 7), "malformed"


@pytest.mark.parametrize(("device", "says"), list(faulty()))
def test_resources_are_looked_at_before_they_are_applied(
    tmp_path: Path, device: dict[str, Any], says: str
) -> None:
    path = tmp_path / "robots.yaml"
    path.write_text(yaml.safe_dump_all([manifests.device_model(SHEET, HASH), device]))
    told = [each for each in examine(config(tmp_path), path) if each.what == "device default/base-1"]
    assert any(says in each.text for each in told), [str(each) for each in told]
    assert all(each.cure for each in told)


def test_good_resources_pass_as_a_list_too_and_bad_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "robots.yaml"
    items = [manifests.device_model(SHEET, HASH), manifests.device("base-1", SHEET, HASH, node="edge-1")]
    path.write_text(yaml.safe_dump({"kind": "List", "items": items}))
    assert not [each for each in examine(config(tmp_path), path) if each.what.startswith("device")]
    for text in ("{", "- 1\n- {kind: Device, metadata: 7}"):
        path.write_text(text)
        if text == "{":
            with pytest.raises(ConfigError, match="no YAML"):
                examine(config(tmp_path), path)


def test_what_the_mapper_counted() -> None:
    assert all(each.good for each in judge({}))
    bad = {
        each.what: each for each in judge({"limited": 3, "unfit": 2, "event_bus_refused": 1}) if not each.good
    }
    assert set(bad) == {"limiter", "charset", "event bus"}
    assert "event_bus.url" in bad["limiter"].cure


def test_the_protocol_is_held_by_one_and_free_again_after_it(tmp_path: Path) -> None:
    edgecore = tmp_path / "dmi.sock"
    assert lock_holder(edgecore, "p") == ""
    with hold_protocol(edgecore, "p"):
        assert lock_holder(edgecore, "p").startswith("process ")
        with (
            pytest.raises(ConfigError, match="another mapper serves protocol 'p'"),
            hold_protocol(edgecore, "p"),
        ):
            pass
        with hold_protocol(edgecore, "q"):
            pass
    assert lock_holder(edgecore, "p") == ""
    with hold_protocol(tmp_path / "no-such-folder" / "dmi.sock", "p"):
        pass  # It cannot be held: told, and the mapper goes on.
