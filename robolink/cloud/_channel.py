"""Items from the fleet's threads to one reader, blocking or asyncio; bounded, the oldest go first and are counted."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Channel(Generic[T]):
    """At most `limit` items.

    Attributes:
        dropped: Items that nobody took in time.
    """

    def __init__(self, limit: int) -> None:
        """Open and empty."""
        self.dropped = 0
        self.closed = False
        self._items: deque[T] = deque()
        self._limit = limit
        self._ready = threading.Condition()
        self._listener: Callable[[], None] | None = None

    def put(self, item: T) -> None:
        """Add an item; after `close` it is ignored."""
        with self._ready:
            if self.closed:
                return
            if len(self._items) >= self._limit:
                self._items.popleft()
                self.dropped += 1
            self._items.append(item)
        self._wake()

    def close(self) -> None:
        """No more items come; what is left may be taken."""
        self.closed = True
        self._wake()

    def _wake(self) -> None:
        with self._ready:
            self._ready.notify_all()
            listener = self._listener
        if listener is not None:
            listener()

    def listen(self, listener: Callable[[], None] | None) -> None:
        """Called from the putting thread after each change."""
        with self._ready:
            self._listener = listener
        if listener is not None:
            listener()

    def take(self) -> T | None:
        """The next item if there is one.

        Raises:
            StopIteration: Closed and empty.
        """
        with self._ready:
            if self._items:
                return self._items.popleft()
            if self.closed:
                raise StopIteration
            return None

    def get(self, timeout_s: float | None = None) -> T | None:
        """Wait for the next item; None after the timeout. Raises as `take`."""
        with self._ready:
            self._ready.wait_for(lambda: self._items or self.closed, timeout_s)
            return self.take()


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


class AsyncIteration(Generic[T]):
    """Items as they come; an async context manager too."""

    def __init__(self, channel: Channel[T]) -> None:
        """Over one channel."""
        self._channel = channel

    @property
    def dropped(self) -> int:
        """Items that were replaced by newer ones before anybody took them."""
        return self._channel.dropped

    async def __aiter__(self) -> AsyncIterator[T]:
        """Until it is closed."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(ready.set)

        self._channel.listen(wake)
        try:
            while True:
                await ready.wait()
                ready.clear()
                while True:
                    try:
                        item = self._channel.take()
                    except StopIteration:
                        return
                    if item is None:
                        break
                    yield item
        finally:
            self._channel.listen(None)

    async def close(self) -> None:
        """End the iteration."""
        self._channel.close()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.close()
