"""The board's link, running in this Python, against the host's under every fault; and what the board says of itself on it."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from robolink import v1
from robolink.core.link import BulkChunk, Down, LinkEvent, Received, SiteTime, Up
from robolink.errors import LocalProtocolError
from robolink_serial.sheet import SheetParts
from tests.core.link_soak import soak
from tests.core.link_world import LONGEST, World
from tests.core.serial_line import Line, LinkEnd
from tests.firmware import FIRMWARE
from tests.firmware.test_board import Bench, BoardEnd

from robolink_board import codec, messages  # type: ignore[import-not-found]  # isort: skip
from robolink_board import link as board_link  # type: ignore[import-not-found]  # isort: skip
from robolink_board.board import Board  # type: ignore[import-not-found]  # isort: skip
from robolink_board.motor import Motor  # type: ignore[import-not-found]  # isort: skip

assert FIRMWARE.exists()
# Ticks wrap: worlds begin a little before that.
FIRST_MS = (1 << 30) - 9000
POLL_S = 0.005


class Owner:
    """Hears the board's link."""

    def __init__(self) -> None:
        self.events = deque[LinkEvent]()

    def up(self, hello: Any, same_host: bool, now: int) -> None:
        self.events.append(Up(peer=v1.SerialHello(), same_peer=same_host, minor=0))

    def down(self, now: int) -> None:
        self.events.append(Down(text=""))

    def message(self, kind: int, message: Any, now: int) -> None:
        body = codec.encode(messages.TABLES[kind], message)
        if kind == messages.UPDATE_KIND:
            self.events.append(Received(message=v1.SerialUpdate.FromString(body)))
        elif kind == messages.STOP_KIND:
            self.events.append(Received(message=v1.SerialStop.FromString(body)))

    def bulk(self, transfer: int, offset: int, data: Any, now: int) -> None:
        self.events.append(BulkChunk(transfer=transfer, offset=offset, data=bytes(data)))


class BoardLink:
    """The board's link, used as a host's Link is; also its lanes."""

    def __init__(self, world: World) -> None:
        self._world, self._owner = world, Owner()
        self.link = board_link.Link(self._owner, self.ms(), world.u32, largest_message=LONGEST + 100)
        self.lanes = self
        self._next_s = world.now

    def ms(self) -> int:
        return (FIRST_MS + int(self._world.now * 1000 + 1e-6)) % (1 << 30)

    @property
    def up(self) -> bool:
        return bool(self.link.state == board_link.UP)

    @property
    def _decoder(self) -> Any:
        return self.link._decoder

    # As a Link.

    def send(self, message: Any) -> None:
        kinds = {v1.SerialUpdate: messages.UPDATE_KIND, v1.SerialStopState: messages.STOP_STATE_KIND}
        if not self.link.send_encoded(kinds[type(message)], message.SerializeToString(deterministic=True)):
            raise LocalProtocolError("not taken")

    def receive(self, data: bytes, now: float) -> None:
        self.link.receive(data, self.ms())

    def handle_timer(self, now: float) -> None:
        """`data_to_send` does."""

    def data_to_send(self, now: float) -> bytes:
        self._next_s = now + POLL_S
        return bytes(self.link.poll(self.ms()))

    def next_timer(self) -> float:
        return self._next_s

    def next_event(self) -> LinkEvent | None:
        return self._owner.events.popleft() if self._owner.events else None

    def open_bulk(self, *, transfer: int, size: int, credit: int, now: float, next_offset: int) -> None:
        self.link.open_bulk(transfer, size, next_offset, credit, self.ms())

    def site_stamp(self, now: float) -> tuple[int, int] | None:
        ns = self.link.site.ns(self.ms())
        return None if ns is None else (ns, self.link.site.error_us(self.ms()))


@pytest.mark.parametrize("seed", range(3))
def test_nothing_lost_nothing_twice_healed_in_a_second(seed: int) -> None:
    told = soak(seed, 30.0, BoardLink)
    assert told.resets and told.faults and told.messages > 50


def test_readings_carry_site_time() -> None:
    bench = Bench()
    bench.line.run(0.5)
    assert bench.host.messages(v1.SerialReadings)[-1].stamp_ns == 0, "the host knows none"
    bench.host.link.lanes.site = site = SiteTime(offset_ns=10**15, error_us=50, clock_id=1)
    bench.line.run(1.6)
    readings = bench.host.messages(v1.SerialReadings)[-1]
    age_ns = site.at(bench.line.now) - readings.stamp_ns
    assert -readings.stamp_error_us * 1000 <= age_ns <= 120 * 10**6
    assert 1000 < readings.stamp_error_us < 20_000


def test_tells_its_state_to_a_probe() -> None:
    bench = Bench()
    bench.line.run(2.5)
    quality = bench.host.link.quality(bench.line.now)
    assert quality.answered == quality.probes == 3
    assert quality.report is not None
    assert quality.report.frames > 20 and 2000 < quality.report.uptime_ms < 4000


def test_description_that_is_longer_than_a_frame_comes_in_fragments() -> None:
    end, host = BoardEnd(), LinkEnd()
    text = "a small board with much to say " * 25
    end.board = Board(
        model="talker",
        description=text,
        components=(Motor(end.motor),),
        random_u32=lambda: 4711,
        now=end.ms(0.0),
    )
    line = Line(host, end)
    line.until(lambda: host.link.up)
    host.link.send(v1.SerialSheetRequest())
    line.run(0.5)
    parts = SheetParts()
    boards = [parts.add(each) for each in host.messages(v1.SerialSheetPart)]
    assert boards[-1] is not None and boards[-1].sheet.description == text


def test_what_the_host_does_not_take_never_leaves() -> None:
    bench = Bench()
    board = bench.end.board
    assert not board.link.send(messages.UPDATE_KIND, {"command_id": b"a", "text": "x" * 5000})
    assert not board.link.send(messages.FEEDBACK_KIND, {"command_id": b"a", "phase": "x" * 300})
    assert board.counters["too_long"] == 2
    bench.line.run(0.3)
    assert bench.host.link.up
