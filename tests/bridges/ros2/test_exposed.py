"""What `robolink ros2 expose` does in one process: a double of the robot, and a plain rclpy user over the real middleware."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.channels import Channel, Iteration
from robolink.core.values import to_values
from robolink.errors import ConfigError
from robolink_ros2 import cmdvel, expose
from robolink_ros2.node import Ros
from tests.bridges.ros2.conftest import DOMAINS
from tests.conftest import wait_for

ACTION = {"method": "base.go", "type": "test_msgs/action/NestedMessage"}

TWIST = "geometry_msgs/msg/Twist"


class Goal:
    """It runs until it is cancelled."""

    def __init__(self) -> None:
        self.state = v1.COMMAND_STATE_RUNNING
        self.measured: Channel[v1.CommandFeedback] = Channel(64)
        self.cancelled: list[str] = []

    def feedback(self) -> Iteration[v1.CommandFeedback]:
        return Iteration(self.measured)

    def cancel(self, reason: str = "") -> None:
        self.cancelled.append(reason)
        self.state = v1.COMMAND_STATE_CANCELED

    def wait(self, timeout_s: float) -> v1.CommandUpdate:
        return v1.CommandUpdate(state=self.state)

    def values(self) -> dict[str, Any]:
        return {}


class Lease:
    """Granted when `allowed` is set."""

    def __init__(self, robot: Robot) -> None:
        self._robot = robot

    def acquire(self) -> None:
        self._robot.asked.set()
        assert self._robot.allowed.wait(60)

    def release(self) -> None:
        self._robot.asked.clear()

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Robot:
    """A robot of the hub with one base."""

    id = "r"

    def __init__(self) -> None:
        self.goals: list[Goal] = []
        self.stops: list[str] = []
        self.setpoints: list[dict[str, float]] = []
        self.asked, self.allowed = threading.Event(), threading.Event()
        self.allowed.set()

    def describe(self) -> v1.Description:
        names = ("linear_x", "linear_y", "angular_z")
        velocity = v1.SetpointInfo(name="velocity", fields=[v1.Field(name=each) for each in names])
        base = v1.Component(name="base", setpoints=[velocity])
        return v1.Description(sheet=v1.Sheet(components=[base]))

    def lease(self, component: str, *, reason: str) -> Lease:
        return Lease(self)

    def goal(self, method: str, **args: Any) -> Goal:
        self.goals.append(Goal())
        return self.goals[-1]

    def setpoint(self, name: str, **fields: float) -> None:
        self.setpoints.append(fields)

    def stop(self, reason: str) -> v1.StopResult:
        self.stops.append(reason)
        return v1.StopResult(verdict=v1.STOP_VERDICT_STOPPED)


class Shown:
    """The robot in the graph, and its user."""

    def __init__(self, cmd_vel: str = TWIST, **actions: dict[str, Any]) -> None:
        self.robot, domain = Robot(), next(DOMAINS)
        self.ros, self.user_ros = Ros(domain, threads=expose.THREADS), Ros(domain)
        self.node, self.user = self.ros.node("shown", "r"), self.user_ros.node("user").node
        offered = expose.Offer.model_validate({"actions": actions, "cmd_vel": cmd_vel})
        try:
            self.exposed = expose.Exposed(self.robot, self.node, offered)  # type: ignore[arg-type]
        except BaseException:
            self._leave()
            raise

    def close(self) -> None:
        self.robot.allowed.set()
        self.exposed.close()
        self._leave()

    def _leave(self) -> None:
        self.ros.close()
        self.user_ros.close()


@pytest.fixture
def show() -> Iterator[Any]:
    made: list[Shown] = []

    def begin(**offered: Any) -> Shown:
        made.append(Shown(**offered))
        return made[-1]

    yield begin
    for each in made:
        each.close()


def answer(future: Any, what: str) -> Any:
    wait_for(future.done, 30, what)
    return future.result()


def test_stop_and_cancel_are_answered_while_as_many_goals_run_as_may(show: Any) -> None:
    from rclpy.action import ActionClient
    from std_srvs.srv import Trigger
    from test_msgs.action import NestedMessage

    shown = show(go=ACTION)
    client = ActionClient(shown.user, NestedMessage, "/r/go")
    stop = shown.user.create_client(Trigger, "/r/stop")
    assert client.wait_for_server(30)
    assert stop.wait_for_service(30)

    def send() -> Any:
        return answer(client.send_goal_async(NestedMessage.Goal()), "an answer to a goal")

    handles, results = [], []
    for _ in range(expose.MAX_GOALS):
        handles.append(send())
        assert handles[-1].accepted
        # Asked one by one: a service of ROS 2 keeps ten requests, and loses more.
        results.append(handles[-1].get_result_async())
    wait_for(lambda: len(shown.robot.goals) == expose.MAX_GOALS, 30, "all goals in flight")
    assert not send().accepted, "one more than there are threads for"
    assert shown.exposed.counters["too_many_goals"] == 1
    assert answer(stop.call_async(Trigger.Request()), "an answer to stop").success
    assert shown.robot.stops == ["service stop of ROS 2"]
    for each in handles:
        assert answer(each.cancel_goal_async(), "an answer to a cancel").goals_canceling
    assert [answer(each, "a result").status for each in results] == [5] * len(results)
    assert all(each.cancelled == ["cancelled in ROS 2"] for each in shown.robot.goals)
    assert send().accepted, "there is room again"


def named(**values: Any) -> v1.CommandFeedback:
    """Feedback with these values."""
    return v1.CommandFeedback(progress=0.5, values=to_values(values))


def test_feedback_keeps_its_kind_and_what_does_not_fit_ends_the_goal_on_both_sides(show: Any) -> None:
    from rclpy.action import ActionClient
    from test_msgs.action import NestedMessage

    paths = {each: f"nested_field.{each}_value" for each in ("float64", "int32", "bool")}
    shown = show(go={**ACTION, "feedback": paths})
    client = ActionClient(shown.user, NestedMessage, "/r/go")
    assert client.wait_for_server(30)
    heard: list[Any] = []
    sent = client.send_goal_async(NestedMessage.Goal(), lambda message: heard.append(message.feedback))
    result = answer(sent, "an answer to a goal").get_result_async()
    goal = wait_for(lambda: shown.robot.goals, 30, "the goal")[0]
    goal.measured.put(named(float64=7, int32=3, bool=True))
    field = wait_for(lambda: heard, 30, "feedback")[0].nested_field
    found = (field.float64_value, field.int32_value, field.bool_value)
    assert found == (7.0, 3, True)
    # A number that is not whole has no place in an integer of ROS 2.
    goal.measured.put(named(int32=0.5))
    assert answer(result, "a result").status == 6
    assert goal.cancelled == ["its ROS 2 goal is aborted"]


def test_a_type_that_is_not_installed_is_told_by_its_action(show: Any) -> None:
    with pytest.raises(
        ConfigError, match="action go: type acme_msgs/action/Go is not installed: install or source"
    ):
        show(go={"method": "base.go", "type": "acme_msgs/action/Go"})


def test_a_type_that_is_no_action_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "actions.yaml"
    file.write_text("actions: {go: {method: base.go, type: geometry_msgs/msg/Twist}}")
    with pytest.raises(ConfigError, match="cannot be offered"):
        expose.load(file)


class Clock:
    """Both clocks as `cmdvel` reads them, as far ahead as a test says."""

    def __init__(self) -> None:
        self.ahead_s, self.wall_ahead_s = 0.0, 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s

    def time_ns(self) -> int:
        return time.time_ns() + int(self.wall_ahead_s * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(cmdvel, "time", made)
    return made


def driver(shown: Shown, kind: Any) -> Any:
    """Publishes one speed on its cmd_vel, and says what has gone on to the robot."""
    publisher = shown.user.create_publisher(kind, "/r/base/cmd_vel", 1)
    wait_for(publisher.get_subscription_count, 30, "who listens to cmd_vel")

    def drive(speed: float) -> list[dict[str, float]]:
        message = kind()
        getattr(message, "twist", message).linear.x = speed
        publisher.publish(message)
        return shown.robot.setpoints

    return drive


def test_a_velocity_that_was_sent_long_ago_does_not_move_the_robot(show: Any, clock: Clock) -> None:
    from geometry_msgs.msg import Twist

    shown = show()
    drive = driver(shown, Twist)
    clock.wall_ahead_s = 10.0
    wait_for(lambda: drive(0.1) or shown.exposed.counters["stale"] >= 3, 30, "old velocities")
    assert shown.robot.setpoints == []
    assert not shown.robot.asked.is_set(), "no lease is asked for them"
    clock.wall_ahead_s = 0.0
    wait_for(lambda: any(each["linear_x"] == 0.2 for each in drive(0.2)), 30, "a new velocity")


class Topic:
    """A node that reads one topic, without a middleware."""

    source_ns = 0

    def listen(self, topic: str, ros_type: str, callback: Callable[[Any], None]) -> Topic:
        self.callback = callback
        return self

    def hear(self, speed: float) -> None:
        from geometry_msgs.msg import Twist

        message = Twist()
        message.linear.x = speed
        self.callback(message)


def test_velocities_that_waited_for_the_lease_are_replaced_and_the_last_is_too_old(clock: Clock) -> None:
    robot, topic, counted, ending = Robot(), Topic(), Counter[str](), threading.Event()
    setpoint = robot.describe().sheet.components[0].setpoints[0]
    velocity = cmdvel.CmdVel(robot, topic, "base", setpoint, TWIST, counted)  # type: ignore[arg-type]
    passing = threading.Thread(target=velocity.run, args=(ending,))
    passing.start()
    try:
        robot.allowed.clear()
        topic.hear(0.1)
        wait_for(robot.asked.is_set, 30, "the wish for a lease")
        # Who receives goes on while the hub takes its time: nothing queues behind it.
        for _ in range(10):
            topic.hear(0.1)
        assert counted["replaced"] == 9
        clock.ahead_s = 1.0
        robot.allowed.set()
        # The one that asked, and the newest of those that came meanwhile.
        wait_for(lambda: counted["stale"] == 2, 30, "the end of both")
        topic.hear(0.2)
        wait_for(lambda: robot.setpoints, 30, "a new velocity")
        assert robot.setpoints == [{"linear_x": 0.2, "linear_y": 0.0, "angular_z": 0.0}]
    finally:
        robot.allowed.set()
        ending.set()
        passing.join(30)
    assert not robot.asked.is_set(), "the lease is given back at the end"


class Stepped(Clock):
    """Time goes on by steps only."""

    def monotonic(self) -> float:
        return 1000.0 + self.ahead_s

    def time_ns(self) -> int:
        return 10**18 + int(self.ahead_s * 1e9)


# What happens: how long ago the velocity that comes was sent, or None for the thread's turn; and the time until the next, s.
# No age and no time between two adds up to the TTL: 0.3 s.
HAPPENS = st.lists(
    st.tuples(st.none() | st.sampled_from([0.0, 0.07, 0.17, 0.41, 5.0]), st.sampled_from([0.0, 0.11, 0.29]))
)


@given(HAPPENS)
def test_only_the_newest_goes_on_once_and_not_over_its_time(
    happens: list[tuple[float | None, float]],
) -> None:
    robot, topic, counted, clock = Robot(), Topic(), Counter[str](), Stepped()
    setpoint = robot.describe().sheet.components[0].setpoints[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cmdvel, "time", clock)
        velocity = cmdvel.CmdVel(robot, topic, "base", setpoint, TWIST, counted)  # type: ignore[arg-type]
        wanted, newest, heard = [], None, 0
        for age_s, gap_s in happens:
            if age_s is not None:
                heard += 1
                topic.source_ns = clock.time_ns() - int(age_s * 1e9)
                topic.hear(heard)
                newest = heard, clock.ahead_s + 0.3 - age_s
            else:
                velocity.turn(0.0)
                if newest is not None and clock.ahead_s <= newest[1]:
                    wanted.append(newest[0])
                newest = None
            clock.ahead_s += gap_s
        assert [each["linear_x"] for each in robot.setpoints] == wanted
        waits = 1 if newest is not None else 0
        assert heard == len(wanted) + counted["stale"] + counted["replaced"] + waits, "each is counted"


def test_feedback_that_ros_does_not_publish_ends_no_goal(show: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from rclpy.action import ActionClient
    from rclpy.action.server import ServerGoalHandle
    from test_msgs.action import NestedMessage

    def full(handle: Any, feedback: Any) -> None:
        raise RuntimeError("the queue is full")

    monkeypatch.setattr(ServerGoalHandle, "publish_feedback", full)
    shown = show(go=ACTION)
    client = ActionClient(shown.user, NestedMessage, "/r/go")
    assert client.wait_for_server(30)
    sent = answer(client.send_goal_async(NestedMessage.Goal()), "an answer to a goal")
    goal = wait_for(lambda: shown.robot.goals, 30, "the goal")[0]
    goal.measured.put(named())
    wait_for(lambda: shown.exposed.counters["publish_failed"], 30, "feedback that is not published")
    assert goal.cancelled == []
    assert answer(sent.cancel_goal_async(), "an answer to a cancel").goals_canceling
    assert answer(sent.get_result_async(), "a result").status == 5


def test_cmd_vel_may_be_a_twist_stamped(show: Any) -> None:
    from geometry_msgs.msg import TwistStamped

    drive = driver(show(cmd_vel="geometry_msgs/msg/TwistStamped"), TwistStamped)
    found = wait_for(lambda: drive(0.3), 30, "a velocity")
    assert found[0] == {"linear_x": 0.3, "linear_y": 0.0, "angular_z": 0.0}
