"""Two links and their owners on a line with every fault, in time that only the test moves; it checks as it goes.

What is checked: nothing comes that was not sent, nothing twice, nothing out of order; what was sent in a session that
stands arrives; an image arrives byte by byte; a board's site time is within its own bound; a stop is answered.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from robolink import v1
from robolink.core.link import BulkChunk, Down, Link, LinkEvent, LinkTimes, Received, SiteTime, Up
from robolink.errors import LocalProtocolError

STEP_S = 0.001
HEALED_S = 1.0
LONGEST = 3000
IMAGE_BYTES = 6000


@dataclass(frozen=True)
class Rates:
    """Faults of a chunk of bytes, each 0..1; `delay_s` is the longest delay."""

    drop: float = 0.0
    flip: float = 0.0
    double: float = 0.0
    split: float = 0.0
    cut: float = 0.0
    noise: float = 0.0
    delay: float = 0.0
    delay_s: float = 0.1

    def scaled(self, by: float) -> Rates:
        """All of them, but the delay's length."""
        rates = {each.name: getattr(self, each.name) * by for each in fields(self) if each.name != "delay_s"}
        return replace(self, **rates)


CLEAN = Rates()
BAD = Rates(drop=0.05, flip=0.05, double=0.03, split=0.2, cut=0.05, noise=0.05, delay=0.1)


class Wire:
    """One direction; bytes keep their order."""

    def __init__(self, numbers: random.Random) -> None:
        self.rates, self.stuck_until_s = CLEAN, 0.0
        self._random = numbers
        self._queue: deque[tuple[float, bytes]] = deque()
        self._last_s = 0.0
        self.faults = 0

    def _hit(self, rate: float) -> bool:
        hit = self._random.random() < rate
        self.faults += hit
        return hit

    def send(self, data: bytes, now: float) -> None:
        """Take a chunk."""
        if not data:
            return
        rates, at = self.rates, self._random.randrange(len(data))
        if self._hit(rates.drop):
            return
        if self._hit(rates.cut):
            data = data[:at]
        if self._hit(rates.flip) and at < len(data):
            data = data[:at] + bytes((data[at] ^ 1 << self._random.randrange(8),)) + data[at + 1 :]
        if self._hit(rates.noise):
            data = data[:at] + self._random.randbytes(9) + b"\x03" + data[at:]
        if self._hit(rates.double):
            data += data
        chunks = [data[:at], data[at:]] if self._hit(rates.split) else [data]
        for chunk in chunks:
            delay = self._random.random() * rates.delay_s if self._hit(rates.delay) else 0.0
            self._last_s = max(self._last_s, now + delay, self.stuck_until_s)
            self._queue.append((self._last_s, chunk))

    def due_s(self) -> float:
        """When the next bytes arrive."""
        return self._queue[0][0] if self._queue else float("inf")

    def arrived(self, now: float) -> list[bytes]:
        """What has arrived."""
        found = []
        while self._queue and self._queue[0][0] <= now:
            found.append(self._queue.popleft()[1])
        return found


def text_of(number: int) -> str:
    """Text as long as a fragmented body or not, and known from its number."""
    return "".join(chr(97 + (number * 7 + at) % 26) for at in range((number * 613) % LONGEST))


class Owner:
    """Who uses a link: numbers what it sends, checks what comes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.link: Link
        self.peer: Owner
        self.sent = 0
        self.got: list[int] = []
        # Sent in the session that stands, not seen at the other end yet.
        self.open: set[int] = set()
        self.ups = 0

    def say(self, long: bool) -> None:
        """Send one message, if the link takes it."""
        number = self.sent + 1
        text = text_of(number) if long else ""
        message = v1.SerialUpdate(command_id=number.to_bytes(4, "big"), text=text)
        try:
            self.link.send(message)
        except LocalProtocolError:
            return
        self.sent = number
        self.open.add(number)

    def take(self, event: LinkEvent) -> None:
        """One event."""
        if isinstance(event, Up | Down):
            self.ups += isinstance(event, Up)
            self.open.clear()
        elif isinstance(event, Received) and isinstance(event.message, v1.SerialUpdate):
            number = int.from_bytes(event.message.command_id, "big")
            assert number <= self.peer.sent, f"{self.name} got what nobody sent"
            assert number > (self.got[-1] if self.got else 0), (
                f"{self.name} got {number} after {self.got[-1]}"
            )
            assert event.message.text in ("", text_of(number))
            self.got.append(number)
            self.peer.open.discard(number)


class World:
    """Host, board, two wires."""

    def __init__(self, seed: int, board: Callable[[World], Any] | None = None) -> None:
        """With a Link as the board, or what `board` makes: anything that is used as a Link is used here."""
        self.random = random.Random(seed)
        self.now = 0.0
        self._make_board = board or World.core_board
        self.owners = {"host": Owner("host"), "board": Owner("board")}
        self.owners["host"].peer, self.owners["board"].peer = self.owners["board"], self.owners["host"]
        self.wires = {"host": Wire(self.random), "board": Wire(self.random)}
        self.image, self.stored = b"", bytearray()
        self.transfer = 0
        self.generation = self.stopped = 0
        self.resets = 0
        self.site = SiteTime(offset_ns=10**15 + seed, error_us=20, clock_id=1)
        for side in self.owners:
            self._boot(side)

    def u32(self) -> int:
        """Nonces and session ids."""
        return self.random.getrandbits(32)

    def core_board(self) -> Link:
        """The board's end in Python, with little room."""
        times = LinkTimes(largest_message=LONGEST + 100, fragment_credit=LONGEST + 100)
        return Link(now=self.now, host=False, times=times, random_u32=self.u32)

    def _boot(self, side: str) -> None:
        host = side == "host"
        link = Link(now=self.now, random_u32=self.u32) if host else self._make_board(self)
        self.owners[side].link = link
        self.owners[side].open.clear()
        if host:
            link.lanes.site = self.site
            if self.image:
                link.lanes.send_bulk(self.transfer, self.image)
            if self.stopped < self.generation:
                link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, self.generation)
        elif len(self.stored) < len(self.image):
            self._open_transfer()

    def _open_transfer(self) -> None:
        self.owners["board"].link.lanes.open_bulk(
            transfer=self.transfer,
            size=len(self.image),
            credit=600,
            now=self.now,
            next_offset=len(self.stored),
        )

    # What may happen.

    def reset(self, side: str) -> None:
        """One side starts anew; what is on the wire stays there."""
        self.resets += 1
        self._boot(side)

    def stuck(self, seconds: float) -> None:
        """Nothing arrives for so long; then all of it."""
        for wire in self.wires.values():
            wire.stuck_until_s = max(wire.stuck_until_s, self.now + seconds)

    def set_rates(self, rates: Rates) -> None:
        """Faults from now on."""
        for wire in self.wires.values():
            wire.rates = rates

    def stop(self) -> None:
        """The host stops the board."""
        self.generation += 1
        self.owners["host"].link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, self.generation)

    def send_image(self) -> None:
        """A transfer begins, unless one runs."""
        if len(self.stored) < len(self.image):
            return
        self.transfer += 1
        self.image = self.random.randbytes(self.random.randrange(1, IMAGE_BYTES))
        self.stored.clear()
        self.owners["host"].link.lanes.send_bulk(self.transfer, self.image)
        self._open_transfer()

    # Time.

    def run(self, seconds: float) -> None:
        """Let time go on."""
        until = self.now + seconds
        while self.now < until:
            self._step(until)

    def _step(self, until: float) -> None:
        for side, owner in self.owners.items():
            owner.link.handle_timer(self.now)
            self._collect(side)
            self.wires[side].send(owner.link.data_to_send(self.now), self.now)
        timers = [owner.link.next_timer() for owner in self.owners.values()]
        arrivals = [wire.due_s() for wire in self.wires.values()]
        self.now = min(max(min(*timers, *arrivals), self.now + STEP_S), until)
        for side, wire in self.wires.items():
            other = "board" if side == "host" else "host"
            for chunk in wire.arrived(self.now):
                self.owners[other].link.receive(chunk, self.now)
                self._collect(other)
        self._check_time()

    def _collect(self, side: str) -> None:
        owner = self.owners[side]
        while (event := owner.link.next_event()) is not None:
            owner.take(event)
            if isinstance(event, BulkChunk):
                self._store(event)
            elif isinstance(event, Received):
                self._react(event.message)

    def _store(self, chunk: BulkChunk) -> None:
        assert chunk.transfer == self.transfer and chunk.offset == len(self.stored)
        self.stored += chunk.data
        assert self.image.startswith(self.stored)

    def _react(self, message: Any) -> None:
        board = self.owners["board"].link
        if isinstance(message, v1.SerialStop) and board.up:
            assert message.generation <= self.generation
            board.send(v1.SerialStopState(generation=message.generation, latched=True))
        elif isinstance(message, v1.SerialStopState):
            self.stopped = max(self.stopped, message.generation)

    def _check_time(self) -> None:
        stamp = self.owners["board"].link.lanes.site_stamp(self.now)
        if stamp is not None:
            assert abs(stamp[0] - self.site.at(self.now)) <= stamp[1] * 1000

    @property
    def up(self) -> bool:
        """Both, in the same session."""
        host, board = (owner.link for owner in self.owners.values())
        return host.up and board.up and host._decoder.seed == board._decoder.seed

    def heal(self) -> float:
        """The line is good again: up within the time, and what waits arrives. How long coming up took, s."""
        self.set_rates(CLEAN)
        # What is stuck or delayed on the wire is a fault that still goes on.
        self.run(max(0.0, *(wire.stuck_until_s - self.now for wire in self.wires.values())))
        self.run(max(0.0, *(wire._last_s - self.now for wire in self.wires.values())) + STEP_S)
        began = self.now
        while not self.up:
            assert self.now - began < HEALED_S, "not healed"
            self.run(STEP_S)
        took = self.now - began
        self.run(2.0)
        assert self.up
        for owner in self.owners.values():
            assert not owner.open, f"{owner.name} sent {sorted(owner.open)}, and they never came"
        assert self.stopped == self.generation
        assert bytes(self.stored) == self.image
        return took
