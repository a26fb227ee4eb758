"""Messages of one node's topics, taken in a thread of its own: rclpy's executor builds its wait set anew in Python for each.

It knows no topics and decides nothing; what a callback raises costs that one message.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger(__name__)

# Only against a wake-up that was lost; nothing waits for it.
WAIT_NS: Final = 1_000_000_000
JOIN_S: Final = 2.0


def apart(rclpy: Any) -> Any:
    """A callback group that no executor serves."""

    class Apart(rclpy.callback_groups.MutuallyExclusiveCallbackGroup):  # type: ignore[misc, name-defined, unused-ignore]
        def can_execute(self, entity: Any) -> bool:
            return False

    return Apart()


class Receiver:
    """The thread, and the wait set in it.

    Attributes:
        errors: Callbacks that raised.
    """

    def __init__(self, rclpy: Any, context: Any, name: str) -> None:
        """Nothing is taken yet."""
        # rclpy's own way to wait outside of an executor, as its `wait_for_message` does.
        self._raw = rclpy.impl.implementation_singleton.rclpy_implementation
        self._context = context
        self.group = apart(rclpy)
        self._wake = rclpy.guard_condition.GuardCondition(None, None, context=context)
        self._lock = threading.Lock()
        self._taken: dict[Any, Callable[[Any, Any], None]] = {}
        self._changed, self._closing = False, threading.Event()
        self.errors = 0
        self._thread = threading.Thread(target=self._run, name=f"receive {name}", daemon=True)
        self._thread.start()

    def add(self, subscription: Any, callback: Callable[[Any, Any], None]) -> None:
        """Call it with each message and its info, in this thread."""
        with self._lock:
            self._taken[subscription] = callback
            self._changed = True
        self._wake.trigger()

    def remove(self, subscription: Any) -> None:
        """No more of these; it may be destroyed from now on (rclpy keeps its handle while it is waited for)."""
        with self._lock:
            self._taken.pop(subscription, None)
            self._changed = True
        self._wake.trigger()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._serve()
            except Exception:
                # The context is shut down, or the middleware has failed: not to be repeated without a pause.
                if self._closing.is_set() or not self._context.ok():
                    return
                self.errors += 1
                log.exception("receiving from ROS 2 goes on after an error")
                self._closing.wait(0.1)

    def _serve(self) -> None:
        """Until the subscriptions change: the same wait set for every message."""
        with self._lock:
            taken, self._changed = list(self._taken.items()), False
        with contextlib.ExitStack() as held:
            held.enter_context(self._context.handle)
            wake = self._wake.handle
            held.enter_context(wake)
            there = []
            for subscription, callback in taken:
                # Destroyed in the meantime: rclpy says so by InvalidHandle.
                with contextlib.suppress(self._raw.InvalidHandle):
                    handle = subscription.handle
                    held.enter_context(handle)
                    there.append((handle, handle.pointer, subscription.msg_type, callback))
            waiting = self._raw.WaitSet(len(there), 1, 0, 0, 0, 0, self._context.handle)
            while not self._changed and not self._closing.is_set():
                waiting.clear_entities()
                waiting.add_guard_condition(wake)
                for handle, *_ in there:
                    waiting.add_subscription(handle)
                waiting.wait(WAIT_NS)
                ready = waiting.get_ready_entities("subscription")
                for handle, pointer, kind, callback in there:
                    if pointer in ready and (found := handle.take_message(kind, False)) is not None:
                        self._call(callback, *found)

    def _call(self, callback: Callable[[Any, Any], None], message: Any, info: Any) -> None:
        try:
            callback(message, info)
        except Exception:
            self.errors += 1
            log.exception("a message was lost: its callback raised")

    def close(self) -> None:
        """End the thread; before the node is destroyed."""
        self._closing.set()
        self._wake.trigger()
        if self._thread is not threading.current_thread():
            self._thread.join(JOIN_S)
        self._wake.destroy()
