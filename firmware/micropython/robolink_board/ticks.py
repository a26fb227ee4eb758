"""Milliseconds that wrap: MicroPython's own ticks, or the same arithmetic on CPython (host tests).

Never compare two ticks with < or -; `ticks_diff` is right across the wrap for spans up to half a period.
"""

try:
    from time import ticks_add, ticks_diff, ticks_ms
except ImportError:  # CPython
    import time

    _PERIOD = 1 << 30

    def ticks_ms():
        return int(time.monotonic() * 1000) % _PERIOD

    def ticks_add(ticks, delta):
        return (ticks + delta) % _PERIOD

    def ticks_diff(end, start):
        return (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2


__all__ = ("ticks_add", "ticks_diff", "ticks_ms")
