"""The C board on good and bad lines: versions, words between frames, resets, noise; and on the emulated Cortex-M3."""

from __future__ import annotations

import random
import struct

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core.frame import Frame
from robolink.core.link import LogLine, Refused, Up
from tests.core.serial_line import LinkEnd
from tests.firmware_c.bench import Bench
from tests.firmware_c.peer import Peer

MANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


# Versions, words, images.


def test_refuses_another_major_in_words(host_peer: Peer) -> None:
    bench = Bench(host_peer, host=LinkEnd(major=2))
    bench.line.run(1)
    (refused,) = bench.host.of(Refused)
    assert "1.0" in refused.text and "2.0" in refused.text
    assert [each.text for each in bench.host.of(LogLine)] == [
        (
            "robolink: the host speaks robolink serial 2.0, this board speaks 1.0: another major version; "
            "update the older side"
        )
    ]
    assert bench.end.state["refused"] == 1


def test_log_lines_come_between_the_frames(bench: Bench) -> None:
    bench.end.peer.ask("T", b"motor too hot ~\x03")
    bench.line.run(0.3)
    assert [each.text for each in bench.host.of(LogLine)] == ["motor too hot --"]
    bench.end.peer.ask("T", b"x" * 300)
    bench.line.run(0.3)
    assert bench.end.state["log_cut"] == 1
    assert bench.host.link.up


def test_an_image_is_refused_in_words(bench: Bench) -> None:
    bench.host.link.send(v1.SerialImageBegin(transfer=3, size=100))
    bench.line.run(0.2)
    (state,) = bench.host.messages(v1.SerialImageState)
    assert state.cause == v1.CAUSE_UNSUPPORTED
    assert "no slots" in state.text


# Bad lines.


@MANY
@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0, 0.4))
def test_on_a_bad_line_nothing_runs_twice_and_it_heals(host_peer: Peer, seed: int, rate: float) -> None:
    bench = Bench(host_peer, seed).up()
    bench.faults.rate = rate
    sent = 0
    for number in range(12):
        if bench.host.link.up:
            bench.fence()
            sent += 1
            for _ in range(2):
                bench.turn_to(0.05 * (number % 2), name=bytes((number,)))
        bench.line.run(0.25)
    assert bench.end.state["begun"] <= sent
    bench.faults.rate = 0.0
    bench.line.until(lambda: bench.host.link.up and bench.end.state["up"] == 1)
    bench.line.run(2)
    bench.fence()
    bench.turn_to(0.02, name=b"last")
    assert bench.end_of(b"last").state == v1.COMMAND_STATE_SUCCEEDED


@MANY
@given(chunks=st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes_do_no_harm(host_peer: Peer, chunks: list[bytes]) -> None:
    bench = Bench(host_peer)
    for chunk in chunks:
        bench.end.receive(chunk, bench.line.now)
        bench.line.run(0.02)
    bench.line.until(lambda: bench.host.link.up)


@MANY
@given(bodies=st.lists(st.tuples(st.integers(1, 60), st.binary(max_size=40)), max_size=8))
def test_any_bodies_of_a_valid_session_do_no_harm(host_peer: Peer, bodies: list[tuple[int, bytes]]) -> None:
    bench = Bench(host_peer).up()
    for kind, body in bodies:
        state = bench.end.state
        wire = Frame(kind=kind, seq=state["expected"], body=body).to_bytes(state["seed"])
        bench.end.receive(wire, bench.line.now)
        bench.line.run(0.02)
    assert abs(bench.speed) < 1e9


def test_every_byte_of_a_session_may_come_alone(host_peer: Peer) -> None:
    bench, numbers = Bench(host_peer), random.Random(3)
    whole = bench.end.receive

    def split(data: bytes, now: float) -> None:
        while data:
            size = numbers.randrange(1, 4)
            whole(data[:size], now)
            data = data[size:]

    bench.end.receive = split  # type: ignore[method-assign]
    bench.up()
    bench.command("add", 1, 2.0)
    assert bench.end_of().results[0].int_value == 3


def test_heals_within_a_second_when_the_board_is_reset(bench: Bench) -> None:
    for seed in range(20, 25):
        bench.line.run(0.3)
        seen = len(bench.host.of(Up))
        bench.end.peer.ask("N", struct.pack("<II", bench.end.ms(bench.line.now), seed))
        bench.line.until(lambda: len(bench.host.of(Up)) > seen and bench.host.link.up, 1.0)  # noqa: B023
        assert not bench.host.of(Up)[-1].same_peer


def test_on_the_emulated_board_a_goal_and_a_stop(qemu_peer: Peer) -> None:
    bench = Bench(qemu_peer).up()
    bench.fence()
    bench.turn_to(0.5)
    assert bench.end_of().state == v1.COMMAND_STATE_SUCCEEDED
    bench.turn_to(90.0, name=b"b")
    bench.line.run(0.3)
    bench.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
    assert bench.end_of(b"b").state == v1.COMMAND_STATE_STOPPED
    bench.line.run(0.2)
    assert bench.host.messages(v1.SerialStopState)[-1].verdict == v1.STOP_VERDICT_STOPPED
