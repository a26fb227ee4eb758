"""`robolink board monitor`: a session with one board, every frame of it shown as it passes, what it prints apart.

It orders nothing: HELLO, beats and a question for the sheet are all that it says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from robolink import v1
from robolink.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from robolink_serial.field.claim import Ask, claimed
from robolink_serial.field.session import Session
from robolink_serial.field.show import console, say, write_json_line
from robolink_serial.field.tap import PREFIX, Seen, Tap, Text, fields
from robolink_serial.sheet import SheetParts

QUIET: Final = frozenset({"HELLO", "BEAT", "SHEET_PART", "SHEET_REQUEST"})
IDLE_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed.

    Attributes:
        everything: Beats and handshakes too.
        only: Kinds to show; empty: all.
        for_s: End after this time; None: at Ctrl-C.
    """

    path: str
    ask: Ask
    everything: bool = False
    only: frozenset[str] = frozenset()
    text: bool = True
    for_s: float | None = None


def kinds(words: Iterable[str]) -> frozenset[str]:
    """Of frames, as one types them.

    Raises:
        ConfigError: One that is none.
    """
    known = {name.removeprefix(PREFIX) for name, number in v1.SerialFrameKind.items() if number}
    wanted = frozenset(word.upper().replace("-", "_") for word in words)
    if not wanted <= known:
        names = ", ".join(sorted(each.lower() for each in known))
        raise ConfigError(f"no frame of kind {min(wanted - known).lower()!r}", hint=f"there are: {names}")
    return wanted


def monitor(wish: Wish, *, as_json: bool) -> int:
    """Show it until the time is over or Ctrl-C.

    Raises:
        RobolinkError: The port cannot be had, or vanished.
    """
    with claimed(wish.path, wish.ask, say) as claim:
        shown = _Shown(wish, as_json=as_json)
        try:
            with Session(claim.path, tap=shown.tap) as session:
                shown.run(session)
        except KeyboardInterrupt:
            pass  # The way to end it.
        say(
            f"{shown.frames} frames, {shown.lines} lines of text, {shown.listener.bad_frames} damaged or of other sessions"
        )
    return 0


class _Shown:
    def __init__(self, wish: Wish, *, as_json: bool) -> None:
        self._wish, self._as_json = wish, as_json
        self.listener = Tap()
        self.frames = self.lines = 0
        self._began = self._heard = time.monotonic()
        self._names: dict[int, str] = {}
        self._parts = SheetParts()
        self._screen = console()

    def run(self, session: Session) -> None:
        asked = 0
        while self._wish.for_s is None or time.monotonic() - self._began < self._wish.for_s:
            session.pump()
            session.take()
            peer = session.peer.session_id if session.peer is not None else 0
            if session.link.up and asked != peer:
                asked = peer
                try:
                    session.link.send(v1.SerialSheetRequest())
                except LocalProtocolError:
                    asked = 0
            if time.monotonic() - self._heard > IDLE_S:
                for item in self.listener.idle():
                    self._show(item)

    def tap(self, from_board: bool, data: bytes) -> None:
        if from_board:
            self._heard = time.monotonic()
        for item in self.listener.heard(from_board, data):
            if isinstance(item, Seen) and isinstance(item.message, v1.SerialSheetPart):
                self._learn(item.message)
            self._show(item)

    def _learn(self, part: v1.SerialSheetPart) -> None:
        try:
            board = self._parts.add(part)
        except RemoteProtocolError as exc:
            say(f"its description cannot be read: {exc}")
            return
        if board is not None:
            self._names = {number: member.name for number, member in board.by_id.items()}

    def _show(self, item: Seen | Text) -> None:
        at = time.monotonic() - self._began
        if isinstance(item, Text):
            self.lines += 1
            if self._wish.text:
                self._write_text(at, item)
            return
        self.frames += 1
        wanted = (
            item.kind in self._wish.only
            if self._wish.only
            else self._wish.everything or item.kind not in QUIET
        )
        if not wanted:
            return
        told = (
            fields(item.message, self._names)
            if item.message is not None
            else {"raw": item.raw.hex()}
            if item.raw
            else {}
        )
        if self._as_json:
            direction = "from-board" if item.from_board else "to-board"
            document: dict[str, Any] = {"at_s": round(at, 4), "direction": direction, "kind": item.kind}
            write_json_line(document | {"seq": item.seq, "ack": item.ack, "fields": told})
        else:
            self._write_frame(at, item, told)

    def _write_text(self, at: float, item: Text) -> None:
        if self._as_json:
            write_json_line({"at_s": round(at, 4), "text": item.text})
        else:
            self._screen.print(f"{at:9.3f}  | {item.text}", style="yellow", soft_wrap=True)

    def _write_frame(self, at: float, item: Seen, told: dict[str, Any]) -> None:
        arrow = "<" if item.from_board else ">"
        words = "  ".join(f"{name}={_plain(value)}" for name, value in told.items())
        self._screen.print(f"{at:9.3f} {arrow} {item.kind:<14} {words}".rstrip(), soft_wrap=True)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
