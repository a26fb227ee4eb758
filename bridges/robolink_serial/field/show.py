"""What the commands write: tables and JSON on stdout, progress on stderr. It decides nothing.

A terminal gets colours and bars; a pipe gets plain lines, one thing each.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH: Final = 10_000
# A cell is text, or text and its style.
Cell = str | tuple[str, str]
# Done so far, of how much, and what it is at.
Progress = Callable[[int, int, str], None]


class Level(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"
    FAULT = "fault"


STYLES: Final = {Level.OK: "green", Level.NOTE: "yellow", Level.FAULT: "bold red"}
WORDS: Final = {Level.OK: "ok", Level.NOTE: "note", Level.FAULT: "NO"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    what: str
    level: Level
    text: str
    hint: str = ""

    def view(self) -> dict[str, str]:
        """For JSON."""
        return {"what": self.what, "level": self.level.value, "text": self.text, "hint": self.hint}


def console(*, stderr: bool = False) -> Console:
    """Markup off: what a board says is never taken for a colour."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def write_json(document: Any) -> None:
    """One document, indented."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def write_json_line(document: Any) -> None:
    """One document on one line, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One line for a person, beside the output."""
    console(stderr=True).print(text, soft_wrap=True)


def write_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Without lines: read by people and by awk."""
    screen = console()
    if not screen.is_terminal:
        screen.width = PIPE_WIDTH
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading.upper(), overflow="fold", header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else Text(*cell) for cell in row))
    screen.print(table)


def write_findings(findings: Iterable[Finding]) -> None:
    """A table of them."""
    rows = []
    for each in findings:
        style = STYLES[each.level]
        shown: Cell = each.text if each.level is Level.OK else (each.text, style)
        rows.append((each.what, (WORDS[each.level], style), shown, each.hint))
    write_table(("what", "verdict", "how it is", "what to do"), rows)


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Something turns on a terminal while it lasts; a pipe gets the line."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        say(text)
        yield
        return
    with screen.status(Text(text)):
        yield


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """A bar on a terminal; elsewhere a line for each new thing."""
    if not sys.stderr.isatty():
        yield _Lines(title)
        return
    from rich.progress import BarColumn, DownloadColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[at]}", markup=False),
    )
    with Bars(*columns, console=console(stderr=True)) as bars:
        task = bars.add_task(title, total=None, at="")

        def show(done: int, total: int, at: str) -> None:
            bars.update(task, completed=done, total=total, at=at)

        yield show


class _Lines:
    def __init__(self, title: str) -> None:
        self._title, self._last = title, ""

    def __call__(self, done: int, total: int, at: str) -> None:
        if at and at != self._last:
            self._last = at
            sys.stderr.write(f"{self._title}: {at} ({done} of {total} bytes so far)\n")


def size(count: int) -> str:
    """Bytes for people."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
