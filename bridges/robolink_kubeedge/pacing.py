"""Which report may go to edgecore's socket now: the queue's most urgent one for which the limiter has a token to spare.

Sans-IO; `now` is monotonic seconds.
"""

from __future__ import annotations

from robolink_kubeedge.limiter import Limiter
from robolink_kubeedge.reports import RESERVE, Priority, Report, ReportQueue


def due(queue: ReportQueue, limiter: Limiter, now: float) -> Report | None:
    """Take it from the queue; None if nothing may go."""
    allowed = [each for each in Priority if limiter.ready_at(now, RESERVE[each]) <= now]
    return queue.next(now, allowed[-1]) if allowed else None
