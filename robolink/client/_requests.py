"""What a client session waits for: requests with one answer, and commands with many updates and one outcome.

Plain state; the session moves it and the faces wait on the futures.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from robolink import v1
from robolink.channels import Channel, settle
from robolink.core.command import TERMINAL
from robolink.transports.lanes import Lane

FEEDBACK_KEPT: Final = 64


@dataclass(slots=True, kw_only=True)
class Request:
    """One message and the answer it waits for. Times are monotonic s."""

    lane: Lane
    frames: list[bytes]
    future: Future[Any]
    robot: str
    timeout_s: float
    deadline_s: float
    # Sent again then: the message could not leave, or the connection was made anew.
    again_s: float | None = None
    # The hub did not know us when it came.
    refused: bool = False


@dataclass(slots=True, kw_only=True)
class OpenCommand:
    """One command from sending to its outcome.

    Attributes:
        frames: Never changed between sends.
        accepted: Resolves with the first update (any state); None where nobody waits for it.
        terminal: Resolves with the terminal update; never raises for the outcome.
    """

    id: bytes
    robot: str
    method: str
    frames: list[bytes]
    accepted: Future[v1.CommandUpdate] | None = None
    terminal: Future[v1.CommandUpdate] = field(default_factory=Future)
    # Made when somebody listens, or something comes: a call has neither.
    channel: Channel[v1.CommandFeedback] | None = None
    last: v1.CommandUpdate | None = None
    again_s: float = 0.0
    wait_s: float = 0.0

    @property
    def feedback(self) -> Channel[v1.CommandFeedback]:
        """What is measured on the way; closed with the command."""
        if self.channel is None:
            channel: Channel[v1.CommandFeedback] = Channel(FEEDBACK_KEPT)
            self.channel = channel
            if self.done:
                channel.close()
        return self.channel

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.terminal.done()

    def take(self, update: v1.CommandUpdate) -> bool:
        """One update; True if it was the outcome. Updates after the outcome change nothing."""
        if self.done:
            return False
        self.last = update
        if self.accepted is not None and not self.accepted.done():
            settle(self.accepted, update)
        if update.state in TERMINAL:
            settle(self.terminal, update)
            if self.channel is not None:
                self.channel.close()
            return True
        return False

    def fail(self, error: Exception) -> None:
        """The session is closed: nobody will hear of the outcome here."""
        for future in (self.accepted, self.terminal):
            if future is not None and not future.done():
                settle(future, error=error)
        self.feedback.close(error)


@dataclass(slots=True, kw_only=True)
class HeldLease:
    """One lease that this session holds or wants back."""

    robot: str
    component: str
    token: v1.LeaseToken | None = None
    renew_s: float = 0.0
    lost: str = ""
    users: int = 1
    # Somebody asks for it; answered by giving it back or declining.
    wanted: v1.LeaseWanted | None = None
    wanted_until: float = 0.0

    def covers(self, component: str) -> bool:
        """Whether it lets this session move that component."""
        return self.token is not None and self.component in ("", component)
