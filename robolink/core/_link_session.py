"""What lives as long as one session of a serial link: queues, fence, setpoints, in the order in which they leave.

It does not know how a session begins or ends: link.py makes a new one for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core._link_fragment import Assembler
from robolink.core._link_table import KIND_OF, LinkTimes
from robolink.core._link_time import SiteTime
from robolink.core._link_window import MAX_QUEUED_FRAMES, Window
from robolink.core.frame import Frame, is_sequenced
from robolink.errors import LocalProtocolError, RemoteProtocolError

NEVER: Final = float("inf")
MAX_REPLIES: Final = 8
MAX_TTL_MS: Final = 0xFFFFFFFF


def frame_of(message: Message) -> Frame:
    """A message as the frame that carries it.

    Raises:
        LocalProtocolError: It is none of the profile.
    """
    kind = KIND_OF.get(type(message))
    if kind is None:
        raise LocalProtocolError(f"{type(message).__name__} is no message of the serial profile")
    return Frame(kind=kind, body=message.SerializeToString(deterministic=True))


class Session:
    """One session.

    Attributes:
        window: Sequence and acknowledgement.
        assembler: Of long bodies.
        ack_due: The peer has not been told of its last sequenced frame.
        sent_s: When a frame left last.

    Args:
        times: Limits.
        count: Of what is dropped.
        peer: Its HELLO; None: there is no session, and this one never sends.
    """

    def __init__(
        self, *, now: float, times: LinkTimes, count: Callable[[str, int], None], peer: v1.SerialHello | None
    ) -> None:
        self.window = Window(
            size=times.window,
            resend_s=times.resend_s,
            largest=peer.largest_message if peer else 0,
            credit=peer.fragment_credit if peer else 0,
        )
        self.assembler = Assembler(largest=times.largest_message, credit=times.fragment_credit)
        self.ack_due = False
        self.sent_s = now
        self._count = count
        self._replies = deque[Callable[[float], Message]]()
        self._best_effort = deque[Frame]()
        self._setpoints: dict[int, tuple[v1.SerialSetpoint, float]] = {}
        self._fence: tuple[tuple[int, int], int] | None = None
        self._fence_number = 0

    def add_counters(self, counters: dict[str, int]) -> None:
        """Add what its window has counted."""
        for name in ("resent", "out_of_sequence"):
            if amount := getattr(self.window, name):
                counters[name] = counters.get(name, 0) + amount

    # What the owner says.

    def send(self, message: Message) -> int:
        """Queue a message; the number of a sequenced one in its window, else 0.

        Raises:
            LocalProtocolError: No message of the profile, or too many wait.
            FrameTooLongError: It does not fit a frame, and the peer takes no fragments as long.
        """
        return self.send_frame(frame_of(message))

    def send_frame(self, frame: Frame) -> int:
        """As `send`."""
        if is_sequenced(frame.kind):
            return self.window.send(frame)
        frame.to_bytes(0)  # a body that is too long is refused here, at its sender
        if len(self._best_effort) >= MAX_QUEUED_FRAMES:
            self._best_effort.popleft()
            self._count("best_effort_dropped", 1)
        self._best_effort.append(frame)
        return 0

    def set_fence(self, lease: tuple[int, int], generation: int) -> None:
        """Queue a FENCE, unless it is the one that stands."""
        if self._fence == (lease, generation):
            return
        epoch, sequence = lease
        fence = v1.SerialFence(lease_epoch=epoch, lease_sequence=sequence, stop_generation=generation)
        self._fence_number = self.send(fence)
        self._fence = (lease, generation)

    def send_setpoint(self, message: v1.SerialSetpoint, expires_s: float) -> None:
        """Newest wins.

        Raises:
            FrameTooLongError: Too many values.
        """
        message.ttl_ms = MAX_TTL_MS  # as long as it may get
        frame_of(message).to_bytes(0)
        self._setpoints[message.member] = (message, expires_s)

    def drop_setpoints(self) -> None:
        """A stop goes out."""
        self._setpoints.clear()

    # From the peer.

    def take_fragment(self, body: bytes) -> Frame | None:
        """The whole frame, once this was its last part. What does not fit is counted."""
        try:
            return self.assembler.take(body)
        except RemoteProtocolError:
            self._count("bad_fragments", 1)
            return None

    def answer_time(self, query: v1.SerialTimeQuery, site: SiteTime, now: float) -> None:
        """Site time, as it is when this leaves."""
        self._reply(
            lambda then: v1.SerialTime(
                sent=query.sent,
                received_ns=max(site.at(now), 0),
                sent_ns=max(site.at(then), 0),
                error_us=site.error_us,
                clock_id=site.clock_id,
            )
        )

    def answer_probe(self, report: v1.SerialLinkReport) -> None:
        """The state of this end."""
        self._reply(lambda _: report)

    def _reply(self, make: Callable[[float], Message]) -> None:
        if len(self._replies) >= MAX_REPLIES:
            self._replies.popleft()
            self._count("replies_dropped", 1)
        self._replies.append(make)

    # Bytes out.

    def next_timer(self) -> float:
        """When something of it is due."""
        if self.assembler.credit_due:
            return -NEVER
        return NEVER if (resend_s := self.window.next_timer()) is None else resend_s

    def frames(self, now: float) -> Iterator[Frame]:
        """What is due, in the order in which it leaves; a stop goes before, bulk behind."""
        while self._replies:
            yield frame_of(self._replies.popleft()(now))
        if self.assembler.credit_due:
            self.window.send_ahead(frame_of(self.assembler.credit()))
        yield from self.window.frames(now)
        if self._fence is not None and self.window.acknowledged >= self._fence_number:
            yield from self._setpoint_frames(now)
        while self._best_effort:
            yield self._best_effort.popleft()

    def _setpoint_frames(self, now: float) -> Iterator[Frame]:
        for message, expires_s in self._setpoints.values():
            message.ttl_ms = max(int((expires_s - now) * 1e3), 0)
            if message.ttl_ms == 0 and any(message.values):
                self._count("setpoints_too_late", 1)
                continue
            yield frame_of(message)
        self._setpoints.clear()
