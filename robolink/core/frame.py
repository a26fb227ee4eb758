"""Frames of the serial profile: bytes between two 0x7E flags, stuffed, with a CRC-32 of one session.

It knows nothing of what a frame means (link.py does) and never raises for garbage: that is handed out as
Noise and counted.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.errors import FrameTooLongError, LocalProtocolError, RemoteProtocolError

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_FRAME_BYTES",
    "OVERHEAD_BYTES",
    "Frame",
    "FrameDecoder",
    "Noise",
    "is_sequenced",
]

FLAG: Final = 0x7E
ESCAPE: Final = 0x7D
ESCAPE_XOR: Final = 0x20
# 0x03 stays free for a Ctrl-C on a port shared with the REPL, 0x11 and 0x13 for XON and XOFF.
ESCAPED: Final = bytes((FLAG, ESCAPE, 0x03, 0x11, 0x13))
CONTROL: Final = bytes(range(0x20)) + bytes((FLAG, ESCAPE, 0x7F))

MAX_FRAME_BYTES: Final = 256
OVERHEAD_BYTES: Final = 9
MAX_BODY_BYTES: Final = MAX_FRAME_BYTES - OVERHEAD_BYTES
MIN_CONTENT_BYTES: Final = OVERHEAD_BYTES - 2
MAX_CONTENT_BYTES: Final = MAX_FRAME_BYTES - 2
# Every byte of the content escaped.
MAX_STUFFED_BYTES: Final = 2 * MAX_CONTENT_BYTES
# Kinds below are sequenced and acknowledged.
FIRST_BEST_EFFORT: Final = 32

HELLO: Final[int] = v1.SERIAL_FRAME_KIND_HELLO
# CRC-32 over bytes and their own CRC, whatever seed it began with.
RESIDUE: Final = 0x2144DF1C

_FLAG_BYTE: Final = bytes((FLAG,))
_PAIRS: Final = {bytes((byte,)): bytes((ESCAPE, byte ^ ESCAPE_XOR)) for byte in range(256)}
_PATTERNS: Final = {
    False: re.compile(b"[" + re.escape(ESCAPED) + b"]"),
    True: re.compile(b"[" + re.escape(CONTROL) + b"]"),
}
_ESCAPE_PAIR: Final = re.compile(b"\x7d(.?)", re.DOTALL)


def is_sequenced(kind: int) -> bool:
    """Whether frames of that kind are acknowledged and sent again."""
    return kind < FIRST_BEST_EFFORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame. `to_bytes` and `from_stuffed` know the session only as a CRC seed."""

    kind: int
    seq: int = 0
    ack: int = 0
    body: bytes = b""

    def to_bytes(self, seed: int) -> bytes:
        """Flags, stuffing and all. The seed of HELLO is always 0.

        Raises:
            FrameTooLongError: The body is over MAX_BODY_BYTES.
            LocalProtocolError: A header field does not fit its byte.
        """
        return wire_bytes(self.kind, self.seq, self.ack, self.body, seed)

    @classmethod
    def from_stuffed(cls, stuffed: bytes, seed: int) -> Frame:
        """Inverse of `to_bytes`, without the flags.

        Raises:
            RemoteProtocolError: Not a frame of this session.
        """
        if len(stuffed) > MAX_STUFFED_BYTES:
            raise FrameTooLongError(size=len(stuffed), limit=MAX_STUFFED_BYTES)
        content = _unstuffed(stuffed) if ESCAPE in stuffed else stuffed
        if len(content) < MIN_CONTENT_BYTES:
            raise RemoteProtocolError(f"{len(content)} bytes are no frame")
        if len(content) > MAX_CONTENT_BYTES:
            raise FrameTooLongError(size=len(content), limit=MAX_CONTENT_BYTES)
        kind = content[0]
        if zlib.crc32(content, 0 if kind == HELLO else seed) != RESIDUE:
            raise RemoteProtocolError("CRC does not match")
        return cls(kind=kind, seq=content[1], ack=content[2], body=content[3:-4])


def wire_bytes(kind: int, seq: int, ack: int, body: bytes, seed: int) -> bytes:
    """As `Frame.to_bytes`, without the frame."""
    if len(body) > MAX_BODY_BYTES:
        raise FrameTooLongError(size=len(body), limit=MAX_BODY_BYTES)
    try:
        content = bytes((kind, seq, ack)) + body
    except ValueError as exc:
        raise LocalProtocolError(f"kind {kind}, seq {seq}, ack {ack}: each is one byte") from exc
    hello = kind == HELLO
    content += zlib.crc32(content, 0 if hello else seed).to_bytes(4, "little")
    return _FLAG_BYTE + _PATTERNS[hello].sub(_escaped, content) + _FLAG_BYTE


def _escaped(found: re.Match[bytes]) -> bytes:
    return _PAIRS[found[0]]


def _unstuffed(stuffed: bytes) -> bytes:
    if _ends_in_escape(stuffed):
        raise RemoteProtocolError("the frame ends within an escape")
    return _ESCAPE_PAIR.sub(lambda found: bytes((found[1][0] ^ ESCAPE_XOR,)), stuffed)


def _ends_in_escape(stuffed: bytes) -> bool:
    """Whether the last byte starts an escape (and is not the second byte of one)."""
    run = len(stuffed) - len(stuffed.rstrip(bytes((ESCAPE,))))
    return run % 2 == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Bytes that were no frame: line noise, a frame of another session, or text that somebody printed."""

    data: bytes


@dataclass(slots=True)
class FrameDecoder:
    """Bytes in, frames and noise out; the same whether fed whole or byte by byte.

    Attributes:
        seed: CRC seed of the session in force.
        counters: `frames`, `bad_frames` and `noise_bytes` so far.
    """

    seed: int = 0
    counters: dict[str, int] = field(default_factory=lambda: {"frames": 0, "bad_frames": 0, "noise_bytes": 0})
    _pending: bytearray = field(default_factory=bytearray)
    # The pending bytes continue a chunk that is too long for a frame, up to the next flag.
    _skipping: bool = False

    def receive(self, data: bytes) -> list[Frame | Noise]:
        """Take what came; what it completes, in order.

        The seed changes only between two calls; who must react to a HELLO at once uses `receive_one`.
        """
        found: list[Frame | Noise] = []
        while data:
            item, data = self.receive_one(data)
            if item is not None:
                found.append(item)
        return found

    def receive_one(self, data: bytes) -> tuple[Frame | Noise | None, bytes]:
        """Take bytes up to the first thing they complete: that thing, and the bytes not yet taken."""
        if not self._pending and not self._skipping:
            data = data.lstrip(_FLAG_BYTE)  # nothing is between two flags
        end = data.find(FLAG)
        room = MAX_STUFFED_BYTES - len(self._pending)
        if (end < 0 and len(data) > room) or end > room:
            # No frame is as long: give it out piece by piece, so that memory stays bounded.
            self._pending += data[:room]
            noise = self._noise(skipping=True)
            return noise, data[room:]
        if end < 0:
            self._pending += data
            return None, b""
        self._pending += data[:end]
        return self._complete(), data[end + 1 :]

    def _complete(self) -> Frame | Noise | None:
        if not self._pending:
            self._skipping = False
            return None
        if self._skipping:
            self.counters["bad_frames"] += 1
            return self._noise()
        try:
            frame = Frame.from_stuffed(bytes(self._pending), self.seed)
        except RemoteProtocolError:
            self.counters["bad_frames"] += 1
            return self._noise()
        self._pending.clear()
        self.counters["frames"] += 1
        return frame

    def _noise(self, *, skipping: bool = False) -> Noise:
        noise = Noise(data=bytes(self._pending))
        self.counters["noise_bytes"] += len(noise.data)
        self._pending.clear()
        self._skipping = skipping
        return noise

    @property
    def pending(self) -> bytes:
        """Bytes since the last flag: part of a frame, or text that nobody has ended yet."""
        return bytes(self._pending)

    def flush(self) -> Noise | None:
        """The line is idle: what is pending is no frame."""
        return self._noise() if self._pending else None
