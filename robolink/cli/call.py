"""`robolink call`: one method of one robot, from typed words to its verdict.

It holds the lease that motion needs exactly as long as the command runs, and never sends one a second time.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from robolink import v1
from robolink.cli.output import console, is_tty, print_json, print_json_line
from robolink.cli.session import connected
from robolink.cli.values import shown, typed_arguments
from robolink.cli.views import View, feedback, outcome, results_of
from robolink.core.command import TERMINAL
from robolink.core.sheet import SheetIndex
from robolink.core.values import Plain, values_to_dict
from robolink.core.violation import cause_name, state_name
from robolink.errors import CommandError, DeadlineExceededError

if TYPE_CHECKING:
    from robolink.client import GoalHandle, Options, RobotHandle

POLL_S: Final = 0.5
CANCEL_WAIT_S: Final = 10.0

Show = Callable[[v1.CommandFeedback], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was typed."""

    robot: str
    method: str
    words: list[str]
    follow: bool
    timeout_s: float | None
    preempt: bool
    ttl_s: float | None


def call_method(hub: str | None, wish: Wish, as_json: bool) -> int:
    """Run it; errors of any other outcome than SUCCEEDED are raised after they were shown.

    Raises:
        RobolinkError: RejectedError, LeaseError, CommandFailedError, DeadlineExceededError.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with connected(hub) as site:
        robot = site.robot(wish.robot)
        method = _method(robot, wish)
        args = typed_arguments(wish.method, method, wish.words)
        began = time.monotonic()
        with ExitStack() as stack:
            goal = _start(stack, robot, wish, method, args, as_json)
            show = stack.enter_context(_shower(wish, _lines(wish, method), as_json))
            update = _to_the_end(goal, wish, show)
        _print_outcome(wish, method, update, time.monotonic() - began, as_json)
        goal.result(POLL_S)  # raises what it ended with
    return 0


def _method(robot: RobotHandle, wish: Wish) -> v1.Method:
    index = SheetIndex(robot.describe().sheet)
    method = index.method(wish.method)
    if method is None:
        names = [f"{c.name}.{m.name}" for c in index.sheet.components for m in c.methods]
        raise typer.BadParameter(
            f"{wish.robot} has no method {wish.method!r}; it has {', '.join(names) or 'none'}"
        )
    return method


def _options(wish: Wish) -> Options:
    from robolink.client import Options

    return (
        Options(preempt=wish.preempt)
        if wish.ttl_s is None
        else Options(preempt=wish.preempt, ttl_s=wish.ttl_s)
    )


def _start(
    stack: ExitStack,
    robot: RobotHandle,
    wish: Wish,
    method: v1.Method,
    args: dict[str, Plain],
    as_json: bool,
) -> GoalHandle:
    try:
        if method.motion:
            stack.enter_context(robot.lease(wish.method.partition(".")[0]))
        return robot.goal(wish.method, _options(wish), **args)
    except CommandError as exc:
        if as_json and not isinstance(exc, DeadlineExceededError):
            refused = v1.CommandUpdate(state=v1.COMMAND_STATE_REJECTED, text=str(exc.args[0]))
            refused.cause = exc.cause  # type: ignore[assignment]  # an enum is its number
            _write(outcome(wish.robot, wish.method, refused), _lines(wish, method))
        raise


def _lines(wish: Wish, method: v1.Method) -> bool:
    """Whether it is followed: then JSON is one document a line."""
    return wish.follow and method.kind == v1.METHOD_KIND_GOAL


def _write(document: View, lines: bool) -> None:
    if lines:
        print_json_line(document)
    else:
        print_json(document)


def _to_the_end(goal: GoalHandle, wish: Wish, show: Show) -> v1.CommandUpdate:
    """Its terminal update; Ctrl-C and the timeout cancel it and wait for the verdict."""
    try:
        if _follow(goal, wish.timeout_s, show):
            return goal.wait(POLL_S)
        why = f"not ended within {wish.timeout_s:g} s"
    except KeyboardInterrupt:
        why = "cancelled by Ctrl-C"
    sys.stderr.write(f"robolink: {why}; cancelling and waiting for the verdict\n")
    goal.cancel(why)
    return goal.wait(CANCEL_WAIT_S)


def _follow(goal: GoalHandle, timeout_s: float | None, show: Show) -> bool:
    """Show feedback until it has ended (True) or the time is over."""
    until = None if timeout_s is None else time.monotonic() + timeout_s
    with goal.feedback() as items:
        while goal.state not in TERMINAL:
            left_s = POLL_S if until is None else min(POLL_S, until - time.monotonic())
            if left_s <= 0:
                return False
            item = items.next(left_s)
            if item is not None:
                show(item)
    return True


@contextmanager
def _shower(wish: Wish, follow: bool, as_json: bool) -> Iterator[Show]:
    if not follow:
        yield lambda _item: None
    elif as_json:
        yield lambda item: print_json_line(feedback(item))
    elif is_tty(stderr=True):
        yield from _bar(f"{wish.robot} {wish.method}")
    else:
        yield _Lines()


def _bar(title: str) -> Iterator[Show]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[about]}", markup=False),
    )
    with Progress(*columns, console=console(stderr=True)) as progress:
        task = progress.add_task(title, total=None, about="")

        def show(item: v1.CommandFeedback) -> None:
            known = item.HasField("progress")
            total, completed = (1.0, item.progress) if known else (None, 0.0)
            progress.update(task, total=total, completed=completed, about=about(item))

        yield show


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


def _print_outcome(
    wish: Wish, method: v1.Method, update: v1.CommandUpdate, took_s: float, as_json: bool
) -> None:
    if as_json:
        _write(outcome(wish.robot, wish.method, update), _lines(wish, method))
        return
    units = {field.name: field.unit for field in method.results}
    results = "  ".join(
        f"{name}={shown(value, units.get(name, ''))}" for name, value in results_of(update).items()
    )
    cause = f" ({cause_name(update.cause)})" if update.cause else ""
    sys.stdout.write(f"{state_name(update.state)}{cause} in {took_s:.2f} s  {results}".rstrip() + "\n")
