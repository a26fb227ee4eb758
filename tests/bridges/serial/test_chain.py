"""Client, hub, bridge and real MicroPython: what a board can do, seen from the client."""

from __future__ import annotations

import pytest

from robolink import v1
from robolink.errors import RejectedError
from tests.bridges.serial.conftest import Bench, wait_turned
from tests.conftest import wait_for


def test_board_describes_itself(bench: Bench) -> None:
    sheet = bench.robot.describe().sheet
    motor, health, *others = sheet.components
    (port,) = [each for each in others if each.name == "port"]
    assert [(each.name, each.maintenance) for each in port.methods] == [("hand_over", True)]
    assert (health.name, health.type) == ("board", v1.COMPONENT_TYPE_GENERIC)
    assert (sheet.model, motor.name, motor.type) == ("motor-board", "motor", v1.COMPONENT_TYPE_MOTOR)
    assert [each.name for each in motor.methods] == ["turn_to"]
    assert [each.field.name for each in motor.properties] == ["max_speed", "position", "speed"]
    assert [each.name for each in motor.setpoints] == ["velocity"]
    assert motor.methods[0].args[0].unit == "rad"
    assert list(sheet.stop_levels) == [v1.STOP_LEVEL_SOFT_HOLD]


def test_setting_reaches_the_motor_and_bad_ones_are_refused(bench: Bench) -> None:
    bench.robot.twin.set("motor.max_speed", 4.0, wait_s=5)
    wait_for(lambda: bench.reading("motor.max_speed") == 4.0)
    with pytest.raises(RejectedError, match="maximum"):
        bench.robot.twin.set("motor.max_speed", 11.0, wait_s=5)
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=20.0)
        wait_for(lambda: (bench.reading("motor.speed") or 0.0) > 3.5, what="the new speed")
        goal.cancel()
        goal.wait(5)


def test_goal_feeds_back_and_tells_what_it_measured(bench: Bench) -> None:
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=1.5)
        progress = [each.progress for each in goal.feedback()]
        result = goal.result(10)
    assert len(progress) > 2
    assert progress == sorted(progress)
    (position,) = v1.Values.FromString(result.result).values
    assert position.name == "position"
    assert position.value.double_value == pytest.approx(1.5, abs=0.02)
    wait_for(lambda: bench.reading("motor.position") == pytest.approx(1.5, abs=0.02))


def test_cancel(bench: Bench) -> None:
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=90.0)
        bench.wait_moving()
        goal.cancel()
        assert goal.wait(5).state == v1.COMMAND_STATE_CANCELED
        bench.wait_still()
        wait_turned(bench.robot, 0.0)


def test_stop_is_measured_by_the_board_and_latches(bench: Bench) -> None:
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=90.0)
        bench.wait_moving()
        result = bench.robot.stop(reason="test")
        assert result.verdict == v1.STOP_VERDICT_STOPPED
        assert result.standstill_ms > 50, "2 rad/s at 20 rad/s2 take 100 ms"
        assert goal.wait(5).state == v1.COMMAND_STATE_STOPPED
        bench.wait_still()
        with pytest.raises(RejectedError, match="LATCHED"):
            bench.robot.goal("motor.turn_to", position=0.0).wait(5)
        released = bench.robot.release()
        assert released.cause == v1.CAUSE_UNSPECIFIED
        assert bench.reading("motor.speed") == 0.0, "nothing moves by a release"
        wait_turned(bench.robot, 0.5)
        # A second stop is a stop of its own.
        assert bench.robot.stop().generation == result.generation + 1


def test_setpoints_move_while_the_app_sends_them(bench: Bench) -> None:
    with bench.robot.lease():

        def moving() -> bool:
            bench.robot.setpoint("motor.velocity", velocity=1.5)
            return (bench.reading("motor.speed") or 0.0) > 1.4

        wait_for(moving, 10, "motion by setpoints")
        # The app falls silent; the bridge goes on with its beats, and they keep nothing moving.
        bench.wait_still()
        assert bench.online()
