"""Feedback of a goal as it comes: a bar on a terminal, lines where none is, JSON where it was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from robolink import v1
from robolink.cli.output import console, is_tty, print_json_line
from robolink.cli.values import shown
from robolink.cli.views import feedback
from robolink.core.values import values_to_dict

Show = Callable[[v1.CommandFeedback], None]


@contextmanager
def shower(title: str, follow: bool, as_json: bool) -> Iterator[Show]:
    """What shows each feedback: nothing, JSON lines, a bar on a terminal, else lines on stderr."""
    if not follow:
        yield lambda _item: None
    elif as_json:
        yield lambda item: print_json_line(feedback(item))
    elif is_tty(stderr=True):
        yield from _bar(title)
    else:
        yield _Lines()


def _bar(title: str) -> Iterator[Show]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.table import Column

    # On a narrow terminal the words are cut, not the bar.
    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=20, table_column=Column(no_wrap=True, min_width=20)),
        TaskProgressColumn(table_column=Column(no_wrap=True, min_width=4)),
        TextColumn("{task.fields[about]}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
    )
    with Progress(*columns, console=console(stderr=True), expand=True) as progress:
        task = progress.add_task(title, total=None, about="")

        def show(item: v1.CommandFeedback) -> None:
            known = item.HasField("progress")
            total, completed = (1.0, item.progress) if known else (None, 0.0)
            progress.update(task, total=total, completed=completed, about=about(item))

        yield show


@contextmanager
def busy(text: str) -> Iterator[None]:
    """Something turns on a terminal while it lasts; nothing is written where none is."""
    if not is_tty(stderr=True):
        yield
        return
    with console(stderr=True).status(text):
        yield


class _Lines:
    """Feedback where no terminal is: a line for each new phase and each tenth."""

    def __init__(self) -> None:
        self._last: tuple[str, int] | None = None

    def __call__(self, item: v1.CommandFeedback) -> None:
        mark = (item.phase, int(item.progress * 10) if item.HasField("progress") else -1)
        if mark != self._last:
            self._last = mark
            percent = f"{item.progress:4.0%} " if item.HasField("progress") else ""
            sys.stderr.write(f"{percent}{about(item)}\n")


def about(item: v1.CommandFeedback) -> str:
    """Phase, time left and measured values of one feedback."""
    parts = [item.phase] if item.phase else []
    if item.HasField("eta_s"):
        parts.append(f"{item.eta_s:.0f} s left")
    parts += [f"{name} {shown(value)}" for name, value in values_to_dict(item.values).items()]
    return ", ".join(parts)
