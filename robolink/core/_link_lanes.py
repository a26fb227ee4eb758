"""What a serial link says by itself while it is up, besides beats: probes, site time, and the bulk lane behind all else.

It knows no sequence and no stop; link.py says when its frames leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core._link_bulk import BulkReceiver, BulkSender
from robolink.core._link_quality import Prober
from robolink.core._link_session import Session, frame_of
from robolink.core._link_table import BulkChunk, BulkProgress, LinkEvent, LinkTimes
from robolink.core._link_time import BoardClock, SiteTime, ticks_of
from robolink.core.frame import Frame

NEVER: Final = float("inf")
# Handled here or in the session, never handed to the owner.
OWN: Final = (
    v1.SerialBulkCredit,
    v1.SerialLinkReport,
    v1.SerialProbe,
    v1.SerialTime,
    v1.SerialTimeQuery,
)


class Lanes:
    """One end's.

    Attributes:
        site: What a host knows of site time; None: nothing, and it does not answer. Its owner keeps it true.
        free_memory_bytes: A board's, for its LINK_REPORT; None: not known.
        prober: The host's measure of the line.
        clock: What the board knows of site time.
        sending: The host's transfer.
        receiving: The board's.

    Args:
        host: Which end this is.
        times: How often.
        count: Of what is dropped.
        counted: What the link has counted, for a board's LINK_REPORT.
        now: Of the board's boot.
    """

    def __init__(
        self,
        *,
        host: bool,
        times: LinkTimes,
        count: Callable[[str], None],
        counted: Callable[[], dict[str, int]],
        now: float,
    ) -> None:
        self.prober, self.clock = Prober(), BoardClock()
        self.site: SiteTime | None = None
        self.sending: BulkSender | None = None
        self.receiving: BulkReceiver | None = None
        self.free_memory_bytes: int | None = None
        self._host, self._times, self._count, self._counted = host, times, count, counted
        self._born_s = now
        self._ask_due_s = NEVER

    def up(self, now: float, *, same_peer: bool) -> None:
        """A session begins."""
        self._ask_due_s = now
        if not same_peer:
            self.clock.forget()
        if self.sending is not None:
            self.sending.new_session()
        if self.receiving is not None:
            self.receiving.new_session(now)

    def down(self) -> None:
        """It is over."""
        self.prober.session_over()

    # What the owner says.

    def send_bulk(self, transfer: int, image: bytes) -> None:
        """Send an image as the board gives credit for that transfer, also over sessions; BulkProgress tells how far.

        Raises:
            LocalProtocolError: It is longer than an offset can say.
        """
        in_flight, resend_s = self._times.bulk_in_flight, self._times.bulk_resend_s
        self.sending = BulkSender(transfer=transfer, image=image, in_flight=in_flight, resend_s=resend_s)

    def open_bulk(self, *, transfer: int, size: int, credit: int, now: float, next_offset: int = 0) -> None:
        """A board takes an image from `next_offset` on, `credit` bytes ahead of what its owner has taken."""
        self.receiving = BulkReceiver(
            transfer=transfer,
            size=size,
            next_offset=next_offset,
            credit=credit,
            repeat_s=self._times.bulk_resend_s,
            now=now,
        )

    def end_bulk(self) -> None:
        """Send no more of an image, take no more."""
        self.sending = self.receiving = None

    def site_stamp(self, now: float) -> tuple[int, int] | None:
        """A board's site time, ns, and the bound of its error, us; None: not synced."""
        ticks = ticks_of(now)
        site_ns, error_us = self.clock.site_ns(ticks), self.clock.error_us(ticks)
        return None if site_ns is None or error_us is None else (site_ns, error_us)

    def _report(self, number: int, now: float) -> v1.SerialLinkReport:
        counted, stamp = self._counted(), self.site_stamp(now)
        return v1.SerialLinkReport(
            number=number,
            frames=counted["frames"],
            bad_frames=counted["bad_frames"],
            out_of_sequence=counted.get("out_of_sequence", 0),
            resent=counted.get("resent", 0),
            dropped=counted.get("best_effort_dropped", 0) + counted.get("replies_dropped", 0),
            free_memory_bytes=self.free_memory_bytes,
            uptime_ms=ticks_of(now - self._born_s),
            time_error_us=None if stamp is None else stamp[1],
        )

    # From the peer.

    def take(self, message: Any, session: Session, now: float) -> LinkEvent | None:
        """One of the messages in OWN; what the owner should hear of it."""
        if self._host and isinstance(message, v1.SerialBulkCredit):
            sending = self.sending
            if sending is not None and sending.take(message, now):
                return BulkProgress(
                    transfer=sending.transfer, next_offset=sending.next_offset, size=len(sending.image)
                )
        elif self._host and isinstance(message, v1.SerialLinkReport):
            self.prober.take(message, now)
        elif self._host and isinstance(message, v1.SerialTimeQuery):
            if self.site is not None:
                session.answer_time(message, self.site, now)
        elif not self._host and isinstance(message, v1.SerialProbe):
            session.answer_probe(self._report(message.number, now))
        elif not self._host and isinstance(message, v1.SerialTime):
            self.clock.take(message, ticks_of(now))
        else:
            self._count("not_for_this_side")
        return None

    def take_bulk(self, body: bytes, now: float) -> tuple[BulkChunk, Callable[[], None]] | None:
        """One BULK_DATA; what is next of the image, and what to call once it is stored."""
        receiver = self.receiving
        part = receiver.take(body, now) if receiver is not None else None
        if receiver is None or part is None:
            self._count("bulk_out_of_place")
            return None
        offset = receiver.next_offset - len(part)
        chunk = BulkChunk(transfer=receiver.transfer, offset=offset, data=part)
        return chunk, lambda: receiver.stored(len(part))

    # Time and bytes out.

    def next_timer(self) -> float:
        """When something is due."""
        bulk = self.sending.next_timer() if self.sending is not None else NEVER
        word = self.receiving.next_timer() if self.receiving is not None else NEVER
        return min(self._ask_due_s, bulk, word)

    def questions(self, now: float) -> Iterator[Frame]:
        """A host's probe, a board's question for the time."""
        if now < self._ask_due_s:
            return
        message: Message
        if self._host:
            self._ask_due_s = now + self._times.probe_s
            message = self.prober.probe(now)
        else:
            self._ask_due_s = now + self._times.time_query_s
            message = v1.SerialTimeQuery(sent=ticks_of(now))
        yield frame_of(message)

    def bulk(self, now: float) -> Iterator[Frame]:
        """What leaves behind everything else."""
        if self.receiving is not None and (word := self.receiving.credit(now)) is not None:
            yield frame_of(word)
        if self.sending is not None:
            yield from self.sending.frames(now)
