"""Bodies that are too long for a frame: cut into fragments, and put together again within a credit.

A fragment is `kind left part`: one byte, two bytes little endian, the rest. It knows neither sequence nor sessions.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.frame import MAX_BODY_BYTES, Frame, is_sequenced
from robolink.errors import RemoteProtocolError

HEAD_BYTES: Final = 3
MAX_PART_BYTES: Final = MAX_BODY_BYTES - HEAD_BYTES
# Two bytes say how much is left behind the first part.
MAX_MESSAGE_BYTES: Final = 0xFFFF
U32: Final = 0xFFFFFFFF
NEVER_FRAGMENTED: Final = (v1.SERIAL_FRAME_KIND_FRAGMENT, v1.SERIAL_FRAME_KIND_CREDIT)


def fragment(frame: Frame, at: int) -> Frame:
    """The part of a long frame's body that begins at `at`."""
    part = frame.body[at : at + MAX_PART_BYTES]
    left = len(frame.body) - at - len(part)
    body = bytes((frame.kind,)) + left.to_bytes(2, "little") + part
    return Frame(kind=v1.SERIAL_FRAME_KIND_FRAGMENT, body=body)


class Assembler:
    """Puts fragments of one session together.

    Args:
        largest: Longest body, bytes; 0: takes none.
        credit: What the peer may send before `released` gives it more, bytes; at least `largest`.
    """

    def __init__(self, *, largest: int, credit: int) -> None:
        """As the HELLO says."""
        self._largest = largest
        # Sums of this session: what the peer may send, what it has been told, what it has begun.
        self._granted = self._told = credit
        self._begun = 0
        self._kind = self._left = 0
        self._parts = bytearray()

    def take(self, body: bytes) -> Frame | None:
        """One fragment; the whole frame once this was its last.

        Raises:
            RemoteProtocolError: It does not fit what came before, or what we said that we take.
        """
        if len(body) <= HEAD_BYTES:
            raise self._refused(f"a fragment of {len(body)} bytes has no part")
        kind, left, part = body[0], int.from_bytes(body[1:3], "little"), body[3:]
        if not self._parts:
            self._begin(kind, left + len(part))
        elif kind != self._kind or left != self._left - len(part):
            raise self._refused(f"a fragment of kind {kind}, {left} bytes left, does not go on the open one")
        self._kind, self._left = kind, left
        self._parts += part
        if left:
            return None
        whole = Frame(kind=kind, body=bytes(self._parts))
        self._parts.clear()
        return whole

    def _begin(self, kind: int, size: int) -> None:
        if not is_sequenced(kind) or kind in NEVER_FRAGMENTED:
            raise self._refused(f"kind {kind} never comes in fragments")
        if size > self._largest:
            raise self._refused(f"{size} bytes, over the {self._largest} that we take")
        if size > (self._told - self._begun) & U32:
            raise self._refused(f"{size} bytes without the credit for it")
        self._begun = (self._begun + size) & U32

    def _refused(self, text: str) -> RemoteProtocolError:
        self._parts.clear()
        return RemoteProtocolError(text)

    def released(self, size: int) -> None:
        """The owner has taken a whole body of that many bytes."""
        self._granted = (self._granted + size) & U32

    @property
    def credit_due(self) -> bool:
        """Whether the peer may need to hear of more: what it has left does not cover the longest body."""
        left = (self._told - self._begun) & U32
        return self._granted != self._told and left < self._largest

    def credit(self) -> v1.SerialCredit:
        """What to tell the peer; from now on it may send as much."""
        self._told = self._granted
        return v1.SerialCredit(fragment_bytes=self._granted)
