"""Tables and JSON on stdout. Colours and moving bars only where stdout or stderr is a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_json(document: Any) -> None:
    """One document, indented."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def print_json_line(document: Any) -> None:
    """One document on one line, at once."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def console(*, stderr: bool = False) -> Console:
    """Rich's console: markup off, so that a robot's text never is taken for a colour."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def is_tty(*, stderr: bool = False) -> bool:
    """Whether a person looks at it."""
    return (sys.stderr if stderr else sys.stdout).isatty()


# A cell is text, or text and its style.
Cell = str | tuple[str, str]


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> Table:
    """A table without lines, for rich."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, show_edge=False, title=title or None, title_justify="left")
    for heading in headings:
        made.add_column(heading.upper(), overflow="fold", header_style="bold")
    for row in rows:
        made.add_row(*(Text(cell) if isinstance(cell, str) else Text(*cell) for cell in row))
    return made


def print_table(headings: Sequence[str], rows: Iterable[Sequence[Cell]], *, title: str = "") -> None:
    """A table without lines: readable on a terminal, and by awk and grep from a pipe."""
    screen = console()
    if not screen.is_terminal:
        screen.width = 240  # a pipe has no width; never fold what another program reads
    screen.print(table(headings, rows, title=title))
