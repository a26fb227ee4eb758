"""The table between edgecore and hub, without either: what is written down, what is shown up, and what never is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core.values import to_value
from robolink_kubeedge import dmi
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.devices import MAX_WAITING, DeviceTable
from robolink_kubeedge.records import Write
from robolink_kubeedge.reports import ReportQueue

KEY = ("default", "base-1")
SPEED = "base.max_speed"
NAMES = (SPEED, "base.distance", "cmd", "cmd-status", "stop", "stop-generation", "setting-errors")


def device(name: str = "base-1", *, robot: str = "", **desired: str) -> pb.Device:
    made = pb.Device(name=name, namespace="default")
    if robot:
        made.spec.protocol.config_data.CopyFrom(dmi.config({"robot": robot}))
    texts = {key.replace("__", "."): value for key, value in desired.items()}
    for each in dict.fromkeys((*NAMES, *texts)):
        made.spec.properties.add(name=each).desired.value = texts.get(each, "")
    return made


def description() -> v1.Description:
    component = v1.Component(name="base", setpoints=[v1.SetpointInfo(name="velocity")])
    component.properties.add(
        field=v1.Field(name="max_speed", type=v1.VALUE_TYPE_DOUBLE), access=v1.ACCESS_READ_WRITE
    )
    component.properties.add(
        field=v1.Field(name="distance", type=v1.VALUE_TYPE_DOUBLE), access=v1.ACCESS_READ_ONLY
    )
    return v1.Description(robot="base-1", sheet=v1.Sheet(model="m", components=[component]), sheet_hash="h1")


def info(online: bool = True, sheet_hash: str = "h1") -> v1.RobotInfo:
    return v1.RobotInfo(robot="base-1", online=online, sheet_hash=sheet_hash)


def state(name: str, *, desired: object = None, version: int = 0, observed: int = 0, reported: object = None,
          verdict: v1.Verdict = v1.VERDICT_APPLIED) -> v1.PropertyState:  # fmt: skip
    made = v1.PropertyState(name=name)
    if desired is not None:
        made.desired.CopyFrom(v1.Desired(value=to_value(desired), version=version))  # type: ignore[arg-type]
    if observed:
        made.observed.CopyFrom(v1.Observed(version=observed, verdict=verdict))
    if reported is not None:
        made.reported.CopyFrom(v1.Reported(value=to_value(reported)))  # type: ignore[arg-type]
    return made


@pytest.fixture
def table() -> DeviceTable:
    """A mapper that knows the robot, and no device yet."""
    made = DeviceTable(ReportQueue())
    made.robot_infos([info()], 0.0)
    made.described(description(), 0.0)
    made.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    return made


def writes(table: DeviceTable) -> list[tuple[str, object]]:
    return [(each.name, each.value) for each in table.take_writes(0.0)]


def shown(table: DeviceTable) -> dict[str, tuple[str, str]]:
    return {each.name: (each.observed_desired, each.reported) for each in table.queue.texts(KEY)}


def test_only_what_is_new_in_a_full_update_is_written(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5"), 0.0)
    assert writes(table) == [(SPEED, 0.5)]
    table.put(device(base__max_speed="0.5", stop="SOFT_HOLD"), 0.0)
    assert writes(table) == [("stop", "SOFT_HOLD")]
    table.put(device(base__max_speed="0.5", stop="SOFT_HOLD"), 0.0)
    assert writes(table) == []


def test_the_newest_of_a_setting_and_each_of_the_commands_in_order_and_stops_before_all(
    table: DeviceTable,
) -> None:
    table.hub_lost(0.0)
    for speed, cmd in (("0.5", "a"), ("0.6", "b")):
        table.put(device(base__max_speed=speed, cmd=cmd), 0.0)
    table.put(device(base__max_speed="0.6", cmd="b", stop="CUT"), 0.0)
    assert writes(table) == [], "the hub is away"
    table.robot_infos([info()], 0.0)
    assert table.unread == {"base-1"}
    assert writes(table) == [("stop", "CUT")], (
        "what is new to the hub is not known yet; a stop does not wait for that"
    )
    table.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    assert writes(table) == [("cmd", "a"), (SPEED, 0.6), ("cmd", "b")]


def test_what_the_hub_has_already_is_not_written_after_a_restart(table: DeviceTable) -> None:
    table.twin_changed(
        v1.Twin(robot="base-1", properties=[state(SPEED, desired=0.5, version=4), state("cmd", desired="a", version=9)]), 0.0
    )  # fmt: skip
    table.put(device(base__max_speed="0.50", cmd="a"), 0.0)
    assert writes(table) == []
    assert table.counters["replays"] == 2


def test_the_cloud_reads_its_own_words_once_they_are_observed(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.50"), 0.0)
    write = table.take_writes(0.0)[0]
    table.written(write, 3, 0.0)
    assert shown(table)[SPEED] == ("", "")
    table.twin_changed(v1.Twin(robot="base-1", properties=[state(SPEED, desired=0.5, version=3)]), 0.0)
    assert shown(table)[SPEED] == ("", "")
    table.twin_changed(v1.Twin(robot="base-1", properties=[state(SPEED, observed=3, reported=0.5)]), 0.0)
    assert shown(table)[SPEED] == ("0.50", "0.5")
    # Somebody at the robot changes it: the cloud sees that its wish is no longer what is.
    local = state(SPEED, desired=0.8, version=4, observed=4, reported=0.8)
    table.twin_changed(v1.Twin(robot="base-1", properties=[local]), 0.0)
    assert shown(table)[SPEED] == ("0.8", "0.8")


def test_a_rejected_setting_is_not_observed(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5"), 0.0)
    table.written(table.take_writes(0.0)[0], 3, 0.0)
    errors = state("setting-errors", reported=f"{SPEED}:3:LIMIT")
    rejected = state(SPEED, desired=0.5, version=3, observed=3, verdict=v1.VERDICT_REJECTED)
    table.twin_changed(v1.Twin(robot="base-1", properties=[rejected, errors]), 0.0)
    assert shown(table)[SPEED] == ("", "")
    assert shown(table)["setting-errors"] == ("", f"{SPEED}:3:LIMIT")


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("base__max_speed", "fast", f"{SPEED}:INVALID"),
        ("base__velocity", "1.0", "base.velocity:MOTION_IS_NO_PROPERTY"),
        ("base__distance", "1.0", "base.distance:UNSUPPORTED"),
        ("base__nothing", "1.0", "base.nothing:UNSUPPORTED"),
    ],
)
def test_what_cannot_be_written_is_told_and_the_device_is_unhealthy(
    table: DeviceTable, name: str, text: str, error: str
) -> None:
    table.put(device(**{name: text}), 0.0)
    assert writes(table) == []
    assert shown(table)["setting-errors"] == ("", error)
    assert sum(count for name, count in table.counters.items() if name.startswith("refused_")) == 1
    table.put(device(), 0.0)


def test_what_the_hub_refuses_is_told_and_not_tried_again(table: DeviceTable) -> None:
    table.put(device(base__max_speed="99"), 0.0)
    table.refused(table.take_writes(0.0)[0], "CAUSE_LIMIT", 0.0)
    assert shown(table)["setting-errors"] == ("", f"{SPEED}:LIMIT")
    table.put(device(base__max_speed="99"), 0.0)
    assert writes(table) == []
    table.put(device(base__max_speed="1.0"), 0.0)
    assert writes(table) == [(SPEED, 1.0)]
    assert shown(table)["setting-errors"] == ("", "")


def test_an_unanswered_write_goes_again_unless_a_newer_one_waits(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5", cmd="a"), 0.0)
    both: list[Write] = table.take_writes(0.0)
    table.put(device(base__max_speed="0.6", cmd="b"), 0.0)
    for each in both:
        table.unwritten(each)
    assert writes(table) == [("cmd", "a"), (SPEED, 0.6), ("cmd", "b")]


def test_an_unknown_robot_waits_until_the_hub_knows_it() -> None:
    table = DeviceTable(ReportQueue())
    table.robot_infos([], 0.0)
    table.put(device(base__max_speed="0.5"), 0.0)
    assert writes(table) == []
    assert table.robot_infos([info()], 0.0) == ["base-1"]
    table.described(description(), 0.0)
    assert writes(table) == []
    table.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    assert writes(table) == [(SPEED, 0.5)]
    assert table.robot_infos([info(sheet_hash="h2")], 0.0) == ["base-1"], "a new sheet is asked for"


def test_states(table: DeviceTable) -> None:
    def of(now: float) -> str:
        report = table.queue.next(now)
        states = []
        while report is not None:
            table.queue.sent(report, now)
            states.append(getattr(report, "state", ""))
            report = table.queue.next(now)
        return next(each for each in states if each)

    table.put(device(), 0.0)
    assert of(0.0) == "ok"
    table.robot_infos([info(online=False)], 10.0)
    assert of(10.0) == "offline"
    table.hub_lost(20.0)
    assert of(20.0) == "unknown"
    table.robot_infos([info()], 30.0)
    table.twin_changed(v1.Twin(robot="base-1"), 30.0, whole=True)
    table.put(device(base__max_speed="fast"), 30.0)
    table.take_writes(30.0)
    assert of(30.0) == "unhealthy"


def test_registration_is_the_whole_truth_but_for_what_came_meanwhile(table: DeviceTable) -> None:
    for name in ("base-1", "gone"):
        table.put(device(name), 0.0)
    table.put(device("left", base__max_speed="0.5"), 0.0)
    before = table.snapshot()
    # While edgecore answers, it calls: what it says there is newer than its answer.
    table.put(device("new"), 0.0)
    table.remove(("default", "left"))
    table.put(device(base__max_speed="0.6"), 0.0)
    answer = [device(base__max_speed="0.5"), device("left"), device("never-heard-of")]
    table.registered(
        pb.MapperRegisterResponse(device_list=answer, model_list=[pb.DeviceModel()]), before, 0.0
    )
    assert {name for _, name in table.snapshot().keys} == {"base-1", "new", "never-heard-of"}
    assert writes(table) == [(SPEED, 0.6)]


def test_the_robot_is_named_by_config_data_else_by_the_device(table: DeviceTable) -> None:
    table.put(device("shelf-7", robot="base-1", base__max_speed="0.5"), 0.0)
    assert table.take_writes(0.0)[0].robot == "base-1"
    assert table.get(("default", "shelf-7")) is not None
    table.remove(("default", "shelf-7"))
    assert table.get(("default", "shelf-7")) is None


def test_nothing_that_edgecore_would_drop_is_ever_queued(table: DeviceTable) -> None:
    table.put(device(), 0.0)
    odd = v1.Twin(
        robot="base-1",
        properties=[state("cmd-status", reported="a b {}"), state("base.distance", reported=1e22)],
    )
    table.twin_changed(odd, 0.0)
    assert shown(table)["cmd-status"] == ("", "#YSBiIHt9")
    assert shown(table)["base.distance"] == ("", "1e22")


def test_a_stop_counts_each_time_and_none_is_lowered_or_left_out(table: DeviceTable) -> None:
    def stop(text: str) -> list[tuple[str, object]]:
        table.put(device(stop=text), 0.0)
        return writes(table)

    assert stop("CUT") == [("stop", "CUT")]
    table.twin_changed(v1.Twin(robot="base-1", properties=[state("stop", desired="CUT", version=1)]), 0.0)
    # Released at the robot, cleared in the cloud; the news of the release has not come yet.
    assert stop("") == []
    assert stop("CUT") == [("stop", "CUT")]
    table.hub_lost(0.0)
    for text in ("SOFT_HOLD", "CUT", "SOFT_HOLD"):
        assert stop(text) == []
    table.robot_infos([info()], 0.0)
    assert [value for _, value in writes(table)] == ["SOFT_HOLD", "CUT", "SOFT_HOLD"], "the hub never lowers"


def test_a_setting_that_goes_back_while_its_write_is_unanswered_goes_back(table: DeviceTable) -> None:
    table.twin_changed(v1.Twin(robot="base-1", properties=[state(SPEED, desired=0.5, version=1)]), 0.0)
    table.put(device(base__max_speed="0.6"), 0.0)
    first = table.take_writes(0.0)[0]
    table.put(device(base__max_speed="0.5"), 0.0)
    assert writes(table) == [(SPEED, 0.5)]
    table.unwritten(first)
    assert writes(table) == [], "a late timeout brings no older value back"


def test_what_was_refused_is_forgotten_when_it_is_taken_back_and_asked_again_by_another_sheet(
    table: DeviceTable,
) -> None:
    table.put(device(base__velocity="1.0"), 0.0)
    assert writes(table) == []
    table.put(device(), 0.0)
    assert shown(table)["setting-errors"] == ("", "")
    table.put(device(base__gain="0.5"), 0.0)
    assert writes(table) == []
    assert shown(table)["setting-errors"] == ("", "base.gain:UNSUPPORTED")
    newer = description()
    newer.sheet_hash = "h2"
    newer.sheet.components[0].properties.add(
        field=v1.Field(name="gain", type=v1.VALUE_TYPE_DOUBLE), access=v1.ACCESS_READ_WRITE
    )
    table.described(newer, 0.0)
    assert writes(table) == [("base.gain", 0.5)]
    assert shown(table)["setting-errors"] == ("", "")


def test_a_number_that_no_integer_holds_is_told(table: DeviceTable) -> None:
    newer = description()
    newer.sheet.components[0].properties.add(
        field=v1.Field(name="laps", type=v1.VALUE_TYPE_INT), access=v1.ACCESS_READ_WRITE
    )
    table.described(newer, 0.0)
    table.put(device(base__laps="99999999999999999999"), 0.0)
    assert writes(table) == []
    assert shown(table)["setting-errors"] == ("", "base.laps:INVALID")


def test_a_hub_that_has_lost_its_store_gets_the_write_when_the_robot_is_back(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5"), 0.0)
    table.refused(table.take_writes(0.0)[0], "CAUSE_UNKNOWN_ROBOT", 0.0)
    assert writes(table) == []
    assert table.robot_infos([info()], 0.0) == ["base-1"]
    table.described(description(), 0.0)
    assert writes(table) == [(SPEED, 0.5)]


def test_a_whole_twin_that_comes_late_brings_nothing_older_back(table: DeviceTable) -> None:
    def twin(*states: v1.PropertyState, whole: bool = False) -> None:
        for each in states:
            if each.HasField("reported"):
                each.reported.version = each.desired.version
        table.twin_changed(v1.Twin(robot="base-1", properties=states), 0.0, whole=whole)

    old = state(SPEED, desired=0.5, version=3, observed=3, reported=0.5)
    distance = state("base.distance", reported=7.0)
    table.put(device(), 0.0)
    twin(old)
    table.twin_unsure()
    twin(state(SPEED, desired=0.8, version=4, observed=4, reported=0.8))
    twin(old, distance, whole=True)
    assert shown(table)[SPEED] == ("0.8", "0.8"), "the newer change has overtaken the answer"
    assert shown(table)["base.distance"] == ("", "7.0")
    # A hub that has lost its store counts anew, and is right.
    table.hub_lost(0.0)
    table.robot_infos([info()], 0.0)
    twin(state(SPEED, desired=0.6, version=1, observed=1, reported=0.6), whole=True)
    assert shown(table)[SPEED] == ("0.6", "0.6")


def found_faults(table: DeviceTable) -> list[str]:
    entry = table.entry(KEY)
    assert entry is not None
    return sorted(each.code for each in entry[0].faults)


@pytest.mark.parametrize("leaves", ["removed", "pointed to another robot"])
def test_the_second_device_of_a_robot_is_written_once_the_first_has_left(
    table: DeviceTable, leaves: str
) -> None:
    table.put(device("first", robot="base-1", base__max_speed="0.5"), 0.0)
    assert writes(table) == [(SPEED, 0.5)]
    table.put(device(base__max_speed="0.7", cmd="a1/x"), 0.0)
    assert writes(table) == []
    assert shown(table)["setting-errors"] == ("", f"{SPEED}:ROBOT_TAKEN,cmd:ROBOT_TAKEN")
    if leaves == "removed":
        table.remove(("default", "first"))
    else:
        table.put(device("first", robot="base-2", base__max_speed="0.5"), 0.0)
    assert writes(table) == [(SPEED, 0.7)], "a setting converges; a command of then is not run now"
    assert shown(table)["setting-errors"] == ("", "cmd:ROBOT_TAKEN")
    assert found_faults(table) == []
    table.put(device(base__max_speed="0.7"), 0.0)
    assert shown(table)["setting-errors"] == ("", "")


def test_a_write_that_was_on_its_way_to_one_robot_never_goes_to_another(table: DeviceTable) -> None:
    table.robot_infos([info(), v1.RobotInfo(robot="base-2", online=True)], 0.0)
    other = description()
    other.robot = "base-2"
    table.described(other, 0.0)
    table.twin_changed(v1.Twin(robot="base-2"), 0.0, whole=True)
    table.put(device(cmd="a1/x"), 0.0)
    (write,) = table.take_writes(0.0)
    table.put(device(robot="base-2", cmd="a2/x"), 0.0)
    table.unwritten(write)
    assert [(each.robot, each.text) for each in table.take_writes(0.0)] == [("base-2", "a2/x")]


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.sampled_from(["SOFT_HOLD", "STOP_THEN_CUT", "CUT", "odd"]), max_size=12), st.integers(0, 200)
)
def test_what_waits_for_the_hub_has_a_bound_and_the_highest_stop_is_never_lost(
    stops: list[str], odd: int
) -> None:
    table = DeviceTable(ReportQueue())
    for text in (*stops, *(f"odd{number}" for number in range(odd))):
        table.put(device(), 0.0)
        table.put(device(stop=text, cmd=f"{text}/x"), 0.0)
    count = len(stops) + odd
    table.robot_infos([info()], 0.0)
    table.described(description(), 0.0)
    table.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    told = table.take_writes(0.0)
    assert {each.text for each in told if each.name == "stop"} >= set(stops) - {"odd"}
    for name in ("stop", "cmd"):
        texts = [each.text for each in told if each.name == name]
        assert len(texts) == min(count, MAX_WAITING)
        assert table.counters[f"waiting_dropped_{name}"] == count - len(texts)
    if count:
        assert told[-1].text == (f"odd{odd - 1}/x" if odd else f"{stops[-1]}/x"), (
            "of commands the newest stay"
        )
