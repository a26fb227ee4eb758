"""`robolink call`: one method of one robot, from typed words to its verdict.

It holds the lease that motion needs exactly as long as the command runs, and never sends one a second time.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from robolink import v1
from robolink.cli.check import check_call
from robolink.cli.output import print_json, print_json_line
from robolink.cli.progress import Show, shower
from robolink.cli.session import connected
from robolink.cli.values import shown, typed_arguments
from robolink.cli.views import View, outcome, results_of
from robolink.core.command import TERMINAL
from robolink.core.sheet import SheetIndex
from robolink.core.values import Plain
from robolink.core.violation import cause_name, state_name
from robolink.errors import CommandError, DeadlineExceededError

if TYPE_CHECKING:
    from robolink.client import GoalHandle, Options, RobotHandle

POLL_S: Final = 0.5
CANCEL_WAIT_S: Final = 10.0


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
    check: bool = False


def call_method(hub: str | None, wish: Wish, as_json: bool) -> int:
    """Run it, or only ask what the hub would say; any outcome but SUCCEEDED is raised after it was shown.

    Raises:
        RobolinkError: RejectedError, LeaseError, CommandFailedError, DeadlineExceededError.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with connected(hub) as site:
        robot = site.robot(wish.robot)
        method = _method(robot, wish)
        args = typed_arguments(wish.method, method, wish.words)
        if wish.check:
            return check_call(site, wish.robot, wish.method, _options(wish), args, as_json)
        began = time.monotonic()
        with ExitStack() as stack:
            goal = _start(stack, robot, wish, method, args, as_json)
            show = stack.enter_context(shower(f"{wish.robot} {wish.method}", _lines(wish, method), as_json))
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
    if update.state != v1.COMMAND_STATE_SUCCEEDED:
        sys.stdout.write(f"its way: robolink trace {update.command_id.hex()}\n")
