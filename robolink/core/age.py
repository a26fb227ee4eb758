"""When something was sent, and how long it holds: the one place that says what is too old, from the future, or another hub's.

It has no clock: `now_ns` is the caller's site time. What an accepted setpoint does after that is deadman.py's.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.violation import Violation

MS_NS: Final = 1_000_000
# No longer than the hub remembers what has ended (10 minutes by default), so that no id runs twice.
MAX_TTL_MS: Final = 600_000
# A setpoint that lives longer than the deadman's last step is none.
MAX_SETPOINT_TTL_MS: Final = 10_000
# A stamp from further ahead is no site time: two clocks may differ by what the measurement of the offset leaves open.
MAX_AHEAD_NS: Final = 1_000_000_000


def check_sent(
    what: str, *, sent_ns: int, ttl_ms: int, now_ns: int, started_ns: int, limit_ms: int = MAX_TTL_MS
) -> int:
    """What a hub asks of a stamp and its ttl, in the standard's order; until when it holds, site time, ns.

    Args:
        what: Its destination, for people.
        started_ns: When this hub began.

    Raises:
        Violation: LIMIT (no ttl is that long), NO_TIMESYNC (the stamp is no site time), TOO_LATE (it is over, or it was sent to a
            former hub, and what that one made of it is not known here).
    """
    if ttl_ms > limit_ms:
        raise Violation(v1.CAUSE_LIMIT, f"{what}: a ttl of {ttl_ms} ms is over the limit of {limit_ms} ms")
    if not sent_ns:
        raise Violation(v1.CAUSE_NO_TIMESYNC, f"{what}: sent without site time; measure the offset first")
    if sent_ns > now_ns + MAX_AHEAD_NS:
        ahead_s = (sent_ns - now_ns) / 1e9
        text = f"{what}: sent {ahead_s:.1f} s in the future: the sender's clock is not synced"
        raise Violation(v1.CAUSE_NO_TIMESYNC, text)
    ends_ns = check_ttl(what, sent_ns=sent_ns, ttl_ms=ttl_ms, now_ns=now_ns)
    if sent_ns < started_ns:
        text = f"{what}: sent before this hub was started, and not kept; order anew"
        raise Violation(v1.CAUSE_TOO_LATE, text)
    return ends_ns


def check_ttl(what: str, *, sent_ns: int, ttl_ms: int, now_ns: int) -> int:
    """Until when it holds, site time, ns.

    Raises:
        Violation: TOO_LATE.
    """
    ends_ns = sent_ns + ttl_ms * MS_NS
    if ends_ns < now_ns:
        late_ms = (now_ns - ends_ns) / MS_NS
        raise Violation(v1.CAUSE_TOO_LATE, f"{what}: {late_ms:.0f} ms over its ttl of {ttl_ms} ms")
    return ends_ns


def setpoint_ttl_ms(asked_ms: int, sheet_ms: int, default_ms: int) -> int:
    """A sender may shorten what the sheet says, never stretch it; 0: not said."""
    return min(asked_ms or default_ms, sheet_ms or default_ms)
