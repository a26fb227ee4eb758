"""Any action as a goal and any service as a call, by field paths; the usual actions come with their paths.

The server's own word counts: feedback, result, refusal. Its death is found by asking, since nothing tells it.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink_ros2 import config, convert, fields
from robolink_ros2.action import CANCELED, SUCCEEDED, ActionEnd, SentGoal
from robolink_ros2.describe import FOLLOW, GRIP, NAVIGATE, paths
from robolink_ros2.node import RosNode
from robolink_ros2.runs import Part, Run
from robolink_ros2.service import Client

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot

ANSWER_S: Final = 5.0
# A server that answers whether it lives, but neither takes a goal nor ends one that it is asked to cancel.
END_S: Final = 30.0
# Goals that were given up and whose cancel is not answered yet, of one action.
MAX_LEFT: Final = 64

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
        self._given_up: dict[bytes, SentGoal] = {}

    def start(self, node: RosNode) -> None:
        """A client of the action."""
        self._end = ActionEnd(node, self._action, self._type)

    def look(self) -> None:
        """Goals that were given up are cancelled until that is answered; so long the guard knows of them."""
        for goal_id, sent in list(self._given_up.items()):
            sent.look()
            if sent.over() and self._given_up.pop(goal_id, None) is not None:
                self.robot.guard.ended(goal_id)

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
        self.robot.guard.goal(self._action, order.id)
        sent = end.send(goal, order.id, run.news.set)
        run.abort = sent.cancel
        # It was told to end just before: then nobody has called that.
        if run.over:
            sent.cancel()
        try:
            self._follow(run, sent)
        finally:
            self._leave(order.id, sent)
            self.robot.stand(self.component)

    def _leave(self, goal_id: bytes, sent: SentGoal) -> None:
        """It ended, or it is given up: `look` goes on to cancel it."""
        if not sent.status:
            sent.cancel()
        if sent.status or sent.over():
            self.robot.guard.ended(goal_id)
            return
        self._given_up[goal_id] = sent
        if len(self._given_up) > MAX_LEFT:
            oldest = next(iter(self._given_up))
            self._given_up.pop(oldest, None)
            self.robot.guard.ended(oldest)
            self.robot.problem(
                f"a goal of the action {self._action} is cancelled no more: no answer ever came"
            )

    def _follow(self, run: Run, sent: SentGoal) -> None:
        order, asked_at, begun, shown = run.order, 0.0, 0.0, None
        while not sent.status:
            now = time.monotonic()
            if (run.ending is not None or run.lost) and not asked_at:
                asked_at = now
                sent.cancel()
                if run.ending is None:
                    order.fail(run.lost, v1.CAUSE_UNREACHABLE)
            sent.look()
            if sent.accepted is False:
                self._refused(run, sent)
                return
            if text := self._lost(sent, asked_at, now):
                order.fail(f"the server of the action {self._action} {text}", v1.CAUSE_UNREACHABLE)
                return
            if sent.feedback is not None and sent.feedback is not shown:
                shown = sent.feedback
                begun = self._tell(run, shown, begun)
            run.wait()
        self._ended(run, sent)

    def _refused(self, run: Run, sent: SentGoal) -> None:
        if run.ending is not None:
            run.order.ended(run.ending, "before it was accepted")
        else:
            run.order.fail(sent.error or f"the action {self._action} refuses the goal")

    def _lost(self, sent: SentGoal, asked_at: float, now: float) -> str:
        """Why nothing is to be waited for any more, or ""."""
        silent_s = sent.silent_s()
        limit_s = self._lost_after_s if sent.accepted else max(ANSWER_S, self._lost_after_s)
        if silent_s > limit_s or (sent.accepted and sent.gone()):
            return f"does not answer any more ({silent_s:.1f} s)"
        # It lives, as it says, and does nothing else.
        if sent.accepted is None and now - sent.sent_at > max(END_S, limit_s):
            return f"has not said for {END_S:g} s whether it takes the goal"
        if asked_at and now - asked_at > END_S:
            return f"has not ended the goal {END_S:g} s after it was asked to cancel it"
        return ""

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
