"""The faulty serial line: fates of bytes in stepped time, two real links on it, and real ports."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tty
from pathlib import Path

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.cli.ports import free_ports
from robolink.core.link import Link, Received
from robolink.errors import ConfigError, TransportError
from robolink_sims.serial_faults import MAX_UNDER_WAY, LineFaults, LineProfile, LineWay
from robolink_sims.serial_line import FaultyLine
from robolink_sims.serial_line_cli import answer
from tests.conftest import wait_for

DOWN, UP = LineWay.TO_BOARD, LineWay.TO_HOST
RATE = st.sampled_from((0.0, 0.003, 0.05, 1.0))
PROFILES = st.builds(
    LineProfile,
    drop=RATE,
    corrupt=RATE,
    duplicate=RATE,
    noise=RATE,
    noise_ctrl_c=st.floats(0, 1),
    split=RATE,
    stuck=RATE,
    run=st.integers(1, 64),
)


def arrived(faults: LineFaults, way: LineWay = DOWN) -> bytes:
    return b"".join(data for to, data in faults.due(float("inf")) if to is way)


@settings(deadline=None)
@given(
    seed=st.integers(),
    profile=PROFILES,
    data=st.binary(max_size=600),
    cuts=st.lists(st.integers(1, 50), max_size=30),
)
def test_same_bytes_same_fate_however_they_are_cut_up(
    seed: int, profile: LineProfile, data: bytes, cuts: list[int]
) -> None:
    whole, pieces = LineFaults(seed, profile), LineFaults(seed, profile)
    whole.submit(DOWN, data, 0.0)
    at = 0
    for size in [*cuts, len(data)]:
        pieces.submit(DOWN, data[at : at + size], 0.1 * at)
        # The other direction has numbers of its own.
        pieces.submit(UP, data[:size], 0.1 * at)
        at += size
    assert arrived(whole) == arrived(pieces)
    assert whole.next_timer() is None and pieces.next_timer() is None


def test_good_line_changes_nothing_and_keeps_no_one_waiting() -> None:
    line, data = LineFaults(), bytes(range(256))
    line.submit(DOWN, data, 1.0)
    line.submit(UP, data[::-1], 1.0)
    assert line.due(1.0) == [(DOWN, data), (UP, data[::-1])]
    assert line.counters == {"bytes_taken": 512, "bytes_given": 512}


@pytest.mark.parametrize("kind", ["drop", "corrupt", "duplicate", "noise"])
def test_each_fault_does_what_it_is_called(kind: str) -> None:
    data = bytes(10_000)
    line = LineFaults(3, LineProfile(**{kind: 0.01}, run=4))  # type: ignore[arg-type]
    line.submit(DOWN, data, 0.0)
    came, times = arrived(line), line.counters[kind]
    assert 60 < times < 140, "one in a hundred"
    if kind == "corrupt":
        bent = [byte for byte in came if byte]
        assert len(came) == len(data) and len(bent) == times and all(byte.bit_count() == 1 for byte in bent)
    elif kind == "drop":
        assert len(data) - 4 * times <= len(came) == len(data) - line.counters["bytes_dropped"]
    else:
        assert len(data) + times <= len(came) <= len(data) + 4 * times


def test_noise_may_be_ctrl_c() -> None:
    line = LineFaults(1, LineProfile(noise=0.1, noise_ctrl_c=1.0))
    line.submit(DOWN, b"x" * 500, 0.0)
    assert set(arrived(line)) == set(b"x\x03")


def test_stuck_line_holds_everything_back_and_then_gives_it_in_order() -> None:
    line = LineFaults(1, LineProfile(stuck=0.02, stuck_s=0.5))
    line.submit(DOWN, bytes(range(200)), 0.0)
    assert line.counters["stuck"] >= 1
    line.set_profile(LineProfile())
    first = b"".join(data for _, data in line.due(0.0))
    line.submit(DOWN, b"later", 0.1)
    assert not line.due(0.4)
    assert first + arrived(line) == bytes(range(200)) + b"later"


def test_split_delay_and_speed() -> None:
    line = LineFaults(1, LineProfile(split=1.0, split_s=0.01))
    line.submit(DOWN, b"abc", 0.0)
    assert [data for _, data in line.due(0.035)] == [b"a", b"b", b"c"]
    line = LineFaults(1, LineProfile(delay_s=0.1, jitter_s=0.1, baud=115_200))
    line.submit(DOWN, bytes(1152), 0.0)
    assert not line.due(0.19) and line.due(0.31), "ten bits a byte, and the delay"


def test_cut_loses_what_is_under_way_and_a_full_line_what_is_too_much() -> None:
    line = LineFaults(1, LineProfile(delay_s=1.0))
    line.submit(DOWN, b"gone", 0.0)
    line.submit(UP, b"stays", 0.0)
    line.cut(DOWN)
    line.submit(DOWN, b"too", 0.0)
    assert line.is_cut and line.counters["bytes_cut"] == 7
    line.heal()
    line.submit(DOWN, b"again", 0.5)
    assert (arrived(line), line.counters["bytes_given"]) == (b"again", 10)
    line.submit(DOWN, bytes(MAX_UNDER_WAY + 5), 0.0)
    assert line.counters["bytes_overflow"] == 5


@pytest.mark.parametrize(
    "bad", [{"drop": 1.1}, {"noise_ctrl_c": -1}, {"stuck_s": -0.1}, {"baud": float("nan")}, {"run": 0}]
)
def test_profile_that_is_none_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        LineProfile(**bad)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32),
    profile=st.builds(
        LineProfile,
        drop=st.floats(0, 0.005),
        corrupt=st.floats(0, 0.005),
        duplicate=st.floats(0, 0.005),
        noise=st.floats(0, 0.005),
        noise_ctrl_c=st.floats(0, 1),
        split=st.floats(0, 0.01),
        stuck=st.floats(0, 0.001),
    ),
)
def test_links_on_it_deliver_once_in_order_and_heal(seed: int, profile: LineProfile) -> None:
    numbers = random.Random(seed)
    line = LineFaults(seed, profile)
    ends = {
        DOWN: Link(now=0.0, random_u32=lambda: numbers.getrandbits(32)),
        UP: Link(now=0.0, host=False, random_u32=lambda: numbers.getrandbits(32)),
    }
    came: dict[LineWay, list[int]] = {DOWN: [], UP: []}

    def run(seconds: float, now: float) -> float:
        for _ in range(round(seconds / 0.005)):
            now += 0.005
            for way, link in ends.items():
                link.handle_timer(now)
                line.submit(way, link.data_to_send(now), now)
            for way, data in line.due(now):
                other = ends[UP if way is DOWN else DOWN]
                other.receive(data, now)
                while (event := other.next_event()) is not None:
                    if isinstance(event, Received) and isinstance(event.message, v1.SerialQuery):
                        came[way].append(int.from_bytes(event.message.command_id, "big"))
        return now

    now, sent = 0.0, 0
    for _ in range(40):
        for link in ends.values():
            if link.up:
                link.send(v1.SerialQuery(command_id=sent.to_bytes(4, "big")))
                sent += 1
        now = run(0.05, now)
    for way in came:
        assert came[way] == sorted(set(came[way])), "each once, in order"
    line.set_profile(LineProfile())
    # What still sticks comes first.
    now = run(max((line.next_timer() or now) - now, 0.0) + 1.5, now)
    assert all(link.up for link in ends.values())


# Real ports.


def read(fd: int, size: int) -> bytes:
    data = b""

    def enough() -> bool:
        nonlocal data
        try:
            data += os.read(fd, 4096)
        except BlockingIOError:
            pass
        return len(data) >= size

    wait_for(enough, 10, f"{size} bytes")
    return data


def opened(path: str) -> int:
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(fd)
    return fd


def test_two_ports_with_a_line_between(tmp_path: Path) -> None:
    with FaultyLine(tmp_path / "port") as line:
        host, board = opened(line.port), opened(line.board_port)
        everything = bytes(range(256))
        os.write(host, everything)
        os.write(board, everything[::-1])
        assert read(board, 256) == everything
        assert read(host, 256) == everything[::-1]
        line.cut(LineWay.TO_HOST)
        os.write(board, b"lost")
        wait_for(lambda: line.counters["bytes_cut"] == 4)
        os.write(host, b"passes")
        assert read(board, 6) == b"passes"
        # The cable is pulled: the host's port is gone, and there again under the same name.
        line.unplug()
        assert not Path(line.port).exists()
        with pytest.raises(OSError, match="Input/output error"):
            os.write(host, b"x")
        os.write(board, b"nobody")
        line.heal()
        os.write(board, b"nobody")
        wait_for(lambda: line.counters["unplugged"] >= 6)
        line.plug()
        os.close(host)
        host = opened(line.port)
        os.write(board, b"hello")
        assert read(host, 5).endswith(b"hello")
        os.close(host)
        os.close(board)
    assert not Path(line.port).exists()


def test_a_board_that_goes_and_comes_is_found_again(tmp_path: Path) -> None:
    # Whoever makes the inner line's port is the board.
    with FaultyLine(tmp_path / "board") as inner, FaultyLine(tmp_path / "port", inner.port) as line:
        host, board = opened(line.port), opened(inner.board_port)
        os.write(board, b"one")
        assert read(host, 3) == b"one"
        inner.unplug()
        wait_for(lambda: line.counters["board_away"])
        inner.plug()

        def again() -> bool:
            os.write(host, b"two")
            try:
                return b"two" in os.read(board, 100)
            except BlockingIOError:
                return False

        wait_for(again)
        os.close(host)
        os.close(board)


def test_ports_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="both ends"):
        FaultyLine(tmp_path / "x", tmp_path / "x")
    with pytest.raises(TransportError, match="cannot make a port"):
        FaultyLine(tmp_path / "no-folder" / "x")


def test_as_a_process_with_a_control_socket(tmp_path: Path) -> None:
    control = f"tcp://127.0.0.1:{free_ports(1)}"
    command = [
        sys.executable,
        "-m",
        "robolink_sims.serial_line",
        "--port",
        str(tmp_path / "port"),
        "--print-port",
    ]
    process = subprocess.Popen(
        [*command, "--drop=1", "--control", control], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(control)

        def ask(order: str) -> dict[str, object]:
            socket.send_string(order)
            assert socket.poll(10_000)
            told: dict[str, object] = json.loads(socket.recv())
            return told

        assert ask("set drop=0 delay-ms=1")["plugged"] is True
        host, board = opened(port), opened(f"{port}.board")
        os.write(host, b"passes")
        assert read(board, 6) == b"passes"
        process.send_signal(signal.SIGUSR1)
        wait_for(lambda: ask("counters")["cut"] is True)
        process.send_signal(signal.SIGUSR1)
        wait_for(lambda: ask("counters")["cut"] is False)
        assert "is no order" in str(ask("dance")["error"])
        assert ask("unplug")["plugged"] is False
        os.close(host)
        os.close(board)
    process.terminate()
    said, _ = process.communicate(timeout=10)
    assert json.loads(said)["bytes_given"] == 6
    assert process.returncode == 0


@pytest.mark.parametrize("order", ["set drop", "set dip=1", "set drop=2", "cut sideways", ""])
def test_orders_that_say_nothing_known(order: str, tmp_path: Path) -> None:
    with FaultyLine(tmp_path / "port") as line, pytest.raises(ConfigError):
        answer(line, order)
