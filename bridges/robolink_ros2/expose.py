"""A robot of the hub as an ordinary ROS 2 node: its streams and readings out; cmd_vel, goals and a stop in.

A client like any other: lease, TTL, limits and the software stop (not safety rated) are the hub's.
"""

from __future__ import annotations

import logging
import math
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

import robolink
from robolink import v1
from robolink.client import RobotHandle
from robolink.core.values import values_to_dict
from robolink.errors import ConfigError, RobolinkError
from robolink_ros2 import convert, fields
from robolink_ros2.cmdvel import LOOK_S, CmdVel
from robolink_ros2.node import Out, Ros, RosNode, resolve

log = logging.getLogger(__name__)

# At the end goals are cancelled; so long for their ends, and for the threads.
END_S: Final = 3.0
# Each goal has a thread of the executor for its whole life; the others are for stop, cancels and what ends a goal.
MAX_GOALS: Final = 16
THREADS: Final = MAX_GOALS + 4

STREAMS: Final = {
    "Odometry": "nav_msgs/msg/Odometry",
    "BatteryState": "sensor_msgs/msg/BatteryState",
    "JointState": "sensor_msgs/msg/JointState",
    "LaserScan": "sensor_msgs/msg/LaserScan",
    "Range": "sensor_msgs/msg/Range",
}


class Action(BaseModel):
    """An action that is offered: a goal of the robot behind a type that ROS 2 has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    type: str = Field(pattern=r"^\w+/action/\w+$")
    args: dict[str, str] = {}
    feedback: dict[str, str] = {}
    progress: str = ""
    results: dict[str, str] = {}


class Offer(BaseModel):
    """What a file says: actions by their names, and the type of each cmd_vel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: dict[str, Action] = {}
    cmd_vel: Literal["geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped"] = "geometry_msgs/msg/Twist"


def load(path: Path | None) -> Offer:
    """A file, or what holds without one. Raises ConfigError for one that is not right."""
    if path is None:
        return Offer()
    try:
        import yaml

        return Offer.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except ImportError as exc:
        raise ConfigError(f"{path}: PyYAML is missing", hint="pip install 'robolink[ros2]'") from exc
    except (OSError, ValidationError, yaml.YAMLError) as exc:
        hint = "actions: {go: {method: base.navigate_to, type: pkg/action/Name, args: {x: path}}}"
        raise ConfigError(f"{path} cannot be offered: {exc}", hint=hint) from exc


def installed(ros_type: str, what: str) -> Any:
    """The class of that type. Raises ConfigError, naming what needs it, where it is not installed."""
    try:
        return resolve(ros_type)
    except LookupError as exc:
        raise ConfigError(
            f"{what}: {exc}", hint="where this runs; a type of your own: source its workspace"
        ) from exc


def fill_stream(message: Any, payload: Any) -> Any:
    """A sample's payload as the ROS 2 message of its kind; the message itself."""
    if isinstance(payload, v1.Odometry):
        pose, twist = message.pose.pose, message.twist.twist
        pose.position.x, pose.position.y = payload.x, payload.y
        convert.fill_yaw(pose.orientation, payload.theta)
        twist.linear.x, twist.linear.y, twist.angular.z = (
            payload.linear_x,
            payload.linear_y,
            payload.angular_z,
        )
        message.child_frame_id = payload.child_frame_id
        return message
    if isinstance(payload, v1.BatteryState):
        message.voltage, message.current = payload.voltage, payload.current
        message.percentage, message.power_supply_status = payload.percentage, 1 if payload.charging else 0
        return message
    for field, value in payload.ListFields():
        if field.name in message.get_fields_and_field_types():
            setattr(message, field.name, list(value) if hasattr(value, "extend") else value)
    return message


class Exposed:
    """One robot in the graph."""

    def __init__(self, robot: RobotHandle, node: RosNode, offer: Offer) -> None:
        """Offer what its sheet has. Raises RobolinkError if the hub does not know it."""
        self.counters: Counter[str] = Counter()
        self._robot, self._node = robot, node
        self._ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self._servers: list[Any] = []
        # Goals in flight, each in a thread of the executor.
        self._goals, self._goal_ended = 0, threading.Condition()
        # One for all actions: a goal is let in and counted before the next one is looked at.
        self._group = node.ros.rclpy.callback_groups.MutuallyExclusiveCallbackGroup()
        sheet = robot.describe().sheet
        for name, action in offer.actions.items():
            self._offer(name, action)
        node.node.create_service(installed("std_srvs/srv/Trigger", "service stop"), "stop", self._on_stop)
        for component in sheet.components:
            for stream in component.streams:
                if stream.schema in STREAMS:
                    self._start(self._pass_on, component.name, stream.name, STREAMS[stream.schema])
            for setpoint in component.setpoints:
                if {each.name for each in setpoint.fields} & {"linear_x", "angular_z"}:
                    installed(offer.cmd_vel, f"{component.name}/cmd_vel")
                    velocity = CmdVel(robot, node, component.name, setpoint, offer.cmd_vel, self.counters)
                    self._start(velocity.run, self._ending)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    # Out.

    def _pass_on(self, component: str, stream: str, ros_type: str) -> None:
        try:
            out: Out = self._node.publish(f"{component}/{stream}", ros_type)
        except LookupError as exc:
            self.counters["left_out"] += 1
            log.warning("%s.%s is left out: %s", component, stream, exc)
            return
        with self._robot.stream(f"{component}.{stream}") as samples:
            while not self._ending.is_set():
                sample = samples.next(LOOK_S)
                if sample is None or sample.payload is None:
                    continue
                message = fill_stream(out.type(), sample.payload)
                if hasattr(message, "header"):
                    from rclpy.time import Time

                    measured = self._node.now_ns() - int(sample.age_s * 1e9)
                    message.header.stamp = Time(nanoseconds=measured).to_msg()
                    message.header.frame_id = sample.sample.frame_id
                out.send(message)

    # In.

    def _on_stop(self, request: Any, response: Any) -> Any:
        """Stopping needs no authority; a release is not offered here."""
        try:
            result = self._robot.stop(reason="service stop of ROS 2")
            response.success = result.verdict == v1.STOP_VERDICT_STOPPED
            verdict = v1.StopVerdict.Name(result.verdict).removeprefix("STOP_VERDICT_")
            response.message = f"{verdict} (software stop, not safety rated)"
        except RobolinkError as exc:
            response.success, response.message = False, str(exc)
        return response

    def _offer(self, name: str, action: Action) -> None:
        from rclpy.action import ActionServer, CancelResponse

        kind = installed(action.type, f"action {name}")
        server = ActionServer(
            self._node.node,
            kind,
            name,
            lambda handle: self._counted(handle, action, kind),
            callback_group=self._group,
            goal_callback=lambda goal: self._let_in(action),
            handle_accepted_callback=self._begin,
            cancel_callback=lambda handle: CancelResponse.ACCEPT,
        )
        self._servers.append(server)

    def _let_in(self, action: Action) -> Any:
        """No more goals than threads are there for: a stop and a cancel never wait for one."""
        from rclpy.action import GoalResponse

        if self._ending.is_set():
            return GoalResponse.REJECT
        with self._goal_ended:
            if self._goals < MAX_GOALS:
                return GoalResponse.ACCEPT
        self.counters["too_many_goals"] += 1
        log.warning("%s is rejected: %d goals are in flight", action.method, MAX_GOALS)
        return GoalResponse.REJECT

    def _begin(self, handle: Any) -> None:
        with self._goal_ended:
            self._goals += 1
        try:
            handle.execute()
        except BaseException:
            self._ended()
            raise

    def _ended(self) -> None:
        with self._goal_ended:
            self._goals -= 1
            self._goal_ended.notify_all()

    def _counted(self, handle: Any, action: Action, kind: Any) -> Any:
        """So that the end waits for it: the interpreter would, without a limit."""
        try:
            return self._execute(handle, action, kind)
        finally:
            self._ended()

    def _execute(self, handle: Any, action: Action, kind: Any) -> Any:
        result = kind.Result()
        component = action.method.partition(".")[0]
        try:
            args = {name: fields.read(handle.request, path) for name, path in action.args.items()}
            with self._robot.lease(component, reason="an action of ROS 2"):
                update, values = self._run(handle, action, args, kind.Feedback())
            for name, path in action.results.items():
                if name in values:
                    fields.write(result, path, values[name])
        except (RobolinkError, ValueError) as exc:
            self.counters["refused"] += 1
            log.warning("%s: %s", action.method, exc)
            handle.abort()
            return result
        if update.state == v1.COMMAND_STATE_SUCCEEDED:
            handle.succeed()
        elif handle.is_cancel_requested:
            handle.canceled()
        else:
            log.warning("%s ended %s %s", action.method, v1.CommandState.Name(update.state), update.text)
            handle.abort()
        return result

    def _run(self, handle: Any, action: Action, args: dict[str, Any], feedback: Any) -> tuple[Any, Any]:
        """The goal's last update, and what it returned. Whatever ends this ends the goal too: ROS 2 takes it for aborted."""
        goal = self._robot.goal(action.method, **args)
        try:
            self._follow(handle, action, goal, feedback)
            # Its end may be the hub's word that comes no more.
            update = goal.wait(END_S)
        except Exception:
            # The lease may be cmd_vel's too, and then goes on.
            self._cancel(goal, action)
            raise
        return update, goal.values() if update.state == v1.COMMAND_STATE_SUCCEEDED else {}

    def _cancel(self, goal: Any, action: Action) -> None:
        try:
            goal.cancel("its ROS 2 goal is aborted")
        except RobolinkError as exc:
            self.counters["cancel_failed"] += 1
            log.warning("%s may go on: its cancel failed: %s", action.method, exc)

    def _follow(self, handle: Any, action: Action, goal: Any, feedback: Any) -> None:
        """Feedback and cancel, until the goal has ended."""
        asked, measured, until = False, goal.feedback(), math.inf
        ended = (v1.COMMAND_STATE_RECEIVED, v1.COMMAND_STATE_ACCEPTED, v1.COMMAND_STATE_RUNNING)
        while goal.state in (*ended, v1.COMMAND_STATE_CANCELING, v1.COMMAND_STATE_UNSPECIFIED):
            ending = self._ending.is_set()
            if (handle.is_cancel_requested or ending) and not asked:
                asked = True
                goal.cancel("the ROS 2 node ends" if ending else "cancelled in ROS 2")
            if ending and time.monotonic() > (until := min(until, time.monotonic() + END_S)):
                return
            found = measured.next(0.1)
            if found is None:
                continue
            if action.progress:
                fields.write(feedback, action.progress, float(found.progress))
            values = values_to_dict(found.values)
            for name, path in action.feedback.items():
                if name in values:
                    fields.write(feedback, path, values[name])
            try:
                handle.publish_feedback(feedback)
            except RuntimeError as exc:
                # rclpy's RCLError: the middleware's queue is full. No reason to end a motion.
                self.counters["publish_failed"] += 1
                log.warning("feedback of %s was not published: %s", action.method, exc)

    def close(self) -> None:
        """Cancel goals in flight, and wait for their ends; give back what is held; take no more."""
        self._ending.set()
        with self._goal_ended:
            any_goal = bool(self._goals)
            if not self._goal_ended.wait_for(lambda: not self._goals, END_S):
                log.warning("%d goals have not ended within %g s of their cancel", self._goals, END_S)
        if any_goal:
            self._node.ros.settle()  # Their clients wait for a result.
        for thread in self._threads:
            thread.join(END_S)
        for server in self._servers:
            server.destroy()
        if counted := ", ".join(f"{what} {count}" for what, count in self.counters.items() if count):
            log.warning("%s: in all: %s", self._robot.id, counted)


def run(robot: str, *, hub: str | None, namespace: str, domain_id: int | None, offer: Offer) -> None:
    """Show one robot until SIGINT or SIGTERM.

    Raises:
        RobolinkError: No hub, no such robot, no rclpy.
    """
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    with robolink.connect(hub, name=f"ros2-expose:{robot}") as connection:
        ros = Ros(domain_id, threads=THREADS)
        try:
            node = ros.node(f"robolink_{robot}", namespace or robot.replace("-", "_"))
            shown = Exposed(connection.robot(robot), node, offer)
            try:
                while not ending.wait(LOOK_S):
                    node.look()
            finally:
                shown.close()
        finally:
            ros.close()
