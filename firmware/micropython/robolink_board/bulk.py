"""The board's side of an image that comes: in order, each byte once, and a word to the host of what it takes next.

It does not know what an image means, and stores nothing: its owner does, before it returns.
"""

from robolink_board.ticks import ticks_add, ticks_diff

HEAD = 3
REPEAT_MS = 100


class Bulk:
    def __init__(self, transfer, size, next_offset, credit, now):
        # `credit`: bytes on the way at once, what the line carries in 50 ms or a little more.
        self.transfer = transfer
        self.size = size
        self.next_offset = next_offset
        self._room = credit
        self._told = next_offset
        self._misplaced = False
        self.again(now)

    def again(self, now):
        # A session begins: the host needs a word of it.
        self._due, self._due_at = True, now

    def take(self, body, now):
        # The bytes that are next, or None.
        part = len(body) - HEAD
        if part <= 0:
            offset = -1
        else:
            offset = body[0] | body[1] << 8 | body[2] << 16
        if offset != self.next_offset or offset + part > min(self._told, self.size):
            if not self._misplaced:
                # Once until data comes in place: each word may bring a whole flight again.
                self._misplaced = self._due = True
            return None
        self.next_offset += part
        self._misplaced = False
        self._due_at = ticks_add(now, REPEAT_MS)
        return memoryview(body)[HEAD:]

    def stored(self):
        # The owner has what `take` gave.
        limit = min(self.next_offset + self._room, self.size)
        half_used = self._told - self.next_offset <= self._room // 2 and limit > self._told
        if half_used or self.next_offset == self.size:
            self._due = True

    def word(self, now):
        # What to tell, if it is due.
        if not self._due and ticks_diff(now, self._due_at) < 0:
            return None
        self._due, self._due_at = False, ticks_add(now, REPEAT_MS)
        self._told = min(self.next_offset + self._room, self.size)
        return {
            "transfer": self.transfer,
            "next_offset": self.next_offset,
            "credit": self._told - self.next_offset,
        }
