"""What channels and futures of an SDK's thread are in an event loop. It knows no messages and no errors of the SDKs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Generic, Self, TypeVar

from robolink.channels import Channel

T = TypeVar("T")


async def settled(future: Future[T], timeout_s: float | None = None) -> T:
    """What a future comes to; who gives up waiting does not cancel what others may still wait for.

    Raises:
        TimeoutError: It did not within that time.
        Exception: The future's own.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def release() -> None:
        if not waiter.done():
            waiter.set_result(None)

    future.add_done_callback(lambda _: _soon(loop, release))
    async with asyncio.timeout(timeout_s):
        await waiter
    return future.result()


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    with contextlib.suppress(RuntimeError):  # The loop has ended, and whoever waited in it.
        loop.call_soon_threadsafe(call)


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
        self._channel.listen(lambda: _soon(loop, ready.set))
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
