"""The same loop moves a simulated base and a MicroPython board: a patch of a setting, a command, and what they report."""

from __future__ import annotations

import sys

import pytest

from robolink import v1
from robolink.cloud import Fleet, Options, RobotHandle
from robolink_sims.board import BoardSim
from tests.bridges.serial.conftest import BOARD, Bridge
from tests.conftest import wait_for
from tests.kubeedge.site import Site

LONG = Options(ttl_s=60)


def reported(robot: RobotHandle, name: str) -> float:
    return robot.twin.get(name)[name].reported.value.double_value


def test_a_patch_and_a_command_move_the_simulated_base(site: Site) -> None:
    arguments = ("--id", "base-1", "--hub", site.hub_process.url)
    base = site.run_robot("robolink_sims.base", *arguments, robot="base-1")
    base.twin.set("base.max_speed", 1.0, wait_s=30)
    goal = base.goal("base.navigate_to", LONG, x=1.0, y=0.0)
    assert goal.result(90).state == v1.COMMAND_STATE_SUCCEEDED
    wait_for(lambda: reported(base, "base.distance") > 0.9, 60, "the way it has driven")
    with Fleet(config=site.cluster.config) as other:
        # Whoever comes later reads the verdict from the cluster.
        twin = other.robot(base.id).twin.get("cmd-status")["cmd-status"]
        assert f"{goal.twin_id}:SUCCEEDED" in twin.reported.value.string_value


@pytest.mark.board
def test_the_same_with_the_micropython_board(site: Site) -> None:
    if sys.platform != "linux":
        pytest.skip("the simulated board runs on Linux")
    with BoardSim() as board:
        bridge = Bridge(board.port, site.hub_process.url, site.folder / "bridge.log")
        bridge.start()
        try:
            motor = site.bring(BOARD)
            motor.twin.set("motor.max_speed", 4.0, wait_s=30)
            goal = motor.goal("motor.turn_to", LONG, position=3.0)
            assert goal.result(90).state == v1.COMMAND_STATE_SUCCEEDED
            wait_for(
                lambda: reported(motor, "motor.position") == pytest.approx(3.0, abs=0.05), 60, "its position"
            )
            assert motor.stop(wait_s=30).generation == 1
            motor.release()
        finally:
            bridge.stop()
