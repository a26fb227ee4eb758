"""A simulated six-axis arm with the measures of a UR5e, as any vendor would write it.

`python -m robolink_sims.arm --id arm-1`. It decides which path to follow; geometry and motion are computed elsewhere.
"""

from __future__ import annotations

import argparse
import math
import threading
import time
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray

from robolink import v1
from robolink.robot import Arg, Arm, Goal, Reading, Robot, Setting, Stream, command, goal, setpoint
from robolink_sims.arm_kinematics import (
    JOINT_LIMITS,
    JOINTS,
    MAX_SPEED,
    forward,
    inverse,
    is_within_limits,
    pose_matrix,
    quaternion,
)
from robolink_sims.arm_model import ArmModel, TimedPath, joint_path, linear_path

__all__ = ["SimArm", "SimUr5e"]

STEP_S: Final = 0.01
JOINTS_HZ: Final = 50
TOOL_HZ: Final = 20
FEEDBACK_S: Final = 0.05

JointAngles = Annotated[tuple[float, ...], Arg("rad", -math.tau, math.tau, length=6)]
Place = Annotated[tuple[float, ...], Arg("m", -2, 2, "x, y, z of the flange in the base frame", length=3)]
Turn = Annotated[tuple[float, ...], Arg("1", -1, 1, "Quaternion x, y, z, w", length=4)]
JointSpeed = Annotated[float, Arg("rad/s", -MAX_SPEED, MAX_SPEED)]


class SimArm(Arm):
    """Six joints with the measures of a UR5e; no collisions are computed."""

    speed_fraction = Setting(
        0.5, unit="1", minimum=0.05, maximum=1.0, description="Of the joints' limits, in goals"
    )
    max_tool_speed = Setting(0.25, unit="m/s", minimum=0.01, maximum=1.0, description="Of move_linear")
    tool_position = Reading((0.0, 0.0, 0.0), unit="m", description="x, y, z of the flange in the base frame")
    tool_orientation = Reading((0.0, 0.0, 0.0, 1.0), unit="1", description="Quaternion x, y, z, w")
    joints = Stream("JointState", rate_hz=JOINTS_HZ, frame_id="base")
    tool = Stream("Values", rate_hz=TOOL_HZ, frame_id="base", description="position and orientation")

    def __init__(self) -> None:
        """Standing in its home position."""
        self.arm = ArmModel()
        self.speed_up = 1.0

    def start(self) -> None:
        """Let time pass."""
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._tell_tool()
        threading.Thread(target=self._run, name="sim arm", daemon=True).start()

    def close(self) -> None:
        """Stop time."""
        self._ending.set()

    def _run(self) -> None:
        begun = last = time.monotonic()
        joints = tool = 0
        while not self._ending.wait(STEP_S):
            now = time.monotonic()
            with self._lock:
                self.arm.advance(min(now - last, 0.1) * self.speed_up)
            last = now
            if (due := int((now - begun) * JOINTS_HZ)) > joints:
                joints = due
                self._publish()
            if (due := int((now - begun) * TOOL_HZ)) > tool:
                tool = due
                self._tell_tool()

    def _publish(self) -> None:
        arm = self.arm
        state = v1.JointState(name=JOINTS, position=arm.position.tolist(), velocity=arm.velocity.tolist())
        self.joints.publish(state)

    def _tell_tool(self) -> None:
        position, orientation = self._tool()
        values = {"position": position, "orientation": orientation}
        self.tool.publish(
            v1.Values(
                values=[
                    v1.NamedValue(name=name, value=v1.Value(vector_value=v1.Vector(values=each)))
                    for name, each in values.items()
                ]
            )
        )
        if position != self.tool_position or orientation != self.tool_orientation:
            self.tool_position, self.tool_orientation = position, orientation

    def _tool(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        pose = forward(self.arm.position)
        return tuple(pose[:3, 3].round(5).tolist()), tuple(quaternion(pose).round(5).tolist())

    @setpoint(ttl_s=0.2, minimum_rate_hz=10)
    def velocity(
        self,
        shoulder_pan: JointSpeed,
        shoulder_lift: JointSpeed,
        elbow: JointSpeed,
        wrist_1: JointSpeed,
        wrist_2: JointSpeed,
        wrist_3: JointSpeed,
    ) -> None:
        """Turn the joints with these velocities until the next ones, or until their TTL is over."""
        with self._lock:
            self.arm.want(np.array([shoulder_pan, shoulder_lift, elbow, wrist_1, wrist_2, wrist_3]))

    @goal(max_duration_s=120)
    def move_joints(self, goal: Goal, position: JointAngles) -> dict[str, tuple[float, ...]]:
        """Bring the joints to these angles; all of them arrive together."""
        end = np.array(position)
        if not is_within_limits(end):
            joint = int(np.argmax(np.abs(end) - JOINT_LIMITS))
            raise ValueError(
                f"{JOINTS[joint]} = {end[joint]:.3f} rad is beyond its limit of {JOINT_LIMITS[joint]:.3f} rad"
            )
        begin = self._standing(goal)
        return self._follow(goal, joint_path(begin, end, self.speed_fraction))

    @goal(max_duration_s=120)
    def move_pose(self, goal: Goal, position: Place, orientation: Turn) -> dict[str, tuple[float, ...]]:
        """Bring the tool to a pose by the joints; its way there is not straight."""
        target = pose_matrix(np.array(position), np.array(orientation))
        begin = self._standing(goal)
        goal.feedback(phase="planning", progress=0.0)
        return self._follow(goal, joint_path(begin, inverse(target, begin), self.speed_fraction))

    @goal(max_duration_s=120)
    def move_linear(self, goal: Goal, position: Place, orientation: Turn) -> dict[str, tuple[float, ...]]:
        """Bring the tool to a pose in a straight line, turning evenly."""
        target = pose_matrix(np.array(position), np.array(orientation))
        begin = self._standing(goal)
        goal.feedback(phase="planning", progress=0.0)
        return self._follow(goal, linear_path(begin, target, self.speed_fraction, self.max_tool_speed))

    def _standing(self, goal: Goal) -> NDArray[np.float64]:
        """Joint angles once it stands."""
        self.stop(v1.STOP_LEVEL_SOFT_HOLD)
        while not self.arm.still:
            goal.sleep(STEP_S)
        with self._lock:
            return self.arm.position.copy()

    def _follow(self, goal: Goal, path: TimedPath) -> dict[str, tuple[float, ...]]:
        try:
            goal.sleep(0)
            with self._lock:
                self.arm.follow(path)
            while self.arm.following:
                part = self.arm.progress
                goal.feedback(phase="moving", progress=part, eta_s=(1 - part) * path.duration / self.speed_up)
                goal.sleep(FEEDBACK_S / self.speed_up)
        finally:
            self.stop(v1.STOP_LEVEL_SOFT_HOLD)
        while not self.arm.still:
            goal.sleep(STEP_S)
        return self.pose()

    @command(motion=False)
    def pose(self) -> dict[str, tuple[float, ...]]:
        """Where it is now: joint angles (rad), position (m) and orientation of the flange."""
        position, orientation = self._tool()
        joints = tuple(self.arm.position.round(6).tolist())
        return {"joints": joints, "position": position, "orientation": orientation}

    def stop(self, level: v1.StopLevel) -> None:
        """Decelerate within the joints' limits and hold; a software stop, not safety rated."""
        with self._lock:
            self.arm.halt()

    def at_standstill(self) -> bool:
        """Measured by the joints."""
        return self.arm.still


class SimUr5e(Robot):
    """A simulated six-axis arm with the measures of a UR5e."""

    vendor, model, version = "robolink", "sim-ur5e", "1.0"
    arm = SimArm()

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """How fast its time passes."""
        parser.add_argument("--speed-up", type=float, default=1.0, help="simulated seconds a second")

    def take_options(self, options: argparse.Namespace) -> None:
        """As said."""
        self.arm.speed_up = options.speed_up


if __name__ == "__main__":
    raise SystemExit(SimUr5e.main())
