"""Site time: each end measures its offset to the hub's monotonic clock from ordinary request and reply pairs.

It reads no clock; every instant is an argument. Wall time has no place here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

WINDOW: Final = 16
U32: Final = 1 << 32


class _Sample(NamedTuple):
    round_trip_ns: int
    offset_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTime:
    """What this machine knows of site time, to pass on.

    Attributes:
        offset_ns: Site time minus this machine's monotonic clock.
        error_us: Bound of its error.
        clock_id: Another number once site time has begun anew.
    """

    offset_ns: int
    error_us: int = 0
    clock_id: int = 0

    def at(self, now: float) -> int:
        """Site time in ns at monotonic s."""
        return round(now * 1e9) + self.offset_ns


class ClockSync:
    """Offset from this end's monotonic clock to site time.

    The sample with the shortest round trip of the last 16 is believed: its error is at most half that round trip.
    """

    def __init__(self) -> None:
        """Not synced until the first sample."""
        self._samples: deque[_Sample] = deque(maxlen=WINDOW)
        self._best = _Sample(0, 0)

    @property
    def synced(self) -> bool:
        """Whether any sample has been taken since the last reset."""
        return bool(self._samples)

    @property
    def offset_ns(self) -> int:
        """Site time minus local time, ns."""
        return self._best.offset_ns

    @property
    def error_ns(self) -> int:
        """Bound of the offset's error, ns; half of the best round trip."""
        return self._best.round_trip_ns // 2

    def add(self, *, sent_ns: int, received_ns: int, replied_ns: int, got_ns: int) -> None:
        """Take one request and its reply.

        Args:
            sent_ns: Request left, local clock.
            received_ns: Request arrived, site time.
            replied_ns: Reply left, site time.
            got_ns: Reply arrived, local clock.
        """
        round_trip = (got_ns - sent_ns) - (replied_ns - received_ns)
        if round_trip < 0 or replied_ns < received_ns:
            return  # The peer's two stamps contradict ours: no measurement at all.
        self._samples.append(_Sample(round_trip, ((received_ns - sent_ns) + (replied_ns - got_ns)) // 2))
        self._best = min(self._samples)

    def reset(self) -> None:
        """Forget all: the hub has restarted, its clock may be another one."""
        self._samples.clear()

    def to_site(self, local_ns: int) -> int:
        """Local monotonic ns to site time."""
        return local_ns + self._best.offset_ns

    def to_local(self, site_ns: int) -> int:
        """Site time to local monotonic ns."""
        return site_ns - self._best.offset_ns


def ticks_diff_ms(later: int, earlier: int) -> int:
    """Difference of two u32 millisecond counters that wrap, in -2**31 .. 2**31-1 ms."""
    return (later - earlier + U32 // 2) % U32 - U32 // 2
