"""A vendor's coroutines: one asyncio loop a robot, in a thread of its own. Which method runs when is `_robot.py`'s."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from robolink.core.values import Plain
from robolink.robot._handler import Order

CLOSE_S: Final = 1.0


class AsyncGoal:
    """A running goal, for the coroutine that does it. It is cancelled where it waits when the goal must end.

    Clean up in `finally`, and let `asyncio.CancelledError` pass.
    """

    def __init__(self, order: Order) -> None:
        """Of one order."""
        self._order = order

    @property
    def ending(self) -> bool:
        """Whether it must end."""
        return self._order.cancel_requested is not None

    def feedback(
        self, *, phase: str = "", progress: float | None = None, eta_s: float | None = None, **values: Plain
    ) -> None:
        """What is measured on the way."""
        self._order.feedback(phase=phase, progress=progress, eta_s=eta_s, **values)

    async def sleep(self, seconds: float) -> None:
        """As `asyncio.sleep`: it ends by cancellation as soon as the goal must end."""
        await asyncio.sleep(seconds)


class AsyncSide:
    """The loop of one robot's coroutines; its thread begins with the first one."""

    def __init__(self, name: str) -> None:
        """No thread yet."""
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def settle(self, result: Any, timeout_s: float | None = None) -> Any:
        """What a vendor's method returned; of a coroutine, what it returns in the loop.

        Raises:
            TimeoutError: It took longer; it is cancelled.
        """
        if not inspect.isawaitable(result):
            return result
        future = asyncio.run_coroutine_threadsafe(_as_coroutine(result), self._running())
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def run_goal(self, order: Order, function: Callable[..., Coroutine[Any, Any, Any]]) -> Any:
        """Run a goal's coroutine to its end; it is cancelled when the order must end.

        Raises:
            concurrent.futures.CancelledError: It was.
        """
        goal = AsyncGoal(order)
        future = asyncio.run_coroutine_threadsafe(function(goal, **order.args), self._running())

        def changed() -> None:
            if goal.ending:
                future.cancel()

        order.on_change = changed
        changed()  # It may have been ended before anybody listened.
        return future.result()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    def close(self) -> None:
        """End the loop."""
        with self._lock:
            loop, thread, self._loop = self._loop, self._thread, None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join(CLOSE_S)
        if not thread.is_alive():
            loop.close()


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
