"""Robolink: one command semantics from a cloud twin down to a microcontroller and back.

This names the public API and nothing more; each name is imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from robolink.client import connect, connect_async, stop_all

__version__ = "0.1.0"

__all__ = ["__version__", "connect", "connect_async", "stop_all"]


def __getattr__(name: str) -> Any:
    if name in ("connect", "connect_async", "stop_all"):
        from robolink import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
