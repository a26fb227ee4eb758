"""What is wrong with one Device is told on that Device, in its state and in words; the others go on."""

from __future__ import annotations

from typing import Any

import pytest

from robolink import v1
from robolink.core.twintext import fits_value
from robolink_kubeedge import dmi, faults
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.faults import Fault
from robolink_kubeedge.reports import ReportQueue, StateReport
from tests.bridges.kubeedge.test_devices import KEY, description, device, info

OTHER = ("default", "base-2")


def described(robot: str) -> v1.Description:
    made = description()
    made.robot = robot
    return made


@pytest.fixture
def table() -> DeviceTable:
    """Two robots, and a Device for the second that nobody touches."""
    made = DeviceTable(ReportQueue())
    made.robot_infos([info(), v1.RobotInfo(robot="base-2", online=True, sheet_hash="h1")], 0.0)
    for robot in ("base-1", "base-2"):
        made.described(described(robot), 0.0)
        made.twin_changed(v1.Twin(robot=robot), 0.0, whole=True)
    made.put(device("base-2"), 0.0)
    return made


def told(table: DeviceTable, key: tuple[str, str] = KEY) -> str:
    return next(each.reported for each in table.queue.texts(key) if each.name == "device-faults")


def states(table: DeviceTable) -> dict[tuple[str, str], str]:
    """Of each device the newest, by taking all reports that wait."""
    found, now = {}, 1000.0
    while (report := table.queue.next(now)) is not None:
        table.queue.sent(report, now)
        if isinstance(report, StateReport):
            found[report.device] = report.state
    return found


def changed(**parts: Any) -> pb.Device:
    made = device()
    made.spec.properties.add(name="device-faults")
    for name, value in parts.items():
        if name == "config":
            made.spec.protocol.config_data.CopyFrom(dmi.config(value))
        elif name == "prop":
            made.spec.properties.add(name=value)
        elif name == "visitor":
            made.spec.properties[0].visitors.config_data.CopyFrom(dmi.config(value))
        elif name == "database":
            made.spec.properties[0].push_method.db_method.SetInParent()
    return made


@pytest.mark.parametrize(
    ("document", "text", "state"),
    [
        (changed(config={"robot": 7}), "CONFIG_TYPE:protocol.configData.robot", "unhealthy"),
        (changed(config={"robot": "nobody"}), "UNKNOWN_ROBOT:nobody", "unhealthy"),
        (changed(prop="base.wings"), "UNKNOWN_PROPERTY:base.wings", "unhealthy"),
        (changed(prop="wörds"), "BAD_NAME:#d8O2cmRz", "unhealthy"),
        (changed(prop="cmd"), "NAME_TWICE:cmd", "unhealthy"),
        (changed(visitor={"property": 1.5}), "CONFIG_TYPE:visitors.base.max_speed", "unhealthy"),
        (changed(visitor={"property": "base.x"}), "VISITOR:base.max_speed", "unhealthy"),
        (changed(database=True), "DB_METHOD:base.max_speed", "ok"),
    ],
)
def test_a_malformed_device_is_told_on_itself_alone(
    table: DeviceTable, document: pb.Device, text: str, state: str
) -> None:
    document = pb.Device.FromString(document.SerializeToString())
    table.put(document, 0.0)
    assert told(table) == text
    assert [each[1].text for each in table.events] == [text]
    found = states(table)
    assert (found[KEY], found[OTHER]) == (state, "ok")
    # It is repaired, and that is told too.
    table.put(changed(), 5.0)
    assert told(table) == ""
    assert not table.events[-1][2]
    assert (found | states(table))[KEY] == "ok"


def test_two_devices_for_one_robot_do_not_undo_each_other_and_a_stop_passes(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5"), 0.0)
    twice = device("shelf", robot="base-1", base__max_speed="0.9", stop="CUT")
    twice.spec.properties.add(name="device-faults")
    table.put(twice, 0.0)
    assert [(each.name, each.value) for each in table.take_writes(0.0)] == [
        ("stop", "CUT"),
        ("base.max_speed", 0.5),
    ]
    assert told(table, ("default", "shelf")) == "ROBOT_TAKEN:default/base-1"
    found = states(table)
    assert (found[KEY], found["default", "shelf"]) == ("ok", "unhealthy")
    table.remove(KEY, 5.0)
    assert told(table, ("default", "shelf")) == ""


def model(name: str = "m-0123abcd", **types: str) -> pb.DeviceModel:
    made = pb.DeviceModel(name=name, namespace="default")
    for key, kind in types.items():
        made.spec.properties.add(name=key.replace("__", "."), type=kind)
    return made


def test_models_missing_old_or_of_other_types(table: DeviceTable) -> None:
    document = changed()
    document.spec.device_model_reference = "m-0123abcd"
    table.put(document, 0.0)
    assert told(table) == "", "whether there is one is known after a registration"
    before = table.snapshot()
    table.registered(pb.MapperRegisterResponse(device_list=[document, device("base-2")]), before, 0.0)
    assert told(table) == "MODEL_MISSING:m-0123abcd"
    table.model(model(base__max_speed="DOUBLE"), ("default", "m-0123abcd"), 0.0)
    assert told(table) == "MODEL_OLD:0123abcd"
    fresh = described("base-1")
    fresh.sheet_hash = "0123abcd99"
    table.described(fresh, 0.0)
    assert told(table) == ""
    table.model(model(base__max_speed="FLOAT", base__distance="STRING"), ("default", "m-0123abcd"), 0.0)
    assert told(table) == "MODEL_TYPE:base.distance:STRING"
    table.model(None, ("default", "m-0123abcd"), 0.0)
    assert told(table) == "MODEL_MISSING:m-0123abcd"


def test_an_update_that_edgecore_gave_to_somebody_else_is_noticed(table: DeviceTable) -> None:
    table.put(changed(), 0.0)
    newer = changed()
    newer.spec.properties[0].desired.value = "0.7"
    answer = pb.MapperRegisterResponse(device_list=[newer, device("base-2")])
    table.registered(answer, table.snapshot(), 0.0)
    assert "UPDATE_ELSEWHERE" not in told(table), "edgecore was away: nobody was there to be told"
    newest = pb.Device.FromString(newer.SerializeToString())
    newest.spec.properties[0].desired.value = "0.8"
    answer = pb.MapperRegisterResponse(device_list=[newest, device("base-2")])
    table.registered(answer, table.snapshot(), 0.0, again=True)
    assert "UPDATE_ELSEWHERE" not in told(table), "the call may still be on its way"
    table.registered(answer, table.snapshot(), 0.0, again=True)
    assert "UPDATE_ELSEWHERE" in told(table)
    assert Fault("UPDATE_ELSEWHERE").serious, "the Device's state shows it too"
    assert [each.value for each in table.take_writes(0.0)] == [0.8], "it counts all the same"
    table.registered(answer, table.snapshot(), 0.0, again=True)
    assert "UPDATE_ELSEWHERE" not in told(table), "nothing new went past us since"
    newest.spec.properties[0].desired.value = "0.9"
    for _ in range(2):
        answer = pb.MapperRegisterResponse(device_list=[newest, device("base-2")])
        table.registered(answer, table.snapshot(), 0.0, again=True)
    assert "UPDATE_ELSEWHERE" in told(table)
    table.put(newest, 0.0)
    assert "UPDATE_ELSEWHERE" not in told(table), "it came after all"


@pytest.mark.parametrize("of_hub", ["", "base.gain:3:LIMIT", "base.gain:3:LIMIT,more:4"])
def test_of_many_refused_as_many_are_told_as_fit(table: DeviceTable, of_hub: str) -> None:
    document = pb.Device(name="base-1", namespace="default")
    for name in ("setting-errors", *(f"base.nothing_{number}" for number in range(60))):
        document.spec.properties.add(name=name).desired.value = "" if name == "setting-errors" else "1"
    twin = v1.PropertyState(name="setting-errors")
    twin.reported.value.string_value = of_hub
    table.twin_changed(v1.Twin(robot="base-1", properties=[twin]), 0.0)
    table.put(document, 0.0)
    table.take_writes(0.0)
    text = next(each.reported for each in table.queue.texts(KEY) if each.name == "setting-errors")
    assert fits_value(text)
    *told, more = text.split(",")
    assert len(told) >= 15
    assert told[0] == "base.nothing_0:UNSUPPORTED"
    everything = 60 + bool(of_hub) + (4 if "more" in of_hub else 0)
    assert more == f"more:{everything - len(told)}"
    document = pb.Device(name="base-1", namespace="default")
    document.spec.properties.add(name="setting-errors")
    document.spec.properties.add(name="base.nothing_0").desired.value = "2"
    table.put(document, 0.0)
    table.take_writes(0.0)
    text = next(each.reported for each in table.queue.texts(KEY) if each.name == "setting-errors")
    assert text == ",".join(each for each in ("base.nothing_0:UNSUPPORTED", of_hub) if each)


def test_the_hubs_first_news_of_one_robot_says_nothing_of_the_others() -> None:
    table = DeviceTable(ReportQueue())
    table.put(changed(), 0.0)
    table.robot_infos([v1.RobotInfo(robot="base-2", online=True)], 0.0, whole=False)
    assert told(table) == ""
    table.robot_infos([v1.RobotInfo(robot="base-2", online=True)], 0.0)
    assert told(table) == "UNKNOWN_ROBOT:base-1"


def test_a_line_of_many_faults_always_fits_and_counts_the_rest() -> None:
    many = [Fault("UNKNOWN_PROPERTY", f"base.property_{number}") for number in range(60)]
    text = faults.line(many)
    assert fits_value(text)
    assert text.rpartition("MORE:")[2] == str(60 - text.count("UNKNOWN_PROPERTY"))


def test_each_code_has_words_and_a_cure() -> None:
    for code, (what, cure, _) in faults.CODES.items():
        assert code == code.upper()
        assert what and cure
        assert Fault(code, "x").words.startswith(f"{code} (x): ")
