"""Client, hub, real serial bridge and the two-wheel example on an emulated Cortex-M3, each a process of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from robolink import v1
from robolink.errors import RejectedError, RobolinkError
from tests.bridges.serial.conftest import Bench
from tests.conftest import HubProcess, wait_for
from tests.firmware_c.emulated import EmulatedBoard


@pytest.fixture
def chain(hub: HubProcess, arm_program: Path, tmp_path: Path) -> Iterator[Bench]:
    with EmulatedBoard(arm_program.with_name("two_wheel.elf")) as board:
        made = Bench(hub, board, tmp_path)  # type: ignore[arg-type]  # it has a port and can be closed
        try:
            made.bridge.start()
            made.wait_online()
            yield made
        finally:
            made.close()


def set_max_speed(chain: Bench, value: float) -> None:
    """The bridge gives a board a second; an emulated one on a busy machine may need a second chance."""

    def applied() -> bool:
        try:
            chain.robot.twin.set("base.max_speed", value, wait_s=5)
        except RobolinkError as exc:
            if "has not answered" not in str(exc):
                raise
            return False
        return True

    wait_for(applied, 20, "the setting")


def log_of(chain: Bench) -> str:
    return chain.bridge.log.read_text()


def test_two_wheels_describe_themselves_call_drive_and_stop(chain: Bench) -> None:
    robot = chain.robot
    sheet = robot.describe().sheet
    # The bridge adds one of its own, for the line.
    (base,) = [each for each in sheet.components if each.name == "base"]
    assert (sheet.model, base.type) == ("two-wheel", v1.COMPONENT_TYPE_BASE)
    assert [each.name for each in base.methods] == ["reset_odometer", "drive"]
    assert robot.call("base.reset_odometer") == {"metres": 0.0}
    set_max_speed(chain, 0.8)
    with pytest.raises(RejectedError, match="over the maximum"):
        robot.twin.set("base.max_speed", 3.0, wait_s=5)
    with robot.lease():
        goal = robot.goal("base.drive", metres=0.4)
        progress = [each.progress for each in goal.feedback()]
        (driven,) = v1.Values.FromString(goal.result(20).result).values
        assert driven.value.double_value == pytest.approx(0.4, abs=0.01)
        assert len(progress) > 2 and progress == sorted(progress)
        assert robot.call("base.reset_odometer")["metres"] == pytest.approx(0.4, abs=0.02)

        def moving() -> bool:
            robot.setpoint("base.velocity", linear_x=0.3, angular_z=0.5)
            return (chain.reading("base.speed") or 0.0) > 0.2

        wait_for(moving, 10, "motion by setpoints")
        wait_for(lambda: chain.reading("base.speed") == 0.0, 10, "zeros after the last setpoint")
        goal = robot.goal("base.drive", metres=10.0)
        wait_for(lambda: (chain.reading("base.speed") or 0.0) > 0.3, 10, "motion")
        result = robot.stop(reason="test")
        assert (result.verdict, goal.wait(5).state) == (v1.STOP_VERDICT_STOPPED, v1.COMMAND_STATE_STOPPED)
        assert result.standstill_ms > 0
        with pytest.raises(RejectedError, match="LATCHED"):
            robot.goal("base.drive", metres=0.1).wait(5)
        assert robot.release().cause == v1.CAUSE_UNSPECIFIED
        assert robot.goal("base.drive", metres=-0.1).wait(20).state == v1.COMMAND_STATE_SUCCEEDED


def test_reset_of_the_board_heals_and_moves_nothing(chain: Bench) -> None:
    robot = chain.robot
    set_max_speed(chain, 0.3)
    with robot.lease():
        goal = robot.goal("base.drive", metres=10.0)
        wait_for(lambda: (chain.reading("base.speed") or 0.0) > 0.2, 10, "motion")
        seen = log_of(chain).count("two-wheel robot is up")
        chain.board.reset()
        end = goal.wait(15)
        assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_DISCONNECTED)
        assert "reset" in end.text
        wait_for(lambda: chain.reading("base.speed") == 0.0, 10, "standstill")
        wait_for(lambda: log_of(chain).count("two-wheel robot is up") > seen, 10, "the board's own words")
        wait_for(lambda: chain.reading("base.max_speed") == 0.3, 10, "its setting again")
        assert robot.goal("base.drive", metres=0.1).wait(20).state == v1.COMMAND_STATE_SUCCEEDED
    # Another boot is another session id; a busy machine may greet one of them twice.
    boots = set(re.findall(r"the board answers \(session (\w+)", log_of(chain)))
    assert len(boots) == 2
