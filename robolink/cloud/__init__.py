"""The cloud app's SDK: robots as KubeEdge Devices, commanded and watched over the Kubernetes API alone.

Handles have the edge client's methods; `docs/kubeedge.md` says what a cluster's way changes. It knows no hub and opens no lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from robolink.channels import Iteration
from robolink.cloud._blocking import Fleet, GoalHandle, RobotHandle, Twin
from robolink.cloud._config import KubeConfig
from robolink.cloud._core import Options
from robolink.cloud._http import KubeApi

if TYPE_CHECKING:
    from robolink.awaiting import AsyncIteration
    from robolink.cloud._asyncio import AsyncFleet, AsyncGoalHandle, AsyncRobotHandle, AsyncTwin

_ASYNC = ("AsyncFleet", "AsyncGoalHandle", "AsyncIteration", "AsyncRobotHandle", "AsyncTwin")

__all__ = [
    "AsyncFleet",
    "AsyncGoalHandle",
    "AsyncIteration",
    "AsyncRobotHandle",
    "AsyncTwin",
    "Fleet",
    "GoalHandle",
    "Iteration",
    "KubeApi",
    "KubeConfig",
    "Options",
    "RobotHandle",
    "Twin",
]


def __getattr__(name: str) -> Any:
    if name in _ASYNC:
        from robolink.cloud import _asyncio

        return getattr(_asyncio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
