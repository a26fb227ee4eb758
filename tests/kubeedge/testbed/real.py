"""Clusters with real servers in them. Without the programs that `.ci/testbed` builds there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.kubeedge.cluster import Cluster


def kinds() -> dict[str, Callable[[Path], Cluster]]:
    """By name, what can be started here."""
    return {}
