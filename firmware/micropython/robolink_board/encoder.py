"""Counts of a wheel's encoder as position and speed, in integers. Where the counts come from is hardware.py's to know."""

from array import array

# Quadrature: old state (two bits) and new state make an index; a jump of two steps counts as none.
STEPS = array("b", (0, -1, 1, 0, 1, 0, 0, -1, -1, 0, 0, 1, 0, 1, -1, 0))
# A count wraps, so that an interrupt handler never needs the heap.
WRAP = (1 << 29) - 1
HALF = 1 << 28
LIMIT = (1 << 30) - 1
# The speed is measured over this many ticks: a count more or less then matters little.
WINDOW = 5


class Quadrature:
    # Decodes two pins by interrupts on all four edges. `edge` runs in the interrupt: no allocation, no exception.
    def __init__(self, pin_a, pin_b):
        self.count = 0
        self._a, self._b = pin_a, pin_b
        self._state = pin_a.value() << 1 | pin_b.value()
        self.edge = self._edge

    def _edge(self, _):
        state = self._a.value() << 1 | self._b.value()
        self.count = self.count + STEPS[self._state << 2 | state] & WRAP
        self._state = state

    def value(self):
        return self.count


class Measured:
    # Position in counts, speed in mrad/s over the last ticks.
    def __init__(self, source, counts_per_turn, reversed=False):  # noqa: A002
        self._source = source
        self._sign = -1 if reversed else 1
        self._per_turn = counts_per_turn
        # mrad/s of one count in a millisecond.
        self._scale = (6283185 + counts_per_turn // 2) // counts_per_turn
        self._most = LIMIT // max(self._scale, 1)
        self._last = source.value()
        self.counts = 0
        self.moved = 0
        self.speed = 0
        self._moves = array("h", [0] * WINDOW)
        self._times = array("h", [0] * WINDOW)
        self._at = 0
        self._sum = self._span = 0

    def step(self, ms):
        value = self._source.value()
        moved = (value - self._last) & WRAP
        self._last = value
        if moved >= HALF:
            moved -= WRAP + 1
        moved *= self._sign
        self.moved = moved
        self.counts += moved
        at = self._at
        moved = max(-32768, min(32767, moved))
        ms = max(0, min(32767, ms))
        self._sum += moved - self._moves[at]
        self._span += ms - self._times[at]
        self._moves[at], self._times[at] = moved, ms
        self._at = (at + 1) % WINDOW
        if self._span > 0:
            counts = max(-self._most, min(self._most, self._sum))
            self.speed = (
                counts * self._scale // self._span if counts >= 0 else -(-counts * self._scale // self._span)
            )

    def radians(self):
        return self.counts * 6.283185307179586 / self._per_turn
