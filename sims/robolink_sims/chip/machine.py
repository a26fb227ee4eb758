"""A simulated `machine` for MicroPython's unix port (and CPython's tests): pins, PWM, ADC, I2C, WDT, Timer, Encoder.

It holds levels and duties and hands edges to interrupts; what hangs on the pins is world.py's. The firmware knows none of it.
"""

import os

from world import world

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5


def _variable(name):
    return os.getenv(name) if hasattr(os, "getenv") else None


def reset_cause():
    return {"watchdog": WDT_RESET, "reset": HARD_RESET, "soft": SOFT_RESET}.get(
        _variable("ROBOLINK_CHIP_RESET"), PWRON_RESET
    )


def _tell_shim(text):
    # The board's shim plays the watchdog: only another process can end a program that hangs.
    number = _variable("ROBOLINK_CHIP_FD")
    if number:
        global _shim
        if _shim is None:
            _shim = open(int(number), "wb", 0)
        _shim.write(text.encode())


_shim = None


def reset():
    _tell_shim("r\n")
    raise SystemExit


class Pin:
    IN, OUT = 0, 1
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, id, mode=-1, pull=-1, value=None):  # noqa: A002
        self.wire = id.wire if isinstance(id, Pin) else world.wire(id)
        if mode == Pin.OUT:
            self.wire.drive(int(bool(value)))
        elif mode == Pin.IN:
            self.wire.listen(pull)

    def value(self, level=None):
        if level is None:
            world.sync()
            return self.wire.level
        world.sync()
        self.wire.drive(int(bool(level)))
        return None

    __call__ = value

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def toggle(self):
        self.value(1 - self.wire.level)

    def irq(self, handler=None, trigger=3, hard=False):
        self.wire.on_edge(self, handler, trigger)


class PWM:
    def __init__(self, pin, freq=5000, duty_u16=32768):
        # Who does not say the duty gets half, as on an ESP32.
        self.wire = pin.wire
        self.wire.modulate(0, freq)
        self.duty_u16(duty_u16)

    def freq(self, value=None):
        if value is None:
            return self.wire.frequency
        self.wire.frequency = value
        return None

    def duty_u16(self, value=None):
        if value is None:
            return self.wire.duty
        if not 0 <= value <= 65535:
            raise ValueError("duty_u16 must be 0 to 65535, not %s" % value)
        world.sync()
        self.wire.duty = value
        self.wire.most = max(self.wire.most, value)
        return None

    def deinit(self):
        self.wire.release()


class ADC:
    # As an ESP32's: up to 1.1 V before its attenuation is set.
    ATTN_0DB, ATTN_11DB = 0, 3

    def __init__(self, pin):
        self.wire = pin.wire if isinstance(pin, Pin) else world.wire(pin)
        self._full_v = 1.1

    def atten(self, attenuation):
        self._full_v = 3.3 if attenuation == ADC.ATTN_11DB else 1.1

    def read_u16(self):
        world.sync()
        return max(0, min(65535, int(self.wire.volts() / self._full_v * 65535 + 0.5)))


class I2C:
    def __init__(self, id, scl=None, sda=None, freq=400000):  # noqa: A002
        self._bus = world.bus(id, sda.wire if sda else None, scl.wire if scl else None)

    def scan(self):
        return sorted(self._bus.devices)

    def readfrom_mem_into(self, address, register, buffer):
        world.sync()
        self._bus.device(address).read(register, buffer)

    def readfrom_mem(self, address, register, size):
        made = bytearray(size)
        self.readfrom_mem_into(address, register, made)
        return bytes(made)

    def writeto_mem(self, address, register, data):
        world.sync()
        self._bus.device(address).write(register, data)


class WDT:
    # Fed too late, a board is reset: here by its shim, or in a test by whoever asks `world.bitten`.
    def __init__(self, id=0, timeout=5000):  # noqa: A002
        world.watch(timeout)
        _tell_shim("w%d\n" % timeout)

    def feed(self):
        world.sync()
        world.feed()
        _tell_shim("f\n")


class Timer:
    ONE_SHOT, PERIODIC = 0, 1
    running = 0

    def __init__(self, id=-1):  # noqa: A002
        self._timed = None

    def init(self, period=1000, mode=PERIODIC, callback=None):
        self.deinit()
        self._timed = world.every(period, mode == Timer.PERIODIC, callback, self)
        Timer.running += 1
        _tell_shim("t%d\n" % Timer.running)

    def deinit(self):
        if self._timed is not None:
            world.no_more(self._timed)
            self._timed = None
            Timer.running -= 1
            _tell_shim("t%d\n" % Timer.running)


class Encoder:
    def __init__(self, id, phase_a, phase_b, phases=4):  # noqa: A002
        self._counter = world.counter(phase_a.wire, phase_b.wire)

    def value(self):
        world.sync()
        return self._counter.count
