"""The driver's session, sans-IO: setpoints that die, stand still and never outlive a stop, by a hub played by hand."""

from __future__ import annotations

import math

import pytest

from robolink.robot._actions import (
    ApplySetpoint,
    StartCommand,
)
from tests.robot.rig import ROBOT, Rig


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.connect()
    return rig


def test_a_setpoint_is_scaled_and_dies_by_its_ttl(rig: Rig) -> None:
    rig.setpoint(2.0, 1.0)
    action = rig.take(ApplySetpoint)[0]
    assert (action.values, action.lease) == ((1.0, 0.5), (1, 1))
    assert action.expires_at == pytest.approx(rig.now + 0.3)
    rig.advance(0.29)
    assert not rig.take(ApplySetpoint)
    rig.advance(0.02)
    assert rig.take(ApplySetpoint) == [
        ApplySetpoint(robot=ROBOT, component="wheels", name="velocity", values=(0.0, 0.0), expires_at=None)
    ]
    rig.advance(5)
    assert not rig.take(ApplySetpoint), "zero once, not for ever"
    assert rig.session.counters["setpoint_scaled"] == rig.session.counters["setpoint_expired"] == 1


def test_setpoints_that_must_not_move(rig: Rig) -> None:
    rig.setpoint(math.nan, 0.0)
    rig.setpoint(0.1)
    rig.setpoint(0.1, 0.0, sent_ns=rig.site_ns() - 400_000_000)
    assert not rig.take(ApplySetpoint)
    rig.setpoint(0.1, 0.0, lease=(1, 5))
    rig.setpoint(0.2, 0.0, lease=(1, 4))
    rig.setpoint(0.3, 0.0, lease=(1, 5), sent_ns=rig.site_ns() - 1_000_000)
    assert [each.values for each in rig.take(ApplySetpoint)] == [(0.1, 0.0)]
    assert rig.session.counters["setpoint_refused"] == 5


def test_a_nan_does_not_prolong_the_setpoint_before_it(rig: Rig) -> None:
    rig.setpoint(0.1, 0.0)
    rig.advance(0.25)
    rig.setpoint(math.nan, 0.0)
    rig.take(ApplySetpoint)
    rig.advance(0.1)
    assert [each.values for each in rig.take(ApplySetpoint)] == [(0.0, 0.0)]


def test_a_goal_zeroes_the_setpoints_of_its_component_first_and_keeps_others_out(rig: Rig) -> None:
    rig.setpoint(0.5, 0.0)
    rig.take(ApplySetpoint)
    rig.command()
    kinds = [type(each) for each in rig.actions if isinstance(each, ApplySetpoint | StartCommand)]
    assert kinds == [ApplySetpoint, StartCommand]
    rig.take(ApplySetpoint)
    rig.setpoint(0.5, 0.0)
    assert not rig.take(ApplySetpoint)


def test_a_stop_zeroes_setpoints_at_once(rig: Rig) -> None:
    rig.setpoint(0.5, 0.0)
    rig.take(ApplySetpoint)
    rig.stop(1)
    assert [each.values for each in rig.take(ApplySetpoint)] == [(0.0, 0.0)]


# Properties.
