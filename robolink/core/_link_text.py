"""Text between the frames of a serial line: into lines, and whether it ends at a MicroPython prompt.

It decides nothing: link.py says when the line is idle.
"""

from __future__ import annotations

from typing import Final

PROMPT: Final = b">>> "


class LineText:
    """Collects what was no frame."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._pending = bytearray()

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

    def at_prompt(self, rest: bytes) -> bool:
        """Whether pending text and `rest` behind it end in the friendly prompt."""
        return (self._pending[-len(PROMPT) :] + rest).endswith(PROMPT)


def _shown(line: bytes | bytearray) -> str:
    """For people: no control characters, nothing undecodable."""
    text = line.decode("utf-8", "replace").strip()
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
