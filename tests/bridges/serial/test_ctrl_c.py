"""No 0x03 goes from a host to a board but where it is typed on purpose, at a REPL: in bytes, and on a real port."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.core.frame import MAX_BODY_BYTES, Frame
from robolink.core.link import Link, Received
from robolink_serial.board import BoardAt
from robolink_serial.bridge import SerialBridge
from robolink_sims.board import BoardSim
from robolink_sims.serial_faults import LineWay
from robolink_sims.serial_line import FaultyLine
from tests.bridges.serial.conftest import BOARD, ROLES, wait_turned
from tests.conftest import HubProcess, wait_for

PAYLOAD_BYTES = 10_000_000
FREE = (0x03, 0x11, 0x13)


def test_ten_megabytes_of_random_payload_hold_no_ctrl_c() -> None:
    numbers = random.Random(9)
    now = 0.0
    host, board = (
        Link(now=now, host=is_host, random_u32=lambda: numbers.getrandbits(32)) for is_host in (True, False)
    )
    sent = came = 0
    answer = b""
    while came < PAYLOAD_BYTES:
        now += 0.001
        host.handle_timer(now)
        if host.up:
            # More than the window takes at once, so that a queue and its order are in it.
            for _ in range(4):
                payload = numbers.randbytes(numbers.randrange(180, 244))
                sent += len(payload)
                host.send(v1.SerialQuery(command_id=payload))
        capture = host.data_to_send(now)
        assert not any(byte in capture for byte in FREE)
        board.receive(capture, now)
        while (event := board.next_event()) is not None:
            if isinstance(event, Received):
                came += len(event.message.command_id)
        board.handle_timer(now)
        answer = board.data_to_send(now)
        host.receive(answer, now)
        while host.next_event() is not None:
            continue
    assert came <= sent


def test_no_place_of_a_frame_lets_one_through() -> None:
    # Header fields, CRC and body take every value in turn.
    for value in range(256):
        for kind in (value, v1.SERIAL_FRAME_KIND_HELLO):
            frame = Frame(
                kind=kind, seq=value, ack=255 - value, body=bytes((value,)) * (value % MAX_BODY_BYTES)
            )
            wire = frame.to_bytes(value * 0x01010101)
            assert not any(byte in wire for byte in FREE)


class Capture(FaultyLine):
    """A good line that keeps what the host has sent."""

    def __init__(self, port: Path, board: str) -> None:
        super().__init__(port, board)
        self.kept = bytearray()
        submit = self.faults.submit

        def kept(way: LineWay, data: bytes, now: float) -> None:
            if way is LineWay.TO_BOARD:
                self.kept += data
            submit(way, data, now)

        self.faults.submit = kept  # type: ignore[method-assign]


@pytest.mark.board
def test_session_of_a_real_bridge_holds_only_those_that_are_typed(
    board: BoardSim, hub: HubProcess, tmp_path: Path
) -> None:
    with (
        Capture(tmp_path / "port", board.port) as line,
        SerialBridge([BoardAt(robot=BOARD, port=line.port)], hub.url) as bridge,
        robolink.connect(hub.url, name="test", roles=ROLES) as client,
    ):
        wait_for(
            lambda: any(each.robot == BOARD and each.online for each in client.robots()), 30, "the board"
        )
        # What was typed before, a REPL may have asked for.
        begun = len(line.kept)
        robot = client.robot(BOARD)
        for speed in range(1, 10):
            robot.twin.set("motor.max_speed", 3.0 + speed / 7, wait_s=10)
        with robot.lease():
            wait_turned(robot, 0.3)
        robot.stop()
        robot.release()
        sent, sessions = bytes(line.kept[begun:]), bridge.boards[BOARD].line.session
        assert len(sent) > 400
        # Only a machine that stalls makes a second session; at most one is typed for each.
        assert sent.count(b"\x03") <= sessions - 1
