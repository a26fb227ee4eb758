"""The bulk lane of a serial link: an image in best effort frames by offset, under the board's credit.

It does not know what an image means, and what leaves before it is link.py's to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from robolink import v1
from robolink.core.frame import MAX_BODY_BYTES, Frame
from robolink.errors import LocalProtocolError

HEAD_BYTES: Final = 3
MAX_PART_BYTES: Final = MAX_BODY_BYTES - HEAD_BYTES
MAX_IMAGE_BYTES: Final = 0xFFFFFF
NEVER: Final = float("inf")


class BulkSender:
    """The host's side of one transfer.

    Attributes:
        next_offset: Everything before it has arrived.

    Args:
        transfer: Its number.
        image: All of it.
        in_flight: Bytes at most on the way.
        resend_s: Without news for so long it begins again at `next_offset`.

    Raises:
        LocalProtocolError: The image is over MAX_IMAGE_BYTES.
    """

    def __init__(self, *, transfer: int, image: bytes, in_flight: int, resend_s: float) -> None:
        """Sends nothing before the board's credit."""
        if len(image) > MAX_IMAGE_BYTES:
            raise LocalProtocolError(f"an image of {len(image)} bytes, the limit is {MAX_IMAGE_BYTES}")
        self.transfer, self.image = transfer, image
        self.next_offset = self.resent = 0
        self._in_flight, self._resend_s = in_flight, resend_s
        self.new_session()

    def new_session(self) -> None:
        """Credit is of one session."""
        self._limit = self._sent = 0
        self._may_send = False
        self._news_s = NEVER

    def take(self, credit: v1.SerialBulkCredit, now: float) -> bool:
        """The board's word; whether it has more than we knew."""
        if credit.transfer != self.transfer or credit.next_offset > len(self.image):
            return False
        if self._may_send and credit.next_offset < self.next_offset:
            return False  # an older word
        limit = min(credit.next_offset + credit.credit, len(self.image))
        if self._may_send and (credit.next_offset, limit) == (self.next_offset, self._limit):
            self._rewind()  # the same word again: something behind it got lost
        news = credit.next_offset != self.next_offset
        self.next_offset, self._limit = credit.next_offset, limit
        self._sent = max(self._sent, self.next_offset)
        self._may_send, self._news_s = True, now
        return news

    def _rewind(self) -> None:
        self.resent += self._sent - self.next_offset
        self._sent = self.next_offset

    def next_timer(self) -> float:
        """When what is on the way counts as lost."""
        return self._news_s + self._resend_s if self._sent > self.next_offset else NEVER

    def frames(self, now: float) -> Iterator[Frame]:
        """What may leave now."""
        if not self._may_send:
            return
        if now >= self.next_timer():
            self._rewind()
            self._news_s = now
        until = min(self._limit, self.next_offset + self._in_flight)
        while self._sent < until:
            wanted = min(MAX_PART_BYTES, len(self.image) - self._sent)
            room = until - self._sent
            if room < wanted and self._sent > self.next_offset:
                return  # no crumbs while more credit is on its way
            if self._sent == self.next_offset:
                self._news_s = now
            part = self.image[self._sent : self._sent + min(wanted, room)]
            yield Frame(
                kind=v1.SERIAL_FRAME_KIND_BULK_DATA, body=self._sent.to_bytes(HEAD_BYTES, "little") + part
            )
            self._sent += len(part)


class BulkReceiver:
    """The board's side of one transfer.

    Attributes:
        next_offset: What it expects next.

    Args:
        transfer: Its number.
        size: Of the image.
        next_offset: Not 0 where an unfinished one goes on.
        credit: Bytes that it takes before its owner has stored them.
        repeat_s: Without news for so long it says its word again.
    """

    def __init__(
        self, *, transfer: int, size: int, next_offset: int, credit: int, repeat_s: float, now: float
    ) -> None:
        """Its first word is due at once."""
        self.transfer, self.size, self.next_offset = transfer, size, next_offset
        self._room, self._repeat_s = credit, repeat_s
        self._stored = self._told = next_offset
        self._out_of_place_told = False
        self._due_s = now

    def new_session(self, now: float) -> None:
        """The host needs a word of this session."""
        self._due_s = now

    def take(self, body: bytes, now: float) -> bytes | None:
        """One frame's body: the bytes of the image if they are next, else None."""
        offset, part = int.from_bytes(body[:HEAD_BYTES], "little"), body[HEAD_BYTES:]
        if offset != self.next_offset or not part or offset + len(part) > min(self._told, self.size):
            if not self._out_of_place_told:
                # Once until data comes in place: each word may bring a whole flight again.
                self._out_of_place_told, self._due_s = True, now
            return None
        self.next_offset += len(part)
        self._out_of_place_told = False
        self._due_s = now + self._repeat_s
        self._judge()
        return part

    def stored(self, size: int) -> None:
        """The owner has taken that many bytes."""
        self._stored += size
        self._judge()

    def _judge(self) -> None:
        half_used = self._told - self.next_offset <= self._room // 2 and self._limit > self._told
        if half_used or (self.next_offset == self.size and self._stored == self.size):
            self._due_s = -NEVER

    @property
    def _limit(self) -> int:
        return min(self._stored + self._room, self.size)

    def next_timer(self) -> float:
        """When its word is due."""
        return self._due_s

    def credit(self, now: float) -> v1.SerialBulkCredit | None:
        """Its word, if it is due."""
        if now < self._due_s:
            return None
        self._due_s = now + self._repeat_s
        self._told = self._limit
        return v1.SerialBulkCredit(
            transfer=self.transfer, next_offset=self.next_offset, credit=self._told - self.next_offset
        )
