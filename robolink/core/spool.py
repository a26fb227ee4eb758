"""What is kept in order while the other side is away: bounded, samples go before reports, reports before events.

It keeps and counts; what is sent, and when, is its owner's to say.
"""

from __future__ import annotations

from collections import Counter, deque
from enum import IntEnum
from typing import Final, Generic, TypeVar

T = TypeVar("T")

SPOOL_LIMIT: Final = 1000


class Rank(IntEnum):
    """What goes first when there is no room: the lowest, and of those the oldest."""

    SAMPLE = 0
    REPORT = 1
    EVENT = 2


class Spool(Generic[T]):
    """At most `limit` items, in order.

    Attributes:
        dropped: How many of each rank went for want of room.
    """

    def __init__(self, limit: int = SPOOL_LIMIT) -> None:
        """Empty."""
        if limit < 1:
            raise ValueError(f"a spool of {limit} holds nothing")
        self._limit = limit
        # One queue a rank, each item with its place in the whole.
        self._items: dict[Rank, deque[tuple[int, T]]] = {rank: deque() for rank in Rank}
        self._count = 0
        self.dropped: Counter[Rank] = Counter()

    def __len__(self) -> int:
        """How many are kept."""
        return sum(map(len, self._items.values()))

    def put(self, rank: Rank, item: T) -> None:
        """Keep one more; where there is no room, the oldest of the lowest rank goes, be it this one."""
        self._count += 1
        self._items[rank].append((self._count, item))
        if len(self) > self._limit:
            lowest = next(each for each in Rank if self._items[each])
            self._items[lowest].popleft()
            self.dropped[lowest] += 1

    def take_all(self) -> list[T]:
        """Everything in the order it came; the spool is empty then."""
        found = sorted((entry for items in self._items.values() for entry in items), key=lambda each: each[0])
        for items in self._items.values():
            items.clear()
        return [item for _, item in found]
