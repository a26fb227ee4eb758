"""A ROS 2 robot as a robot of the hub. Every rule (lease, stop generation, TTL) is checked by the SDK before.

It puts the parts of a mapping together; nothing here keeps a robot moving on its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink.robot import Order, RobotHandler, RobotLink, StopOutcome
from robolink_ros2 import config, convert, goals, joints
from robolink_ros2.base import STANDSTILL_S, PoseTopicPart, VelocityPart
from robolink_ros2.describe import Resolve, robot_sheet
from robolink_ros2.guard import Guard, NoGuard
from robolink_ros2.node import Ros, RosNode, resolve
from robolink_ros2.runs import Part, Run, Seldom, wait_until
from robolink_ros2.standstill import judges
from robolink_ros2.telemetry import HealthPart, Joint, Measured, ReadingPart, SettingPart, StreamPart

log = logging.getLogger(__name__)

LOOK_S: Final = 0.25
FOREIGN_S: Final = 10.0
# At its end it waits so long for its goals to end and for the last zeros.
SETTLE_S: Final = 1.0
MAX_TEXT: Final = 512
COUNTED: Final = ("malformed", "publish_failed", "incompatible_qos", "lost")
# Streams whose silence says that the robot is gone; without one, presence of its nodes in the graph counts.
VITAL: Final = ("Odometry", "JointState")


class Ros2Robot(RobotHandler):
    """One robot of a mapping.

    Args:
        mapping: What it is made of.
        ros: The process's place in the graph.
        guard: Ends its motion in ROS 2 if this process dies.
        types: Finds classes of types; of what is installed, unless given.
    """

    def __init__(
        self, mapping: config.RobotConfig, ros: Ros, guard: Guard | NoGuard, types: Resolve = resolve
    ) -> None:
        """The sheet is fixed; the graph is joined when the driver takes it."""
        self.robot, self.config = mapping.robot, mapping
        self.sheet, self.left_out = robot_sheet(mapping, types)
        self.guard = guard
        self._ros = ros
        self._node: RosNode | None = None
        self._parts = [
            part for name, each in mapping.components.items() for part in self._parts_of(name, each)
        ]
        self._velocities = {part.component: part for part in self._parts if isinstance(part, VelocityPart)}
        self._streams = {(p.component, p.name): p for p in self._parts if isinstance(p, StreamPart)}
        self._judges = judges(self, self.left_out)
        self._settings = {part.name: part for part in self._parts if isinstance(part, SettingPart)}
        self._methods = {
            f"{p.component}.{name}": call for p in self._parts for name, call in p.methods.items()
        }
        self._driving = {f"{p.component}.{name}" for p in self._parts if p.drives for name in p.methods}
        self._readings = {f"{c.name}.{p.field.name}" for c in self.sheet.components for p in c.properties}
        self._runs: dict[bytes, Run] = {}
        self._counters: Counter[str] = Counter()
        self._shown: dict[str, Any] = {}
        self._foreign_at = -FOREIGN_S
        self._restarts, self._seldom = 0, Seldom()
        # While `_lose` waits for goals, whatever is heard says nothing of the robot: offline comes first, online after it.
        self._answering = self._losing = False
        self._quality = threading.Lock()
        self._ending = threading.Event()

    def _parts_of(self, name: str, part: config.Component) -> list[Part]:
        """Those of one component whose types are there."""
        found: list[Part] = [StreamPart(self, name, each, stream) for each, stream in part.streams.items()]
        found += [ReadingPart(self, name, each, reading) for each, reading in part.readings.items()]
        found += [SettingPart(self, name, each, setting) for each, setting in part.settings.items()]
        found += [goals.CallPart(self, name, each, call) for each, call in part.calls.items()]
        found += [goals.GoalPart(self, name, each, goal) for each, goal in part.goals.items()]
        found = [each for each in found if not self._is_left_out(name, each)]
        if part.diagnostics:
            found.append(HealthPart(self, name, part.diagnostics))
        if part.velocity is not None:
            measured = [p.name for p in found if isinstance(p, StreamPart) and p.schema == "Odometry"]
            found.append(VelocityPart(self, name, part.velocity, measured[0] if measured else ""))
        usual: tuple[tuple[str, Any, Callable[..., Part], Callable[..., Part]], ...] = (
            ("navigate_to", part.navigate_to, goals.NavigatePart, PoseTopicPart),
            ("trajectory", part.trajectory, goals.FollowPart, joints.TrajectoryPart),
            ("gripper", part.gripper, goals.GripPart, joints.GripperTopicPart),
        )
        for member, mapped, by_action, by_topic in usual:
            if mapped is not None and f"{name}.{member}" not in self.left_out:
                found.append((by_action if mapped.action else by_topic)(self, name, mapped))
        return found

    def _is_left_out(self, component: str, part: Part) -> bool:
        names = [*part.methods, getattr(part, "name", ""), getattr(part, "_name", "").rpartition(".")[2]]
        return any(f"{component}.{name}" in self.left_out for name in names if name)

    # Up: from ROS 2.

    def attached(self, link: RobotLink) -> None:
        """Join the graph; offline until the robot answers."""
        super().attached(link)
        link.quality(False, "nothing heard from its ROS 2 side yet")
        name = f"robolink_{self.robot}"
        self._node = self._ros.node(name, self.config.namespace, use_sim_time=self.config.use_sim_time)
        self._node.on_problem = self.problem
        self.report("ros.left_out", "; ".join(f"{k}: {v}" for k, v in self.left_out.items())[:MAX_TEXT])
        self.report("ros.foreign", "")
        self.report("ros.problems", "")
        for what, why in self.left_out.items():
            self.notice(f"{what} is left out: {why}", "left-out", v1.SEVERITY_WARNING)
        for part in self._parts:
            try:
                part.start(self._node)
            except LookupError as exc:
                self.problem(str(exc))
        threading.Thread(target=self._watch, name=f"watch {self.robot}", daemon=True).start()

    def report(self, name: str, value: Any) -> None:
        """A reading. What the sheet has no place for is counted."""
        try:
            self.link.report(name, value)
        except ValueError as exc:
            self.malformed(str(exc))

    def has_reading(self, name: str) -> bool:
        """Whether the sheet has it."""
        return name in self._readings

    def notice(self, text: str, kind: str, severity: v1.Severity) -> None:
        """Something for people."""
        self.link.notice(text, kind=kind, severity=severity)

    def publish(self, component: str, stream: str, taken: convert.Taken, frame_id: str, at: float) -> None:
        """One sample, measured at that monotonic s."""
        self.link.publish(
            component, stream, taken.payload, frame_id=frame_id, stamp_s=at, attachment=taken.attachment
        )

    def malformed(self, text: str) -> None:
        """A message that is not taken: counted, and shown."""
        self._counters["malformed"] += 1
        # Before the colon stands where it came from: one line for that, whatever its numbers are.
        if self._seldom(text.partition(":")[0]):
            log.warning("%s: %s (more of these are counted, and seldom logged)", self.robot, text)
        self._shown["ros.problems"] = text[:MAX_TEXT]
        self.link.report("ros.problems", text[:MAX_TEXT])

    def problem(self, text: str) -> None:
        """Something that did not match or was refused: shown, and once told."""
        if self._shown.get("ros.problems") != text[:MAX_TEXT]:
            self._shown["ros.problems"] = text[:MAX_TEXT]
            self.link.report("ros.problems", text[:MAX_TEXT])
            # Also what is malformed is shown there: the same problem, seen between two of these, is no news.
            if self._seldom(text):
                self.notice(text, "ros-problem", v1.SEVERITY_WARNING)

    def foreign(self, who: str) -> None:
        """Somebody else commands the velocity."""
        now = time.monotonic()
        if now - self._foreign_at >= FOREIGN_S:
            self._foreign_at = now
            self.notice(
                f"velocity of {who}: another authority moves this robot",
                "authority-conflict",
                v1.SEVERITY_WARNING,
            )
            self.report("ros.foreign", who[:MAX_TEXT])

    def measured(self, component: str, stream: str) -> Measured | None:
        """The newest sample of a stream."""
        part = self._streams.get((component, stream))
        return None if part is None else part.measured

    def joints(
        self, component: str, stream: str, names: Sequence[str], *, speeds: bool = False
    ) -> list[Joint] | None:
        """The last position (or speed) of each joint; None where one was never measured."""
        part = self._streams.get((component, stream))
        known = {} if part is None else part.speeds if speeds else part.positions
        found = [known.get(name) for name in names]
        return None if None in found else [each for each in found if each is not None]

    def joint_names(self, component: str, stream: str) -> tuple[str, ...]:
        """All that a stream of joint states has told of."""
        part = self._streams.get((component, stream))
        return () if part is None else tuple(part.positions.keys() | part.speeds.keys())

    def alive(self) -> None:
        """Something of the robot was heard."""
        with self._quality:
            if not (self._answering or self._losing) and self._vital_age() < self.config.lost_after_s:
                self._answering = True
                self.link.quality(True)

    def _vital(self) -> list[StreamPart]:
        return [part for part in self._streams.values() if part.schema in VITAL]

    def _vital_age(self) -> float:
        """The age of the newest sign of life, s; of a vital stream that never came and that nobody publishes nothing is asked."""
        vital, now = self._vital(), time.monotonic()
        if not vital:
            return 0.0 if self._anybody_there() else self.config.lost_after_s + 1.0
        ages = [age for part in vital if (age := part.silent_s(now)) is not None]
        return max(ages, default=self.config.lost_after_s + 1.0)

    def _anybody_there(self) -> bool:
        """Without a vital stream: whether anything of the mapping is in the graph."""
        mapped = [part for part in self._parts if not isinstance(part, VelocityPart)] or self._parts
        gone = [part for part in mapped if part.missing()]
        return len(gone) < len(mapped) or self._heard()

    def _heard(self) -> bool:
        """Whether any stream came of late, whatever the graph says."""
        now = time.monotonic()
        samples = [part.measured for part in self._streams.values()]
        return any(each is not None and now - each.at <= self.config.lost_after_s for each in samples)

    def _watch(self) -> None:
        """The graph, and silence, tell what no callback does."""
        while not self._ending.wait(LOOK_S):
            for look in (self._look, self._judge):
                try:
                    look()
                except Exception:  # its graph calls raise while the context is being shut down
                    if not self._ending.is_set():
                        log.exception("%s: looking at the graph failed", self.robot)
                        self._counters["look_failed"] += 1

    def _look(self) -> None:
        node = self._node
        if node is None:
            return
        node.look()
        for part in self._parts:
            part.look()
        missing = sorted({each for part in self._parts for each in part.missing()} | set(node.missing()))
        self._show("ros.waiting", ", ".join(missing)[:MAX_TEXT])
        for name in COUNTED:
            errors = self._ros.errors + node.receiver.errors if name == "malformed" else 0
            self._show(f"ros.{name}", self._counters[name] + node.counters[name] + errors)

    def _judge(self) -> None:
        """Silence, and the guard, whatever the graph calls may raise."""
        if not self._vital():
            self.alive()
        if self._answering and self._vital_age() > self.config.lost_after_s:
            self._lose()
        if time.monotonic() - self._foreign_at > FOREIGN_S:
            self._show("ros.foreign", "")
        self.guard.look()
        if self.guard.restarts != self._restarts:
            self._restarts = self.guard.restarts
            self.problem(
                f"the process that ends goals if the bridge is killed died, and was replaced ({self._restarts})"
            )

    def _show(self, name: str, value: Any) -> None:
        if self._shown.get(name) != value:
            self._shown[name] = value
            self.report(name, value)
            if name == "ros.waiting" and value:
                log.warning("%s waits for %s", self.robot, value)

    def _lose(self) -> None:
        """Goals end while the robot is still online: whoever asks learns why, not only that it is gone."""
        now, lost_after_s = time.monotonic(), self.config.lost_after_s
        silent = [part.name for part in self._vital() if (part.silent_s(now) or 0.0) > lost_after_s]
        text = f"no {', '.join(silent) or 'sign of anything mapped'} for {lost_after_s:g} s"
        with self._quality:
            self._answering, self._losing = False, True
        try:
            for run in list(self._runs.values()):
                run.lost = text
                run.end()
            for part in self._velocities.values():
                part.stand()
            wait_until(lambda: not self._runs, lost_after_s)
        finally:
            with self._quality:
                self._losing = False
                self.link.quality(False, text)

    def driven(self, component: str, *, ending: bool = False) -> bool:
        """Whether a goal of ours moves that component by other means than our velocity; `ending`: also one that must end."""
        return any(
            run.order.method in self._driving and run.order.method.partition(".")[0] == component
            for run in list(self._runs.values())
            if ending or not run.over
        )

    def stopped(self) -> bool:
        """Whether the stop latch holds it."""
        return self.link.stop.latched

    # Down: from the hub.

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        """One velocity; zeros are the deadman's."""
        self._velocities[component].send(values[0], values[1], values[2])

    def on_setting(self, name: str, value: Any) -> Future[None] | None:
        """`max_speed` limits what the bridge publishes; the others are parameters of nodes."""
        component, _, member = name.partition(".")
        if member == "max_speed" and component in self._velocities:
            self._velocities[component].max_speed = float(value)
            return None
        part = self._settings.get(name)
        if part is None:
            raise SettingRejectedError(f"{self.robot} has no setting {name}", cause=v1.CAUSE_UNSUPPORTED)
        return part.apply(value)

    def on_command(self, order: Order) -> None:
        """Each in a thread of its own."""
        run = self._runs[order.id] = Run(order)
        threading.Thread(target=self._run, args=(run,), name=order.method, daemon=True).start()

    def _run(self, run: Run) -> None:
        order = run.order
        try:
            self._methods[order.method](run)
        except Exception as exc:
            # Its outcome, whatever it is: no order stays without one.
            log.exception("%s: %s raised", self.robot, order.method)
            self._counters["malformed"] += 1
            self.stand(order.method.partition(".")[0])
            order.fail(f"{type(exc).__name__}: {exc}")
        finally:
            self._runs.pop(order.id, None)

    def on_cancel(self, order: Order, why: v1.CommandState) -> None:
        """End it at once."""
        run = self._runs.get(order.id)
        if run is not None:
            run.end(why)

    def stand(self, component: str) -> None:
        """Zero velocity of that component, if it has one."""
        part = self._velocities.get(component)
        if part is not None:
            part.stand()

    def wait_still(self, parts: list[Any], timeout_s: float) -> float | None:
        """Until all of them measure standstill; how long that took, s. None: they did not in time."""
        begun = time.monotonic()
        if wait_until(lambda: all(part.still(begun) is True for part in parts), timeout_s):
            return time.monotonic() - begun
        return None

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Goals are cancelled and zero velocity is published at once; standstill is measured."""
        for run in list(self._runs.values()):
            if run.order.motion:
                run.end(v1.COMMAND_STATE_STOPPED)
        for velocity in self._velocities.values():
            velocity.stand()
        sent, begun = "zero velocity was published and goals cancelled", time.monotonic()
        unmeasured = [each.name for each in self._judges if each.still(0.0) is None]
        if unmeasured or not self._judges or not self._answering:
            what = f"nothing measures {', '.join(unmeasured)}" if unmeasured else "it measures no motion"
            if self._vital() and not self._answering:
                what = "no odometry or joint state comes"
            text = f"{sent}, but {what}: standstill is not measured"
            return StopOutcome(v1.STOP_VERDICT_STOPPING, None, text[:MAX_TEXT])
        took_s = self.wait_still(self._judges, STANDSTILL_S)
        if took_s is not None:
            return StopOutcome(v1.STOP_VERDICT_STOPPED, took_s * 1e3)
        moving = ", ".join(each.name for each in self._judges if each.still(begun) is not True)
        text = f"{sent}, but no standstill was measured in {STANDSTILL_S:g} s of {moving}"
        return StopOutcome(v1.STOP_VERDICT_STOPPING, None, text[:MAX_TEXT])

    def close(self) -> None:
        """Goals end, zero velocity; `settle` waits for that, and the graph is left by whoever joined it."""
        self._ending.set()
        for run in list(self._runs.values()):
            run.end(v1.COMMAND_STATE_CANCELED)
        if self._node is not None:
            for part in self._velocities.values():
                part.stand()

    def settle(self) -> None:
        """After `close`: wait for the end of its goals and for the last zeros, a moment at most."""
        velocities = list(self._velocities.values())
        wait_until(lambda: not self._runs and all(part.settled() for part in velocities), SETTLE_S)
        for part in velocities:
            part.close()
