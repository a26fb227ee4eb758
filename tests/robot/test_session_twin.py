"""The driver's session, sans-IO: settings, readings and robots that come and go, by a hub played by hand."""

from __future__ import annotations

import math

import pytest

from robolink import v1
from robolink.core.values import to_value
from robolink.robot._actions import (
    ApplySetpoint,
    ApplySetting,
    CancelCommand,
)
from robolink.transports.lanes import Lane
from tests.robot.rig import ROBOT, Rig


@pytest.fixture
def rig() -> Rig:
    rig = Rig()
    rig.connect()
    return rig


def desire(rig: Rig, value: float, version: int, name: str = "wheels.max_speed") -> None:
    desired = v1.Desired(value=to_value(value), version=version)
    rig.to(Lane.CONTROL, v1.SettingOrder(robot=ROBOT, name=name, desired=desired), destination=ROBOT)


def test_a_setting_is_applied_and_told(rig: Rig) -> None:
    desire(rig, 1, 3)
    assert rig.take(ApplySetting) == [
        ApplySetting(robot=ROBOT, name="wheels.max_speed", value=1.0, version=3)
    ]
    desire(rig, 1, 3)
    assert not rig.take(ApplySetting), "a repetition of what it is busy with"
    rig.session.setting_done(ROBOT, "wheels.max_speed", 3, 0, "", rig.now)
    state = rig.take_sent(v1.PropertyReport)[0].properties[0]
    assert (state.observed.version, state.observed.verdict) == (3, v1.VERDICT_APPLIED)
    assert state.reported.value.double_value == 1.0


@pytest.mark.parametrize(
    ("name", "value", "cause"),
    [
        ("wheels.max_speed", 2.0, v1.CAUSE_LIMIT),
        ("wheels.max_speed", math.nan, v1.CAUSE_INVALID),
        ("wheels.distance", 2.0, v1.CAUSE_UNSUPPORTED),
    ],
)
def test_a_setting_out_of_the_sheet_never_reaches_the_handler(
    rig: Rig, name: str, value: float, cause: v1.Cause
) -> None:
    desire(rig, value, 1, name)
    assert not rig.take(ApplySetting)
    observed = rig.take_sent(v1.PropertyReport)[0].properties[0].observed
    assert (observed.verdict, observed.cause) == (v1.VERDICT_REJECTED, cause)


def test_an_older_version_is_ignored_but_a_new_hub_counts_anew(rig: Rig) -> None:
    desire(rig, 1.0, 3)
    rig.session.setting_done(ROBOT, "wheels.max_speed", 3, 0, "", rig.now)
    desire(rig, 0.5, 2)
    assert len(rig.take(ApplySetting)) == 1
    rig.hub_session = rig.sender.session_id = 99
    rig.hello_again()
    desire(rig, 0.5, 1)
    assert rig.take(ApplySetting)[0].value == 0.5


def measure(rig: Rig, value: float) -> None:
    values = {"wheels.distance": (to_value(value), v1.QUALITY_GOOD, rig.now)}
    rig.session.report(ROBOT, values, rig.now)


def test_readings_are_coalesced_newest_only(rig: Rig) -> None:
    rig.advance(1)
    for step in range(100):
        measure(rig, float(step))
        rig.advance(0.01)
    reports = rig.take_sent(v1.PropertyReport)
    assert 10 <= len(reports) <= 12
    assert not reports[0].properties[0].HasField("observed")
    rig.advance(0.1)
    assert rig.take_sent(v1.PropertyReport)[-1].properties[0].reported.value.double_value == 99


def test_everything_is_reported_again_after_a_hello(rig: Rig) -> None:
    measure(rig, 4.0)
    rig.advance(0.2)
    rig.take_sent(v1.PropertyReport)
    rig.hello_again()
    rig.advance(0.2)
    assert rig.take_sent(v1.PropertyReport)[0].properties[0].reported.value.double_value == 4.0


def test_a_robot_that_does_not_answer_is_offline_and_converges_when_it_is_back(rig: Rig) -> None:
    desire(rig, 1.0, 3)
    rig.session.setting_done(ROBOT, "wheels.max_speed", 3, 0, "", rig.now)
    goal = rig.command()
    rig.states()
    rig.take(ApplySetting)
    rig.session.set_quality(ROBOT, False, rig.now, "unplugged")
    rig.advance(0.01)
    stale = rig.take_sent(v1.PropertyReport)[-1].properties[0]
    assert stale.reported.quality == v1.QUALITY_STALE
    assert [each.robot for each in rig.answer_hello(Lane.SAFETY).robots] == [ROBOT], "a stop is still tried"
    assert not rig.answer_hello(Lane.CONTROL).robots
    rig.finish(goal)
    assert not rig.states(), "the hub would not take it now"
    desire(rig, 0.7, 4)
    assert not rig.take(ApplySetting)
    rig.session.set_quality(ROBOT, True, rig.now)
    assert rig.take(ApplySetting)[0].value == 0.7
    assert goal in rig.answer_hello(Lane.CONTROL).live_command_ids
    assert rig.states() == ["SUCCEEDED"]


def test_a_removed_robot_is_stood_still_and_its_commands_end(rig: Rig) -> None:
    rig.setpoint(0.5, 0.0)
    command_id = rig.command("wheels.nudge")
    rig.take(ApplySetpoint)
    rig.session.remove_robot(ROBOT, rig.now)
    assert rig.take(ApplySetpoint)[0].expires_at is None
    assert rig.take(CancelCommand)[0].id == command_id
    assert rig.states() == ["CANCELED"]
