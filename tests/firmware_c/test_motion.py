"""Who may move the C board, both its watchdogs, and its latched software stop (not safety rated)."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink.core.link import Down, Up
from tests.core.serial_line import LinkEnd
from tests.firmware_c.bench import IDS, Bench

SPEED = 1.0


# Authority.


def test_nothing_moves_without_a_fence_or_under_another_lease(bench: Bench) -> None:
    bench.turn_to(1.0)
    assert bench.end_of().cause == v1.CAUSE_OLDER_LEASE
    bench.fence((1, 300))
    bench.turn_to(1.0, name=b"b", lease=43)
    assert bench.end_of(b"b").cause == v1.CAUSE_OLDER_LEASE
    bench.turn_to(1.0, name=b"c", lease=300 & 0xFF)
    assert bench.end_of(b"c").state == v1.COMMAND_STATE_SUCCEEDED


def test_older_fence_is_ignored(bench: Bench) -> None:
    bench.fence((2, 5))
    bench.fence((1, 9))
    bench.turn_to(1.0, lease=9)
    assert bench.end_of().cause == v1.CAUSE_OLDER_LEASE
    assert bench.end.state["older_lease"] == 1
    bench.turn_to(1.0, name=b"b", lease=5)
    assert bench.end_of(b"b").state == v1.COMMAND_STATE_SUCCEEDED


# Setpoints, and both watchdogs.


def test_setpoint_moves_until_its_ttl(bench: Bench) -> None:
    bench.fence()
    bench.velocity(1.5)
    bench.line.run(0.25)
    assert bench.speed > SPEED
    bench.line.run(0.25)
    assert bench.speed == 0
    assert bench.host.link.up, "beats alone keep nothing moving"


def test_no_frame_stretches_a_setpoint_beyond_the_sheets_ttl(bench: Bench) -> None:
    bench.fence()
    bench.velocity(1.5, ttl_s=60)
    bench.line.run(0.6)
    assert bench.speed == 0


def test_zero_setpoint_ends_the_stream_at_once(bench: Bench) -> None:
    bench.fence()
    bench.velocity(1.5)
    bench.line.run(0.2)
    bench.velocity(0, ttl_s=0)
    bench.line.run(0.1)
    assert bench.speed == 0


def test_bad_setpoints_are_counted_and_move_nothing(bench: Bench) -> None:
    bench.fence()
    bench.line.run(0.1)
    for values in ([1.0, 2.0], [], [float("nan")], [11.0]):
        message = v1.SerialSetpoint(member=IDS["velocity"], values=values, ttl_ms=300, lease=1)
        bench.host.link.send(message)
    bench.host.link.send(v1.SerialSetpoint(member=IDS["speed"], values=[1.0], ttl_ms=300, lease=1))
    bench.host.link.send(v1.SerialSetpoint(member=IDS["velocity"], values=[1.0], ttl_ms=300, lease=2))
    bench.line.run(0.1)
    state = bench.end.state
    assert (state["bad_setpoint"], state["setpoint_out_of_limits"], state["setpoint_refused"]) == (4, 1, 1)
    assert bench.speed == 0


def test_goal_takes_over_from_setpoints(bench: Bench) -> None:
    bench.fence()
    bench.velocity(1.5)
    bench.line.run(0.1)
    bench.turn_to(-1.0)
    bench.velocity(1.5)
    bench.line.run(0.1)
    assert bench.end.state["setpoint_refused"] >= 1
    assert bench.end_of().state == v1.COMMAND_STATE_SUCCEEDED


@pytest.mark.parametrize("moves", ["goal", "setpoint"])
def test_link_watchdog(bench: Bench, moves: str) -> None:
    bench.fence()
    if moves == "goal":
        bench.turn_to(90.0)
    else:
        bench.velocity(1.5)
    bench.line.run(0.15)
    bench.line.cut = True
    bench.line.run(0.2 + 0.06 + 2.0 / 20.0)
    assert bench.speed == 0
    bench.line.cut = False
    bench.line.until(lambda: bench.host.link.up)
    if moves == "goal":
        bench.host.link.send(v1.SerialQuery(command_id=b"a"))
        end = bench.end_of()
        assert (end.state, end.cause) == (v1.COMMAND_STATE_CANCELED, v1.CAUSE_DISCONNECTED)
    bench.line.run(0.5)
    assert bench.speed == 0, "nothing moves by itself after a loss"


def test_short_silence_ends_nothing(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.3)
    bench.line.cut = True
    bench.line.run(0.1)
    bench.line.cut = False
    bench.line.run(0.3)
    assert bench.speed > SPEED
    assert not bench.host.of(Down)


# Stop (a software stop, not safety rated).


def test_stop_latches_measures_and_a_release_moves_nothing(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.5)
    bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
    bench.line.run(0.5)
    states = [each for each in bench.host.messages(v1.SerialStopState) if each.generation == 1]
    assert states[0].verdict == v1.STOP_VERDICT_STOPPING
    assert states[-1].verdict == v1.STOP_VERDICT_STOPPED
    assert 50 < states[-1].standstill_ms < 300, "from 2 rad/s at 20 rad/s2"
    assert bench.end_of().state == v1.COMMAND_STATE_STOPPED
    latched = (v1.COMMAND_STATE_STOPPED, v1.CAUSE_LATCHED)
    bench.turn_to(0.0, name=b"b", generation=1)
    assert (bench.end_of(b"b").state, bench.end_of(b"b").cause) == latched
    bench.host.link.send(v1.SerialRelease(generation=1))
    bench.line.run(0.5)
    assert bench.speed == 0
    bench.turn_to(0.0, name=b"c", generation=0)
    assert bench.end_of(b"c").cause == v1.CAUSE_LATCHED, "ordered before the stop: also after the release"
    bench.velocity(1.0, generation=0)
    bench.line.run(0.2)
    assert bench.speed == 0
    bench.turn_to(0.0, name=b"d", generation=1)
    assert bench.end_of(b"d").state == v1.COMMAND_STATE_SUCCEEDED
    assert bench.end.state["powered"] == 1, "SOFT_HOLD cuts nothing"


def test_stop_ends_setpoints_and_hides_no_cancel(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.4)
    bench.host.link.send(v1.SerialCancel(command_id=b"a", end_state=v1.COMMAND_STATE_CANCELED))
    bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
    assert bench.end_of().state == v1.COMMAND_STATE_STOPPED


@pytest.mark.parametrize("level", [v1.STOP_LEVEL_STOP_THEN_CUT, v1.STOP_LEVEL_CUT])
def test_cutting_levels_cut_and_a_release_gives_power_back(bench: Bench, level: v1.StopLevel) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.4)
    bench.host.link.send_stop(level, 1)
    bench.line.run(0.02)
    assert bench.end.state["powered"] == (level == v1.STOP_LEVEL_STOP_THEN_CUT), "cut, or first at rest"
    bench.line.run(0.4)
    assert bench.end.state["powered"] == 0
    bench.host.link.send(v1.SerialRelease(generation=1))
    bench.line.run(0.2)
    assert bench.end.state["powered"] == 1
    assert bench.speed == 0


def test_second_stop_is_a_stop_and_an_older_release_releases_nothing(bench: Bench) -> None:
    for generation in (1, 2):
        bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, generation)
        bench.line.run(0.2)
    bench.host.link.send(v1.SerialRelease(generation=1))
    bench.line.run(0.2)
    assert bench.host.messages(v1.SerialStopState)[-1].latched
    assert bench.end.state["generation"] == 2


def test_latch_outlives_the_link_and_is_told_to_a_new_host(bench: Bench) -> None:
    bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 4)
    bench.line.run(0.2)
    fresh = bench.line.host = LinkEnd(now=bench.line.now)
    bench.line.until(lambda: fresh.link.up)
    (up,) = fresh.of(Up)
    assert (up.peer.stop_generation, up.peer.stop_latched) == (4, True)
    bench.line.run(0.2)
    assert bench.end.state["latched"]


def test_hosts_larger_generation_wins_at_hello(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.3)
    fresh = bench.line.host = LinkEnd(now=bench.line.now)
    fresh.link.stop_generation, fresh.link.stop_latched = 9, True
    bench.line.until(lambda: fresh.link.up)
    bench.line.run(0.3)
    state = bench.end.state
    assert (state["generation"], state["latched"], bench.speed) == (9, 1, 0)


def test_new_host_ends_what_the_old_one_began(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90.0)
    bench.line.run(0.3)
    fresh = bench.line.host = LinkEnd(now=bench.line.now)
    bench.line.until(lambda: fresh.link.up)
    bench.line.run(0.3)
    assert bench.speed == 0
    fresh.link.send(v1.SerialQuery(command_id=b"a"))
    bench.line.run(0.1)
    assert fresh.messages(v1.SerialUpdate)[-1].state == v1.COMMAND_STATE_CANCELED
