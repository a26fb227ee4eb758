"""Watches the loop: a tick that does not come switches the outputs off, later the chip's watchdog resets the board.

Once begun, no chip lets its watchdog end. So after the program has ended, a timer feeds it: else it would cut off whoever
works in the REPL. `boot` (from boot.py, on every soft reset) does the same for mpremote, which starts no main.py.
"""

import micropython

from robolink_board.ticks import ticks_diff, ticks_ms

FEED_MS = 500
_feeder = None


class Guard:
    def __init__(self, hardware, off, loop_ms, hardware_ms, clock=ticks_ms):
        self._hardware, self._off, self._clock = hardware, off, clock
        self._loop_ms, self._hardware_ms = loop_ms, hardware_ms
        self._timer = self._watchdog = None
        self.fed = clock()
        self.late = 0
        self._is_late = False

    def start(self):
        if self._hardware_ms:
            end_feeding()
            self._watchdog = self._hardware.watchdog(self._hardware_ms)
        self.fed = self._clock()
        self._timer = self._hardware.timer(self._loop_ms // 2, self._check)

    def feed(self, now):
        self.fed = now
        self._is_late = False
        if self._watchdog is not None:
            self._watchdog.feed()

    def _check(self, _):
        # Within a timer: the loop may hang anywhere. It does not feed, so the watchdog has its turn.
        if ticks_diff(self._clock(), self.fed) < self._loop_ms:
            return
        self._off()
        if not self._is_late:
            self._is_late = True
            self.late += 1

    def end(self):
        # The program has ended, its outputs are off: the REPL shall live.
        if self._timer is not None:
            self._timer.deinit()
            self._timer = None
        if self._watchdog is not None:
            feed_for_ever(self._hardware, self._watchdog)


def feed_for_ever(hardware, watchdog):
    global _feeder
    watchdog.feed()
    _feeder = hardware.timer(FEED_MS, lambda _: watchdog.feed())


def end_feeding():
    global _feeder
    if _feeder is not None:
        _feeder.deinit()
        _feeder = None


def boot(hardware, hardware_ms):
    # Before main.py: a watchdog that a former program began must not end what comes now.
    if hardware_ms:
        feed_for_ever(hardware, hardware.watchdog(hardware_ms))


def uninterrupted(work):
    # Runs it to its end whatever is typed: mpremote types Ctrl-C twice.
    while True:
        try:
            micropython.kbd_intr(-1)
            work()
            return
        except KeyboardInterrupt:
            continue
        finally:
            micropython.kbd_intr(3)
