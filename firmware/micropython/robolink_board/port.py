"""The console as the port of frames: standard input and output, which also carry the REPL, so mpremote can always break in."""

import asyncio
import select
import sys

ON_UNIX = sys.platform in ("linux", "darwin")
# A whole window of frames, so that one acknowledgement answers it.
UNIX_BYTES = 1024


class ConsolePort:
    # Standard input and output: the USB or UART that also carries the REPL, so mpremote can always break in.
    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._poll = select.poll()
        self._poll.register(sys.stdin, select.POLLIN)
        self._reader = asyncio.StreamReader(sys.stdin.buffer)
        self._saved = None
        if ON_UNIX:
            self._raw()

    def _raw(self):
        # No echo, no line editing, read() returns what is there; Ctrl-C stays a signal.
        import termios

        try:
            attributes = termios.tcgetattr(0)
        except OSError:
            return  # not a terminal: a pipe in a test
        self._saved = termios.tcgetattr(0)
        control = list(attributes[6])
        for at in (1, 10):  # VQUIT, VSUSP: frames may hold these bytes
            control[at] = b"\x00"
        control[5], control[6] = 0, 0  # VTIME, VMIN
        isig = 1
        termios.tcsetattr(
            0, termios.TCSANOW, [0, 0, attributes[2], isig, attributes[4], attributes[5], control]
        )

    async def read(self):
        # On a terminal that is raw a read gives what is there; a board's waits for all that it asked for.
        first = await self._reader.read(UNIX_BYTES if ON_UNIX else 1)
        if not first:
            await asyncio.sleep_ms(20)  # hung up: do not spin
            return b""
        if ON_UNIX:
            return first
        # Byte by byte what else is there.
        data = bytearray(first)
        while len(data) < 256 and self._poll.poll(0):
            data += self._in.read(1)
        return bytes(data)

    def write(self, data):
        self._out.write(data)

    def close(self):
        if self._saved is not None:
            import termios

            termios.tcsetattr(0, termios.TCSANOW, self._saved)
