"""Sequenced frames of one serial session: numbered, acknowledged, sent again (go back N).

It does not know sessions or kinds: link.py makes a new window for each session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from robolink.core.frame import Frame
from robolink.errors import LocalProtocolError

MAX_QUEUED_FRAMES: Final = 64


class Window:
    """Both directions of one session.

    Attributes:
        expected: Sequence number of the next frame of the peer; every frame tells it as `ack`.
        resent: Frames sent again.
        out_of_sequence: Frames of the peer that were dropped, for it to send them again.
    """

    def __init__(self, *, size: int, resend_s: float) -> None:
        """Both sides begin at 0."""
        self.size, self.resend_s = size, resend_s
        self.expected = 0
        self.resent = self.out_of_sequence = 0
        self._next_seq = 0
        self._queue: deque[Frame] = deque()
        self._unacked: deque[Frame] = deque()
        self._resend_due_s = 0.0

    def __len__(self) -> int:
        """How many frames the peer has not acknowledged, sent or not."""
        return len(self._queue) + len(self._unacked)

    def send(self, frame: Frame) -> None:
        """Queue a frame.

        Raises:
            LocalProtocolError: MAX_QUEUED_FRAMES wait already.
        """
        if len(self) >= MAX_QUEUED_FRAMES:
            raise LocalProtocolError(
                f"{MAX_QUEUED_FRAMES} frames wait for the board", hint="send less at once"
            )
        self._queue.append(frame)

    def take_ack(self, ack: int, now: float) -> int:
        """The peer expects `ack` next; how many frames that acknowledges."""
        if not self._unacked:
            return 0
        done = (ack - self._unacked[0].seq) & 0xFF
        if not 0 < done <= len(self._unacked):
            return 0
        for _ in range(done):
            self._unacked.popleft()
        self._resend_due_s = now + self.resend_s
        return done

    def take_seq(self, seq: int) -> bool:
        """Whether the peer's sequenced frame is the one that is next."""
        if seq != self.expected:
            self.out_of_sequence += 1
            return False
        self.expected = (self.expected + 1) & 0xFF
        return True

    def next_timer(self) -> float | None:
        """When the oldest frame must be sent again."""
        return self._resend_due_s if self._unacked else None

    def frames(self, now: float) -> Iterator[Frame]:
        """What is due: the unacknowledged when their time is over, new ones while the window has room."""
        if self._unacked and now >= self._resend_due_s:
            self._resend_due_s = now + self.resend_s
            self.resent += len(self._unacked)
            yield from self._unacked
        while self._queue and len(self._unacked) < self.size:
            if not self._unacked:
                self._resend_due_s = now + self.resend_s
            waiting = self._queue.popleft()
            frame = Frame(kind=waiting.kind, seq=self._next_seq, body=waiting.body)
            self._next_seq = (self._next_seq + 1) & 0xFF
            self._unacked.append(frame)
            yield frame
