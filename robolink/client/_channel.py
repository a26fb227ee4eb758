"""A bounded queue from the I/O thread to one iterating caller, blocking or asyncio. It knows no messages."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """Holds at most `limit` items; the oldest go first, and are counted.

    Attributes:
        dropped: Items that nobody took in time.
    """

    def __init__(self, limit: int) -> None:
        """Open and empty."""
        self._items: deque[T] = deque()
        self._limit = limit
        self._ready = threading.Condition()
        self._listener: Callable[[], None] | None = None
        self._error: Exception | None = None
        self.closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        """Add an item; after `close` it is ignored."""
        with self._ready:
            if self.closed:
                return
            if len(self._items) >= self._limit:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
            self._ready.notify()
            listener = self._listener
        if listener is not None:
            listener()

    def close(self, error: Exception | None = None) -> None:
        """No more items come; the error is raised once what is left has been taken."""
        with self._ready:
            if not self.closed:
                self.closed, self._error = True, error
            self._ready.notify_all()
            listener = self._listener
        if listener is not None:
            listener()

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Called from the putting thread after each change; for the asyncio face."""
        with self._ready:
            self._listener = listener
        if listener is not None:
            listener()

    def take(self) -> T | None:
        """The next item if there is one.

        Raises:
            StopIteration: Closed and empty.
            Exception: What it was closed with.
        """
        with self._ready:
            return self._take()

    def _take(self) -> T | None:
        if self._items:
            return self._items.popleft()
        if self.closed:
            if self._error is not None:
                raise self._error
            raise StopIteration
        return None

    def get(self, timeout_s: float | None = None) -> T | None:
        """Wait for the next item; None after the timeout. Raises as `take`."""
        with self._ready:
            self._ready.wait_for(lambda: self._items or self.closed, timeout_s)
            return self._take()
