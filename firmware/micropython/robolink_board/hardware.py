"""The only module that knows the machine. On a board `machine` is MicroPython's own; the simulated board brings one along.

Everything that differs between chips is hidden here; nothing is decided here.
"""

import os

import machine

from robolink_board.encoder import Quadrature

CAUSES = (
    ("PWRON_RESET", "power on"),
    ("HARD_RESET", "reset pin"),
    ("WDT_RESET", "watchdog"),
    ("DEEPSLEEP_RESET", "deep sleep"),
    ("SOFT_RESET", "soft reset"),
)
_PULLS = {"none": None, "up": "PULL_UP", "down": "PULL_DOWN"}


def random_u32():
    return int.from_bytes(os.urandom(4), "little")


def open_port():
    from robolink_board.port import ConsolePort

    return ConsolePort()


def output(pin, level=0):
    # The level first: a pin that becomes an output must not be wrong for an instant.
    return machine.Pin(pin, machine.Pin.OUT, value=level)


def input(pin, pull="none"):  # noqa: A001
    name = _PULLS[pull]
    return machine.Pin(pin, machine.Pin.IN, None if name is None else getattr(machine.Pin, name))


def pwm(pin, frequency_hz):
    # Both at once: some chips begin at half of full duty when they are not told.
    return machine.PWM(machine.Pin(pin), freq=frequency_hz, duty_u16=0)


def analog(pin):
    made = machine.ADC(machine.Pin(pin))
    if hasattr(machine.ADC, "ATTN_11DB"):
        made.atten(machine.ADC.ATTN_11DB)  # without it an ESP32 ends at 1.1 V
    return made


def i2c(bus, sda, scl, frequency_hz):
    try:
        return machine.I2C(bus, sda=machine.Pin(sda), scl=machine.Pin(scl), freq=frequency_hz)
    except (TypeError, ValueError):
        # Chips whose buses have fixed pins take none.
        return machine.I2C(bus, freq=frequency_hz)


def encoder(plan):
    # Something with value(), which wraps within 29 bits or counts for ever.
    pull = "up" if plan["pull_up"] else "none"
    a, b = input(plan["a"], pull), input(plan["b"], pull)
    if plan["decoder"] == "hardware":
        if not hasattr(machine, "Encoder"):
            raise ValueError("this chip has no counter of its own: set decoder to interrupt")
        return machine.Encoder(plan["unit"], a, b, phases=4)
    made = Quadrature(a, b)
    edges = machine.Pin.IRQ_RISING | machine.Pin.IRQ_FALLING
    for pin in (a, b):
        try:
            pin.irq(made.edge, edges, hard=True)
        except (TypeError, ValueError):
            pin.irq(made.edge, edges)  # this port has soft interrupts only
    return made


def watchdog(timeout_ms):
    return machine.WDT(timeout=timeout_ms)


def timer(period_ms, callback):
    # Runs `callback(timer)` again and again, also while a program hangs and while a REPL waits.
    try:
        made = machine.Timer(-1)
    except (TypeError, ValueError, OSError):
        made = machine.Timer(0)  # chips without virtual timers
    made.init(period=period_ms, mode=machine.Timer.PERIODIC, callback=callback)
    return made


def reset():
    machine.reset()


def reset_cause():
    try:
        cause = machine.reset_cause()
    except AttributeError:
        return ""
    for name, words in CAUSES:
        if getattr(machine, name, None) == cause:
            return words
    return "cause %s" % cause
