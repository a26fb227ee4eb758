"""`robolink lease`: holds the right to move a robot while it runs, and answers those who ask for it.

The SDK renews it; whether it is granted is the hub's to say.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import typer

from robolink import v1
from robolink.cli.drive import keys_at_once
from robolink.cli.output import Cell, is_tty, print_json, print_json_line, print_table
from robolink.cli.progress import busy
from robolink.cli.session import connected
from robolink.errors import LeaseError

if TYPE_CHECKING:
    from robolink.client import Lease

LOOK_S: Final = 0.1
READ_BYTES: Final = 1024
CLEAR: Final = "\r\x1b[K"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed."""

    place: str
    take: bool
    request_s: float | None
    reason: str
    for_s: float | None


def lease(hub: str | None, wish: Wish, as_json: bool) -> int:
    """Hold it until Ctrl-C, the time is over, or it is given to who asks.

    Raises:
        RobolinkError: RejectedError (BUSY), naming the owner; LeaseError, it was lost.
    """
    if wish.take and wish.request_s is not None:
        raise typer.BadParameter("--take ends the owner's lease, --request asks for it: say one of them")
    if (wish.take or wish.request_s is not None) and not wish.reason:
        raise typer.BadParameter("say why by --reason: the owner is told")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    robot, _, component = wish.place.partition("/")
    roles = (v1.ROLE_MAINTAIN,) if wish.take else ()
    with connected(hub, *roles) as site:
        right = site.robot(robot).lease(
            component, reason=wish.reason, request_s=wish.request_s, take=wish.take
        )
        waiting = f"asking for {wish.place}" if wish.request_s is not None else f"taking {wish.place}"
        with busy(waiting):
            right.acquire()
        try:
            return Holder(right, wish, as_json).hold()
        finally:
            right.release()


class Holder:
    """Shows a lease that is held, and lets a person answer who asks for it."""

    def __init__(self, right: Lease, wish: Wish, as_json: bool) -> None:
        """Over a lease that was granted."""
        self._right, self._wish, self._as_json = right, wish, as_json
        self._live = is_tty() and not as_json
        self._asked, self._asked_until_s = b"", float("-inf")
        self._began = time.monotonic()

    def hold(self) -> int:
        """Until it ends, in one way or another."""
        self._tell("held", f"held: {self._wish.place}; Ctrl-C gives it back")
        try:
            with _answers() as answer:
                while self._wish.for_s is None or time.monotonic() - self._began < self._wish.for_s:
                    if self._right.lost:
                        text = f"the lease of {self._wish.place} is lost: {self._right.lost}"
                        self._tell("lost", text)
                        raise LeaseError(text, robot=self._right.robot)
                    if self._give(answer):
                        self._tell("given", "given to who asked")
                        return 0
        except KeyboardInterrupt:
            pass  # The way to end it.
        self._tell("released", "given back")
        return 0

    def _give(self, answer: Callable[[float], str]) -> bool:
        """Show how it is, and whether it shall be given to who asks now."""
        wanted = self._right.wanted
        mark = wanted.SerializeToString(deterministic=True) if wanted is not None else b""
        if wanted is not None and mark != self._asked:
            answer(0.0)  # What was typed before the question is no answer to it.
            self._asked_until_s = time.monotonic() + wanted.timeout_ms / 1000
            self._tell("wanted", f"{wanted.by} asks for {self._wish.place}: {wanted.reason}", wanted)
        self._asked = mark
        if time.monotonic() > self._asked_until_s:
            wanted = None  # Who asked waits no more.
        self._show(wanted)
        key = answer(LOOK_S)
        if wanted is not None and key == "n":
            self._right.decline()
            self._tell("declined", f"kept; {wanted.by} is told")
        return wanted is not None and key == "y"

    def _show(self, wanted: v1.LeaseWanted | None) -> None:
        if not self._live:
            return
        question = "Ctrl-C gives it back" if wanted is None else f"give it to {wanted.by}? y/n"
        held_s = time.monotonic() - self._began
        sys.stdout.write(f"{CLEAR}{self._wish.place} is yours since {held_s:.0f} s; {question}")
        sys.stdout.flush()

    def _tell(self, event: str, text: str, wanted: v1.LeaseWanted | None = None) -> None:
        if self._as_json:
            by, reason = (wanted.by, wanted.reason) if wanted is not None else (None, None)
            print_json_line(
                {"event": event, "lease": self._wish.place, "text": text, "by": by, "reason": reason}
            )
        else:
            sys.stdout.write(f"{CLEAR if self._live else ''}{text}\n")
            sys.stdout.flush()


@contextmanager
def _answers() -> Iterator[Callable[[float], str]]:
    """Waits so long for a key of a person; where no terminal is, it only waits."""
    if not sys.stdin.isatty():
        yield _only_wait
        return
    with keys_at_once() as keyboard:

        def key(wait_s: float) -> str:
            if not select.select([keyboard], [], [], wait_s)[0]:
                return ""
            typed = os.read(keyboard, READ_BYTES)
            if not typed:
                raise KeyboardInterrupt  # The terminal is gone.
            return typed[-1:].decode("ascii", "replace").lower()  # Several at once are one answer: the last.

        yield key


def _only_wait(wait_s: float) -> str:
    time.sleep(wait_s)
    return ""


def list_leases(hub: str | None, as_json: bool) -> int:
    """Print every lease that is in force."""
    with connected(hub) as site:
        held = [(info.robot, each) for info in site.robots() for each in info.authority.leases]
    if as_json:
        views = [
            {"robot": robot, "component": each.component, "owner": each.owner, "cloud": each.cloud}
            for robot, each in held
        ]
        print_json({"leases": views})
    elif not held:
        sys.stdout.write("no lease is held\n")
    else:
        print_table(("robot", "component", "owner", "acts for"), [_row(*each) for each in held])
    return 0


def _row(robot: str, holder: v1.LeaseHolder) -> tuple[Cell, ...]:
    return robot, holder.component or "(all)", holder.owner, "a cloud" if holder.cloud else "the site"
