"""Speed control in integers, so that a step allocates nothing: mrad/s in, a duty of -65535..65535 out.

No I/O and no clock. Every number in between stays below 2**30: larger ones live on the heap of a 32-bit board.
"""

FULL = 65535
LIMIT = (1 << 30) - 1
# Fraction bits of the gains, and of what is summed up.
SHIFT = 8
SUM_SHIFT = 12
MAX_GAIN = 1 << 20
MAX_MS = 100
# One step moves the sum by at most a fifth of full duty: 10 ms of it.
MAX_CHANGE = (FULL << SUM_SHIFT) // 50


def clamp(value, limit):
    if value > limit:
        return limit
    return -limit if value < -limit else value


def fixed(gain, shift):
    # A gain in parts of full duty per rad/s as an integer per mrad/s.
    return clamp(int(gain * FULL / 1000 * (1 << shift) + (0.5 if gain >= 0 else -0.5)), MAX_GAIN)


class Pid:
    # Gains: parts of full duty per rad/s (kp, kd s, ki 1/s; feed_forward too). acceleration: rad/s2 of the ramp.
    def __init__(self, kp, ki, kd, feed_forward, acceleration):
        self._kp, self._kd = fixed(kp, SHIFT), fixed(kd * 1000, SHIFT)
        self._ki = fixed(ki / 1000, SUM_SHIFT + 4)
        self._forward = fixed(feed_forward, SHIFT)
        self._ramp = max(1, min(int(acceleration * 1000), LIMIT // MAX_MS))
        largest = max(self._kp, abs(self._kd), self._ki, self._forward, 1)
        # The largest speed or error whose product with any gain still is a small integer.
        self._most = LIMIT // largest
        self.wanted = 0
        self.reset()

    def reset(self):
        # Forgets the past: nothing is ordered, nothing was.
        self.target = self.duty = 0
        self._sum = self._last = self._rest = 0

    def step(self, measured, ms):
        # The duty for a speed measured now, `ms` after the last step.
        if ms > MAX_MS:
            ms = MAX_MS
        if ms < 1:
            return self.duty
        self._approach(ms)
        measured = clamp(measured, self._most // 2)
        if self.target == 0 and self.wanted == 0 and measured == 0:
            self._sum = self._last = self.duty = 0
            return 0
        error = clamp(self.target - measured, self._most)
        out = clamp(self._forward * clamp(self.target, self._most) >> SHIFT, 2 * FULL)
        out += clamp(self._kp * error >> SHIFT, 2 * FULL)
        out += clamp(self._kd * clamp(self._last - measured, self._most) // ms >> SHIFT, 2 * FULL)
        self._last = measured
        out += self._sum >> SUM_SHIFT
        # Full already and wanting more: summing up further would only be undone later.
        if not ((out >= FULL and error > 0) or (out <= -FULL and error < 0)):
            change = clamp((self._ki * error >> 4), MAX_CHANGE // 10) * ms
            self._sum = clamp(self._sum + change, FULL << SUM_SHIFT)
        self.duty = clamp(out, FULL)
        return self.duty

    def _approach(self, ms):
        # The target follows what is wanted no faster than the ramp; what a step leaves over is kept.
        most = self._ramp * ms + self._rest
        change = clamp(self.wanted - self.target, most // 1000)
        self._rest = most % 1000
        self.target += change
