"""Bounded queues and futures from the thread that moves an SDK's messages to its callers; both apps' SDKs stand on them.

It knows no messages, and imports no asyncio: a blocking app does not pay for it (awaiting.py has that face).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


def settle(future: Future[Any], value: object = None, error: Exception | None = None) -> None:
    """Give a future its value or error; a caller that has cancelled it does not mind."""
    try:
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)
    except InvalidStateError:
        return  # Cancelled by its waiter, or answered twice by a duplicate.


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


class Iteration(Generic[T]):
    """Items as they come; close it, or use it as a context manager."""

    def __init__(self, channel: Channel[T]) -> None:
        """Over one channel."""
        self._channel = channel

    @property
    def dropped(self) -> int:
        """Items that were replaced by newer ones before anybody took them."""
        return self._channel.dropped

    def __iter__(self) -> Iterator[T]:
        """Until it is closed."""
        while True:
            try:
                item = self._channel.get()
            except StopIteration:
                return
            if item is not None:
                yield item

    def next(self, timeout_s: float) -> T | None:
        """The next item, or None after the timeout or the end."""
        try:
            return self._channel.get(timeout_s)
        except StopIteration:
            return None

    def close(self) -> None:
        """End the iteration."""
        self._channel.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()
