"""NavigateToPose, FollowJointTrajectory and GripperCommand: goals, feedback and results on stand-ins of the same fields.

What a message holds inside (poses, trajectories, durations) are the real classes, the rest are stand-ins: no wheel has nav2_msgs
or control_msgs, and here none is built. They go over the wire in test_wire_types.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from robolink_ros2 import config, goals
from robolink_ros2.action import ABORTED, SUCCEEDED
from robolink_ros2.describe import FOLLOW, GRIP, NAVIGATE, robot_sheet
from robolink_ros2.guard import NoGuard
from robolink_ros2.robot import Ros2Robot
from robolink_ros2.runs import Part, Run
from robolink_ros2.standstill import judges
from robolink_ros2.telemetry import Joint

pytest.importorskip("trajectory_msgs", reason="needs ROS 2's message packages (extra ros2)")

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PoseStamped
from trajectory_msgs.msg import JointTrajectory


def message(**members: tuple[str, Callable[[], Any]]) -> type:
    """A class as the generator makes it: fields with their types, and a default each."""

    class Made:
        def __init__(self, **given: Any) -> None:
            for name, (_type, default) in members.items():
                setattr(self, name, given.get(name, default()))

        @classmethod
        def get_fields_and_field_types(cls) -> dict[str, str]:
            return {name: type_ for name, (type_, _default) in members.items()}

    return Made


NUMBER, TEXT, CODE, YES = ("double", float), ("string", str), ("int32", int), ("boolean", bool)
COMMAND = message(position=NUMBER, max_effort=NUMBER)
GRIP_END = {"position": NUMBER, "effort": NUMBER, "stalled": YES, "reached_goal": YES}
TYPES = {
    NAVIGATE: SimpleNamespace(
        Goal=message(pose=("geometry_msgs/PoseStamped", PoseStamped), behavior_tree=TEXT),
        Result=message(error_code=("uint16", int), error_msg=TEXT),
        Feedback=message(
            current_pose=("geometry_msgs/PoseStamped", PoseStamped),
            navigation_time=("builtin_interfaces/Duration", Duration),
            estimated_time_remaining=("builtin_interfaces/Duration", Duration),
            number_of_recoveries=("int16", int),
            distance_remaining=("float", float),
        ),
    ),
    FOLLOW: SimpleNamespace(
        Goal=message(trajectory=("trajectory_msgs/JointTrajectory", JointTrajectory)),
        Result=message(error_code=CODE, error_string=TEXT),
        Feedback=message(joint_names=("sequence<string>", list)),
    ),
    GRIP: SimpleNamespace(
        Goal=message(command=("control_msgs/GripperCommand", COMMAND)),
        Result=message(**GRIP_END),
        Feedback=message(**GRIP_END),
    ),
}

MAPPING = config.check(
    {
        "robot": "r",
        "components": {
            "base": {"type": "base", "navigate_to": {"action": "navigate_to_pose"}},
            "arm": {
                "type": "arm",
                "trajectory": {"action": "follow", "joints": ["a", "b"]},
                "gripper": {"action": "grip", "joint": "g"},
                "streams": {"joint_states": "joint_states"},
            },
        },
    },
    "test",
).robots[0]


class Sent:
    """A goal whose server says one thing after the other."""

    def __init__(self, feedback: list[Any], status: int, result: Any) -> None:
        self.accepted, self.status, self.feedback, self.result = True, 0, None, result
        self.sent_at = 0.0
        self._feedback, self._status = list(feedback), status

    def silent_s(self) -> float:
        """Asked once a round: the next word of the server."""
        if self._feedback:
            self.feedback = self._feedback.pop(0)
        else:
            self.status = self._status
        return 0.0

    def gone(self) -> bool:
        return False

    def look(self) -> None:
        """Nothing was cancelled."""

    def cancel(self) -> None:
        pytest.fail("nobody asked for a cancel")


class Order:
    """What an order is told."""

    id, cancel_requested = bytes(16), None

    def __init__(self, **args: Any) -> None:
        self.args, self.told, self.end = args, list[dict[str, Any]](), dict[str, Any]()

    def feedback(self, **values: Any) -> None:
        self.told.append(values)

    def succeed(self, **results: Any) -> None:
        self.end = results

    def fail(self, text: str, cause: int = 0) -> None:
        self.end = {"failed": text}


class Robot:
    """What a part needs of its robot."""

    guard = NoGuard()

    def stand(self, component: str) -> None:
        """Zero velocity after each goal, whatever its end."""

    def malformed(self, text: str) -> None:
        pytest.fail(text)


def follow(part: Any, method: str, order: Order, feedback: list[Any], status: int, result: Any) -> Any:
    """Run one order; the goal message that was sent."""
    sent: list[Any] = []

    def send(goal: Any, goal_id: bytes, on_change: Callable[[], None]) -> Sent:
        sent.append(goal)
        return Sent(feedback, status, result)

    kind = TYPES[part._type]
    part._end = SimpleNamespace(type=kind, ready=lambda: True, send=send)
    run = Run(order)  # type: ignore[arg-type]
    run.news.set()
    part.methods[method](run)
    return sent[0]


def made(kind: type[Part], component: str, mapped: Any) -> Any:
    return kind(Robot(), component, mapped)  # type: ignore[call-arg, arg-type]


def test_the_sheet_has_them_where_their_types_are_there() -> None:
    def resolve(name: str) -> Any:
        return TYPES.get(name)

    sheet, left_out = robot_sheet(MAPPING, resolve)
    assert not left_out
    methods = {f"{part.name}.{each.name}" for part in sheet.components for each in part.methods}
    assert methods == {"base.navigate_to", "arm.move_joints", "arm.follow_trajectory", "arm.move"}


def test_what_moves_by_an_action_is_judged_by_the_streams_of_its_mapping() -> None:
    robot = Ros2Robot(MAPPING, None, NoGuard(), TYPES.get)  # type: ignore[arg-type]
    judged = {each.name: each.still for each in judges(robot, {})}
    assert set(judged) == {"base.navigate_to", "arm.trajectory", "arm.gripper"}
    (stream,) = robot._streams.values()
    stream.speeds |= {"a": Joint(0.0, 5.0), "b": Joint(0.5, 5.0)}
    assert [judged[f"arm.{name}"](0.0) for name in ("trajectory", "gripper")] == [False, None]
    stream.speeds |= {"b": Joint(0.0, 6.0), "g": Joint(0.0, 5.0)}
    assert [judged[f"arm.{name}"](4.0) for name in ("trajectory", "gripper")] == [True, True]
    assert judged["arm.trajectory"](5.5) is False, "one of its joints was not told of since"
    assert judged["base.navigate_to"](0.0) is None, "it has no odometry"


def test_navigate_to_pose() -> None:
    part = made(goals.NavigatePart, "base", MAPPING.components["base"].navigate_to)
    kind, order = TYPES[NAVIGATE], Order(x=2.0, y=1.0, theta=math.pi / 2)
    feedback = [
        kind.Feedback(
            distance_remaining=left, estimated_time_remaining=Duration(sec=int(left), nanosec=500_000_000)
        )
        for left in (4.0, 1.0)
    ]
    goal = follow(part, "navigate_to", order, feedback, SUCCEEDED, kind.Result())
    pose = goal.pose
    assert (pose.header.frame_id, pose.pose.position.x, pose.pose.position.y) == ("map", 2.0, 1.0)
    assert (pose.pose.orientation.z, pose.pose.orientation.w) == pytest.approx(
        (math.sqrt(0.5), math.sqrt(0.5))
    )
    assert [(each["progress"], each["eta_s"]) for each in order.told] == [(0.0, 4.5), (0.75, 1.5)]
    order = Order(x=2.0, y=1.0, theta=0.0)
    follow(part, "navigate_to", order, [], ABORTED, kind.Result(error_code=208, error_msg="no way"))
    assert order.end == {"failed": "the action navigate_to_pose aborted the goal: 208 no way"}


def test_follow_joint_trajectory() -> None:
    part = made(goals.FollowPart, "arm", MAPPING.components["arm"].trajectory)
    result = TYPES[FOLLOW].Result
    order = Order(positions=(0.1, 0.2, 0.3, 0.4), times=(1.0, 2.5))
    trajectory = follow(part, "follow_trajectory", order, [], SUCCEEDED, result()).trajectory
    assert trajectory.joint_names == ["a", "b"]
    assert [list(each.positions) for each in trajectory.points] == [[0.1, 0.2], [0.3, 0.4]]
    assert [(each.time_from_start.sec, each.time_from_start.nanosec) for each in trajectory.points] == [
        (1, 0),
        (2, 500_000_000),
    ]
    order = Order(positions=(0.5, 0.6), duration=2.0)
    trajectory = follow(
        part, "move_joints", order, [], ABORTED, result(error_code=-4, error_string="off")
    ).trajectory
    assert [(list(each.positions), each.time_from_start.sec) for each in trajectory.points] == [
        ([0.5, 0.6], 2)
    ]
    assert order.end == {"failed": "the action follow aborted the goal: -4 off"}


def test_gripper_command() -> None:
    part = made(goals.GripPart, "arm", MAPPING.components["arm"].gripper)
    kind, order = TYPES[GRIP], Order(position=0.04, max_effort=20.0)
    goal = follow(part, "move", order, [kind.Feedback(position=0.02)], SUCCEEDED, kind.Result(position=0.039))
    assert (goal.command.position, goal.command.max_effort) == (0.04, 20.0)
    assert order.told[0]["position"] == 0.02
    assert order.end == {"position": 0.039}
