"""Serial frames on the board: the same rules as robolink/core/frame.py, checked by the same golden vectors.

It never raises for what came from the line: that is counted, and dropped.
"""

from binascii import crc32

FLAG = 0x7E
ESCAPE = 0x7D
# 0x03 stays free for a Ctrl-C on a port shared with the REPL, 0x11 and 0x13 for XON and XOFF.
ESCAPED = b"\x7d\x7e\x03\x11\x13"
HELLO = 32
MAX_BODY = 247
MAX_CONTENT = 254
# What each becomes; the escape itself first, since the others bring it in.
PAIRS = tuple((bytes((each,)), bytes((ESCAPE, each ^ 0x20))) for each in ESCAPED)
# CRC-32 over bytes and their own CRC, whatever seed it began with.
RESIDUE = 0x2144DF1C


def encode(kind, seq, ack, body, seed):
    if len(body) > MAX_BODY:
        raise ValueError("frame body of %d bytes, the limit is %d" % (len(body), MAX_BODY))
    content = bytes((kind, seq, ack)) + body
    crc = crc32(content, 0 if kind == HELLO else seed)
    content += bytes((crc & 0xFF, crc >> 8 & 0xFF, crc >> 16 & 0xFF, crc >> 24 & 0xFF))
    if kind == HELLO:
        content = _typeable(content)
    else:
        # The search is in C: a loop over the bytes takes the interpreter twenty times as long.
        for byte, pair in PAIRS:
            content = content.replace(byte, pair)
    return b"\x7e" + content + b"\x7e"


def _typeable(content):
    # HELLO escapes all control characters: it may be typed into a REPL.
    out = bytearray()
    for byte in content:
        if byte in ESCAPED or byte < 0x20 or byte == 0x7F:
            out.append(ESCAPE)
            byte ^= 0x20
        out.append(byte)
    return bytes(out)


class Decoder:
    def __init__(self):
        self.seed = 0
        self.frames = self.bad_frames = 0
        self._pending = b""
        self._skipping = False

    def take(self, data, found):
        # found(kind, seq, ack, body) for each frame that these bytes end; it may change the seed of those behind.
        chunks = data.split(b"\x7e")
        rest = chunks.pop()
        for chunk in chunks:
            if self._pending or self._skipping:
                self._add(chunk)
                chunk, self._pending = self._pending, b""
            if chunk or self._skipping:
                self._complete(chunk, found)
        if rest:
            self._add(rest)

    def _add(self, data):
        if len(self._pending) + len(data) > 2 * MAX_CONTENT:
            self._skipping = True
            self._pending = b""
        elif not self._skipping:
            self._pending += data

    def _complete(self, stuffed, found):
        content = None if self._skipping else unstuff(stuffed)
        self._skipping = False
        if content is not None and 7 <= len(content) <= MAX_CONTENT:
            kind = content[0]
            if crc32(content, 0 if kind == HELLO else self.seed) & 0xFFFFFFFF == RESIDUE:
                self.frames += 1
                found(kind, content[1], content[2], content[3:-4])
                return
        self.bad_frames += 1


def unstuff(stuffed):
    # None: it ends within an escape.
    at = stuffed.find(b"\x7d")
    if at < 0:
        return stuffed
    out = bytearray()
    while at >= 0:
        if at + 1 >= len(stuffed):
            return None
        out += stuffed[:at]
        out.append(stuffed[at + 1] ^ 0x20)
        stuffed = stuffed[at + 2 :]
        at = stuffed.find(b"\x7d")
    out += stuffed
    return bytes(out)
