"""Site time, as the host tells it: one sample, whose error grows with its age. For stamps; nothing is judged by it."""

from robolink_board.ticks import ticks_diff

# The board's clock may be off by 100 parts in a million: a microsecond in ten milliseconds.
DRIFT_MS_A_US = 10
FORGOTTEN_MS = 600000
TICK_US = 1000


class SiteTime:
    def __init__(self):
        self._at = None
        self._ns = self._error = self._clock = 0

    def forget(self):
        self._at = None

    def take(self, message, now):
        # An answer that came at `now`; whether it is believed.
        took = ticks_diff(now, message["sent"])
        at_host = message["sent_ns"] - message["received_ns"]
        if at_host < 0 or took < 0:
            return False
        # Ticks are cut to the millisecond: the way may look shorter than it was, even below zero.
        half = max(took * 1000000 - at_host, 0) // 2
        error = half // 1000 + TICK_US + message["error_us"]
        known = self.error_us(now)
        if known is not None and message["clock_id"] == self._clock and error > known:
            return False
        self._at, self._ns = now, message["sent_ns"] + half
        self._error, self._clock = error, message["clock_id"]
        return True

    def _age(self, now):
        if self._at is None:
            return None
        age = ticks_diff(now, self._at)
        if not 0 <= age < FORGOTTEN_MS:
            self._at = None
            return None
        return age

    def error_us(self, now):
        # None: not synced.
        age = self._age(now)
        return None if age is None else self._error + age // DRIFT_MS_A_US

    def ns(self, now):
        age = self._age(now)
        return None if age is None else self._ns + age * 1000000
