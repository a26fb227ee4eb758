"""Time, wires and what hangs on them, for the simulated chip. Runs on MicroPython and on CPython; no rule of a robot is here.

Time passes when the program touches the chip (`sync`), or by hand in tests (`manual`, `advance`).
"""

import time

# After a pause (a REPL, a debugger) the world does not catch up more than this.
MOST_MS = 200


def _clock():
    return time.ticks_ms() if hasattr(time, "ticks_ms") else int(time.monotonic() * 1000)


def _since(now, before):
    return time.ticks_diff(now, before) if hasattr(time, "ticks_diff") else now - before


class Wire:
    # A pin: what drives it from within, and what hangs on it outside.
    def __init__(self, id):  # noqa: A002
        self.id = id
        self.level = 0
        self.mode = "floating"
        self.duty = self.frequency = self.most = 0
        self.source = None  # volts() of what hangs on an input
        self._handlers = []

    def drive(self, level):
        self.mode = "out"
        self.level = level

    def listen(self, pull):
        self.mode = "in"
        if self.source is None and not self._handlers:
            self.level = 1 if pull == 1 else 0

    def modulate(self, duty, frequency):
        self.mode, self.duty, self.frequency = "pwm", duty, frequency

    def release(self):
        self.mode, self.duty = "floating", 0

    def part(self):
        # How much of the time it is high, 0..1; a floating pin is pulled low by what hangs on it.
        if self.mode == "pwm":
            return self.duty / 65535
        return float(self.level) if self.mode == "out" else 0.0

    def high_us(self):
        return self.duty / 65535 * 1e6 / self.frequency if self.mode == "pwm" and self.frequency else 0.0

    def volts(self):
        return self.source() if self.source else self.level * 3.3

    def on_edge(self, pin, handler, trigger):
        self._handlers = [] if handler is None else [(pin, handler, trigger)]

    def put(self, level):
        # From outside.
        if level == self.level:
            return
        self.level = level
        for pin, handler, trigger in self._handlers:
            if trigger & (1 if level else 2):
                handler(pin)


class Bus:
    def __init__(self):
        self.devices = {}
        # Why nothing on it answers, as an errno; 0: it works.
        self.broken = 0

    def device(self, address):
        if self.broken:
            raise OSError(self.broken)
        if address not in self.devices:
            raise OSError(19)
        return self.devices[address]


class Counter:
    def __init__(self):
        self.count = 0


class World:
    def __init__(self):
        self.manual = False
        self.clear()

    def clear(self):
        # A bench without a robot.
        self.now_ms = 0
        self.parts = []
        self.wires, self.buses, self.counters, self.timers = {}, {}, {}, []
        self.watchdog_ms = self.fed_ms = 0
        self.bitten = False
        self._seen = _clock()
        self._busy = False

    def wire(self, id):  # noqa: A002
        if id not in self.wires:
            self.wires[id] = Wire(id)
        return self.wires[id]

    def bus(self, number, sda=None, scl=None):
        if number not in self.buses:
            self.buses[number] = Bus()
        return self.buses[number]

    def counter(self, a, b):
        key = (a.id, b.id)
        if key not in self.counters:
            self.counters[key] = Counter()
        return self.counters[key]

    def sync(self):
        if self.manual or self._busy:
            return
        now = _clock()
        passed = _since(now, self._seen)
        if passed > 0:
            self._seen = now
            self.advance(min(passed, MOST_MS))

    def advance(self, ms):
        # One millisecond at a time; an interrupt or timer that touches the chip does not make time pass.
        self._busy = True
        try:
            for _ in range(ms):
                self.now_ms += 1
                for part in self.parts:
                    part.step()
                self._due()
        finally:
            self._busy = False

    def _due(self):
        for timed in list(self.timers):
            if timed[0] <= self.now_ms:
                timed[0] += timed[1]
                if not timed[2]:
                    self.no_more(timed)
                timed[3](timed[4])
        if self.watchdog_ms and self.now_ms - self.fed_ms > self.watchdog_ms:
            self.bitten = True

    def every(self, period_ms, again, callback, timer):
        timed = [self.now_ms + period_ms, period_ms, again, callback, timer]
        self.timers.append(timed)
        return timed

    def no_more(self, timed):
        if timed in self.timers:
            self.timers.remove(timed)

    def watch(self, timeout_ms):
        self.watchdog_ms, self.fed_ms = timeout_ms, self.now_ms

    def feed(self):
        self.fed_ms = self.now_ms


world = World()
