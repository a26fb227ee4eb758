"""Futures and event channels that both faces wait on; they know no calls."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from robolink import v1
from robolink.channels import Channel, settle
from robolink.errors import ConnectionLostError

A = TypeVar("A")
B = TypeVar("B")

EVENTS_KEPT: Final = 10_000


def then(future: Future[A], convert: Callable[[A], B]) -> Future[B]:
    """The future of `convert(result)`; errors of both pass through."""
    out: Future[B] = Future()

    def done(first: Future[A]) -> None:
        error = first.exception()
        if error is not None:
            settle(out, error=error if isinstance(error, Exception) else ConnectionLostError(str(error)))
            return
        try:
            settle(out, convert(first.result()))
        except Exception as exc:  # noqa: BLE001  # handed to the waiter, whatever it is
            # Handed to the waiter, who alone can tell what it means.
            settle(out, error=exc)

    future.add_done_callback(done)
    return out


def outcome(done: Future[Any]) -> tuple[object, Exception | None]:
    """Value and error of a future that is done."""
    error = done.exception()
    if error is not None:
        return None, error if isinstance(error, Exception) else ConnectionLostError(str(error))
    return done.result(), None


class EventChannel(Channel[v1.Event]):
    """Events of the robots and kinds wanted."""

    def __init__(self, robots: frozenset[str], kinds: frozenset[str]) -> None:
        """Without robots: of all."""
        super().__init__(EVENTS_KEPT)
        self.robots, self.kinds = robots, kinds

    def wants(self, event: v1.Event) -> bool:
        """Whether it is of a robot and kind wanted."""
        kind = event.WhichOneof("kind")
        if kind not in self.kinds:
            return False
        return not self.robots or getattr(event, kind).robot in self.robots
