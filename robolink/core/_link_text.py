"""Text between the frames of a serial line: into lines, and whether a MicroPython REPL speaks there.

It decides nothing: link.py says when the line is idle, and what to do about a REPL.
"""

from __future__ import annotations

import re
from typing import Final

# To a REPL. Ctrl-C: forget the line that our HELLOs typed. Ctrl-D on an empty line: start the board's main.py.
# Ctrl-B leaves the raw REPL, which echoes nothing; a running program drops it as noise.
CLEAR_LINE: Final = b"\x03"
LEAVE_REPL: Final = b"\x03\x04"
LEAVE_RAW_REPL: Final = b"\x02"
PROMPT: Final = b">>> "
CURSOR_BACK: Final = re.compile(rb"\x1b\[\d+D")
PRINTABLE: Final = range(0x20, 0x7F)


class LineText:
    """Collects what was no frame."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._pending = bytearray()
        self._hello = b""

    def __bool__(self) -> bool:
        """Whether a line has begun."""
        return bool(self._pending)

    def take(self, data: bytes) -> list[str]:
        """Add bytes; the lines that they end."""
        self._pending += data
        *lines, self._pending = self._pending.split(b"\n")
        return [text for line in lines if (text := _shown(line))]

    def end(self) -> list[str]:
        """A frame follows, or the line is idle: what is pending is a line."""
        line, self._pending = self._pending, bytearray()
        return [text] if (text := _shown(line)) else []

    def typed(self, hello: bytes) -> bytes:
        """This HELLO goes out; returned as it is, with its flags."""
        self._hello = bytes(byte for byte in hello[1:-1] if byte in PRINTABLE)
        return hello

    def is_echo(self, data: bytes) -> bool:
        """Whether `data` is our last HELLO as a REPL echoes it: printable characters only.

        Or as it writes a line anew behind its cursor, which a beat with a Ctrl-A in it has moved.
        """
        return (bool(data) and data == self._hello) or CURSOR_BACK.search(data) is not None

    def at_prompt(self, rest: bytes) -> bool:
        """Whether pending text and `rest` behind it end in the friendly prompt."""
        return (self._pending[-len(PROMPT) :] + rest).endswith(PROMPT)


def _shown(line: bytes | bytearray) -> str:
    """For people: no control characters, nothing undecodable."""
    text = line.decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
