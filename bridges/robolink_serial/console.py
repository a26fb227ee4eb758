"""What a board prints, on its way to the hub as notices: bounded, the rest counted, noise of the line left out.

Sans-IO; the whole text is in the bridge's own log in any case.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from typing import Final

from robolink import v1

# A board that prints in a loop must not fill the hub's notices.
LINES_A_SECOND: Final = 5.0
BURST: Final = 30
MAX_WAITING: Final = 100
# A line of which more than this share is undecodable is line noise, not text.
NOISE_SHARE: Final = 0.25
TRACEBACK: Final = "Traceback (most recent call last)"
TRACEBACK_LINES: Final = 20
_LAST_LINE: Final = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Iteration)\b")


class Console:
    """Lines in, what may be told out.

    Attributes:
        counters: `console_lines`, `console_noise` and `console_dropped` so far.
    """

    def __init__(self) -> None:
        """Nothing said yet."""
        self.counters: Counter[str] = Counter()
        self._waiting = deque[tuple[str, v1.Severity]]()
        self._room = float(BURST)
        self._at_s: float | None = None
        self._in_traceback = 0
        self._unsaid = 0

    def take(self, text: str) -> None:
        """One line of the board."""
        self.counters["console_lines"] += 1
        if text.count("\N{REPLACEMENT CHARACTER}") > NOISE_SHARE * len(text):
            self.counters["console_noise"] += 1
            return
        severity = self._severity(text)
        if len(self._waiting) >= MAX_WAITING:
            self.counters["console_dropped"] += 1
            self._unsaid += 1
            return
        self._waiting.append((text, severity))

    def _severity(self, text: str) -> v1.Severity:
        if text.startswith(TRACEBACK):
            self._in_traceback = TRACEBACK_LINES
        if not self._in_traceback:
            return v1.SEVERITY_INFO
        self._in_traceback = 0 if _LAST_LINE.match(text) else self._in_traceback - 1
        return v1.SEVERITY_ERROR

    def told(self, now: float) -> list[tuple[str, v1.Severity]]:
        """What may be told now, oldest first."""
        passed = 0.0 if self._at_s is None else now - self._at_s
        self._at_s = now
        self._room = min(self._room + passed * LINES_A_SECOND, BURST)
        lines: list[tuple[str, v1.Severity]] = []
        while self._waiting and self._room >= 1.0:
            self._room -= 1.0
            lines.append(self._waiting.popleft())
        if self._unsaid and not self._waiting and self._room >= 1.0:
            self._room -= 1.0
            lines.append((f"{self._unsaid} more lines of the board were not forwarded", v1.SEVERITY_WARNING))
            self._unsaid = 0
        return lines
