"""Setpoints at the robot's end: newest wins, each dies by its TTL, then the deadman says stand still.

Armed only while setpoints stream. It never invents a setpoint that moves; the only one it makes is zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.core.age import MAX_AHEAD_NS, MAX_SETPOINT_TTL_MS
from robolink.core.violation import Violation

MAX_AHEAD_S: Final = MAX_AHEAD_NS / 1e9
MAX_SETPOINT_TTL_S: Final = MAX_SETPOINT_TTL_MS / 1e3


@dataclass(slots=True)
class _Stream:
    token: tuple[int, int]
    sent_ns: int
    expires_s: float
    armed: bool


@dataclass(slots=True)
class SetpointWatch:
    """The setpoint streams of one robot, by (component, name)."""

    robot: str
    counters: dict[str, int] = field(default_factory=dict)
    _streams: dict[tuple[str, str], _Stream] = field(default_factory=dict)

    def accept(
        self,
        component: str,
        name: str,
        *,
        token: tuple[int, int],
        sent_ns: int,
        age_s: float,
        ttl_s: float,
        now: float,
    ) -> float:
        """Take one setpoint; how long it stays valid, s.

        Args:
            token: The lease it was sent under.
            sent_ns: When the app sent it, site time; orders the setpoints of one lease.
            age_s: How old it is now, by the measured clock offset.
            ttl_s: Its validity from sending.
            now: Monotonic s.

        Raises:
            Violation: TOO_LATE (older than its TTL, or than the newest one), OLDER_LEASE, NO_TIMESYNC (from the future),
                LIMIT (its TTL). Counted.
        """
        if age_s < -MAX_AHEAD_S:
            raise self._count(
                v1.CAUSE_NO_TIMESYNC,
                f"{self.robot}/{component}.{name}: setpoint is {-age_s:.1f} s from the future",
            )
        if ttl_s > MAX_SETPOINT_TTL_S:
            raise self._count(
                v1.CAUSE_LIMIT,
                f"{self.robot}/{component}.{name}: a TTL of {ttl_s:g} s is over the limit of {MAX_SETPOINT_TTL_S:g} s",
            )
        stream = self._streams.get((component, name))
        if stream is not None and token < stream.token:
            raise self._count(
                v1.CAUSE_OLDER_LEASE, f"{self.robot}/{component}: lease {token} is older than {stream.token}"
            )
        remaining = ttl_s - max(age_s, 0.0)
        if remaining <= 0:
            raise self._count(
                v1.CAUSE_TOO_LATE,
                f"{self.robot}/{component}.{name}: setpoint is {age_s * 1e3:.0f} ms old, its TTL is {ttl_s * 1e3:.0f} ms",
            )
        if stream is not None and token == stream.token and sent_ns <= stream.sent_ns:
            raise self._count(
                v1.CAUSE_TOO_LATE, f"{self.robot}/{component}.{name}: a newer setpoint is in force"
            )
        self._streams[component, name] = _Stream(token, sent_ns, now + remaining, armed=True)
        return remaining

    def _count(self, cause: v1.Cause, text: str) -> Violation:
        key = "setpoint_" + v1.Cause.Name(cause).removeprefix("CAUSE_").lower()
        self.counters[key] = self.counters.get(key, 0) + 1
        return Violation(cause, text)

    def next_timer(self) -> float | None:
        """When the next armed setpoint dies, monotonic s."""
        return min((each.expires_s for each in self._streams.values() if each.armed), default=None)

    def handle_timer(self, now: float) -> list[tuple[str, str]]:
        """The (component, name) pairs that must stand still now; each is named once per stream."""
        over = [key for key, each in self._streams.items() if each.armed and each.expires_s <= now]
        for key in over:
            self._streams[key].armed = False
        return over

    def disarm_all(self, component: str = "") -> list[tuple[str, str]]:
        """A stop, the end of the link, or a goal on `component`: each armed stream, to be zeroed by the caller now."""
        armed = [key for key, each in self._streams.items() if each.armed and component in ("", key[0])]
        for key in armed:
            self._streams[key].armed = False
        return armed
