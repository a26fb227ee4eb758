"""The double's traps snap, each one: a mapper that steps into it is seen. And the schema on the wire is the committed one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from robolink.errors import ConfigError
from robolink_kubeedge import dmi, generate
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.double import EdgecoreDouble

MODEL = {"kind": "DeviceModel", "metadata": {"name": "m"}, "spec": {"protocol": "p", "properties": []}}
DEVICE: dict[str, Any] = {
    "kind": "Device",
    "metadata": {"name": "d"},
    "spec": {
        "deviceModelRef": {"name": "m"},
        "protocol": {"protocolName": "p", "configData": {"robot": "r"}},
        "properties": [{"name": "x"}],
    },
}


class Clock:
    now = 0.0


@pytest.fixture
def double(tmp_path: Path) -> Iterator[EdgecoreDouble]:
    """Serves, in injected time for its limiter."""
    made = EdgecoreDouble(tmp_path / "dmi.sock", clock=lambda: Clock.now)
    made.start()
    made.apply(MODEL)
    made.apply(DEVICE)
    yield made
    made.stop()


@pytest.fixture
def channel(double: EdgecoreDouble) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(f"unix:{double.path}") as made:
        yield made


def report(channel: grpc.Channel, *twins: pb.Twin, device: str = "d") -> None:
    request = pb.ReportDeviceStatusRequest(device_name=device, device_namespace="default")
    request.reported_device.twins.extend(twins or [dmi.twin("x", "", "1")])
    dmi.call(channel, dmi.UP, "ReportDeviceStatus")(request, timeout=5)


def register(channel: grpc.Channel, *, with_data: bool = True) -> pb.MapperRegisterResponse:
    request = pb.MapperRegisterRequest(
        with_data=with_data, mapper=pb.MapperInfo(protocol="p", address=b"/nowhere")
    )
    response: pb.MapperRegisterResponse = dmi.call(channel, dmi.UP, "MapperRegister")(request, timeout=5)
    return response


@pytest.mark.parametrize(
    "half",
    [
        pb.Twin(property_name="x", reported=pb.TwinProperty()),
        pb.Twin(property_name="x", observed_desired=pb.TwinProperty()),
    ],
)
def test_a_twin_without_both_halves_is_a_panic(
    double: EdgecoreDouble, channel: grpc.Channel, half: pb.Twin
) -> None:
    with pytest.raises(grpc.RpcError):
        report(channel, half)
    assert double.panicked


def test_the_first_report_is_lost_and_metadata_is_made_anew(
    double: EdgecoreDouble, channel: grpc.Channel
) -> None:
    twin = dmi.twin("x", "1", "2")
    twin.reported.metadata["mine"] = "1"
    report(channel, twin)
    assert double.reported("d", "x") == ("", "")
    report(channel, twin)
    assert double.reported("d", "x") == ("1", "2")
    assert set(double.status("d")["twins"][0]["reported"]["metadata"]) == {"timestamp", "type"}


@pytest.mark.parametrize("value", ["a b", "1e+05", "{}", "x" * 513, "ä"])
def test_what_does_not_match_is_dropped_with_ok(
    double: EdgecoreDouble, channel: grpc.Channel, value: str
) -> None:
    for _ in range(2):
        report(channel, dmi.twin("x", "", value))
    assert double.reported("d", "x") == ("", "")
    assert double.counters["charset"] == 2


def test_the_calls_share_one_limiter(double: EdgecoreDouble, channel: grpc.Channel) -> None:
    for _ in range(100):
        report(channel)
    for call in (lambda: report(channel), lambda: register(channel)):
        with pytest.raises(grpc.RpcError) as caught:
            call()
        assert caught.value.code() == grpc.StatusCode.UNKNOWN
        assert "too many request" in caught.value.details()
    Clock.now += 1.0
    report(channel)


def test_numbers_become_float32_and_lists_keep_a_device_away(
    double: EdgecoreDouble, channel: grpc.Channel
) -> None:
    for name, config in (("f", {"n": 16777217}), ("l", {"n": [1]}), ("k", {"data": "x"})):
        spec = DEVICE["spec"] | {"protocol": {"protocolName": "p", "configData": config}}
        double.apply(DEVICE | {"metadata": {"name": name}, "spec": spec})
    found = {each.name: each for each in register(channel).device_list}
    assert set(found) == {"d", "f"}
    assert b"\x00\x00\x80K" in found["f"].SerializeToString(), "16777216.0 as float32"
    assert len(double.log) >= 2


def test_models_come_one_per_device_and_without_data_nothing_comes(
    double: EdgecoreDouble, channel: grpc.Channel
) -> None:
    double.apply(DEVICE | {"metadata": {"name": "e"}})
    assert [each.name for each in register(channel).model_list] == ["m", "m"]
    double.stop()
    fresh = EdgecoreDouble(double.path)
    fresh.start()
    fresh.apply(DEVICE)
    with grpc.insecure_channel(f"unix:{fresh.path}") as other:
        assert not register(other, with_data=False).device_list
    fresh.patch_desired("d", "x", "1")
    fresh.stop()
    assert fresh.calls == [], "it does not know whom to call"


def test_the_same_value_written_twice_tells_nobody(double: EdgecoreDouble, channel: grpc.Channel) -> None:
    register(channel)
    before = len(double.calls)
    double.patch_desired("d", "x", "1")
    told = len(double.calls)
    double.patch_desired("d", "x", "1")
    assert before < told == len(double.calls)
    assert double.counters["downward_failed"], "nobody serves there: logged, never retried"


def test_a_write_over_a_broken_link_shows_after_edgecores_restart(
    double: EdgecoreDouble, channel: grpc.Channel
) -> None:
    double.link_down()
    double.patch_desired("d", "x", "1")
    report(channel, dmi.twin("x", "", "1"))
    double.link_up()
    assert register(channel).device_list[0].spec.properties[0].desired.value == ""
    assert double.counters["reports_lost"] == 1
    double.stop()
    double.start()
    with grpc.insecure_channel(f"unix:{double.path}") as again:
        assert register(again).device_list[0].spec.properties[0].desired.value == "1"


def test_the_generated_schema_is_the_committed_one(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    for name in ("dmi_pb2.py", "dmi_pb2.pyi"):
        committed = generate.BRIDGES / "robolink_kubeedge" / name
        assert (tmp_path / "robolink_kubeedge" / name).read_text() == committed.read_text(), (
            "run robolink_kubeedge.generate"
        )


def test_a_living_socket_and_a_file_are_left_alone_and_a_dead_one_is_taken(
    double: EdgecoreDouble, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="another edgecore"):
        EdgecoreDouble(double.path).start()
    assert double.path.is_socket()
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(ConfigError, match="no socket"):
        EdgecoreDouble(tmp_path / "notes").start()
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(dead))
    again = EdgecoreDouble(dead)
    again.start()
    again.stop()


def test_a_model_that_is_applied_again_at_once_is_lost_and_its_device_with_it(
    double: EdgecoreDouble, channel: grpc.Channel
) -> None:
    register(channel)
    double.delete("d")
    assert register(channel).device_list, "nobody took the call: edgecore goes on showing it"
    double.stop()
    double.start()
    double.apply(MODEL)
    double.apply(DEVICE)
    with grpc.insecure_channel(f"unix:{double.path}") as again:
        assert not register(again).device_list
    assert double.counters["models_lost"] == 1
    double.delete("d")
    double.pause(1.0)
    double.apply(MODEL)
    double.apply(DEVICE)
    with grpc.insecure_channel(f"unix:{double.path}") as again:
        assert [each.name for each in register(again).device_list] == ["d"]


def test_a_device_created_over_a_broken_link_never_comes_and_its_reports_are_lost(
    double: EdgecoreDouble, channel: grpc.Channel
) -> None:
    double.link_down()
    double.apply(DEVICE | {"metadata": {"name": "late"}})
    double.link_up()
    assert [each.name for each in register(channel).device_list] == ["d"]
    report(channel, dmi.twin("x", "", "1"), device="late")
    assert double.log[-1] == "report of unknown device late"
    assert {each["metadata"]["name"] for each in double.stored()} == {"d", "late"}, "edgecore's store has it"


def test_a_report_without_twins_and_a_mapper_without_a_protocol_are_refused(channel: grpc.Channel) -> None:
    request = pb.ReportDeviceStatusRequest(device_name="d", device_namespace="default")
    with pytest.raises(grpc.RpcError, match="twin data"):
        dmi.call(channel, dmi.UP, "ReportDeviceStatus")(request, timeout=5)
    with pytest.raises(grpc.RpcError, match="protocol is nil"):
        dmi.call(channel, dmi.UP, "MapperRegister")(pb.MapperRegisterRequest(with_data=True), timeout=5)


def test_by_the_event_bus_one_bad_twin_refuses_all_and_there_is_no_limiter(double: EdgecoreDouble) -> None:
    key = ("default", "d")
    for _ in range(200):
        assert double.report_by_bus(key, {"x": ("", "1"), "y": ("", "2")}) == 200
    assert double.report_by_bus(key, {"x": ("", "3"), "y": ("", "a b")}) == 400
    assert double.reported("d", "x") == ("", "1")
    assert double.report_by_bus(("default", "nobody"), {"x": ("", "1")}) == 404
    double.state_by_bus(key, "sleeping")
    assert double.status("d")["state"] == "", "edgecore knows five states"
