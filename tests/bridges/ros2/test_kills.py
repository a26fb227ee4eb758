"""Whoever dies in the middle of a goal: one end of it, and zero velocity, judged by an observer in ROS 2 itself."""

from __future__ import annotations

import signal
import subprocess
import sys

from robolink import v1
from tests.bridges.ros2.conftest import Bench
from tests.conftest import wait_for

FAR = 50.0

FOREIGN = """
import os, sys, time
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
import rclpy
from geometry_msgs.msg import Twist
rclpy.init(domain_id=int(sys.argv[1]))
node = rclpy.create_node("joystick")
publisher = node.create_publisher(Twist, "cmd_vel", 1)
message = Twist()
message.linear.x = 0.123
while True:
    publisher.publish(message)
    time.sleep(0.1)
"""


def test_the_action_server_is_killed(mapped: Bench) -> None:
    assert mapped.navigator is not None
    with mapped.robot.lease():
        goal = mapped.underway("base.go", x=FAR, y=0.0)
        mapped.navigator.kill()
        update = goal.wait(30)
        assert (update.state, update.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_UNREACHABLE), update
        wait_for(mapped.observer.still, what="standstill")
        assert mapped.online()
        mapped.navigator.start()
        wait_for(mapped.observer.still, what="nothing moves by its return")


def test_the_robot_is_killed(mapped: Bench) -> None:
    with mapped.robot.lease():
        goal = mapped.underway("base.go", x=FAR, y=0.0)
        mapped.sim.kill()
        update = goal.wait(30)
        assert (update.state, update.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_UNREACHABLE), update
        wait_for(lambda: not mapped.online(), what="offline")
        mapped.sim.start()
        mapped.wait_online()
        wait_for(mapped.observer.still, what="nothing moves by its return")


def test_the_bridge_is_killed_and_its_guard_ends_the_goal(mapped: Bench) -> None:
    with mapped.robot.lease():
        goal = mapped.underway("base.go", x=FAR, y=0.0)
        mapped.bridge.end(signal.SIGKILL)
        # The action server lives and would drive on for 100 s: only a cancel in ROS 2 ends that.
        wait_for(mapped.observer.still, what="standstill")
        mapped.bridge.start()
        assert goal.wait(40).state == v1.COMMAND_STATE_LOST
        mapped.wait_online()
        wait_for(mapped.observer.still, what="nothing moves by its return")


def test_velocity_of_somebody_else_is_an_authority_conflict(mapped: Bench) -> None:
    with mapped.hub.watch(notices=True, twins=False) as events:
        joystick = subprocess.Popen([sys.executable, "-c", FOREIGN, str(mapped.domain)])
        try:
            told = wait_for(
                lambda: (
                    (event := events.next(1)) is not None
                    and event.notice.kind == "authority-conflict"
                    and event.notice.text
                ),
                20,
                "a notice of the conflict",
            )
        finally:
            joystick.kill()
            joystick.wait()
    assert "/joystick" in told
    assert "guard" not in told
