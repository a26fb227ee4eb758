"""Bodies that are too long for a frame, both ways, within a credit. One buffer, taken once; without one, none come.

A fragment is `kind left part`: one byte, two bytes little endian, the rest. It knows neither sequence nor sessions.
"""

from robolink_board import frame, messages

HEAD = 3
MAX_PART = frame.MAX_BODY - HEAD
U32 = 0xFFFFFFFF
NEVER = (messages.FRAGMENT_KIND, messages.CREDIT_KIND)


class Fragments:
    def __init__(self, largest):
        self.largest = largest
        self.credit = 2 * largest
        self._buffer = bytearray(largest)
        self.reset(0, 0)

    def reset(self, peer_largest, peer_credit):
        # A session begins. What may be sent, what we gave, as sums of the session.
        self.peer_largest = peer_largest
        self._may_send, self._sent = peer_credit, 0
        self._granted = self._told = self.credit
        self._begun = 0
        self._kind = self._left = self._size = 0

    # In.

    def take(self, body):
        # (kind, body) once it is whole, None before. ValueError: it fits nothing; what was open is gone.
        part = len(body) - HEAD
        if part <= 0:
            raise self._wrong("no part")
        kind, left = body[0], body[1] | body[2] << 8
        if not self._size:
            self._begin(kind, left + part)
        elif kind != self._kind or left != self._left - part:
            raise self._wrong("not of the open body")
        self._buffer[self._size : self._size + part] = memoryview(body)[HEAD:]
        self._kind, self._left = kind, left
        self._size += part
        if left:
            return None
        whole = bytes(memoryview(self._buffer)[: self._size])
        self._granted = (self._granted + self._size) & U32
        self._size = 0
        return kind, whole

    def _begin(self, kind, size):
        if kind >= messages.FIRST_BEST_EFFORT or kind in NEVER:
            raise self._wrong("never in fragments")
        if size > self.largest or size > (self._told - self._begun) & U32:
            raise self._wrong("too long")
        self._begun = (self._begun + size) & U32

    def _wrong(self, text):
        self._size = 0
        return ValueError(text)

    def credit_due(self):
        return self._granted != self._told and (self._told - self._begun) & U32 < self.largest

    def tell(self):
        self._told = self._granted
        return {"fragment_bytes": self._granted}

    # Out.

    def take_credit(self, total):
        if (total - self._may_send) & U32 <= U32 >> 1:
            self._may_send = total

    def may_begin(self, size):
        # All of a body or nothing of it.
        if size > (self._may_send - self._sent) & U32:
            return False
        self._sent = (self._sent + size) & U32
        return True


def cut(kind, body, at):
    # The part that begins at `at`, as a FRAGMENT's body.
    end = min(at + MAX_PART, len(body))
    left = len(body) - end
    return bytes((kind, left & 0xFF, left >> 8)) + body[at:end]
