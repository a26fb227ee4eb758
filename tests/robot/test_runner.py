"""The threads of one handler: what they tell it of the orders that they bring."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from robolink import v1
from robolink.robot import Order, RobotHandler, RobotLink, StopOutcome
from robolink.robot._actions import ApplySetpoint, StartCommand
from robolink.robot._runner import RobotRunner
from tests.conftest import wait_for


class Handler(RobotHandler):
    """Notes the lease at each order."""

    robot, sheet = "r1", v1.Sheet()

    def __init__(self) -> None:
        self.leases: list[tuple[int, int]] = []

    def on_command(self, order: Order) -> None:
        self.leases.append(self.link.lease)

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        self.leases.append(self.link.lease)

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        return StopOutcome(v1.STOP_VERDICT_STOPPED, 0.0, "")


@pytest.fixture
def runner() -> Iterator[RobotRunner]:
    owner: Any = mock.Mock()
    handler = Handler()
    runner = RobotRunner(owner, handler)
    owner.newest_lease = lambda _robot: runner.lease
    handler.attached(RobotLink(owner, handler.robot, handler.sheet))
    yield runner
    runner.close()


def command(lease: tuple[int, int]) -> StartCommand:
    return StartCommand(
        robot="r1",
        id=bytes(16),
        method="base.go",
        goal=True,
        motion=True,
        on_disconnect=v1.ON_DISCONNECT_CANCEL,
        max_duration_s=1.0,
        stop_generation=0,
        lease=lease,
        source="app",
    )


def setpoint(lease: tuple[int, int]) -> ApplySetpoint:
    expires_at = time.monotonic() + 60
    return ApplySetpoint(
        robot="r1", component="base", name="velocity", values=(1.0,), expires_at=expires_at, lease=lease
    )


def test_handler_hears_the_newest_lease_of_commands_and_setpoints(runner: RobotRunner) -> None:
    told = runner.handler.leases  # type: ignore[attr-defined]
    assert runner.handler.link.lease == (0, 0)
    for count, order in enumerate([setpoint((1, 4)), command((1, 3)), command((1, 5)), setpoint((2, 1))], 1):
        runner.handle(order)
        wait_for(lambda count=count: len(told) == count)
    assert told == [(1, 4), (1, 4), (1, 5), (2, 1)]
    still = ApplySetpoint(robot="r1", component="base", name="velocity", values=(0.0,), expires_at=None)
    runner.handle(still)
    wait_for(lambda: len(told) == 5)
    assert told[-1] == (2, 1)
