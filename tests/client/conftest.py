"""A hub and a robot, each a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.client import Hub
from tests.conftest import HubProcess, wait_for

ROOT = Path(__file__).parents[2]
ROBOT = "walker-1"


@pytest.fixture
def site(hub: HubProcess, tmp_path: Path) -> Iterator[HubProcess]:
    """A hub with the robot online."""
    with (tmp_path / "robot.log").open("wb") as log:
        robot = subprocess.Popen(
            [sys.executable, "-m", "tests.client.robot", hub.url], cwd=ROOT, stdout=log, stderr=log
        )
    with robolink.connect(hub.url, name="waiter") as waiter:
        wait_for(lambda: any(each.online for each in waiter.robots()), what="the robot")
    yield hub
    robot.kill()
    robot.wait()


@pytest.fixture
def client(site: HubProcess) -> Iterator[Hub]:
    """A blocking client that may do everything."""
    with robolink.connect(site.url, name="anna", roles=(v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)) as made:
        yield made
