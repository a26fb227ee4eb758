"""Stamps of another machine's clock on ours: the offset is what the quickest of the last samples tells. No clock is read here."""

from __future__ import annotations

from collections import deque
from typing import Final

from robolink_ros2.convert import MAX_STAMP_AGE_S, measured_at

WINDOW: Final = 200


class StampClock:
    """Age of stamped samples.

    Args:
        measured: The stamps' clock is not ours: the quickest of the last samples counts as new. Else the clocks are one
            (one machine, or kept together by NTP or PTP), and an age is told as it is.
    """

    def __init__(self, *, measured: bool) -> None:
        """No sample yet."""
        self._measured = measured
        self._delays: deque[int] = deque(maxlen=WINDOW)

    @property
    def offset_ns(self) -> int:
        """Ours minus theirs, and the quickest way; 0 where the clocks are one."""
        return min(self._delays, default=0) if self._measured else 0

    def measured_at(self, stamp: int, ros_now: int, monotonic_s: float) -> float:
        """When it was measured, monotonic s of this machine. Stamps, ns; 0: not stamped."""
        if not stamp:
            return monotonic_s
        if self._measured:
            self._delays.append(ros_now - stamp)
            age_s = (ros_now - stamp - self.offset_ns) / 1e9
            # A step of their clock: what was measured of it is void.
            if age_s > MAX_STAMP_AGE_S:
                self._delays.clear()
                self._delays.append(ros_now - stamp)
                return monotonic_s
        return measured_at(stamp + self.offset_ns, ros_now, monotonic_s)
