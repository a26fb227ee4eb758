"""Waiting for a word or a while: what the mapper's loops stand still at."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

TICK_S: Final = 0.1


async def wait(event: asyncio.Event, timeout_s: float) -> None:
    """Until it is set, or so long; then it is clear again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()
