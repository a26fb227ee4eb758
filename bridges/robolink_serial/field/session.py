"""A host's session with a board for as long as a command lasts: HELLO, sheet, round trips. It orders no motion.

A process speaks to one board here, in its own thread; the bridge has line.py for many.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from typing import Any, Final, Self

from robolink import v1
from robolink.core.link import Link, LogLine, Received, Refused, Up
from robolink.errors import RobolinkError, TransportTimeoutError
from robolink_serial.port import Port
from robolink_serial.sheet import BoardSheet, SheetParts

UP_S: Final = 3.0
SHEET_S: Final = 3.0
ANSWER_S: Final = 1.0
LOOK_S: Final = 0.05
LINES_KEPT: Final = 200
# Of what is no frame and no line yet, for words on a board that speaks something else.
RAW_KEPT: Final = 500


class NoHelloError(RobolinkError):
    """The board does not say HELLO.

    Attributes:
        lines: What it printed instead, the newest last.
    """

    def __init__(self, text: str, *, lines: list[str], hint: str) -> None:
        """Keep the lines."""
        super().__init__(text, hint=hint)
        self.lines = lines


class Session:
    """One board on an open port; a context manager.

    Args:
        path: The port.
        wake: Start the program of a board that sits in its REPL.
        tap: Gets all bytes: True and those received, False and those sent.

    Attributes:
        peer: The board's newest HELLO; None before the first.
        lines: What it printed.
        up_after_s: How long it took to come up.
    """

    def __init__(
        self, path: str, *, wake: bool = True, tap: Callable[[bool, bytes], None] = lambda *_: None
    ) -> None:
        self.port = Port(path)
        self.link = Link(now=time.monotonic(), host=wake)
        self.peer: v1.SerialHello | None = None
        self.refused = ""
        self.lines: list[str] = []
        self.up_after_s = 0.0
        self._tap, self._raw = tap, b""
        self._messages: list[Any] = []

    def __enter__(self) -> Self:
        """Open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """Give the port back."""
        self.port.close()

    def pump(self, wait_s: float = LOOK_S) -> None:
        """Move what there is, wait for more at most so long.

        Raises:
            ConnectionLostError: The port vanished.
        """
        now = time.monotonic()
        self.link.handle_timer(now)
        data = b"" if self.port.full else self.link.data_to_send(now)
        if data:
            self._tap(False, data)
        self.port.write(data)
        timeout = min(max(self.link.next_timer() - now, 0.001), wait_s)
        select.select([self.port.fd], [self.port.fd] if self.port.full else [], [], timeout)
        received = self.port.read()
        if received:
            self._tap(True, received)
            self._raw = (self._raw + received)[-RAW_KEPT:]
            self.link.receive(received, time.monotonic())
        while (event := self.link.next_event()) is not None:
            if isinstance(event, Up):
                self.peer, self.refused = event.peer, ""
            elif isinstance(event, Refused):
                self.refused = event.text
            elif isinstance(event, LogLine):
                self.lines = [*self.lines[1 - LINES_KEPT :], event.text]
            elif isinstance(event, Received):
                self._messages.append(event.message)

    def take(self) -> list[Any]:
        """Messages since the last call."""
        messages, self._messages = self._messages, []
        return messages

    def wait_up(self, timeout_s: float = UP_S) -> v1.SerialHello:
        """Until the session stands; the board's HELLO.

        Raises:
            NoHelloError: It did not come; `lines` tells what the board printed.
        """
        began = time.monotonic()
        while not self.link.up:
            if time.monotonic() - began > timeout_s:
                raise self._silent(timeout_s)
            self.pump()
        self.up_after_s = time.monotonic() - began
        assert self.peer is not None
        return self.peer

    def _silent(self, timeout_s: float) -> NoHelloError:
        if self.refused:
            return NoHelloError(
                f"{self.port.path}: {self.refused}",
                lines=self.lines,
                hint="`robolink board flash` updates the board",
            )
        if not self.lines:
            text = self._raw.decode("utf-8", "replace").splitlines()
            self.lines = [line for each in text if (line := "".join(filter(str.isprintable, each)).strip())]
        said = f"; it printed: {self.lines[-1]}" if self.lines else " and printed nothing"
        return NoHelloError(
            f"the board on {self.port.path} has not said HELLO within {timeout_s:g} s{said}",
            lines=self.lines,
            hint="`robolink board check` says what is on it, `robolink board flash` puts Robolink on it",
        )

    def sheet(self) -> BoardSheet:
        """What the board says of itself.

        Raises:
            RobolinkError: It does not, or not in words of the profile.
        """
        parts = SheetParts()
        self.take()
        self.link.send(v1.SerialSheetRequest())
        until = time.monotonic() + SHEET_S
        while time.monotonic() < until:
            self.pump()
            for message in self.take():
                made = parts.add(message) if isinstance(message, v1.SerialSheetPart) else None
                if made is not None:
                    return made
        raise TransportTimeoutError(
            f"the board on {self.port.path} has not described itself within {SHEET_S:g} s"
        )

    def round_trip(self) -> float | None:
        """Seconds from a question to its answer (about a command that nobody gave); None: no answer came."""
        question = os.urandom(16)
        self.link.send(v1.SerialQuery(command_id=question))
        began = time.monotonic()
        while time.monotonic() - began < ANSWER_S:
            self.pump()
            for message in self.take():
                if isinstance(message, v1.SerialUpdate) and message.command_id == question:
                    return time.monotonic() - began
        return None
