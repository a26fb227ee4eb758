"""Site time over a serial line: what a host answers, and what a board makes of it. Rules of STANDARD.md section 14.9.

It reads no clock. A board keeps one sample, whose error grows with its age: sixteen would cost it memory.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.clock import SiteTime, ticks_diff_ms

__all__ = ["BoardClock", "SiteTime", "ticks_of"]

MS: Final = 1_000_000  # ns
U32: Final = 0xFFFFFFFF
# A board's clock may be off by 100 parts in a million: 0.1 us a millisecond.
DRIFT_MS_A_US: Final = 10
# An older sample says nothing any more, and its difference would wrap one day.
FORGOTTEN_MS: Final = 600_000


def ticks_of(now: float) -> int:
    """A board's clock: milliseconds that wrap."""
    return int(now * 1e3 + 1e-6) & U32


class BoardClock:
    """A board's estimate of site time, from its own ticks (ms, 32 bits)."""

    def __init__(self) -> None:
        """Not synced."""
        self._ticks: int | None = None
        self._site_ns = self._error_us = self._clock_id = 0

    def take(self, time: v1.SerialTime, ticks: int) -> bool:
        """An answer that came at `ticks`; whether it is believed."""
        at_host_ns = time.sent_ns - time.received_ns
        round_trip_ns = ticks_diff_ms(ticks, time.sent) * MS - at_host_ns
        if at_host_ns < 0 or ticks_diff_ms(ticks, time.sent) < 0:
            return False
        # Both ticks are cut to the millisecond: a round trip may look shorter than it was, even below zero.
        half_ns = max(round_trip_ns, 0) // 2
        error_us = half_ns // 1000 + 1000 + time.error_us
        known = self.error_us(ticks)
        if known is not None and time.clock_id == self._clock_id and error_us > known:
            return False
        self._ticks, self._site_ns = ticks, time.sent_ns + half_ns
        self._error_us, self._clock_id = error_us, time.clock_id
        return True

    def forget(self) -> None:
        """The host is another one."""
        self._ticks = None

    def _age_ms(self, ticks: int) -> int | None:
        if self._ticks is None:
            return None
        age = ticks_diff_ms(ticks, self._ticks)
        if not 0 <= age < FORGOTTEN_MS:
            self._ticks = None
            return None
        return age

    def error_us(self, ticks: int) -> int | None:
        """Bound of the error now; None: not synced."""
        age = self._age_ms(ticks)
        return None if age is None else self._error_us + age // DRIFT_MS_A_US

    def site_ns(self, ticks: int) -> int | None:
        """Site time now; None: not synced."""
        age = self._age_ms(ticks)
        return None if age is None else self._site_ns + age * MS
