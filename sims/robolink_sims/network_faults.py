"""What a bad network does to messages: loses, delays, doubles, reorders, cuts off. Sans-IO, seeded, replayable.

Decided message by message, each link by a random sequence of its own; time is given. `network.py` moves the bytes.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Generic, NamedTuple, TypeVar

from robolink.errors import ConfigError

__all__ = ["LANES", "FaultProfile", "Faults", "Link", "Way"]

LANES: Final = ("control", "safety", "publish", "subscribe")
# Messages under way; one more is dropped and counted.
MAX_UNDER_WAY: Final = 20_000

T = TypeVar("T")


class Way(Enum):
    """The direction of a message."""

    UP = "up"  # towards the hub
    DOWN = "down"


class Link(NamedTuple):
    """One order-keeping way of messages.

    Attributes:
        peer: Counts the peers of a lane as they come, so that a replay finds the same links.
    """

    lane: str
    way: Way
    peer: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultProfile:
    """How bad it is; fractions 0..1 of all messages, s.

    Attributes:
        delay_s: Of every message.
        jitter_s: On top, evenly from 0 to this; it delays but does not reorder.
        duplicate: Come twice, the second one up to `jitter_s + reorder_s` later.
        reorder: Held back by `reorder_s` while later ones pass.
    """

    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_s: float = 0.05

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that is no fraction or no time."""
        for name in ("loss", "duplicate", "reorder"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} = {getattr(self, name)} is no fraction from 0 to 1")
        for name in ("delay_s", "jitter_s", "reorder_s"):
            if not 0.0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} = {getattr(self, name)} is no time")


class _Sequence:
    """One link's random numbers, and when its last message in order leaves."""

    __slots__ = ("last_s", "random")

    def __init__(self, seed: int, link: Link) -> None:
        self.random = random.Random(f"{seed}/{link.lane}/{link.way.value}/{link.peer}")
        self.last_s = -math.inf


class Faults(Generic[T]):
    """Takes messages and gives back those that arrive, when they do.

    The same seed and the same messages of a link meet the same fate, whatever other links carry meanwhile.

    Args:
        seed: Of everything that is random.
        profile: May be changed while messages are under way.

    Attributes:
        counters: `taken`, `given`, `lost`, `delayed`, `duplicated`, `reordered`, `partitioned`, `overflow`.
    """

    def __init__(self, seed: int, profile: FaultProfile | None = None) -> None:
        """A network with nothing in it."""
        self.seed = seed
        self.profile = profile or FaultProfile()
        self.counters: Counter[str] = Counter()
        self._cut: set[tuple[str, Way]] = set()
        self._sequences: dict[Link, _Sequence] = {}
        # Due time, order of arrival (equal times keep it), link, message.
        self._under_way: list[tuple[float, int, Link, T]] = []
        self._order = 0

    def partition(self, *, up: bool = True, down: bool = True, lanes: Iterable[str] = LANES) -> None:
        """Cut these lanes, one way or both: what is sent, and what is under way, is gone.

        Raises:
            ConfigError: There is no such lane.
        """
        for lane in lanes:
            if lane not in LANES:
                raise ConfigError(f"{lane!r} is none of the lanes {', '.join(LANES)}")
            for way, wanted in ((Way.UP, up), (Way.DOWN, down)):
                if wanted:
                    self._cut.add((lane, way))

    def heal(self) -> None:
        """No lane is cut any more."""
        self._cut.clear()

    @property
    def cut(self) -> frozenset[tuple[str, Way]]:
        """Lanes and ways that carry nothing now."""
        return frozenset(self._cut)

    def submit(self, link: Link, message: T, now: float) -> None:
        """One message enters."""
        self.counters["taken"] += 1
        sequence = self._sequences.get(link)
        if sequence is None:
            sequence = self._sequences[link] = _Sequence(self.seed, link)
        # Always as many numbers a message, so that a changed profile does not shift all that follows.
        loss, jitter, reorder, duplicate, again = (sequence.random.random() for _ in range(5))
        profile = self.profile
        if (link.lane, link.way) in self._cut:
            self.counters["partitioned"] += 1
            return
        if loss < profile.loss:
            self.counters["lost"] += 1
            return
        at = now + profile.delay_s + jitter * profile.jitter_s
        if at > now:
            self.counters["delayed"] += 1
        if reorder < profile.reorder:
            self.counters["reordered"] += 1
            at = max(at, sequence.last_s) + profile.reorder_s
        else:
            at = sequence.last_s = max(at, sequence.last_s)
        self._put(at, link, message)
        if duplicate < profile.duplicate:
            self.counters["duplicated"] += 1
            self._put(at + again * (profile.jitter_s + profile.reorder_s), link, message)

    def _put(self, at: float, link: Link, message: T) -> None:
        if len(self._under_way) >= MAX_UNDER_WAY:
            self.counters["overflow"] += 1
            return
        self._order += 1
        heapq.heappush(self._under_way, (at, self._order, link, message))

    def next_timer(self) -> float | None:
        """When `due` has something, monotonic s."""
        return self._under_way[0][0] if self._under_way else None

    def due(self, now: float) -> list[tuple[Link, T]]:
        """What arrives now, in order of arrival."""
        arrived: list[tuple[Link, T]] = []
        while self._under_way and self._under_way[0][0] <= now:
            _, _, link, message = heapq.heappop(self._under_way)
            if (link.lane, link.way) in self._cut:
                self.counters["partitioned"] += 1
                continue
            self.counters["given"] += 1
            arrived.append((link, message))
        return arrived
