"""The C board's description, commands (once, with remembered outcomes) and settings, asked by the host's link."""

from __future__ import annotations

from typing import Any

import pytest

from robolink import v1
from robolink.core.link import Up
from robolink_serial.sheet import SheetParts
from tests.firmware_c.bench import IDS, Bench, value

SPEED = 1.0


# Description.


def test_describes_itself(bench: Bench) -> None:
    bench.host.link.send(v1.SerialSheetRequest())
    bench.line.run(1)
    parts = SheetParts()
    made = [parts.add(each) for each in bench.host.messages(v1.SerialSheetPart)]
    board = made[-1]
    assert board is not None and not any(made[:-1])
    assert {member.name.split(".")[1]: member.id for member in board.by_id.values()} == IDS
    assert list(board.sheet.stop_levels) == [
        v1.STOP_LEVEL_SOFT_HOLD,
        v1.STOP_LEVEL_STOP_THEN_CUT,
        v1.STOP_LEVEL_CUT,
    ]
    motor, values = board.sheet.components
    assert (motor.type, values.type) == (v1.COMPONENT_TYPE_MOTOR, v1.COMPONENT_TYPE_GENERIC)
    turn_to = board.by_id[IDS["turn_to"]]
    assert turn_to.info.motion and turn_to.info.max_duration_ms == 60000
    assert (turn_to.args[0].unit, turn_to.args[0].minimum, turn_to.args[0].maximum) == ("rad", -100, 100)
    assert not board.by_id[IDS["add"]].info.motion and board.by_id[IDS["jump"]].info.motion
    assert [each.type for each in board.by_id[IDS["add"]].results] == [v1.VALUE_TYPE_INT, v1.VALUE_TYPE_BOOL]
    assert [each.field.type for each in values.properties] == [
        v1.VALUE_TYPE_BOOL,
        v1.VALUE_TYPE_INT,
        v1.VALUE_TYPE_STRING,
        v1.VALUE_TYPE_VECTOR,
    ]


def test_sheet_hash_is_of_its_parts(bench: Bench) -> None:
    import zlib

    bench.host.link.send(v1.SerialSheetRequest())
    bench.line.run(1)
    crc = 0
    for each in bench.host.messages(v1.SerialSheetPart):
        crc = zlib.crc32(each.SerializeToString(deterministic=True), crc)
    assert bench.end.state["sheet_hash"] == crc == bench.host.of(Up)[0].peer.sheet_hash


def test_readings_tell_what_is_measured(bench: Bench) -> None:
    bench.line.run(0.3)
    told = {one.member: one.value for each in bench.host.messages(v1.SerialReadings) for one in each.readings}
    assert set(told) == {IDS[name] for name in ("max_speed", "position", "speed", "truth", "whole", "text")}
    bench.set("vector", [1.0, -2.5])
    bench.line.run(0.2)
    last = bench.host.messages(v1.SerialReadings)[-1]
    (vector,) = [one.value for one in last.readings if one.member == IDS["vector"]]
    assert list(vector.vector_value.values) == [1.0, -2.5]


# Commands.


def test_goal_runs_once_feeds_back_and_ends_with_what_is_measured(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(1.5)
    bench.turn_to(1.5)
    end = bench.end_of()
    assert bench.updates()[0].state == v1.COMMAND_STATE_RUNNING
    assert end.state == v1.COMMAND_STATE_SUCCEEDED
    assert end.results[0].double_value == pytest.approx(1.5, abs=0.02)
    progress = [each.progress for each in bench.host.messages(v1.SerialFeedback)]
    assert len(progress) > 3 and progress == sorted(progress)
    assert len(progress) <= 10 * bench.line.now + 1, "ten a second at most"
    state = bench.end.state
    assert (state["command_repeated"], state["begun"]) == (1, 1)
    bench.turn_to(1.5)
    bench.line.run(0.2)
    assert bench.updates()[-1] == end, "an id that has ended answers with its outcome"
    assert bench.end.state["begun"] == 1


def test_sixteen_outcomes_are_remembered(bench: Bench) -> None:
    bench.fence()
    for number in range(17):
        bench.command("add", 20 + number, 1.0, name=bytes((number,)))
        bench.line.run(0.05)
    for number in range(17):
        bench.host.link.send(v1.SerialQuery(command_id=bytes((number,))))
        bench.line.run(0.05)
    states = [bench.updates(bytes((number,)))[-1].state for number in range(17)]
    assert states == [v1.COMMAND_STATE_UNSPECIFIED] + 16 * [v1.COMMAND_STATE_SUCCEEDED]


@pytest.mark.parametrize("end_state", [v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_PREEMPTED])
def test_cancel_ends_at_standstill(bench: Bench, end_state: v1.CommandState) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.5)
    assert bench.speed > SPEED
    bench.host.link.send(v1.SerialCancel(command_id=b"a", end_state=end_state))
    assert bench.end_of().state == end_state
    assert abs(bench.speed) < 0.05


def test_busy_is_said_and_the_running_one_goes_on(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.2)
    bench.turn_to(1.0, name=b"b")
    refused = bench.end_of(b"b")
    assert (refused.state, refused.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_BUSY)
    assert "motor is busy" in refused.text
    assert bench.updates()[-1].state == v1.COMMAND_STATE_RUNNING


def test_new_goal_takes_over_from_one_that_is_ending(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.5)
    bench.host.link.send(v1.SerialCancel(command_id=b"a", end_state=v1.COMMAND_STATE_PREEMPTED))
    bench.turn_to(1.0, name=b"b")
    assert bench.end_of().state == v1.COMMAND_STATE_PREEMPTED
    assert bench.end_of(b"b").state == v1.COMMAND_STATE_SUCCEEDED


def test_duration_is_limited_by_the_board(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0, max_duration_ms=400)
    end = bench.end_of(limit_s=2)
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_MAX_DURATION)


@pytest.mark.parametrize(
    ("args", "cause", "text"),
    [
        ([101.0], v1.CAUSE_LIMIT, "101 is over the maximum 100"),
        ([-100.25], v1.CAUSE_LIMIT, "-100.25 is under the minimum -100"),
        ([1e300], v1.CAUSE_LIMIT, "maximum"),
        ([float("nan")], v1.CAUSE_INVALID, "finite"),
        ([float("-inf")], v1.CAUSE_INVALID, "finite"),
        (["x"], v1.CAUSE_INVALID, "number"),
        ([v1.Value()], v1.CAUSE_INVALID, "number"),
        ([], v1.CAUSE_INVALID, "0 arguments, not 1"),
        ([1.0] * 20, v1.CAUSE_INVALID, "20 arguments, not 1"),
        ([99.0], v1.CAUSE_DRIVER_ERROR, "will not turn"),
    ],
)
def test_bad_argument_is_refused(bench: Bench, args: list[Any], cause: v1.Cause, text: str) -> None:
    bench.fence()
    bench.command("turn_to", *args)
    end = bench.end_of()
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, cause)
    assert text in end.text
    assert bench.speed == 0


def test_a_whole_number_is_a_number(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(1)
    assert bench.end_of().state == v1.COMMAND_STATE_SUCCEEDED


def test_call_answers_with_results_at_once_and_needs_no_lease(bench: Bench) -> None:
    bench.command("add", -7, 3.0)
    end = bench.end_of()
    assert [each.state for each in bench.updates()] == [v1.COMMAND_STATE_SUCCEEDED]
    assert (end.results[0].int_value, end.results[1].bool_value) == (-4, True)
    bench.command("add", 13, 0.0, name=b"b")
    failed = bench.end_of(b"b")
    assert (failed.cause, failed.text) == (v1.CAUSE_DRIVER_ERROR, "it does not add to 13")
    bench.command("jump", name=b"c")
    assert bench.end_of(b"c").cause == v1.CAUSE_OLDER_LEASE, "a call may be motion"


def test_unknown_member_and_unknown_command(bench: Bench) -> None:
    bench.host.link.send(v1.SerialCommand(command_id=b"a", member=77))
    end = bench.end_of()
    assert (end.cause, end.text) == (v1.CAUSE_UNSUPPORTED, "no method 77")
    bench.host.link.send(v1.SerialQuery(command_id=b"never"))
    bench.line.run(0.1)
    assert bench.updates(b"never")[-1].state == v1.COMMAND_STATE_UNSPECIFIED


def test_component_that_fails_is_a_failed_command_and_a_safe_output(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.3)
    bench.end.do("b")
    end = bench.end_of()
    assert (end.state, end.cause, end.text) == (
        v1.COMMAND_STATE_FAILED,
        v1.CAUSE_DRIVER_ERROR,
        "the encoder is broken",
    )
    bench.line.run(0.2)
    assert bench.speed == 0


def test_component_that_forbids_motion_ends_it_and_lets_none_begin(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.3)
    bench.end.do("f")
    assert bench.end_of().text == "the supply sags"
    assert bench.speed == 0
    bench.turn_to(1.0, name=b"b")
    assert bench.end_of(b"b").text == "the supply sags"
    bench.end.do("a")
    bench.line.run(0.1)
    bench.turn_to(1.0, name=b"c")
    assert bench.end_of(b"c").state == v1.COMMAND_STATE_SUCCEEDED


# Settings.


@pytest.mark.parametrize(
    ("member", "plain"),
    [
        ("truth", True),
        ("whole", -(2**62)),
        ("whole", 2**63 - 1),
        ("text", "gr\u00fc\u00df dich"),
        ("text", ""),
        ("vector", [0.5, -1e-9, 3.0]),
    ],
)
def test_setting_of_each_type(bench: Bench, member: str, plain: Any) -> None:
    result = bench.set(member, plain)
    assert result.cause == 0, result.text
    assert result.value == value(plain)


def test_setting_is_refused_with_its_limit_and_stays(bench: Bench) -> None:
    assert bench.set("max_speed", 5.0).value.double_value == 5.0
    refused = bench.set("max_speed", 50.0, request=2)
    assert (refused.cause, refused.value.double_value) == (v1.CAUSE_LIMIT, 5.0)
    assert refused.text == "max_speed: 50 is over the maximum 10"
    assert bench.set("max_speed", "fast").cause == v1.CAUSE_INVALID
    assert "31 bytes" in bench.set("text", "x" * 32).text
    assert bench.set("vector", [1.0, float("nan")]).cause == v1.CAUSE_INVALID
    assert bench.set("speed", 1.0).cause == v1.CAUSE_UNSUPPORTED, "a reading is no setting"
