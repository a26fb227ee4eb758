"""The client SDK: command robots, read and write twins, stop and release, blocking or with asyncio.

The asyncio face is imported when it is used, so that a blocking app does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from robolink.channels import Iteration
from robolink.client._blocking import GoalHandle, Hub, Lease, RobotHandle, Twin
from robolink.client._connect import connect, stop_all
from robolink.client._core import Options
from robolink.client._discovery import Discovery, FoundHub, discover
from robolink.client._streams import StreamSample

if TYPE_CHECKING:
    from robolink.awaiting import AsyncIteration
    from robolink.client._asyncio import (
        AsyncGoalHandle,
        AsyncHub,
        AsyncLease,
        AsyncRobotHandle,
        AsyncTwin,
    )
    from robolink.client._connect_async import connect_async

from robolink.core.command import TERMINAL
from robolink.core.violation import cause_name, state_name

_ASYNC = (
    "AsyncGoalHandle",
    "AsyncHub",
    "AsyncIteration",
    "AsyncLease",
    "AsyncRobotHandle",
    "AsyncTwin",
)

__all__ = [
    "TERMINAL",
    "AsyncGoalHandle",
    "AsyncHub",
    "AsyncIteration",
    "AsyncLease",
    "AsyncRobotHandle",
    "AsyncTwin",
    "Discovery",
    "FoundHub",
    "GoalHandle",
    "Hub",
    "Iteration",
    "Lease",
    "Options",
    "RobotHandle",
    "StreamSample",
    "Twin",
    "cause_name",
    "connect",
    "connect_async",
    "discover",
    "state_name",
    "stop_all",
]


def __getattr__(name: str) -> Any:
    if name == "connect_async":
        from robolink.client._connect_async import connect_async

        return connect_async
    if name in _ASYNC:
        from robolink.client import _asyncio

        return getattr(_asyncio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
