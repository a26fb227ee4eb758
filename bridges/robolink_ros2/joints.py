"""Arms and grippers by topic: JointTrajectory or Float64MultiArray out, progress and end by the joint states."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink_ros2 import config, convert
from robolink_ros2.node import Out, RosNode
from robolink_ros2.runs import Part, Run
from robolink_ros2.standstill import joints_still

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot

TRAJECTORY: Final = "trajectory_msgs/msg/JointTrajectory"
# From where it is to where it is: a controller without a cancel holds there.
HOLD_S: Final = 0.1
# Over the planned duration, before a goal that does not arrive has failed.
LATE_S: Final = 3.0


class JointsPart(Part):
    """What goals on joints have in common."""

    joints: tuple[str, ...] = ()
    tolerance = 0.02

    def __init__(self, robot: Ros2Robot, component: str, topic: str, ros_type: str, source: str) -> None:
        """`source`: the stream of joint states."""
        super().__init__(robot, component)
        self._topic, self._type, self._source = topic, ros_type, source
        self._out: Out | None = None

    def start(self, node: RosNode) -> None:
        """Publish."""
        self._out = node.publish(self._topic, self._type)

    def missing(self) -> list[str]:
        """Nobody takes goals."""
        return [f"a subscriber of {self._topic}"] if self._out and not self._out.listeners() else []

    def positions(self) -> list[float] | None:
        """Where the joints were last; None until each of them was measured, and never again after that."""
        known = self.robot.joints(self.component, self._source, self.joints)
        return None if known is None else [each.value for each in known]

    def still(self, since: float) -> bool | None:
        """By joint states that came after `since`."""
        return joints_still(self.robot.joints(self.component, self._source, self.joints, speeds=True), since)

    def _silent(self, begun: float) -> str:
        """Which joints nothing tells of any more, be it that others on their topic go on; "": none."""
        limit_s, now = self.robot.config.lost_after_s, time.monotonic()
        known = self.robot.joints(self.component, self._source, self.joints) or []
        names = [
            name
            for name, each in zip(self.joints, known, strict=False)
            if now - max(each.at, begun) > limit_s
        ]
        return f"no position of {', '.join(names)} for {limit_s:g} s" if names else ""

    def message(self, points: Sequence[tuple[list[float], float]]) -> Any:
        """Points as the controller wants them."""
        assert self._out is not None
        message = self._out.type()
        if self._type != TRAJECTORY:
            message.data = points[-1][0]
            return message
        point = importlib.import_module("trajectory_msgs.msg").JointTrajectoryPoint
        return convert.fill_trajectory(message, point, self.joints, points)

    def hold(self) -> None:
        """Stay where it is."""
        here = self.positions()
        if here is not None and self._out is not None:
            self._out.send(self.message([(here, HOLD_S)]))

    def follow(self, run: Run, points: list[tuple[list[float], float]]) -> list[float] | None:
        """Send points and wait for their end; the positions then, or None where the order has ended otherwise."""
        order, out = run.order, self._out
        if out is None or not run.peer(lambda: bool(out.listeners() and self.positions())):
            nobody = out is None or not out.listeners()
            what = f"subscriber of {self._topic}" if nobody else f"positions of {', '.join(self.joints)}"
            order.fail(f"no {what} yet", v1.CAUSE_UNREACHABLE)
            return None
        if (ending := run.ending) is not None:
            order.ended(ending, "before it was sent")
            return None
        goal, duration = points[-1]
        begun, here = time.monotonic(), self.positions()
        assert here is not None, "known once, they stay known"
        way = max(self._error(here, goal), self.tolerance)
        run.abort = self.hold
        key = self.robot.guard.holding(out.name, self._type)
        out.send(self.message(points))
        try:
            while True:
                here = self.positions() or here
                key.update(self.message([(here, HOLD_S)]))
                error, passed = self._error(here, goal), time.monotonic() - begun
                lost = run.lost or self._silent(begun)
                if run.ending is not None or lost:
                    self.hold()
                    if run.ending is not None:
                        order.ended(run.ending, f"{error:.3f} before the goal")
                    else:
                        order.fail(lost, v1.CAUSE_UNREACHABLE)
                    return None
                # The last point may be where it begins: only a passed duration ends a trajectory.
                if error <= self.tolerance and passed >= duration and self.still(begun) is not False:
                    return here
                if passed > duration + LATE_S:
                    self.hold()
                    order.fail(f"{error:.3f} off the goal {LATE_S:g} s after its time")
                    return None
                progress = min(passed / duration, max(0.0, 1 - error / way), 1.0)
                order.feedback(
                    phase="moving", progress=progress, eta_s=max(0.0, duration - passed), error=error
                )
                run.wait()
        finally:
            key.close()

    @staticmethod
    def _error(one: Sequence[float], other: Sequence[float]) -> float:
        return max(abs(a - b) for a, b in zip(one, other, strict=True))


class TrajectoryPart(JointsPart):
    """An arm's joint trajectory controller, by its topic."""

    def __init__(self, robot: Ros2Robot, component: str, trajectory: config.Trajectory) -> None:
        """Nothing is opened."""
        super().__init__(robot, component, trajectory.topic, TRAJECTORY, trajectory.joint_states)
        self.joints, self.tolerance = trajectory.joints, trajectory.tolerance
        self.methods = {"move_joints": self._move, "follow_trajectory": self._follow}

    def _move(self, run: Run) -> None:
        self._run(run, run.order.args["positions"], (run.order.args["duration"],))

    def _follow(self, run: Run) -> None:
        self._run(run, run.order.args["positions"], run.order.args["times"])

    def _run(self, run: Run, positions: Any, times: Any) -> None:
        try:
            points = convert.trajectory_points(len(self.joints), positions, times)
        except ValueError as exc:
            run.order.fail(str(exc), v1.CAUSE_INVALID)
            return
        here = self.follow(run, points)
        if here is not None:
            run.order.succeed(positions=tuple(here))


class GripperTopicPart(JointsPart):
    """A gripper by a topic."""

    def __init__(self, robot: Ros2Robot, component: str, gripper: config.Gripper) -> None:
        """Nothing is opened."""
        super().__init__(robot, component, gripper.topic, gripper.type or TRAJECTORY, gripper.joint_states)
        self.joints, self.tolerance = (gripper.joint,), gripper.tolerance
        self.methods = {"move": self._move}

    def _move(self, run: Run) -> None:
        here = self.follow(run, [([float(run.order.args["position"])], 1.0)])
        if here is not None:
            run.order.succeed(position=here[0])
