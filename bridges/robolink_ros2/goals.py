"""Any action as a goal and any service as a call, by field paths; the usual actions come with their paths.

The server's own word counts: feedback, result, refusal. Its death is found by asking, since nothing tells it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink_ros2 import config, convert, fields
from robolink_ros2.action import CANCELED, SUCCEEDED, ActionEnd, SentGoal
from robolink_ros2.describe import FOLLOW, GRIP, NAVIGATE, paths
from robolink_ros2.node import Client, RosNode
from robolink_ros2.runs import Part, Run

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot

ANSWER_S: Final = 5.0

Fill = Callable[[Any, Run], None]


class ActionPart(Part):
    """One action as one method, or as some that share it."""

    drives = True

    def __init__(
        self,
        robot: Ros2Robot,
        component: str,
        action: str,
        ros_type: str,
        lost_after_s: float,
    ) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self._action, self._type, self._lost_after_s = action, ros_type, lost_after_s
        self._end: ActionEnd | None = None
        self._feedback: dict[str, fields.Leaf] = {}
        self._results: dict[str, fields.Leaf] = {}
        self._progress = self._left = self._eta_s = ""

    def start(self, node: RosNode) -> None:
        """A client of the action."""
        self._end = ActionEnd(node, self._action, self._type)

    def missing(self) -> list[str]:
        """Its server."""
        return [f"action {self._action}"] if self._end is not None and not self._end.ready() else []

    def run_goal(self, run: Run, fill: Fill) -> None:
        """Send one goal and follow it to its end."""
        end, order = self._end, run.order
        if end is None or not run.peer(end.ready):
            order.fail(f"no server of the action {self._action}", v1.CAUSE_UNREACHABLE)
            return
        goal = end.type.Goal()
        try:
            fill(goal, run)
        except ValueError as exc:
            order.fail(str(exc), v1.CAUSE_INVALID)
            return
        if run.ending is not None:
            order.ended(run.ending, "before it was sent")
            return
        # The guard knows of it first: it cancels what we leave behind if we are killed.
        with self.robot.guard.goal(self._action, order.id):
            sent = end.send(goal, order.id, run.news.set)
            run.abort = sent.cancel
            try:
                self._follow(run, sent)
            finally:
                if not sent.status:
                    sent.cancel()
                self.robot.stand(self.component)

    def _follow(self, run: Run, sent: SentGoal) -> None:
        order, asked, begun, shown = run.order, False, 0.0, None
        while not sent.status:
            if run.ending is not None and not asked:
                asked = True
                sent.cancel()
            if sent.accepted is False:
                order.fail(f"the action {self._action} refuses the goal")
                return
            silent_s = sent.silent_s()
            limit_s = self._lost_after_s if sent.accepted else max(ANSWER_S, self._lost_after_s)
            if silent_s > limit_s or (self._end is not None and self._end_is_gone(sent)):
                text = f"the server of the action {self._action} does not answer any more ({silent_s:.1f} s)"
                order.fail(text, v1.CAUSE_UNREACHABLE)
                return
            if run.lost and not asked:
                asked = True
                sent.cancel()
                order.fail(run.lost, v1.CAUSE_UNREACHABLE)
            if sent.feedback is not None and sent.feedback is not shown:
                shown = sent.feedback
                begun = self._tell(run, shown, begun)
            run.wait()
        self._ended(run, sent)

    @staticmethod
    def _end_is_gone(sent: SentGoal) -> bool:
        return sent.accepted is True and sent.gone()

    def _tell(self, run: Run, feedback: Any, first_left: float) -> float:
        """Feedback as measured; the first value of what goes down to zero."""
        try:
            values = {name: fields.read(feedback, leaf.path) for name, leaf in self._feedback.items()}
            progress = fields.number(feedback, self._progress) if self._progress else None
            if self._left:
                left = fields.number(feedback, self._left)
                first_left = max(first_left, left, 1e-6)
                progress = 1.0 - left / first_left
            eta_s = fields.number(feedback, self._eta_s) if self._eta_s else None
            convert.finite("feedback", progress=progress or 0.0, eta_s=eta_s or 0.0)
        except ValueError as exc:
            self.robot.malformed(f"feedback of {self._action}: {exc}")
            return first_left
        if progress is not None:
            progress = max(0.0, min(1.0, progress))
        run.order.feedback(phase="running", progress=progress, eta_s=eta_s, **values)
        return first_left

    def _ended(self, run: Run, sent: SentGoal) -> None:
        order = run.order
        if sent.status == SUCCEEDED:
            try:
                order.succeed(
                    **{name: fields.read(sent.result, leaf.path) for name, leaf in self._results.items()}
                )
            except ValueError as exc:
                self.robot.malformed(f"result of {self._action}: {exc}")
                order.succeed()
        elif sent.status == CANCELED:
            by = "" if run.ending is not None else f"cancelled in ROS 2, at the action {self._action}"
            order.ended(run.ending or v1.COMMAND_STATE_CANCELED, by)
        elif run.ending is not None:
            order.ended(run.ending, f"the action {self._action} aborted the goal while it was cancelled")
        else:
            order.fail(f"the action {self._action} aborted the goal{self._why(sent.result)}")

    @staticmethod
    def _why(result: Any) -> str:
        words = [str(getattr(result, name, "")) for name in ("error_code", "error_string", "error_msg")]
        return ": " + " ".join(each for each in words if each) if any(words) else ""


class GoalPart(ActionPart):
    """Any action, by field paths."""

    def __init__(self, robot: Ros2Robot, component: str, name: str, goal: config.Goal) -> None:
        """Nothing is opened."""
        super().__init__(robot, component, goal.action, goal.type, goal.lost_after_s)
        self._config = goal
        self._args: dict[str, fields.Leaf] = {}
        self.methods = {name: lambda run: self.run_goal(run, self._fill)}

    def start(self, node: RosNode) -> None:
        """A client of the action, and its paths."""
        super().start(node)
        assert self._end is not None
        goal, action = self._config, self._end.type
        self._args = paths(action.Goal(), goal.args)
        self._feedback = paths(action.Feedback(), goal.feedback)
        self._results = paths(action.Result(), goal.results)
        self._progress, self._left, self._eta_s = goal.progress, goal.left, goal.eta_s

    def _fill(self, message: Any, run: Run) -> None:
        for name, value in run.order.args.items():
            fields.write(message, self._args[name].path, value)


class NavigatePart(ActionPart):
    """nav2_msgs/NavigateToPose."""

    def __init__(self, robot: Ros2Robot, component: str, navigate: config.Navigate) -> None:
        """Nothing is opened."""
        super().__init__(robot, component, navigate.action, navigate.type or NAVIGATE, navigate.lost_after_s)
        self._frame_id = navigate.frame_id
        self._left, self._eta_s = "distance_remaining", "estimated_time_remaining"
        self.methods = {"navigate_to": lambda run: self.run_goal(run, self._fill)}

    def _fill(self, message: Any, run: Run) -> None:
        x, y, theta = (float(run.order.args[name]) for name in ("x", "y", "theta"))
        convert.fill_pose(message.pose, x, y, theta, self._frame_id)


class FollowPart(ActionPart):
    """control_msgs/FollowJointTrajectory."""

    def __init__(self, robot: Ros2Robot, component: str, trajectory: config.Trajectory) -> None:
        """Nothing is opened."""
        super().__init__(
            robot, component, trajectory.action, trajectory.type or FOLLOW, trajectory.lost_after_s
        )
        self._joints = trajectory.joints
        self.methods = {
            "move_joints": lambda run: self.run_goal(run, self._move),
            "follow_trajectory": lambda run: self.run_goal(run, self._follow_points),
        }

    def _move(self, message: Any, run: Run) -> None:
        self._points(message, run.order.args["positions"], (run.order.args["duration"],))

    def _follow_points(self, message: Any, run: Run) -> None:
        self._points(message, run.order.args["positions"], run.order.args["times"])

    def _points(self, message: Any, positions: Any, times: Any) -> None:
        point = importlib.import_module("trajectory_msgs.msg").JointTrajectoryPoint
        points = convert.trajectory_points(len(self._joints), positions, times)
        convert.fill_trajectory(message.trajectory, point, self._joints, points)


class GripPart(ActionPart):
    """control_msgs/GripperCommand."""

    def __init__(self, robot: Ros2Robot, component: str, gripper: config.Gripper) -> None:
        """Nothing is opened."""
        super().__init__(robot, component, gripper.action, gripper.type or GRIP, gripper.lost_after_s)
        position = fields.Leaf("position", fields.Kind("double"), v1.VALUE_TYPE_DOUBLE)
        self._feedback = self._results = {"position": position}
        self.methods = {"move": lambda run: self.run_goal(run, self._fill)}

    def _fill(self, message: Any, run: Run) -> None:
        args = run.order.args
        message.command.position = float(args["position"])
        message.command.max_effort = float(args["max_effort"])


class CallPart(Part):
    """Any service."""

    def __init__(self, robot: Ros2Robot, component: str, name: str, call: config.Call) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self._config = call
        self._client: Client | None = None
        self.methods = {name: self._call}

    def start(self, node: RosNode) -> None:
        """A client of the service."""
        self._client = node.client(self._config.service, self._config.type)
        self._args = paths(self._client.type.Request(), self._config.args)
        self._results = paths(self._client.type.Response(), self._config.results)

    def missing(self) -> list[str]:
        """Its server."""
        return [f"service {self._config.service}"] if self._client and not self._client.ready() else []

    def _call(self, run: Run) -> None:
        order, client = run.order, self._client
        if client is None or not run.peer(client.ready):
            order.fail(f"no server of the service {self._config.service}", v1.CAUSE_UNREACHABLE)
            return
        request = client.type.Request()
        try:
            for name, value in order.args.items():
                fields.write(request, self._args[name].path, value)
        except ValueError as exc:
            order.fail(str(exc), v1.CAUSE_INVALID)
            return
        if run.ending is not None:
            order.ended(run.ending, "before it was asked")
            return
        response = client.ask(request, self._config.timeout_s)
        if response is None:
            text = f"the service {self._config.service} did not answer within {self._config.timeout_s:g} s"
            order.fail(text, v1.CAUSE_UNREACHABLE)
            return
        try:
            order.succeed(**{name: fields.read(response, leaf.path) for name, leaf in self._results.items()})
        except ValueError as exc:
            order.fail(f"the answer of {self._config.service}: {exc}")
