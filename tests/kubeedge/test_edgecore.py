"""What an edgecore does to a mapper, trap by trap: the same tests for the double and, where there is one, the real program.

The traps are those of the design notes on KubeEdge; what a test says here is what a mapper may rest on.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from robolink.cloud._watch import resource_path
from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from tests.kubeedge.ground import Ground
from tests.kubeedge.mapper_stub import MapperStub


def desired(device: pb.Device, index: int = 0) -> str:
    value: str = device.spec.properties[index].desired.value
    return value


def test_registration_with_data_gives_devices_and_a_model_for_each(ground: Ground) -> None:
    ground.place("d", "e")
    assert "CreateDeviceModel" in ground.stub.names(), "with its first device, and no second time"
    assert ground.stub.names().count("CreateDeviceModel") == 1
    answer = ground.stub.register()
    assert sorted(each.name for each in answer.device_list) == ["d", "e"]
    assert [each.name for each in answer.model_list] == ["m", "m"]
    assert {each.namespace for each in answer.device_list} == {ground.cluster.namespace}
    with pytest.raises(grpc.RpcError, match="protocol is nil"):
        ground.stub.register(protocol="")
    assert not ground.stub.register(protocol="other").device_list


def test_without_data_edgecore_cannot_call_the_mapper(ground: Ground) -> None:
    assert not ground.stub.register(with_data=False).device_list
    ground.model()
    ground.device()
    ground.wait(lambda: ground.stored(), "the device in edgecore's store")
    assert [each.name for each in ground.stub.register().device_list] == ["d"]
    assert ground.stub.calls == []


def test_a_change_comes_whole_and_the_same_value_tells_nobody(ground: Ground) -> None:
    ground.place()
    ground.wish("1")
    ground.told("UpdateDevice")
    ground.wish("1")
    ground.wish("2", index=1)
    last = ground.told("UpdateDevice", 2)[-1].device
    assert (desired(last), desired(last, 1)) == ("1", "2"), "the full device"
    # A model that has not changed comes along or stays away, as it happens.
    assert ground.stub.names().count("UpdateDevice") == 2


def test_a_model_alone_that_changes_tells_nobody_until_a_device_does(ground: Ground) -> None:
    ground.place()
    path = resource_path(ground.cluster.namespace, "devicemodels", "m")
    ground.api.patch(path, [{"op": "add", "path": "/spec/properties/0/unit", "value": "m/s"}])
    ground.wish("1")
    ground.told("UpdateDevice")
    model = ground.told("UpdateDeviceModel")[-1].model
    assert model.spec.properties[0].unit == "m/s"
    assert ground.stub.names()[-2:] == ["UpdateDeviceModel", "UpdateDevice"]


@pytest.mark.parametrize("half", ["reported", "observed_desired"])
def test_a_twin_without_both_halves_takes_edgecore_down(ground: Ground, half: str) -> None:
    ground.place()
    bad = pb.Twin(property_name="x")
    getattr(bad, half).value = "1"
    with pytest.raises(grpc.RpcError) as caught:
        ground.stub.report("d", bad)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    ground.wait(ground.cluster.edge_ended, "edgecore's end")
    ground.cluster.start_edge()
    assert [each.name for each in ground.stub.register().device_list] == ["d"], "it knows its devices again"


def test_the_first_report_of_a_property_is_lost_and_metadata_is_made_anew(ground: Ground) -> None:
    ground.place()
    ground.report("1")
    assert ground.wait(lambda: ground.twin(), "an empty twin") == ("", "")
    twin = dmi.twin("x", "7", "2")
    twin.reported.metadata["mine"] = "1"
    ground.stub.report("d", twin)
    ground.wait(lambda: ground.twin() == ("7", "2"), "the second report")
    (shown,) = ground.status()["twins"]
    assert set(shown["reported"]["metadata"]) == {"timestamp", "type"}


def test_what_does_not_match_is_dropped_and_its_neighbours_of_one_call_pass(ground: Ground) -> None:
    ground.place()
    ground.wait(lambda: ground.heard("0"), "the first value")
    for bad in ("a b", "1e+05", "{}", "x" * 513, "ä", "50%", "a=b", '"q"'):
        ground.report(bad)
    for _ in range(2):
        ground.stub.report("d", dmi.twin("x", "", "a b"), dmi.twin("y", "", "Az09-_.,:/@#"))
    ground.wait(lambda: ground.twin("y") == ("", "Az09-_.,:/@#"), "the neighbour")
    assert ground.twin() == ("", "0")
    ground.stub.report("d", dmi.twin("x", "", "x" * 512))
    ground.wait(lambda: ground.twin() == ("", "x" * 512), "512 characters")
    ground.report("")
    ground.wait(lambda: ground.twin() == ("", ""), "an empty value")


def test_a_property_that_the_device_has_not_is_no_twin(ground: Ground) -> None:
    ground.place()
    for _ in range(2):
        ground.stub.report("d", dmi.twin("nobody", "", "1"), dmi.twin("x", "", "1"))
    ground.wait(lambda: ground.twin() == ("", "1"), "the property that is there")
    assert ground.twin("nobody") is None


def test_all_upward_calls_share_one_limiter(ground: Ground) -> None:
    ground.place()
    calls = (lambda: ground.report("1"), lambda: ground.stub.state("d", "ok"))
    taken, refused = 0, None
    while refused is None and taken < 200:
        refused = _refused(calls[taken % 2])
        taken += 1
    assert refused is not None
    assert refused.code() == grpc.StatusCode.UNKNOWN
    assert dmi.LIMITER_WORDS in refused.details()
    # One was spent on registering; one more comes back in each second that this takes.
    assert 99 <= taken < 150
    assert any(_refused(ground.stub.register) for _ in range(3)), "registering counts too"
    ground.wait(lambda: not _refused(ground.stub.register), "a call once time has passed")


def _refused(call: Callable[[], Any]) -> Any:
    try:
        call()
    except grpc.RpcError as exc:
        return exc
    return None


def test_a_report_without_twins_is_refused(ground: Ground) -> None:
    ground.place()
    with pytest.raises(grpc.RpcError, match="twin data"):
        ground.stub.report_nothing("d")


def test_states_and_no_others(ground: Ground) -> None:
    ground.place()
    ground.stub.state("d", "sleeping")
    for state in ("ok", "offline", "unhealthy", "unknown", "online"):
        ground.stub.state("d", state)
        ground.wait(lambda state=state: ground.status().get("state") == state, state)
    ground.stub.state("d", "disconnected")
    ground.stub.state("d", "ok")
    ground.wait(lambda: ground.status().get("state") == "ok", "ok")


def test_numbers_become_float32_and_what_does_not_pass_keeps_a_device_away(ground: Ground) -> None:
    ground.stub.register()
    ground.model()
    for name, config in (
        ("list", {"n": [1]}),
        ("data", {"data": "x"}),
        ("float", {"n": 16777217, "b": True, "s": "t"}),
    ):
        ground.device(name, config=config)
    (request,) = ground.told("RegisterDevice")
    assert request.device.name == "float"
    found = ground.stub.register().device_list
    assert [each.name for each in found] == ["float"]
    data = found[0].spec.protocol.config_data.data
    assert data["n"].type_url.endswith("FloatValue")
    assert b"\x00\x00\x80K" in data["n"].value, "16777216.0"
    assert data["b"].type_url.endswith("BoolValue")
    assert dmi.config_text(found[0].spec.protocol.config_data, "s") == "t"


def test_a_second_mapper_of_a_protocol_replaces_the_first(ground: Ground) -> None:
    ground.place()
    path = ground.stub.path.with_name("other.sock")
    with MapperStub(ground.cluster.socket, path, ground.cluster.namespace, ground.stub.protocol) as other:
        other.register()
        ground.stub.calls.clear()
        ground.wish("1")
        ground.wait(lambda: other.devices("UpdateDevice"), "the update at the second")
        assert ground.stub.calls == []


def test_a_write_while_the_mapper_is_down_is_shown_when_it_registers_and_never_sent_again(
    ground: Ground,
) -> None:
    ground.place("d", "e")
    ground.stub.stop()
    ground.wish("1")
    ground.wait(ground.written, "the write in edgecore's store")
    ground.stub.start()
    ground.stub.calls.clear()
    ground.wish("2", name="e")
    ground.told("UpdateDevice")
    assert {each.name for each in ground.stub.devices("UpdateDevice")} == {"e"}
    answer = {each.name: each for each in ground.stub.register().device_list}
    assert desired(answer["d"]) == "1"


def test_edgecore_restarted_calls_its_mappers_again_by_itself(ground: Ground) -> None:
    ground.place()
    ground.cluster.kill_edge()
    ground.cluster.start_edge()
    ground.stub.calls.clear()
    ground.wish("1")
    assert desired(ground.told("UpdateDevice")[-1].device) == "1"


def test_a_write_over_a_broken_link_is_in_the_store_and_shown_after_edgecores_restart(ground: Ground) -> None:
    ground.place("d", "e")
    ground.wait(lambda: ground.heard("1"), "a first value")
    ground.cluster.cut()
    ground.wish("1")
    ground.report("lost")
    ground.cluster.mend()
    ground.wait(ground.written, "the write in edgecore's store")
    ground.stub.calls.clear()
    ground.wait(lambda: ground.heard("up", "e"), "reports come up again")
    answer = {each.name: each for each in ground.stub.register().device_list}
    assert desired(answer["d"]) == ""
    assert ground.stub.devices("UpdateDevice") == []
    # A change that follows carries the whole device: this is what `sync` is for.
    ground.wish("2", index=1)
    last = ground.told("UpdateDevice")[-1].device
    assert (desired(last), desired(last, 1)) == ("1", "2")


def test_what_was_written_over_a_broken_link_is_shown_by_an_edgecore_that_was_restarted(
    ground: Ground,
) -> None:
    ground.place()
    ground.cluster.cut()
    ground.wish("1")
    ground.cluster.mend()
    ground.wait(ground.written, "the write in edgecore's store")
    ground.cluster.kill_edge()
    ground.cluster.start_edge()
    (found,) = ground.stub.register().device_list
    assert desired(found) == "1"


def test_a_device_created_over_a_broken_link_never_comes(ground: Ground) -> None:
    ground.place()
    ground.cluster.cut()
    ground.device("late")
    ground.cluster.mend()
    ground.wait(lambda: ground.stored("late"), "the device in edgecore's store")
    assert [each.name for each in ground.stub.register().device_list] == ["d"]
    ground.stub.calls.clear()
    ground.wish("1", "late")
    (request,) = ground.told("UpdateDevice")
    assert request.device.name == "late", "an update of a device that never registered"
    for _ in range(2):
        ground.report("1", "late")
    ground.wait(lambda: ground.heard("1"), "a neighbour's report")
    assert ground.twin("x", "late") is None, "and its reports are refused in silence"
    ground.cluster.kill_edge()
    ground.cluster.start_edge()
    assert sorted(each.name for each in ground.stub.register().device_list) == ["d", "late"]
    for _ in range(2):
        ground.report("2", "late")
    ground.wait(lambda: ground.heard("2"), "a neighbour's report")
    assert ground.twin("x", "late") is None, "for ever"
    ground.delete("Device", "late")
    ground.told("RemoveDevice")
    ground.device("late")
    ground.wait(lambda: ground.heard("3", "late"), "a report of it, once it was made anew")


def test_a_delete_takes_the_model_first_and_the_last_device_of_it_alone(ground: Ground) -> None:
    ground.place("d", "e")
    ground.delete("Device", "d")
    ground.told("RemoveDevice")
    assert "RemoveDeviceModel" not in ground.stub.names()
    ground.delete("Device", "e")
    ground.told("RemoveDevice", 2)
    assert ground.stub.names()[-2:] == ["RemoveDeviceModel", "RemoveDevice"]
    assert not ground.stub.register().device_list


def test_a_device_that_is_deleted_while_its_mapper_is_down_comes_back(ground: Ground) -> None:
    ground.place("d", "e")
    ground.stub.stop()
    ground.delete("Device", "d")
    # The deletion comes before what is written after it.
    ground.wish("0", "e")
    ground.wait(lambda: (ground.stored("e").get("properties") or [{}])[0].get("desired"), "the store")
    ground.stub.start()
    ground.wish("1", "e")
    ground.told("UpdateDevice")
    assert sorted(each.name for each in ground.stub.register().device_list) == ["d", "e"]
    ground.cluster.kill_edge()
    ground.cluster.start_edge()
    assert [each.name for each in ground.stub.register().device_list] == ["e"], "until edgecore's restart"


def test_nothing_is_known_of_a_device_of_another_node(ground: Ground) -> None:
    ground.place()
    cluster = copy.copy(ground.cluster)
    cluster.node = "somewhere-else"
    here, ground.cluster = ground.cluster, cluster
    ground.device("away")
    ground.cluster = here
    ground.device("near")
    ground.told("RegisterDevice", 2)
    assert sorted(each.name for each in ground.stub.register().device_list) == ["d", "near"]
