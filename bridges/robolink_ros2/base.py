"""A mobile base: velocity with its deadman, a driven distance, and goals that are poses. Nothing here outlives its order.

A velocity comes from a live setpoint or a live goal, and ends in zero.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from robolink import v1
from robolink_ros2 import config, convert
from robolink_ros2.node import NAMED_S, NAMELESS, In, Out, RosNode
from robolink_ros2.runs import Part, Run

if TYPE_CHECKING:
    from robolink_ros2.robot import Ros2Robot
    from robolink_ros2.telemetry import Measured

STILL_LINEAR: Final = 0.01
STILL_ANGULAR: Final = 0.02
ARRIVED_M: Final = 0.01
SLOWEST: Final = 0.04
STANDSTILL_S: Final = 0.75
# Our own last messages on cmd_vel: what comes there and is none of them is somebody else's.
REMEMBERED: Final = 64
SETTLED_S: Final = 0.5
# A zero that was refused, or lost on the way to a best-effort subscriber, must not be the last word: so many are sent.
ZEROS: Final = 5
ZERO_PERIOD_S: Final = 0.05
ZERO: Final = (0.0, 0.0, 0.0)


def is_still(odometry: v1.Odometry) -> bool:
    """Standstill, by the robot's own measurement."""
    linear = math.hypot(odometry.linear_x, odometry.linear_y)
    return linear < STILL_LINEAR and abs(odometry.angular_z) < STILL_ANGULAR


class VelocityPart(Part):
    """cmd_vel of one component."""

    def __init__(self, robot: Ros2Robot, component: str, velocity: config.Velocity, odometry: str) -> None:
        """`odometry`: the stream that measures it; "": none."""
        super().__init__(robot, component)
        self.config, self.odometry = velocity, odometry
        self.max_speed = min(velocity.speed, velocity.max_linear)
        self._out: Out | None = None
        self._node: RosNode | None = None
        self._heard: In | None = None
        self._nameless_at = 0.0
        self._sent: deque[tuple[float, ...]] = deque([ZERO], maxlen=REMEMBERED)
        # One velocity at a time: none may come behind the zero of a stop. Told when zeros are owed.
        self._turn = threading.Condition()
        self._owed = 0
        self._closed = False
        self.methods = {"drive_distance": self._drive_distance} if odometry else {}

    def start(self, node: RosNode) -> None:
        """Publish cmd_vel, and listen who else does."""
        self._node = node
        self._out = node.publish(self.config.topic, self.config.type)
        if self.robot.config.foreign_velocity == "report":
            self._heard = node.listen(self.config.topic, self.config.type, self._on_velocity)
        self.robot.report(f"{self.component}.max_speed", self.max_speed)
        threading.Thread(target=self._repeat, name=f"zeros {self.component}", daemon=True).start()

    def missing(self) -> list[str]:
        """Nobody listens to its velocity."""
        return [f"a subscriber of {self.config.topic}"] if self._out and not self._out.listeners() else []

    # Down.

    def send(self, linear_x: float, linear_y: float, angular_z: float, run: Run | None = None) -> None:
        """One velocity, within the speed that is set; none while stopped, nor of a `run` that must end."""
        values = convert.limit_speed(linear_x, linear_y, angular_z, self.max_speed)
        if self._out is None:
            return
        moves = any(values)
        with self._turn:
            if moves and (self.robot.stopped() or (run is not None and run.over)):
                return
            try:
                sent = self._publish(values)
            except ValueError as exc:
                self.robot.malformed(str(exc))
                return
            self._owed = 0 if moves else ZEROS - sent
            self._turn.notify_all()

    def _publish(self, values: tuple[float, float, float]) -> bool:
        assert self._out is not None and self._node is not None
        message = convert.fill_twist(self._out.type(), *values)
        if hasattr(message, "header"):
            self._node.stamp(message).header.frame_id = self.config.frame_id
        self._sent.append(values)
        return self._out.send(message)

    def stand(self) -> None:
        """Zero velocity, now and a few times more."""
        self.send(*ZERO)

    def again(self) -> None:
        """One of the zeros that are owed, unless a goal drives it otherwise by now."""
        with self._turn:
            if self._owed and self.robot.driven(self.component):
                self._owed = 0
            if self._owed:
                self._owed -= self._publish(ZERO)

    def settled(self) -> bool:
        """Whether no zero is owed."""
        return self._owed == 0

    def _repeat(self) -> None:
        while not self._closed:
            with self._turn:
                self._turn.wait_for(lambda: self._owed or self._closed)
            time.sleep(ZERO_PERIOD_S)
            self.again()

    def close(self) -> None:
        """No more zeros."""
        with self._turn:
            self._owed, self._closed = 0, True
            self._turn.notify_all()

    def still(self, since: float) -> bool | None:
        """By an odometry that came after `since`."""
        measured = self.robot.measured(self.component, self.odometry)
        if measured is None:
            return None
        return measured.at > since and is_still(measured.payload)

    # Who else.

    def _on_velocity(self, message: Any) -> None:
        try:
            values = convert.twist(message)
        except ValueError as exc:
            self.robot.malformed(f"on {self.config.topic}: {exc}")
            return
        # What drives it for a goal of ours on this component is no conflict; beside any other order it is one.
        if not any(values) or values in self._sent or self.robot.driven(self.component, ending=True):
            return
        assert self._node is not None
        others = sorted({who for who, _type, _profile in self._node.offered(self.config.topic, ours=False)})
        # A publisher is found before its node's name is.
        now, nameless = time.monotonic(), NAMELESS in others
        self._nameless_at = (self._nameless_at or now) if nameless else 0.0
        if nameless and now - self._nameless_at < NAMED_S:
            return
        self.robot.foreign(f"{' or '.join(others) or 'an unknown publisher'} on {self.config.topic}")

    # Goals.

    def _drive_distance(self, run: Run) -> None:
        order, measured = run.order, self.robot.measured(self.component, self.odometry)
        if measured is None:
            order.fail("no odometry yet: a distance cannot be measured", v1.CAUSE_UNREACHABLE)
            return
        start, distance = measured.payload, float(order.args["distance"])
        speed = float(order.args["speed"])
        try:
            while True:
                measured = self.robot.measured(self.component, self.odometry) or measured
                driven = math.hypot(measured.payload.x - start.x, measured.payload.y - start.y)
                left = abs(distance) - driven
                if run.ending is not None:
                    self.stand()
                    order.ended(run.ending, f"after {driven:.3f} m")
                    return
                if run.lost:
                    order.fail(f"the odometry stopped after {driven:.3f} m", v1.CAUSE_UNREACHABLE)
                    return
                if left <= ARRIVED_M:
                    break
                velocity = math.copysign(min(speed, max(left, SLOWEST)), distance)
                self.send(velocity, 0.0, 0.0, run)
                progress = max(0.0, min(1.0, driven / max(abs(distance), ARRIVED_M)))
                order.feedback(phase="driving", progress=progress, eta_s=left / abs(velocity), driven=driven)
                run.wait()
        finally:
            self.stand()
        self.robot.wait_still([self], STANDSTILL_S)
        end = (self.robot.measured(self.component, self.odometry) or measured).payload
        order.succeed(distance=math.hypot(end.x - start.x, end.y - start.y))


class PoseTopicPart(Part):
    """Goals as PoseStamped on a topic; how far they are, and their end, by the odometry."""

    drives = True

    def __init__(self, robot: Ros2Robot, component: str, navigate: config.Navigate) -> None:
        """Nothing is opened."""
        super().__init__(robot, component)
        self.config = navigate
        self.methods = {"navigate_to": self._navigate}
        self._out: Out | None = None
        self._node: RosNode | None = None

    def start(self, node: RosNode) -> None:
        """Publish goals."""
        self._node = node
        self._out = node.publish(self.config.topic, "geometry_msgs/msg/PoseStamped")

    def missing(self) -> list[str]:
        """Nobody takes goals."""
        return [f"a subscriber of {self.config.topic}"] if self._out and not self._out.listeners() else []

    def _message(self, x: float, y: float, theta: float, frame_id: str) -> Any:
        assert self._out is not None and self._node is not None
        return convert.fill_pose(self._node.stamp(self._out.type()), x, y, theta, frame_id)

    def _here(self, measured: Measured) -> Any:
        """Stay: that place is in the frame in which it was measured, whichever the goal's is."""
        here = measured.payload
        return self._message(here.x, here.y, here.theta, measured.frame_id)

    def _foreign(self, measured: Measured) -> str:
        """Why no goal can be measured by it, or where it is be held; "": it can."""
        if measured.frame_id == self.config.frame_id:
            return ""
        return (
            f"goals are in the frame {self.config.frame_id!r}, {self.config.odometry} is in {measured.frame_id!r}: "
            "neither the way left nor a place to hold is known; map one of the same frame"
        )

    def _measured(self) -> Measured | None:
        return self.robot.measured(self.component, self.config.odometry)

    def hold(self) -> None:
        """A topic knows no cancel: the goal becomes the place where it is."""
        measured = self._measured()
        if measured is not None and self._out is not None:
            self._out.send(self._here(measured))
        self.robot.stand(self.component)

    def _navigate(self, run: Run) -> None:
        order, out = run.order, self._out
        if out is None or not run.peer(lambda: bool(out.listeners() and self._measured())):
            nobody = out is None or not out.listeners()
            what = f"subscriber of {self.config.topic}" if nobody else "odometry"
            order.fail(f"no {what} yet", v1.CAUSE_UNREACHABLE)
            return
        measured = self._measured()
        if (ending := run.ending) is not None:
            order.ended(ending, "before it was sent")
            return
        assert measured is not None
        if foreign := self._foreign(measured):
            order.fail(foreign, v1.CAUSE_UNSUPPORTED)
            return
        x, y, theta = (float(order.args[name]) for name in ("x", "y", "theta"))
        start = max(math.hypot(x - measured.payload.x, y - measured.payload.y), self.config.tolerance_m)
        run.abort = self.hold
        key = self.robot.guard.holding(out.name, "geometry_msgs/msg/PoseStamped")
        out.send(self._message(x, y, theta, self.config.frame_id))
        settled_at = None
        try:
            while True:
                measured = self._measured() or measured
                here = measured.payload
                key.update(self._here(measured))
                left = math.hypot(x - here.x, y - here.y)
                turn = abs(math.remainder(theta - here.theta, math.tau))
                if run.ending is not None:
                    self.hold()
                    order.ended(run.ending, f"{left:.2f} m before the pose")
                    return
                if lost := run.lost or self._foreign(measured):
                    self.hold()
                    order.fail(lost, v1.CAUSE_UNREACHABLE)
                    return
                there = (
                    left <= self.config.tolerance_m and turn <= self.config.tolerance_rad and is_still(here)
                )
                settled_at = (settled_at or measured.at) if there else None
                if settled_at is not None and measured.at - settled_at >= SETTLED_S:
                    order.succeed(x=here.x, y=here.y, theta=here.theta)
                    return
                progress = max(0.0, min(1.0, 1.0 - left / start))
                order.feedback(
                    phase="driving" if not there else "settling", progress=progress, distance_left=left
                )
                run.wait()
        finally:
            key.close()
