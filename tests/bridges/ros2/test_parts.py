"""Goals by topics, where they end and what is held, with real messages and no wire: the newest message need not tell it."""

from __future__ import annotations

import math
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink_ros2 import goals, robot, telemetry
from tests.bridges.ros2.stage import STOPPED, Client, Order, Stage
from tests.conftest import wait_for

pytest.importorskip("sensor_msgs", reason="needs ROS 2's message packages (extra ros2)")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import Odometry
from sensor_msgs.msg import BatteryState, JointState

CANCELED, FAILED = v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_FAILED
JOINTS = ["shoulder", "elbow"]
ARM = {
    "arm": {
        "type": "arm",
        "trajectory": {"topic": "go", "joints": JOINTS},
        "streams": {"joint_states": "joint_states"},
    },
    "gripper": {
        "type": "gripper",
        "gripper": {"topic": "grip", "joint": "finger", "type": "std_msgs/msg/Float64MultiArray"},
        "streams": {"joint_states": "joint_states"},
    },
}


def arm(*position: float, speed: float = 0.0) -> JointState:
    """Of the arm's broadcaster."""
    return JointState(name=JOINTS, position=position, velocity=[speed, speed])


def finger(position: float = 0.01) -> JointState:
    """Of the gripper's broadcaster, on the same topic."""
    return JointState(name=["finger"], position=[position], velocity=[0.0])


def moving(stage: Stage) -> Order:
    """A long way that has begun; the newest message is the gripper's."""
    stage.hear("joint_states", arm(0.0, 0.0))
    stage.hear("joint_states", finger())
    order = stage.begin("arm.move_joints", "go", positions=(1.0, 1.0), duration=30.0)
    stage.hear("joint_states", arm(0.4, 0.3, speed=0.5))
    stage.hear("joint_states", finger())
    return order


def held(message: Any) -> Any:
    (point,) = message.points
    return list(message.joint_names), list(point.positions)


@pytest.mark.parametrize("end", ["cancel", "stop"])
def test_an_arm_holds_where_it_is_though_the_gripper_spoke_last(end: str) -> None:
    with Stage(ARM) as stage:
        order = moving(stage)
        if end == "cancel":
            stage.cancel(order)
        else:
            order.cancel_requested = STOPPED
            assert stage.robot.on_stop(v1.STOP_LEVEL_SOFT_HOLD, 1).verdict != v1.STOP_VERDICT_STOPPED
        assert order.wait()[0] == (CANCELED if end == "cancel" else STOPPED)
        goal, *rest = stage.node.outs["go"].sent
        assert held(goal) == (JOINTS, [1.0, 1.0])
        assert rest, "the arm would drive on"
        assert held(rest[-1]) == (JOINTS, [0.4, 0.3])


def test_the_guard_never_holds_where_the_goal_began() -> None:
    with Stage(ARM) as stage:
        stage.hear("joint_states", arm(0.0, 0.0))
        stage.hear("joint_states", arm(0.4, 0.3))
        stage.hear("joint_states", finger())
        order = stage.begin("arm.move_joints", "go", positions=(1.0, 1.0), duration=30.0)
        stage.cancel(order)
        order.wait()
        assert held(stage.guard.holds["go"]) == (JOINTS, [0.4, 0.3])


def test_a_gripper_beside_an_arm_arrives_and_is_held() -> None:
    with Stage(ARM) as stage:
        stage.hear("joint_states", finger(0.01))
        stage.hear("joint_states", arm(0.0, 0.0))
        order = stage.begin("gripper.move", "grip", position=0.08, max_effort=1.0)
        stage.hear("joint_states", finger(0.05))
        stage.hear("joint_states", arm(0.0, 0.0))
        stage.cancel(order)
        assert order.wait()[0] == CANCELED
        assert list(stage.node.outs["grip"].sent[-1].data) == [0.05]


def test_a_joint_that_nobody_tells_of_any_more_ends_its_goal_though_others_go_on() -> None:
    with Stage(ARM, lost_after_s=0.5) as stage:
        stage.hear("joint_states", arm(0.0, 0.0))
        order = stage.begin("arm.move_joints", "go", positions=(1.0, 1.0), duration=30.0)
        wait_for(lambda: stage.hear("joint_states", finger()) or order.end, what="its end")
        state, text = order.wait()
        # Where this machine stalls, the robot itself was silent so long.
        assert (state, text.startswith("no ") and text.endswith("for 0.5 s")) == (FAILED, True)
        assert held(stage.node.outs["go"].sent[-1]) == (JOINTS, [0.0, 0.0])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.floats(-3, 3)), max_size=20))
def test_the_last_position_of_each_joint_is_known(told: list[tuple[str, float]]) -> None:
    with Stage({"arm": {"streams": {"joint_states": "joint_states"}}}) as stage:
        for name, position in told:
            stage.hear("joint_states", JointState(name=[name], position=[position]))
        last = dict(told)
        for names in (["a"], ["c", "a"], ["a", "b", "c"]):
            found = stage.robot.joints("arm", "joint_states", names)
            known = [last[name] for name in names] if all(name in last for name in names) else None
            assert (found and [each.value for each in found]) == known
            assert stage.robot.joints("arm", "joint_states", names, speeds=True) is None


def test_names_of_joints_do_not_pile_up() -> None:
    with Stage({"arm": {"streams": {"joint_states": "joint_states"}}}) as stage:
        for number in range(300):
            stage.hear("joint_states", JointState(name=[f"j{number}"], position=[0.0]))
        assert stage.robot.joints("arm", "joint_states", ["j255"]) is not None
        assert stage.robot.joints("arm", "joint_states", ["j256"]) is None
        assert "more than 256 joints, such as j299" in stage.link.reports["ros.problems"]


def base(frame_id: str, *, stream: str = "") -> dict[str, Any]:
    """Goals in that frame; the odometry's, as far as its messages do not say."""
    odometry = {"topic": "odom", "frame_id": stream}
    goal = {"topic": "goal_pose", "frame_id": frame_id, "tolerance_m": 0.1}
    return {"base": {"type": "base", "navigate_to": goal, "streams": {"odometry": odometry}}}


def place(x: float, frame_id: str = "odom", speed: float = 0.0) -> Odometry:
    message = Odometry()
    message.header.frame_id = frame_id
    message.pose.pose.position.x, message.pose.pose.orientation.w = x, 1.0
    message.twist.twist.linear.x = speed
    return message


def navigate(stage: Stage, x: float = 5.0) -> Order:
    return stage.begin("base.navigate_to", "goal_pose", x=x, y=0.0, theta=0.0)


@pytest.mark.parametrize("end", ["cancel", "stop"])
def test_a_pose_is_held_in_the_frame_in_which_it_was_measured(end: str) -> None:
    with Stage(base("odom")) as stage:
        stage.hear("odom", place(1.0))
        order = navigate(stage)
        stage.hear("odom", place(2.0, speed=0.4))
        stage.cancel(order, CANCELED if end == "cancel" else STOPPED)
        assert order.wait()[0] == (CANCELED if end == "cancel" else STOPPED)
        sent = stage.node.outs["goal_pose"].sent
        assert {each.header.frame_id for each in (*sent, stage.guard.holds["goal_pose"])} == {"odom"}
        assert (sent[0].pose.position.x, sent[-1].pose.position.x) == (5.0, 2.0)


@pytest.mark.parametrize("frame_id", ["odom", ""])
def test_a_goal_in_another_frame_than_the_odometry_is_refused_in_words(frame_id: str) -> None:
    with Stage(base("map")) as stage:
        stage.hear("odom", place(1.0, frame_id))
        state, text = navigate(stage).wait()
        assert state == FAILED
        assert f"goals are in the frame 'map', odometry is in '{frame_id}'" in text
        assert not stage.node.outs["goal_pose"].sent


def test_a_frame_that_the_messages_do_not_name_is_that_of_the_mapping() -> None:
    with Stage(base("map", stream="map")) as stage:
        stage.hear("odom", place(1.0, ""))
        order = navigate(stage)
        stage.cancel(order)
        assert order.wait()[0] == CANCELED
        assert {each.header.frame_id for each in stage.node.outs["goal_pose"].sent} == {"map"}


def test_an_odometry_that_changes_its_frame_ends_the_goal_where_it_is() -> None:
    with Stage(base("odom")) as stage:
        stage.hear("odom", place(1.0))
        order = navigate(stage)
        stage.hear("odom", place(7.0, "map"))
        state, text = order.wait()
        assert (state, "is in 'map'" in text) == (FAILED, True)
        hold = stage.node.outs["goal_pose"].sent[-1]
        assert (hold.header.frame_id, hold.pose.position.x) == ("map", 7.0)


def rolling(speed: float = 0.0) -> Odometry:
    return place(1.0, speed=speed)


VELOCITY = {"velocity": "cmd_vel", "streams": {"odometry": "odom"}}
JOINT_STATES = {"joint_states": "joint_states"}
GO = {"action": "go", "type": "test_msgs/action/NestedMessage"}
# What a mapping has beside a base that is measured, what is heard of it, and what nothing measures.
JUDGED: dict[str, tuple[dict[str, Any], list[JointState], str]] = {
    "a base": ({}, [], ""),
    "an arm by topic": (ARM, [arm(0, 0), finger()], ""),
    "an arm by topic, not heard": (ARM, [finger()], "arm.trajectory"),
    "an arm without speeds": (ARM, [JointState(name=JOINTS, position=[0, 0]), finger()], "arm.trajectory"),
    "an action": ({"arm": {"goals": {"go": GO}, "streams": JOINT_STATES}}, [arm(0, 0)], ""),
    "an action, not measured": ({"arm": {"goals": {"go": GO}}}, [], "arm.go"),
    "an action that moves nothing": ({"lamp": {"goals": {"go": {**GO, "motion": False}}}}, [], ""),
    "a service": ({"arm": {"calls": {"x": {"service": "x", "type": "std_srvs/srv/Trigger"}}}}, [], "arm.x"),
    "a type that is not there": ({"arm": {"goals": {"go": {**GO, "type": "no_msgs/action/X"}}}}, [], ""),
    "a second base": ({"cart": {"velocity": "cart_vel"}}, [], "cart.velocity"),
}


@pytest.mark.parametrize("case", JUDGED)
@pytest.mark.parametrize("moves", ["", "base", "arm"])
def test_a_robot_is_stopped_only_where_all_that_can_move_is_measured(
    case: str, moves: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robot, "STANDSTILL_S", 0.2 if moves else 30.0)
    monkeypatch.setattr(goals.ActionPart, "start", lambda self, node: None)
    monkeypatch.setattr(goals.GoalPart, "start", lambda self, node: None)
    more, heard, unmeasured = JUDGED[case]
    with Stage({"base": VELOCITY, **more}) as stage:
        messages: list[tuple[str, Any]] = [("odom", rolling(0.5 if moves == "base" else 0.0))]
        drives = moves == "arm" and any("shoulder" in each.name and each.velocity for each in heard)
        arms = [arm(0, 0, speed=0.3) if drives and "shoulder" in each.name else each for each in heard]
        messages += [("joint_states", each) for each in arms]
        for each in messages:
            stage.hear(*each)
        done = threading.Event()

        def go_on() -> None:
            while not done.wait(0.01):
                for each in messages:
                    stage.hear(*each)

        telling = threading.Thread(target=go_on)
        telling.start()
        try:
            outcome = stage.robot.on_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
        finally:
            done.set()
            telling.join()
    moving = ["base.velocity"] if moves == "base" else ["arm."] if drives else []
    stopped = not unmeasured and not moving
    assert outcome.verdict == (v1.STOP_VERDICT_STOPPED if stopped else v1.STOP_VERDICT_STOPPING)
    for each in [unmeasured] if unmeasured else moving:
        assert each in outcome.text


def test_a_battery_that_measures_no_percentage_is_not_empty() -> None:
    with Stage({"battery": {"type": "battery", "streams": {"state": "battery"}}}) as stage:
        stage.hear("battery", BatteryState(voltage=24.0, percentage=0.7))
        assert stage.link.reports["battery.percentage"] == pytest.approx(0.7)
        stage.hear("battery", BatteryState(voltage=24.0, percentage=math.nan))
        # The SDK marks the last value as bad for a number that is none.
        assert math.isnan(stage.link.reports["battery.percentage"])
        assert (stage.link.samples[-1].voltage, math.isnan(stage.link.samples[-1].percentage)) == (24.0, True)


def diagnosis(name: str, level: bytes) -> DiagnosticArray:
    return DiagnosticArray(status=[DiagnosticStatus(name=name, level=level, message="hot")])


def test_diagnostics_recover_where_whoever_told_of_them_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(telemetry, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with Stage({"all": {"diagnostics": "diagnostics"}}) as stage:
        reports = stage.link.reports
        stage.hear("diagnostics", diagnosis("fan", DiagnosticStatus.OK))
        stage.hear("diagnostics", diagnosis("motor", DiagnosticStatus.ERROR))
        assert (reports["all.health"], reports["all.health_text"]) == ("error", "motor: hot")
        now[0] = 15.0
        wait_for(lambda: reports["all.health"] == "stale", what="what is silent, without a message")
        now[0] = 61.0
        stage.hear("diagnostics", diagnosis("fan", DiagnosticStatus.OK))
        assert (reports["all.health"], reports["all.health_text"]) == ("ok", "")
        assert stage.link.notices[0] == "diagnostics are error: motor: hot"


SPEED = {"node": "/drive", "parameter": "speed", "type": "double"}


def answer(client: Client, successful: bool) -> float:
    """The node's word on what it was asked last; that value."""
    request, done = client.asked.pop()
    result = SimpleNamespace(successful=successful, reason="too fast")
    done(SimpleNamespace(results=[result]))
    return request.parameters[0].value.double_value


def test_a_setting_waits_for_its_node_with_its_verdict_open_and_the_newest_counts() -> None:
    with Stage({"base": {"settings": {"speed": SPEED}}}) as stage:
        put, get = (stage.node.clients[f"/drive/{name}_parameters"] for name in ("set", "get"))
        first, second = (stage.robot.on_setting("base.speed", value) for value in (1.0, 2.0))
        assert first is not None and second is not None
        assert not first.done() and not second.done()
        put.there = get.there = True
        wait_for(lambda: put.asked, what="the setting")
        assert answer(put, successful=True) == 2.0
        assert second.result(0) is None
        assert not first.done(), "nobody set that"
        assert stage.link.reports["base.speed"] == 2.0


def test_a_setting_that_was_rejected_is_not_set_behind_the_hubs_back() -> None:
    with Stage({"base": {"settings": {"speed": SPEED}}}) as stage:
        put, get = (stage.node.clients[f"/drive/{name}_parameters"] for name in ("set", "get"))
        put.there = get.there = True
        wait_for(lambda: get.asked, what="a look at what it has")
        verdict = stage.robot.on_setting("base.speed", 9.0)
        assert verdict is not None
        answer(put, successful=False)
        with pytest.raises(SettingRejectedError, match="too fast"):
            verdict.result(0)
        put.there = get.there = False
        wait_for(lambda: "/drive" in stage.link.reports.get("ros.waiting", ""), what="that the node is gone")
        before = len(get.asked)
        put.there = get.there = True
        wait_for(lambda: len(get.asked) > before, what="a look at what it has")
        assert not put.asked
