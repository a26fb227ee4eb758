"""One lane's hello and beats at the client. No message is read here."""

from __future__ import annotations

from robolink import v1
from robolink.core.clock import ClockSync


class LaneState:
    """One lane's hello and beats."""

    def __init__(self) -> None:
        """Silent."""
        self.connected = False
        self.hub_session = 0
        # Since when a beat waits for an answer.
        self.unanswered_s: float | None = None
        self.hello_s = 0.0
        self.said_s = float("-inf")
        self.beat_s = 0.0
        self.asked: dict[bytes, float] = {}

    def silent(self, timeouts: v1.Timeouts, now: float) -> bool:
        """Whether the hub is lost: by a beat without an answer, not by the time alone.

        A process that was held up has not asked either.
        """
        lost_s = (timeouts.peer_lost_ms - timeouts.beat_ms) / 1000
        return self.unanswered_s is not None and now - self.unanswered_s > lost_s


def add_sample(clock: ClockSync, header: v1.Header, asked_s: float, now: float) -> None:
    """A reply to what was asked then is a sample of the offset to site time."""
    clock.add(
        sent_ns=int(asked_s * 1e9),
        received_ns=header.received_ns,
        replied_ns=header.sent_ns,
        got_ns=int(now * 1e9),
    )
