"""Nav2, a trajectory controller and a gripper as plain rclpy action servers of the types that such robots have; and their tf.

`python -m tests.bridges.ros2.wire_robot --domain-id 7`, beside `robolink_sims.ros2_base`, which it moves by its topics.
It must know nothing of Robolink's bridge.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

from control_msgs.action import FollowJointTrajectory, GripperCommand
from geometry_msgs.msg import TransformStamped, Twist
from nav2_msgs.action import NavigateToPose
from nav_msgs.msg import Odometry
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from sensor_msgs.msg import JointState
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from robolink_sims.ros2_base import JOINTS, spin_until_sigterm, without_events

PERIOD_S, SPEED, ARRIVED = 0.05, 0.5, 0.03
# Of nav2_msgs/ComputePathToPose: what a planner says that finds no way.
NO_VALID_PATH = 208
# The thing between the fingers, m; how fast they close, m/s; what they can take, N.
HELD, CLOSING, STRONGEST = 0.02, 0.05, 50.0


class Servers:
    """Three actions. Each goal runs in a thread of the executor, until it arrives or is to be cancelled."""

    def __init__(self, rclpy: Any, context: Any, namespace: str) -> None:
        self.node = rclpy.create_node("wire_robot", context=context, namespace=namespace or None)
        self._group = ReentrantCallbackGroup()
        self._x, self._finger, self._joints = 0.0, 0.1, dict.fromkeys(JOINTS, 0.0)
        publish = self.node.create_publisher
        self._cmd_vel = publish(Twist, "cmd_vel", QoSProfile(depth=1))
        self._trajectory = publish(JointTrajectory, "joint_trajectory", QoSProfile(depth=1))
        self._states = publish(JointState, "joint_states", QoSProfile(depth=5))
        self._tf = publish(TFMessage, "/tf", QoSProfile(depth=5))
        options = without_events(self._group)
        listen = self.node.create_subscription
        listen(Odometry, "odom", self._on_odom, qos_profile_sensor_data, **options)
        listen(JointState, "joint_states", self._on_joints, QoSProfile(depth=5), **options)
        self._serve(NavigateToPose, "navigate_to_pose", self._navigate, self._reachable)
        self._serve(FollowJointTrajectory, "follow_joint_trajectory", self._follow, self._mine)
        self._serve(
            GripperCommand, "gripper_cmd", self._grip, lambda goal: goal.command.max_effort <= STRONGEST
        )
        self.node.create_timer(PERIOD_S, self._tell, self._group)

    def _serve(self, kind: Any, name: str, execute: Any, takes: Any) -> None:
        ActionServer(
            self.node,
            kind,
            name,
            execute,
            callback_group=self._group,
            goal_callback=lambda goal: GoalResponse.ACCEPT if takes(goal) else GoalResponse.REJECT,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
        )

    def _on_odom(self, message: Odometry) -> None:
        self._x = message.pose.pose.position.x

    def _on_joints(self, message: JointState) -> None:
        self._joints |= dict(zip(message.name, message.position, strict=True))

    def _tell(self) -> None:
        finger = JointState(name=["finger"], position=[self._finger], velocity=[0.0])
        finger.header.stamp = self.node.get_clock().now().to_msg()
        self._states.publish(finger)
        # One that tells of nothing is a message too.
        self._tf.publish(TFMessage())
        base, lidar = TransformStamped(child_frame_id="base_link"), TransformStamped(child_frame_id="lidar")
        base.header.frame_id, lidar.header.frame_id = "odom", "base_link"
        base.transform.translation.x, lidar.transform.translation.z = self._x, 0.3
        self._tf.publish(TFMessage(transforms=[base, lidar]))

    @staticmethod
    def _reachable(goal: Any) -> bool:
        return goal.pose.header.frame_id == "map" and abs(goal.pose.pose.position.x) < 100.0

    @staticmethod
    def _mine(goal: Any) -> bool:
        return list(goal.trajectory.joint_names) == list(JOINTS) and not goal.multi_dof_trajectory.points

    def _navigate(self, handle: Any) -> NavigateToPose.Result:
        pose, began, result = handle.request.pose.pose, time.monotonic(), NavigateToPose.Result()
        if pose.position.y:
            theta = 2 * math.atan2(pose.orientation.z, pose.orientation.w)
            result.error_code = NO_VALID_PATH
            result.error_msg = f"no path to {pose.position.x:.2f} {pose.position.y:.2f} {theta:.2f}"
            handle.abort()
            return result
        feedback = NavigateToPose.Feedback()
        while not handle.is_cancel_requested and abs(left := pose.position.x - self._x) > ARRIVED:
            self._drive(math.copysign(min(SPEED, abs(left)), left))
            feedback.current_pose.pose.position.x, feedback.distance_remaining = self._x, abs(left)
            feedback.navigation_time.sec = int(time.monotonic() - began)
            feedback.estimated_time_remaining.sec = math.ceil(abs(left) / SPEED)
            handle.publish_feedback(feedback)
            time.sleep(PERIOD_S)
        self._drive(0.0)
        (handle.canceled if handle.is_cancel_requested else handle.succeed)()
        return result

    def _drive(self, speed: float) -> None:
        message = Twist()
        message.linear.x = speed
        self._cmd_vel.publish(message)

    def _follow(self, handle: Any) -> FollowJointTrajectory.Result:
        asked, result = handle.request.trajectory, FollowJointTrajectory.Result()
        if max(map(abs, asked.points[-1].positions)) > 3.0:
            result.error_code = FollowJointTrajectory.Result.GOAL_TOLERANCE_VIOLATED
            result.error_string = "a joint stopped at its end, 3.00 rad"
            handle.abort()
            return result
        goal = dict(zip(asked.joint_names, asked.points[-1].positions, strict=True))
        feedback = FollowJointTrajectory.Feedback(joint_names=asked.joint_names)
        self._trajectory.publish(asked)
        while not handle.is_cancel_requested and self._off(goal) > ARRIVED:
            feedback.actual.positions = [self._joints[name] for name in JOINTS]
            handle.publish_feedback(feedback)
            time.sleep(PERIOD_S)
        if handle.is_cancel_requested:
            here = JointTrajectoryPoint(positions=[self._joints[name] for name in JOINTS])
            self._trajectory.publish(JointTrajectory(joint_names=JOINTS, points=[here]))
        (handle.canceled if handle.is_cancel_requested else handle.succeed)()
        return result

    def _off(self, goal: dict[str, float]) -> float:
        return max(abs(self._joints[name] - position) for name, position in goal.items())

    def _grip(self, handle: Any) -> GripperCommand.Result:
        wanted, feedback = handle.request.command.position, GripperCommand.Feedback()
        end = max(wanted, HELD)
        while not handle.is_cancel_requested and abs(left := end - self._finger) > 1e-6:
            self._finger += math.copysign(min(abs(left), CLOSING * PERIOD_S), left)
            feedback.position = self._finger
            handle.publish_feedback(feedback)
            time.sleep(PERIOD_S)
        (handle.canceled if handle.is_cancel_requested else handle.succeed)()
        return GripperCommand.Result(
            position=self._finger, effort=1.0, stalled=end != wanted, reached_goal=end == wanted
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    # A thread for each of the three goals, and two for what they wait for.
    raise SystemExit(spin_until_sigterm(Servers, parser, None, threads=5))
