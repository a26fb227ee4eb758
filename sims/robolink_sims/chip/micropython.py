"""What the firmware needs of `micropython` on CPython, where the tests of its rules run. MicroPython has its own."""


def kbd_intr(byte):
    pass


def heap_lock():
    pass


def heap_unlock():
    pass
