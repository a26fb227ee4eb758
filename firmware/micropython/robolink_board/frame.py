"""Serial frames on the board: the same rules as robolink/core/frame.py, checked by the same golden vectors.

It never raises for what came from the line: that is counted, and dropped.
"""

from binascii import crc32

FLAG = 0x7E
ESCAPE = 0x7D
# 0x03 stays free for a Ctrl-C on a port shared with the REPL, 0x11 and 0x13 for XON and XOFF.
ESCAPED = b"\x7e\x7d\x03\x11\x13"
HELLO = 32
MAX_BODY = 247
MAX_CONTENT = 254


def encode(kind, seq, ack, body, seed):
    if len(body) > MAX_BODY:
        raise ValueError("frame body of %d bytes, the limit is %d" % (len(body), MAX_BODY))
    content = bytes((kind, seq, ack)) + body
    crc = crc32(content, 0 if kind == HELLO else seed)
    content += bytes((crc & 0xFF, crc >> 8 & 0xFF, crc >> 16 & 0xFF, crc >> 24 & 0xFF))
    out = bytearray(b"\x7e")
    for byte in content:
        # HELLO escapes all control characters: it may be typed into a REPL.
        if byte in ESCAPED or (kind == HELLO and (byte < 0x20 or byte == 0x7F)):
            out.append(ESCAPE)
            byte ^= 0x20
        out.append(byte)
    out.append(FLAG)
    return bytes(out)


class Decoder:
    def __init__(self):
        self.seed = 0
        self.frames = self.bad_frames = 0
        self._pending = bytearray()
        self._skipping = False

    def one(self, data):
        # Up to the first frame: ((kind, seq, ack, body) or None, the bytes not yet taken).
        while data:
            end = data.find(b"\x7e")
            if end < 0:
                self._add(data)
                return None, b""
            self._add(data[:end])
            data = data[end + 1 :]
            found = self._complete()
            if found is not None:
                return found, data
        return None, b""

    def _add(self, data):
        if len(self._pending) + len(data) > 2 * MAX_CONTENT:
            self._skipping = True
            self._pending = bytearray()
        elif not self._skipping:
            self._pending += data

    def _complete(self):
        stuffed, self._pending = self._pending, bytearray()
        skipped, self._skipping = self._skipping, False
        if not stuffed and not skipped:
            return None
        content = None if skipped else unstuff(bytes(stuffed))
        if content is None or not 7 <= len(content) <= MAX_CONTENT:
            self.bad_frames += 1
            return None
        crc = crc32(content[:-4], 0 if content[0] == HELLO else self.seed)
        if crc & 0xFFFFFFFF != int.from_bytes(content[-4:], "little"):
            self.bad_frames += 1
            return None
        self.frames += 1
        return content[0], content[1], content[2], content[3:-4]


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
