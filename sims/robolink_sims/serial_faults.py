"""What a bad serial line does to bytes: drops, bends, doubles, splits, delays, sticks, adds noise. Sans-IO, seeded, replayable.

Faults are drawn for places in the stream, never for reads: the same bytes meet the same fate however they are cut up. Time is
given. `serial_line.py` moves the bytes.
"""

from __future__ import annotations

import math
import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from robolink.errors import ConfigError

__all__ = ["LineFaults", "LineProfile", "LineWay"]

# Bytes under way in one direction; more are lost and counted, as in a port whose reader sleeps.
MAX_UNDER_WAY: Final = 65_536
# The longest run that one fault drops, doubles or adds.
MAX_RUN: Final = 64
BITS_A_BYTE: Final = 10
CTRL_C: Final = 0x03
NEVER: Final = 1e15


class LineWay(Enum):
    """The direction of a byte."""

    TO_BOARD = "to-board"
    TO_HOST = "to-host"


BOTH: Final = tuple(LineWay)


class _Kind(Enum):
    """Faults that happen at a place; at one place in this order."""

    DROP = "drop"
    CORRUPT = "corrupt"
    DUPLICATE = "duplicate"
    NOISE = "noise"
    SPLIT = "split"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProfile:
    """How bad it is.

    Attributes:
        drop: Runs of up to `run` bytes that are lost, per byte that passes: 0.001 is one in each thousand bytes.
        corrupt: Bytes with one bit turned, per byte.
        duplicate: The last bytes, up to `run`, come again, per byte.
        noise: Runs of up to `run` bytes that nobody sent, per byte.
        noise_ctrl_c: Which share of the noise's bytes is 0x03, which interrupts a board whose port is its REPL's.
        split: Places at which a reader sees the end of what is there, for `split_s`; per byte.
        stuck: Places at which the line holds everything back for `stuck_s`; per byte.
        delay_s: Of every byte. `jitter_s`: on top, evenly from 0 to this; the order is kept.
        baud: Speed of the line, ten bits a byte; 0: as fast as it goes.
    """

    drop: float = 0.0
    corrupt: float = 0.0
    duplicate: float = 0.0
    noise: float = 0.0
    noise_ctrl_c: float = 0.0
    split: float = 0.0
    split_s: float = 0.005
    stuck: float = 0.0
    stuck_s: float = 0.5
    delay_s: float = 0.0
    jitter_s: float = 0.0
    baud: float = 0.0
    run: int = 8

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that is no share, no time or no length."""
        for name in (*(kind.value for kind in _Kind), "noise_ctrl_c"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} = {getattr(self, name)} is no share from 0 to 1")
        for name in ("split_s", "stuck_s", "delay_s", "jitter_s", "baud"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} = {getattr(self, name)} is negative or no number")
        if not 1 <= self.run <= MAX_RUN:
            raise ConfigError(f"run = {self.run} is not within 1 to {MAX_RUN}")


class _Draw:
    """When a fault of one kind comes next, in bytes; each kind has random numbers of its own."""

    __slots__ = ("gap", "random", "rate")

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self.rate, self.gap = 0.0, math.inf

    def set_rate(self, rate: float) -> None:
        """Draw anew only where it changes."""
        if rate != self.rate:
            self.rate = rate
            self.again()

    def again(self) -> None:
        """How many bytes pass unharmed before the next one."""
        if self.rate <= 0.0:
            self.gap = math.inf
        elif self.rate >= 1.0:
            self.gap = 0
        else:
            self.gap = int(min(math.log(1.0 - self.random.random()) / math.log1p(-self.rate), NEVER))


class _Piece(NamedTuple):
    """Bytes that arrive together; `wait_s`: so much later than those before."""

    data: bytes
    wait_s: float


class _Stream:
    """One direction: what becomes of its bytes."""

    def __init__(self, seed: int, way: LineWay, counters: Counter[str]) -> None:
        self._counters = counters
        self._draws = {kind: _Draw(f"{seed}/{way.value}/{kind.value}") for kind in _Kind}
        self._tail = b""
        # Bytes still to be lost, and the bit that the next one gets turned.
        self._dropping = self._bend = 0
        self.jitter = random.Random(f"{seed}/{way.value}/jitter")
        self.last_s = -math.inf
        self.under_way = 0

    def set_profile(self, profile: LineProfile) -> None:
        for kind, draw in self._draws.items():
            draw.set_rate(getattr(profile, kind.value))

    def pieces(self, data: bytes, profile: LineProfile) -> Iterator[_Piece]:
        """What arrives of it, in order."""
        out, wait_s = bytearray(), 0.0
        for span in self._spans(data):
            if isinstance(span, bytes):
                out += self._kept(span)
                continue
            pause_s = self._fault(span, out, profile)
            if pause_s:
                yield _Piece(bytes(out), wait_s)
                out, wait_s = bytearray(), pause_s
        yield _Piece(bytes(out), wait_s)

    def _spans(self, data: bytes) -> Iterator[bytes | _Kind]:
        """Unharmed bytes, and the faults between them."""
        at = 0
        while at < len(data):
            nearest = min(draw.gap for draw in self._draws.values())
            step = len(data) - at if nearest > len(data) - at else int(nearest)
            if step:
                yield data[at : at + step]
                at += step
                for draw in self._draws.values():
                    draw.gap -= step
            if at == len(data):
                return
            for kind, draw in self._draws.items():
                if draw.gap <= 0:
                    yield kind
                    draw.again()
                    # One fault of a kind at one place: the next comes behind the byte that follows.
                    draw.gap += 1
            # The byte at this place itself.
            yield data[at : at + 1]
            at += 1
            for draw in self._draws.values():
                draw.gap -= 1

    def _kept(self, data: bytes) -> bytes:
        if self._dropping:
            lost = min(self._dropping, len(data))
            self._dropping -= lost
            self._counters["bytes_dropped"] += lost
            data = data[lost:]
        if data and self._bend:
            data = bytes((data[0] ^ self._bend,)) + data[1:]
            self._bend = 0
        self._tail = (self._tail + data)[-MAX_RUN:]
        return data

    def _fault(self, kind: _Kind, out: bytearray, profile: LineProfile) -> float:
        """Do it; how long the line pauses by it."""
        numbers = self._draws[kind].random
        self._counters[kind.value] += 1
        if kind is _Kind.DROP:
            self._dropping += numbers.randint(1, profile.run)
        elif kind is _Kind.CORRUPT:
            self._bend = 1 << numbers.randrange(8)
        elif kind is _Kind.DUPLICATE:
            out += self._tail[-numbers.randint(1, profile.run) :]
        elif kind is _Kind.NOISE:
            for _ in range(numbers.randint(1, profile.run)):
                ctrl_c, other = numbers.random() < profile.noise_ctrl_c, numbers.randrange(256)
                out.append(CTRL_C if ctrl_c else other)
        elif kind is _Kind.SPLIT:
            return profile.split_s
        else:
            return profile.stuck_s
        return 0.0


class LineFaults:
    """Takes bytes and gives back those that arrive, when they do, in order.

    Args:
        seed: Of everything that is random.
        profile: Of both directions; see `set_profile`.

    Attributes:
        counters: `bytes_taken`, `bytes_given`, `bytes_dropped`, `bytes_cut`, `bytes_overflow`, and each fault by its name.
    """

    def __init__(self, seed: int = 0, profile: LineProfile | None = None) -> None:
        """A line with nothing on it."""
        self.seed = seed
        self.counters: Counter[str] = Counter()
        self._streams = {way: _Stream(seed, way, self.counters) for way in LineWay}
        self._profiles = dict.fromkeys(LineWay, LineProfile())
        self._cut: set[LineWay] = set()
        self._under_way: dict[LineWay, deque[tuple[float, bytes]]] = {way: deque() for way in LineWay}
        if profile is not None:
            self.set_profile(profile)

    def set_profile(self, profile: LineProfile, *ways: LineWay) -> None:
        """How bad it is from the next byte on; both ways, or those given."""
        for way in ways or BOTH:
            self._profiles[way] = profile
            self._streams[way].set_profile(profile)

    def profile(self, way: LineWay) -> LineProfile:
        """How bad that direction is."""
        return self._profiles[way]

    def cut(self, *ways: LineWay) -> None:
        """Both directions, or those given, carry nothing; what is under way is lost."""
        for way in ways or BOTH:
            self._cut.add(way)
            self.counters["bytes_cut"] += self._streams[way].under_way
            self._streams[way].under_way = 0
            self._under_way[way].clear()

    def heal(self) -> None:
        """No direction is cut any more."""
        self._cut.clear()

    @property
    def is_cut(self) -> bool:
        """Whether any direction is cut."""
        return bool(self._cut)

    def submit(self, way: LineWay, data: bytes, now: float) -> None:
        """Bytes enter; `now` is monotonic s."""
        if not data:
            return
        self.counters["bytes_taken"] += len(data)
        if way in self._cut:
            self.counters["bytes_cut"] += len(data)
            return
        stream, profile = self._streams[way], self._profiles[way]
        at = max(now + profile.delay_s + stream.jitter.random() * profile.jitter_s, stream.last_s)
        for piece in stream.pieces(data, profile):
            at += piece.wait_s + (len(piece.data) * BITS_A_BYTE / profile.baud if profile.baud else 0.0)
            self._put(way, stream, at, piece.data)
        stream.last_s = at

    def _put(self, way: LineWay, stream: _Stream, at: float, data: bytes) -> None:
        room = MAX_UNDER_WAY - stream.under_way
        if len(data) > room:
            self.counters["bytes_overflow"] += len(data) - room
            data = data[:room]
        if data:
            stream.under_way += len(data)
            self._under_way[way].append((at, data))

    def next_timer(self) -> float | None:
        """When `due` has something, monotonic s."""
        return min((waiting[0][0] for waiting in self._under_way.values() if waiting), default=None)

    def due(self, now: float) -> list[tuple[LineWay, bytes]]:
        """What arrives now: the bytes of each direction, in order, a piece for each reader's look."""
        arrived = []
        for way, waiting in self._under_way.items():
            while waiting and waiting[0][0] <= now:
                _, data = waiting.popleft()
                self._streams[way].under_way -= len(data)
                self.counters["bytes_given"] += len(data)
                arrived.append((way, data))
        return arrived
