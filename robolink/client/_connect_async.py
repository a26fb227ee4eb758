"""What `connect_async` returns, and how a hub that is meant by its name is found without holding the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any

from robolink import v1
from robolink.client._asyncio import AsyncHub, _wait
from robolink.client._blocking import DEFAULT_ROLES
from robolink.client._core import NO_HUB_HINT, ClientCore
from robolink.errors import ConnectionLostError
from robolink.transports.discovery import hub_address, is_name
from robolink.transports.lanes import Keys


def _close_made(made: asyncio.Future[ClientCore]) -> None:
    """Nobody waits for it any more."""
    if made.exception() is None:
        made.result().close()


class _Connecting:
    """What `connect_async` returns: await it, or enter it as an async context manager."""

    def __init__(self, make: Callable[[], ClientCore], timeout_s: float, *, look: bool) -> None:
        self._make, self._timeout_s = make, timeout_s
        self._core = None if look else make()
        self._hub: AsyncHub | None = None

    async def _look(self) -> ClientCore:
        """To find a hub by its name takes a while, and must not hold the loop."""
        making = asyncio.ensure_future(asyncio.to_thread(self._make))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_close_made)
            raise

    async def _connect(self) -> AsyncHub:
        core = self._core or await self._look()
        try:
            await _wait(core.connected(), self._timeout_s)
        except TimeoutError as exc:
            await asyncio.to_thread(core.close)
            text = f"no hub answers at {core.url} within {self._timeout_s:g} s"
            raise ConnectionLostError(text, hint=NO_HUB_HINT) from exc
        except BaseException:
            await asyncio.to_thread(core.close)
            raise
        return AsyncHub(core)

    def __await__(self) -> Generator[Any, None, AsyncHub]:
        return self._connect().__await__()

    async def __aenter__(self) -> AsyncHub:
        self._hub = await self._connect()
        return self._hub

    async def __aexit__(self, *_: object) -> None:
        if self._hub is not None:
            await self._hub.close()


def connect_async(
    url: str | None = None,
    *,
    name: str = "",
    roles: Iterable[v1.Role] = DEFAULT_ROLES,
    keys: Keys | None = None,
    timeout_s: float = 5.0,
    safety_url: str | None = None,
    cloud: bool = False,
) -> _Connecting:
    """Connect to a hub; enter it as an async context manager, or await it. Arguments and errors as `connect`."""
    make = partial(
        ClientCore,
        url,
        name=name,
        roles=roles,
        keys=keys,
        timeout_s=timeout_s,
        safety_url=safety_url,
        cloud=cloud,
    )
    return _Connecting(make, timeout_s, look=is_name(hub_address(url)))
