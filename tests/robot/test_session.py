"""The driver's session, sans-IO: hello, loss, commands, stops, setpoints, properties, by a hub played by hand."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink.core.values import to_value
from robolink.errors import RejectedError
from robolink.robot._actions import (
    ApplySetpoint,
    CancelCommand,
    HubChanged,
    Refused,
    Released,
    StartCommand,
    StopNow,
)
from robolink.transports.lanes import Lane
from tests.robot.rig import ROBOT, Rig


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.connect()
    return rig


# Hello and loss.


def test_the_safety_lane_comes_first_and_control_names_sheet_and_stop() -> None:
    rig = Rig()
    rig.session.start(rig.now)
    rig.pump()
    assert [lane for lane, _, _ in rig.sent] == [Lane.SAFETY]
    assert not rig.answer_hello(Lane.SAFETY).robots[0].HasField("sheet")
    rig.advance(0.01)
    hello = rig.answer_hello(Lane.CONTROL)
    assert hello.kind == v1.PEER_KIND_DRIVER
    assert hello.robots[0].sheet.model == "turtle"
    assert rig.take(HubChanged) == [HubChanged(connected=True, telemetry_endpoint="tcp://127.0.0.1:9")]


def test_hello_is_said_again_until_it_is_answered() -> None:
    rig = Rig()
    rig.session.start(rig.now)
    rig.advance(3.2, beats=False)
    lanes = [lane for lane, _, body in rig.sent if isinstance(body, v1.Hello)]
    assert lanes.count(Lane.SAFETY) == 4, "at 0, 0.5, 1.5 and 2.5 s: less often while nobody answers"
    assert lanes.count(Lane.CONTROL) == 2, "it does not wait for the safety lane for ever"


def test_a_hub_without_safety_lane_moves_nothing() -> None:
    rig = Rig()
    rig.session.start(rig.now)
    rig.advance(2.1, beats=False)
    rig.answer_hello(Lane.CONTROL)
    rig.command()
    rig.setpoint()
    assert not rig.take(StartCommand)
    assert not rig.take(ApplySetpoint)
    assert rig.take_sent(v1.CommandUpdate)[0].cause == v1.CAUSE_UNREACHABLE


def test_no_hello_error_brings_a_new_hello_on_that_lane(rig: Rig) -> None:
    rig.to(Lane.SAFETY, v1.Error(cause=v1.CAUSE_NO_HELLO))
    rig.advance(0.1)
    assert [lane for lane, _, body in rig.sent if isinstance(body, v1.Hello)] == [Lane.SAFETY]


def test_a_hub_that_forgot_us_hears_of_the_safety_lane_first(rig: Rig) -> None:
    rig.to(Lane.CONTROL, v1.Error(cause=v1.CAUSE_NO_HELLO))
    rig.advance(0.3)
    assert {lane for lane, _, body in rig.sent if isinstance(body, v1.Hello)} == {Lane.SAFETY}
    rig.answer_hello(Lane.SAFETY)
    rig.advance(0.1)
    assert Lane.CONTROL in {lane for lane, _, body in rig.sent if isinstance(body, v1.Hello)}


@pytest.mark.parametrize("cause", [v1.CAUSE_DENIED, v1.CAUSE_VERSION, v1.CAUSE_INVALID])
def test_a_permanent_refusal_is_told_and_ends_all_tries(cause: v1.Cause) -> None:
    rig = Rig()
    rig.session.start(rig.now)
    rig.pump()
    rig.to(Lane.SAFETY, v1.Error(cause=cause, text="no"), correlation_id=rig.sent[0][1].message_id)
    assert "no" in str(rig.take(Refused)[0].error)
    assert rig.session.next_timer() is None


def test_robot_taken_is_retried_for_three_seconds() -> None:
    rig = Rig()
    rig.session.start(rig.now)
    rig.answer_hello(Lane.SAFETY)
    begun, tries = rig.now, 0
    while not (refused := rig.take(Refused)):
        rig.advance(0.05)
        for _, header, body in rig.sent:
            if isinstance(body, v1.Hello):
                tries += 1
                error = v1.Error(cause=v1.CAUSE_ROBOT_TAKEN, text="served by other")
                rig.to(Lane.CONTROL, error, correlation_id=header.message_id)
        rig.sent.clear()
        assert rig.now < begun + 5
    assert tries >= 6
    assert isinstance(refused[0].error, RejectedError)
    assert refused[0].error.cause == v1.CAUSE_ROBOT_TAKEN


def test_silence_is_loss_and_setpoints_are_zeroed_before_goals_end(rig: Rig) -> None:
    kept = rig.command(on_disconnect=v1.ON_DISCONNECT_CONTINUE)
    rig.finish(kept)
    rig.setpoint(0.5, 0.0, ttl_ms=10_000)
    rig.take(ApplySetpoint)
    rig.advance(1.6, beats=False)
    assert rig.take(HubChanged)[-1].connected is False
    assert [each.values for each in rig.take(ApplySetpoint)] == [(0.0, 0.0)]


def test_goals_end_by_on_disconnect_when_the_hub_stays_away() -> None:
    rig = Rig("turtle-1", "turtle-2")
    rig.connect()
    ends = rig.command()
    goes_on = rig.command(robot="turtle-2", on_disconnect=v1.ON_DISCONNECT_CONTINUE)
    rig.advance(2.9, beats=False)
    assert not rig.take(CancelCommand)
    rig.advance(0.2, beats=False)
    assert [each.id for each in rig.take(CancelCommand)] == [ends]
    rig.finish(ends, v1.COMMAND_STATE_CANCELED)
    assert rig.session.commands.ledger.get(goes_on).state == v1.COMMAND_STATE_RUNNING  # type: ignore[union-attr]
    rig.sent.clear()
    rig.advance(1.1, beats=False)
    rig.answer_hello(Lane.SAFETY)
    hello = rig.answer_hello(Lane.CONTROL)
    assert set(hello.live_command_ids) == {ends, goes_on}, (
        "an outcome that the hub may not have is live for it"
    )
    told = {each.command_id: each for each in rig.take_sent(v1.CommandUpdate)}
    assert told[ends].state == v1.COMMAND_STATE_CANCELED
    assert told[ends].cause == v1.CAUSE_DISCONNECTED
    assert told[goes_on].state == v1.COMMAND_STATE_RUNNING


def test_one_lost_lane_is_a_lost_hub(rig: Rig) -> None:
    rig.take(HubChanged)
    rig.to(Lane.SAFETY, v1.Goodbye())
    assert rig.take(HubChanged)[0].connected is False
    rig.command()
    assert not rig.take(StartCommand)


def test_a_command_of_another_hub_session_is_refused(rig: Rig) -> None:
    rig.sender.session_id = 78
    rig.command()
    assert not rig.take(StartCommand)
    assert not rig.states()
    assert rig.session.counters["command_of_other_hub_session"] == 1


def test_garbage_is_counted(rig: Rig) -> None:
    rig.session.receive(Lane.CONTROL, [b"\xff", b"\xff"], rig.now)
    rig.session.receive(Lane.SAFETY, [b""], rig.now)
    rig.to(Lane.CONTROL, v1.StopOrder(robot=ROBOT))
    assert rig.session.counters["message_malformed"] == 2
    assert rig.session.counters["message_unexpected"] == 1


# Commands.


def test_a_goal_runs_and_its_outcome_is_told_until_it_is_acknowledged(rig: Rig) -> None:
    command_id = rig.command()
    assert rig.take(StartCommand)[0].args == {"x": 1.0}
    assert rig.states() == ["RUNNING"]
    rig.finish(command_id)
    rig.advance(1.1)
    assert rig.states() == ["SUCCEEDED"] * 3
    rig.ack(command_id)
    rig.advance(2)
    assert not rig.states()


def test_a_call_tells_only_its_end(rig: Rig) -> None:
    command_id = rig.command("wheels.reset")
    assert not rig.states()
    rig.finish(command_id)
    assert rig.states() == ["SUCCEEDED"]


def test_a_known_id_never_starts_again(rig: Rig) -> None:
    command_id = rig.command()
    rig.finish(command_id)
    rig.ack(command_id)
    rig.states()
    rig.advance(599)
    rig.command(message_id=command_id, sent_ns=rig.site_ns())
    assert len(rig.take(StartCommand)) == 1
    assert rig.states() == ["SUCCEEDED"]


def test_a_command_over_its_ttl_is_refused(rig: Rig) -> None:
    rig.command(sent_ns=rig.site_ns() - 2_000_000_000, ttl_ms=1_900)
    assert not rig.take(StartCommand)
    update = rig.take_sent(v1.CommandUpdate)[0]
    assert (update.state, update.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_TOO_LATE)
    assert "100 ms" in update.text


def test_the_time_of_a_state_is_site_time(rig: Rig) -> None:
    rig.command()
    assert abs(rig.take_sent(v1.CommandUpdate)[0].time_ns - rig.site_ns()) < 1_000_000


def test_site_time_can_be_passed_on_once_it_is_known(rig: Rig) -> None:
    assert Rig().session.site_time() is None
    known = rig.session.site_time()
    assert known is not None and known.clock_id == rig.hub_session
    assert abs(known.at(rig.now) - rig.site_ns()) <= known.error_us * 1000


@pytest.mark.parametrize(
    ("method", "cause"), [("wheels.fly", v1.CAUSE_UNSUPPORTED), ("wheels.go", v1.CAUSE_LIMIT)]
)
def test_what_the_sheet_does_not_allow_is_refused(rig: Rig, method: str, cause: v1.Cause) -> None:
    body = v1.Command(method=method, args=[v1.NamedValue(name="x", value=to_value(51.0))])
    rig.to(Lane.CONTROL, body, destination=ROBOT)
    assert not rig.take(StartCommand)
    assert rig.take_sent(v1.CommandUpdate)[0].cause == cause


def test_a_second_goal_is_busy_unless_it_preempts(rig: Rig) -> None:
    first = rig.command()
    rig.command()
    assert rig.take_sent(v1.CommandUpdate)[-1].cause == v1.CAUSE_BUSY
    rig.command(preempt=True)
    assert rig.take(CancelCommand)[0].why == v1.COMMAND_STATE_PREEMPTED
    assert rig.states() == ["CANCELING", "RUNNING"]
    rig.finish(first, v1.COMMAND_STATE_CANCELED)
    assert rig.states() == ["PREEMPTED"], "the hub's reason counts, not the handler's word for it"


def test_a_goal_may_succeed_although_it_was_cancelled(rig: Rig) -> None:
    command_id = rig.command()
    rig.cancel(command_id)
    rig.finish(command_id)
    assert rig.states() == ["RUNNING", "CANCELING", "SUCCEEDED"]


def test_a_cancel_that_nobody_confirms_is_a_failure(rig: Rig) -> None:
    command_id = rig.command()
    rig.cancel(command_id)
    rig.advance(5.1)
    assert rig.take_sent(v1.CommandUpdate)[-1].cause == v1.CAUSE_DRIVER_ERROR
    assert rig.session.counters["cancel_unconfirmed"] == 1
    rig.finish(command_id, v1.COMMAND_STATE_CANCELED)
    assert rig.session.counters["late_outcome"] == 1


def test_max_duration_ends_a_goal(rig: Rig) -> None:
    rig.command(max_duration_ms=500)
    rig.advance(0.6)
    assert rig.take(CancelCommand)[0].ended
    assert rig.take_sent(v1.CommandUpdate)[-1].cause == v1.CAUSE_MAX_DURATION


def test_feedback_is_newest_only_ten_a_second(rig: Rig) -> None:
    command_id = rig.command()
    for step in range(100):
        rig.session.commands.feedback(command_id, v1.CommandFeedback(progress=step / 100), rig.now)
        rig.advance(0.01)
    told = rig.take_sent(v1.CommandFeedback)
    assert 10 <= len(told) <= 11
    assert told[-1].progress > 0.85


def test_an_oversized_result_fails(rig: Rig) -> None:
    command_id = rig.command()
    rig.session.commands.finish(
        command_id, v1.COMMAND_STATE_SUCCEEDED, rig.now, cause=0, text="", result=bytes(65_537)
    )
    assert rig.take_sent(v1.CommandUpdate)[-1].cause == v1.CAUSE_DRIVER_ERROR


def test_a_full_table_refuses_and_forgets_nothing_early(rig: Rig) -> None:
    rig.session.commands.ledger.limit_per_robot = 3
    ids = [rig.command("wheels.reset") for _ in range(4)]
    assert [each.id for each in rig.take(StartCommand)] == ids[:3]
    assert rig.take_sent(v1.CommandUpdate)[-1].cause == v1.CAUSE_STORAGE


# Stops.


def test_a_stop_latches_ends_motion_and_is_reported_on_its_lane(rig: Rig) -> None:
    moving, reading = rig.command(), rig.command("wheels.reset")
    order = rig.stop(1)
    stop = rig.take(StopNow)[0]
    assert (stop.order_id, stop.generation) == (order, 1)
    assert [each.id for each in rig.take(CancelCommand)] == [moving]
    assert rig.states() == ["RUNNING", "STOPPED"]
    assert rig.session.commands.ledger.get(reading).state == v1.COMMAND_STATE_RUNNING  # type: ignore[union-attr]
    result = v1.StopResult(robot=ROBOT, verdict=v1.STOP_VERDICT_STOPPED, generation=1)
    rig.session.motion.stop_done(order, result, rig.now)
    rig.pump()
    lane, header, report = rig.sent[-1]
    assert (lane, header.correlation_id, report.result.verdict) == (
        Lane.SAFETY,
        order,
        v1.STOP_VERDICT_STOPPED,
    )


def test_the_same_stop_again_is_executed_again(rig: Rig) -> None:
    assert rig.stop(1) != rig.stop(1)
    assert len(rig.take(StopNow)) == 2


def test_an_older_stop_stops_but_does_not_turn_the_generation_back(rig: Rig) -> None:
    rig.stop(5)
    rig.release(5)
    rig.take(StopNow)
    rig.command(generation=5)
    rig.stop(3)
    assert len(rig.take(StopNow)) == 1
    assert rig.states()[-1] == "STOPPED"
    rig.command(generation=5)
    assert rig.take(StartCommand)[-1].stop_generation == 5


def test_nothing_of_an_older_generation_runs_after_the_release(rig: Rig) -> None:
    rig.stop(1)
    rig.command(generation=1)
    rig.release(1)
    assert rig.take(Released)[0].generation == 1
    rig.command(generation=0)
    rig.setpoint(generation=0)
    assert not rig.take(StartCommand)
    assert not rig.take(ApplySetpoint)
    causes = [each.cause for each in rig.take_sent(v1.CommandUpdate)]
    assert causes == [v1.CAUSE_LATCHED] * 2
    rig.command(generation=1)
    assert rig.take(StartCommand)


def test_a_release_of_another_generation_releases_nothing(rig: Rig) -> None:
    rig.stop(2)
    rig.release(1)
    assert not rig.take(Released)
    rig.command(generation=2)
    assert not rig.take(StartCommand)


def test_while_latched_a_newer_generation_does_not_pass_either(rig: Rig) -> None:
    rig.stop(1)
    rig.command(generation=2)
    rig.setpoint(generation=2)
    assert not rig.take(StartCommand)
    assert not [each for each in rig.take(ApplySetpoint) if each.expires_at is not None]


def test_a_latch_reaches_a_driver_in_the_hello_before_anything_else() -> None:
    rig = Rig()
    rig.stops[ROBOT] = v1.StopState(generation=4, latched=True, level=v1.STOP_LEVEL_CUT)
    rig.connect()
    assert rig.take(StopNow)[0].level == v1.STOP_LEVEL_CUT
    rig.command(generation=4)
    assert not rig.take(StartCommand)


def test_stopped_and_released_while_away_ends_what_ran_before(rig: Rig) -> None:
    rig.command()
    rig.take(StopNow)
    rig.stops[ROBOT] = v1.StopState(generation=1)
    rig.hello_again()
    assert rig.take(StopNow)
    assert "STOPPED" in rig.states()


def test_the_drivers_larger_generation_stays(rig: Rig) -> None:
    rig.stop(7)
    rig.stops[ROBOT] = v1.StopState(generation=2)
    rig.hub_session = rig.sender.session_id = 99
    rig.to(Lane.SAFETY, v1.Error(cause=v1.CAUSE_NO_HELLO))
    rig.advance(0.1)
    hello = rig.answer_hello(Lane.SAFETY)
    assert hello.robots[0].stop.generation == 7
    rig.command(generation=7)
    assert not rig.take(StartCommand)


def test_a_stop_for_a_robot_that_is_not_here_says_so(rig: Rig) -> None:
    rig.stop(1, robot="other")
    report = rig.take_sent(v1.StopReport)[0]
    assert report.result.verdict == v1.STOP_VERDICT_UNREACHABLE


# Setpoints.
