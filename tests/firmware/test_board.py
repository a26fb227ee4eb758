"""The board's rules, its program running in CPython against the host's link, stepped by hand, on good and bad lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core.link import Down, LogLine, Refused, Up
from robolink_serial.sheet import SheetParts
from tests.core.serial_line import Line, LinkEnd
from tests.firmware.bench import SPEED, Bench, BoardEnd


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_describes_itself(bench: Bench) -> None:
    bench.host.link.send(v1.SerialSheetRequest())
    bench.line.run(0.5)
    parts = SheetParts()
    made = [parts.add(each) for each in bench.host.messages(v1.SerialSheetPart)]
    board = made[-1]
    assert board is not None and not any(made[:-1])
    assert {member.name: member.id for member in board.by_id.values()} == {
        f"motor.{name}": number for name, number in bench.ids.items()
    }
    assert list(board.sheet.stop_levels) == [v1.STOP_LEVEL_SOFT_HOLD]


def test_goal_runs_once_feeds_back_and_ends_with_what_is_measured(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(1.5)
    bench.turn_to(1.5)
    end = bench.end_of()
    assert end.state == v1.COMMAND_STATE_SUCCEEDED
    assert end.results[0].double_value == pytest.approx(1.5, abs=0.02)
    progress = [each.progress for each in bench.host.messages(v1.SerialFeedback)]
    assert len(progress) > 3 and progress == sorted(progress)
    assert bench.end.board.counters["command_repeated"] == 1
    bench.turn_to(1.5)
    bench.line.run(0.2)
    assert bench.updates()[-1] == end, "an id that has ended answers with its outcome"


@pytest.mark.parametrize("end_state", [v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_PREEMPTED])
def test_cancel_ends_at_standstill(bench: Bench, end_state: v1.CommandState) -> None:
    bench.fence()
    bench.turn_to(90)
    bench.line.run(0.5)
    assert bench.speed > SPEED
    bench.host.link.send(v1.SerialCancel(command_id=b"a", end_state=end_state))
    assert bench.end_of().state == end_state
    assert abs(bench.speed) < 0.05


def test_busy_is_said_and_the_running_one_goes_on(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90)
    bench.line.run(0.2)
    bench.turn_to(1, name=b"b")
    refused = bench.end_of(b"b")
    assert (refused.state, refused.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_BUSY)
    assert bench.updates()[-1].state == v1.COMMAND_STATE_RUNNING


def test_duration_is_limited_by_the_board(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90, max_duration_ms=400)
    end = bench.end_of(limit_s=2)
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_MAX_DURATION)


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        ([v1.Value(double_value=101)], v1.CAUSE_LIMIT),
        ([v1.Value(int_value=-101)], v1.CAUSE_LIMIT),
        ([v1.Value(double_value=float("nan"))], v1.CAUSE_INVALID),
        ([v1.Value(double_value=float("inf"))], v1.CAUSE_INVALID),
        ([v1.Value(string_value="x")], v1.CAUSE_INVALID),
        ([v1.Value(bool_value=True)], v1.CAUSE_INVALID),
        ([v1.Value()], v1.CAUSE_INVALID),
        ([], v1.CAUSE_INVALID),
        ([v1.Value(double_value=1), v1.Value(double_value=1)], v1.CAUSE_INVALID),
    ],
)
def test_bad_arguments_are_refused_with_their_cause(
    bench: Bench, args: list[v1.Value], cause: v1.Cause
) -> None:
    bench.fence()
    bench.host.link.send(v1.SerialCommand(command_id=b"a", member=bench.ids["turn_to"], args=args, lease=1))
    end = bench.end_of()
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, cause)
    assert bench.speed == 0


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (v1.Value(double_value=50), v1.CAUSE_LIMIT),
        (v1.Value(string_value="fast"), v1.CAUSE_INVALID),
        (v1.Value(double_value=float("nan")), v1.CAUSE_INVALID),
        (None, v1.CAUSE_INVALID),
    ],
)
def test_bad_setting_is_refused_with_its_cause(bench: Bench, value: v1.Value | None, cause: v1.Cause) -> None:
    bench.host.link.send(v1.SerialSetting(member=bench.ids["max_speed"], request=1, value=value))
    bench.line.run(0.2)
    (refused,) = bench.host.messages(v1.SerialSettingResult)
    assert (refused.cause, refused.value.double_value) == (cause, 2.0)


def test_nothing_moves_without_a_fence_or_under_another_lease(bench: Bench) -> None:
    bench.turn_to(1)
    assert bench.end_of().cause == v1.CAUSE_OLDER_LEASE
    bench.fence((1, 300))
    bench.turn_to(1, name=b"b", lease=43)
    assert bench.end_of(b"b").cause == v1.CAUSE_OLDER_LEASE
    bench.turn_to(1, name=b"c", lease=300 & 0xFF)
    assert bench.end_of(b"c").state == v1.COMMAND_STATE_SUCCEEDED


def test_setting_is_applied_or_refused_with_its_limit(bench: Bench) -> None:
    for request, value in ((1, 5.0), (2, 50.0)):
        bench.host.link.send(
            v1.SerialSetting(
                member=bench.ids["max_speed"], request=request, value=v1.Value(double_value=value)
            )
        )
    bench.line.run(0.2)
    applied, refused = bench.host.messages(v1.SerialSettingResult)
    assert (applied.request, applied.cause, applied.value.double_value) == (1, 0, 5.0)
    assert (refused.request, refused.cause, refused.value.double_value) == (2, v1.CAUSE_LIMIT, 5.0)
    assert "10" in refused.text


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


@pytest.mark.parametrize("moves", ["goal", "setpoint"])
def test_link_watchdog(bench: Bench, moves: str) -> None:
    bench.fence()
    if moves == "goal":
        bench.turn_to(90)
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
    bench.turn_to(90)
    bench.line.run(0.3)
    bench.line.cut = True
    bench.line.run(0.1)
    bench.line.cut = False
    bench.line.run(0.3)
    assert bench.speed > SPEED
    assert not bench.host.of(Down)


def test_stop_latches_measures_and_a_release_moves_nothing(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90)
    bench.line.run(0.5)
    bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
    bench.line.run(0.5)
    states = [each for each in bench.host.messages(v1.SerialStopState) if each.generation == 1]
    assert states[0].verdict == v1.STOP_VERDICT_STOPPING
    assert states[-1].verdict == v1.STOP_VERDICT_STOPPED
    assert 50 < states[-1].standstill_ms < 300, "from 2 rad/s at 20 rad/s2"
    assert bench.end_of().state == v1.COMMAND_STATE_STOPPED
    bench.turn_to(0, name=b"b", generation=1)
    assert (bench.end_of(b"b").state, bench.end_of(b"b").cause) == (
        v1.COMMAND_STATE_STOPPED,
        v1.CAUSE_LATCHED,
    )
    bench.host.link.send(v1.SerialRelease(generation=1))
    bench.line.run(0.5)
    assert bench.speed == 0
    bench.turn_to(0, name=b"c", generation=0)
    assert bench.end_of(b"c").cause == v1.CAUSE_LATCHED, (
        "ordered before the stop: never, also after the release"
    )
    bench.velocity(1.0, generation=0)
    bench.line.run(0.2)
    assert bench.speed == 0
    bench.turn_to(0, name=b"d", generation=1)
    assert bench.end_of(b"d").state == v1.COMMAND_STATE_SUCCEEDED


def test_second_stop_is_a_stop_and_an_older_release_releases_nothing(bench: Bench) -> None:
    for generation in (1, 2):
        bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, generation)
        bench.line.run(0.2)
    bench.host.link.send(v1.SerialRelease(generation=1))
    bench.line.run(0.2)
    assert bench.host.messages(v1.SerialStopState)[-1].latched
    assert bench.end.board.generation == 2


def test_latch_outlives_the_link_and_is_told_to_a_new_host(bench: Bench) -> None:
    bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 4)
    bench.line.run(0.2)
    fresh = bench.line.host = LinkEnd(now=bench.line.now)
    bench.line.until(lambda: fresh.link.up)
    (up,) = fresh.of(Up)
    assert (up.peer.stop_generation, up.peer.stop_latched) == (4, True)
    bench.line.run(0.2)
    assert bench.end.board.latched


def test_hosts_larger_generation_wins_at_hello(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90)
    bench.line.run(0.3)
    fresh = bench.line.host = LinkEnd(now=bench.line.now)
    fresh.link.stop_generation, fresh.link.stop_latched = 9, True
    bench.line.until(lambda: fresh.link.up)
    bench.line.run(0.3)
    assert (bench.end.board.generation, bench.end.board.latched, bench.speed) == (9, True, 0)


def test_new_host_ends_what_the_old_one_began(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90)
    bench.line.run(0.3)
    fresh = bench.line.host = LinkEnd(now=bench.line.now)
    bench.line.until(lambda: fresh.link.up)
    bench.line.run(0.3)
    assert bench.speed == 0
    fresh.link.send(v1.SerialQuery(command_id=b"a"))
    bench.line.run(0.1)
    assert fresh.messages(v1.SerialUpdate)[-1].state == v1.COMMAND_STATE_CANCELED


def test_unknown_command_is_said_to_be_unknown(bench: Bench) -> None:
    bench.host.link.send(v1.SerialQuery(command_id=b"never"))
    bench.line.run(0.1)
    assert bench.updates(b"never")[-1].state == v1.COMMAND_STATE_UNSPECIFIED


def test_board_refuses_another_major_in_words() -> None:
    host, end = LinkEnd(major=2), BoardEnd()
    Line(host, end).run(1)
    (refused,) = host.of(Refused)
    assert "1.0" in refused.text and "2.0" in refused.text
    assert [each.text for each in host.of(LogLine)] == [
        (
            "robolink: the host speaks robolink serial 2.0, this board speaks 1.0: another major version; "
            "update the older side"
        )
    ]


def test_component_that_raises_is_a_failed_command_and_a_safe_output(bench: Bench) -> None:
    bench.fence()
    bench.turn_to(90)
    bench.line.run(0.3)
    broken = bench.end.motor.position
    bench.end.motor.position = lambda: 1 / 0
    bench.end.board._send_readings = lambda: None
    end = bench.end_of()
    bench.end.motor.position = broken
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_DRIVER_ERROR)
    assert "division" in end.text or "zero" in end.text


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0, 0.4))
def test_on_a_bad_line_nothing_runs_twice_and_it_heals(seed: int, rate: float) -> None:
    bench = Bench(seed, 0.0)
    bench.faults.rate = rate
    began: list[bytes] = []
    turn_to = bench.end.board.members[bench.ids["turn_to"]]
    work = turn_to.run
    turn_to.run = lambda run, position: (began.append(run.command_id), work(run, position))[1]
    for number in range(12):
        name = bytes((number,))
        if bench.host.link.up:
            bench.fence()
            for _ in range(2):
                bench.turn_to(0.05 * (number % 2), name=name)
        bench.line.run(0.25)
    assert len(began) == len(set(began))
    bench.faults.rate = 0.0
    bench.line.until(lambda: bench.host.link.up and bench.end.board.link.state == "up")
    bench.line.run(2)
    bench.fence()
    bench.turn_to(0.02, name=b"last")
    assert bench.end_of(b"last").state == v1.COMMAND_STATE_SUCCEEDED


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes_never_raise(chunks: list[bytes]) -> None:
    end = BoardEnd()
    for number, chunk in enumerate(chunks):
        end.receive(chunk, number * 0.01)
        end.step(number * 0.01)


@given(st.lists(st.tuples(st.integers(1, 60), st.binary(max_size=40)), max_size=8))
def test_any_bodies_of_a_valid_session_never_raise(bodies: list[tuple[int, bytes]]) -> None:
    from robolink.core.frame import Frame

    bench = Bench()
    link = bench.end.board.link
    for kind, body in bodies:
        wire = Frame(kind=kind, seq=link._expected, body=body).to_bytes(link._decoder.seed)
        bench.end.receive(wire, bench.line.now)
        bench.line.run(0.02)
    assert all(abs(value) < 1e9 for value in (bench.speed, bench.end.motor.position()))
