"""What drives a simulated ROS 2 base to a pose: an action server and a goal topic, in a process of its own, as Nav2 is.

`python -m robolink_sims.ros2_navigator --domain-id 7`. The action `navigate` is a test_msgs/NestedMessage, since no
wheel has Nav2's own type: goal x, y are `nested_field.float64_value`, `.float32_value`; feedback, the distance left.
"""

from __future__ import annotations

import argparse
import math
import threading
import time
from typing import Any, Final

from robolink_sims.base import DiffDrive, steer
from robolink_sims.ros2_base import spin_until_sigterm, without_events

PERIOD_S: Final = 0.05
SPEED: Final = 0.5
THREADS: Final = 3
ARRIVED_M: Final = 0.05


class Navigator:
    """Steers by cmd_vel and odometry, one goal at a time; a new one replaces the old one."""

    def __init__(self, rclpy: Any, context: Any, namespace: str) -> None:
        """Idle."""
        from geometry_msgs.msg import PoseStamped, Twist
        from nav_msgs.msg import Odometry
        from rclpy.action import ActionServer, CancelResponse, GoalResponse
        from rclpy.callback_groups import ReentrantCallbackGroup
        from rclpy.qos import QoSProfile, qos_profile_sensor_data
        from test_msgs.action import NestedMessage

        self.node = rclpy.create_node("sim_navigator", context=context, namespace=namespace or None)
        group = ReentrantCallbackGroup()
        self._twist, self._action = Twist, NestedMessage
        self._cmd_vel = self.node.create_publisher(Twist, "cmd_vel", QoSProfile(depth=1))
        options = without_events(group)
        subscribe = self.node.create_subscription
        subscribe(Odometry, "odom", self._odom, qos_profile_sensor_data, **options)
        subscribe(PoseStamped, "goal_pose", self._goal_pose, QoSProfile(depth=1), **options)
        self._here = DiffDrive()
        self._number, self._lock = 0, threading.Lock()
        accept, refuse = GoalResponse.ACCEPT, GoalResponse.REJECT
        self._server = ActionServer(
            self.node,
            NestedMessage,
            "navigate",
            self._execute,
            callback_group=group,
            goal_callback=lambda goal: accept if abs(goal.nested_field.float64_value) < 100 else refuse,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
        )

    def _odom(self, message: Any) -> None:
        pose, here = message.pose.pose, self._here
        here.x, here.y = pose.position.x, pose.position.y
        here.theta = 2 * math.atan2(pose.orientation.z, pose.orientation.w)

    def _take(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def _steer(self, x: float, y: float) -> float:
        """One step; what is left, m."""
        linear, angular, left = steer(self._here, x, y, SPEED)
        if left < ARRIVED_M:
            linear = angular = 0.0
        message = self._twist()
        message.linear.x, message.angular.z = linear, angular
        self._cmd_vel.publish(message)
        return left

    def _execute(self, handle: Any) -> Any:
        number, goal = self._take(), handle.request.nested_field
        x, y = goal.float64_value, goal.float32_value
        feedback, result = self._action.Feedback(), self._action.Result()
        while (left := self._steer(x, y)) >= ARRIVED_M:
            feedback.nested_field.float64_value = left
            handle.publish_feedback(feedback)
            if handle.is_cancel_requested or number != self._number:
                self._cmd_vel.publish(self._twist())
                (handle.canceled if handle.is_cancel_requested else handle.abort)()
                return result
            time.sleep(PERIOD_S)
        result.nested_field.float64_value = left
        handle.succeed()
        return result

    def _goal_pose(self, message: Any) -> None:
        place, number = message.pose.position, self._take()
        threading.Thread(target=self._go, args=(place.x, place.y, number), daemon=True).start()

    def _go(self, x: float, y: float, number: int) -> None:
        while number == self._number and self._steer(x, y) >= ARRIVED_M:
            time.sleep(PERIOD_S)


def main(arguments: list[str] | None = None) -> int:
    """Run one until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.ros2_navigator", description=__doc__)
    return spin_until_sigterm(Navigator, parser, arguments, threads=THREADS)


if __name__ == "__main__":
    raise SystemExit(main())
