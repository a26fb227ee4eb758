"""`sync`: observed once all that is desired beside it has its answer, and what it names is written anew."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.reports import ReportQueue, StateReport, TwinReport
from tests.bridges.kubeedge.conftest import ROBOT, Bench
from tests.bridges.kubeedge.test_devices import KEY, SPEED, description, device, info, state
from tests.conftest import wait_for


@pytest.fixture
def table() -> DeviceTable:
    made = DeviceTable(ReportQueue())
    made.robot_infos([info()], 0.0)
    made.described(description(), 0.0)
    made.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    return made


def sync_of(table: DeviceTable) -> tuple[str, str]:
    return next(each[1:] for each in table.queue.texts(KEY) if each.name == "sync")


def answer(table: DeviceTable, version: int = 1) -> list[tuple[str, object]]:
    writes = table.take_writes(0.0)
    for each in writes:
        table.written(each, version, 0.0)
    return [(each.name, each.value) for each in writes]


def test_it_is_observed_when_the_hub_has_answered_all_that_stands_beside_it(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5", sync="1"), 0.0)
    assert sync_of(table) == ("", "")
    (write,) = table.take_writes(0.0)
    assert sync_of(table) == ("", ""), "on its way"
    table.unwritten(write)
    assert sync_of(table) == ("", "")
    assert answer(table) == [(SPEED, 0.5)]
    assert sync_of(table) == ("1", "1")
    table.put(device(base__max_speed="99", sync="2"), 0.0)
    table.refused(table.take_writes(0.0)[0], "CAUSE_LIMIT", 0.0)
    assert sync_of(table) == ("2", "2"), "a refusal is an answer"


def test_a_later_write_does_not_hold_it_up(table: DeviceTable) -> None:
    table.put(device(sync="1", base__max_speed="0.5"), 0.0)
    first = table.take_writes(0.0)
    table.put(device(sync="1", base__max_speed="0.5", cmd="x"), 0.0)
    table.written(first[0], 1, 0.0)
    assert sync_of(table) == ("1", "1")


def test_without_a_hub_nothing_is_observed(table: DeviceTable) -> None:
    table.hub_lost(0.0)
    table.put(device(base__max_speed="0.5", sync="1"), 0.0)
    assert answer(table) == []
    assert sync_of(table) == ("", "")
    table.robot_infos([info()], 0.0)
    table.twin_changed(v1.Twin(robot="base-1"), 0.0, whole=True)
    assert answer(table) == [(SPEED, 0.5)]
    assert sync_of(table) == ("1", "1")


def test_what_it_names_is_written_anew_and_a_command_never(table: DeviceTable) -> None:
    table.put(device(base__max_speed="0.5", stop="CUT", cmd="a", sync="1"), 0.0)
    assert len(answer(table)) == 3
    table.put(device(base__max_speed="0.5", stop="CUT", cmd="a", sync="2"), 0.0)
    assert answer(table) == [], "a new id alone repeats nothing"
    table.put(device(base__max_speed="0.5", stop="CUT", cmd="a", sync=f"3/{SPEED},stop,cmd"), 0.0)
    assert answer(table) == [("stop", "CUT"), (SPEED, 0.5)]
    assert sync_of(table)[0] == f"3/{SPEED},stop,cmd"
    # New beside it: once, not twice.
    table.put(device(base__max_speed="0.6", stop="CUT", cmd="a", sync=f"4/{SPEED}"), 0.0)
    assert answer(table) == [(SPEED, 0.6)]


def test_a_mapper_that_was_restarted_answers_it_and_repeats_nothing(table: DeviceTable) -> None:
    known = [state(SPEED, desired=0.5, version=4), state("cmd", desired="a", version=5)]
    table.twin_changed(v1.Twin(robot="base-1", properties=known), 0.0)
    table.put(device(base__max_speed="0.5", cmd="a", sync=f"7/{SPEED}"), 0.0)
    assert answer(table) == []
    assert sync_of(table)[0] == f"7/{SPEED}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [("a b", "INVALID"), ("/x", "INVALID"), ("1/base.no", "UNSUPPORTED"), ("1/a/b", "INVALID")],
)
def test_a_malformed_one_is_told_and_not_observed(table: DeviceTable, text: str, cause: str) -> None:
    table.put(device(sync=text), 0.0)
    answer(table)
    shown = {each.name: each.reported for each in table.queue.texts(KEY)}
    assert shown["setting-errors"] == f"sync:{cause}"
    assert sync_of(table) == ("", "")
    table.put(device(sync="ok"), 0.0)
    answer(table)
    assert sync_of(table) == ("ok", "ok")


def test_what_was_lost_behind_edgecore_is_said_again_with_it(table: DeviceTable) -> None:
    """Edgecore takes reports and drops them while its link is cut."""

    def said(now: float) -> tuple[dict[str, tuple[str, str]], list[str], int]:
        twins: dict[str, tuple[str, str]] = {}
        states, calls = [], 0
        while (report := table.queue.next(now)) is not None:
            table.queue.sent(report, now)
            if isinstance(report, StateReport):
                states.append(report.state)
            if isinstance(report, TwinReport):
                calls += 1
                twins |= {each.name: each[1:] for each in report.twins}
        return twins, states, calls

    def news(*states: v1.PropertyState) -> None:
        table.twin_changed(v1.Twin(robot="base-1", properties=states), 10.0)

    desired = {"base__max_speed": "0.5", "cmd": "a1/x", "stop": "CUT"}
    table.put(device(**desired, sync="1"), 0.0)
    answer(table)
    for now in (0.0, 2.0):
        said(now)
    news(
        state("cmd-status", reported="a1:SUCCEEDED"),
        state("base.distance", reported=1.0),
        state(SPEED, desired=0.5, version=1, observed=1, reported=0.5),
    )
    assert said(10.0)[0].keys() == {"cmd-status", "base.distance", SPEED}, "and the link is down"
    assert said(20.0) == ({}, [], 0)
    table.put(device(**desired, sync="1"), 20.0)
    assert said(20.0) == ({}, [], 0), "no new one"
    table.put(device(**desired, sync=f"2/{SPEED}"), 20.0)
    answer(table)
    twins, states, calls = said(20.0)
    assert twins["cmd-status"] == ("", "a1:SUCCEEDED")
    assert twins[SPEED] == ("0.5", "0.5")
    assert {"cmd", "stop", "stop-generation", "setting-errors", "sync"} <= twins.keys()
    assert "base.distance" not in twins, "a reading is said when it changes, or is old"
    assert (states, calls) == (["ok"], 1)


def test_a_verdict_that_edgecore_took_and_dropped_comes_with_the_next_one(bench: Bench) -> None:
    def at_the_mapper() -> str:
        twins = bench.double.mapper_device(ROBOT).status.twins
        return next(each.reported.value for each in twins if each.property_name == "cmd-status")

    bench.patch("cmd", bench.cmd("g1", "walker.walk", number=1, seconds=2.0))
    bench.verdict("g1", "RUNNING")
    bench.double.link_down()
    before = bench.double.counters["reports_lost"]
    wait_for(lambda: "g1:SUCCEEDED" in at_the_mapper(), what="the verdict at the mapper")
    wait_for(lambda: bench.double.counters["reports_lost"] > before, what="a report that is lost")
    bench.double.link_up()
    bench.patch("sync", "1")
    bench.wait_observed("sync", "1")
    assert bench.verdict("g1") == ("SUCCEEDED", "")
