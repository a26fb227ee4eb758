"""Sequenced frames of one serial session: numbered, acknowledged, sent again (go back N), long ones in fragments.

It does not know sessions or kinds: link.py makes a new window for each session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from robolink.core._link_fragment import MAX_MESSAGE_BYTES, U32, fragment
from robolink.core.frame import MAX_BODY_BYTES, Frame
from robolink.errors import FrameTooLongError, LocalProtocolError

MAX_QUEUED_FRAMES: Final = 64


class Window:
    """Both directions of one session.

    Attributes:
        expected: Sequence number of the next frame of the peer; every frame tells it as `ack`.
        acknowledged: How many messages the peer has got, of those that `send` counts.
        resent: Frames sent again.
        out_of_sequence: Frames of the peer that were dropped, for it to send them again.

    Args:
        size: Frames that may be unacknowledged.
        resend_s: After so long they are sent again.
        largest: Longest body that the peer takes in fragments.
        credit: Bytes of such bodies that it takes at first.
    """

    def __init__(self, *, size: int, resend_s: float, largest: int = 0, credit: int = 0) -> None:
        """Both sides begin at 0."""
        self.size, self.resend_s = size, resend_s
        self.expected = self.acknowledged = 0
        self.resent = self.out_of_sequence = 0
        self._largest = min(largest, MAX_MESSAGE_BYTES)
        self._credit, self._spent = credit, 0
        self._next_seq = 0
        self._sent = 0
        self._ahead: Frame | None = None
        self._queue: deque[Frame] = deque()
        self._unacked: deque[tuple[Frame, bool]] = deque()
        # How far the first of the queue has gone out in fragments.
        self._cut = 0
        self._resend_due_s = 0.0

    def __len__(self) -> int:
        """How many messages the peer has not acknowledged, sent or not."""
        return self._sent - self.acknowledged

    def send(self, frame: Frame) -> int:
        """Queue a message; the number that `acknowledged` reaches once the peer has it.

        Raises:
            LocalProtocolError: MAX_QUEUED_FRAMES wait already.
            FrameTooLongError: It is longer than a frame, and than the peer takes in fragments.
        """
        limit = max(MAX_BODY_BYTES, self._largest)
        if len(frame.body) > limit:
            raise FrameTooLongError(size=len(frame.body), limit=limit)
        if len(self) >= MAX_QUEUED_FRAMES:
            raise LocalProtocolError(
                f"{MAX_QUEUED_FRAMES} frames wait for the board", hint="send less at once"
            )
        self._queue.append(frame)
        self._sent += 1
        return self._sent

    def send_ahead(self, frame: Frame) -> None:
        """A CREDIT: it passes what waits, and one that has not left yet is replaced."""
        self._ahead = frame

    def take_credit(self, total: int) -> None:
        """The peer takes that many bytes of fragmented bodies in all."""
        if (total - self._credit) & U32 <= U32 >> 1:
            self._credit = total

    def take_ack(self, ack: int, now: float) -> int:
        """The peer expects `ack` next; how many frames that acknowledges."""
        if not self._unacked:
            return 0
        done = (ack - self._unacked[0][0].seq) & 0xFF
        if not 0 < done <= len(self._unacked):
            return 0
        for _ in range(done):
            _, ends_message = self._unacked.popleft()
            self.acknowledged += ends_message
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
            yield from [frame for frame, _ in self._unacked]
        while len(self._unacked) < self.size and (taken := self._next_frame()) is not None:
            if not self._unacked:
                self._resend_due_s = now + self.resend_s
            waiting, ends_message = taken
            frame = Frame(kind=waiting.kind, seq=self._next_seq, body=waiting.body)
            self._next_seq = (self._next_seq + 1) & 0xFF
            self._unacked.append((frame, ends_message))
            yield frame

    def _next_frame(self) -> tuple[Frame, bool] | None:
        """What leaves next, and whether a message ends with it."""
        if self._ahead is not None:
            frame, self._ahead = self._ahead, None
            return frame, False
        if not self._queue:
            return None
        first = self._queue[0]
        size = len(first.body)
        if size <= MAX_BODY_BYTES:
            return self._queue.popleft(), True
        if not self._cut:
            if size > (self._credit - self._spent) & U32:
                return None  # a body begins only when all of it may go
            self._spent = (self._spent + size) & U32
        part = fragment(first, self._cut)
        self._cut += len(part.body) - 3
        if self._cut < size:
            return part, False
        self._queue.popleft()
        self._cut = 0
        return part, True
