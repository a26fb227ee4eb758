"""A ROS 2 mobile base as a robot of the hub. Every rule (lease, stop generation, TTL) is checked by the SDK before.

Nothing here keeps a robot moving on its own: a velocity comes from a live setpoint or a live goal, and ends in zero.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink.robot import Order, RobotHandler, RobotLink, StopOutcome
from robolink_ros2 import convert
from robolink_ros2.describe import DEFAULT_SPEED, base_sheet

log = logging.getLogger(__name__)

ODOMETRY_LOST_S: Final = 1.0
GOAL_PERIOD_S: Final = 0.05
STANDSTILL_S: Final = 0.75
STILL_LINEAR: Final = 0.01
STILL_ANGULAR: Final = 0.02
ARRIVED_M: Final = 0.01
SLOWEST: Final = 0.04
POLL_S: Final = 0.01


class Drive(Protocol):
    """What the robot needs of ROS 2."""

    def drive(self, linear_x: float, linear_y: float, angular_z: float) -> None:
        """Publish one velocity."""

    def now_ns(self) -> int:
        """The ROS clock."""

    def close(self) -> None:
        """Leave the graph."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The newest odometry and when it came, monotonic s."""

    odometry: v1.Odometry
    at: float

    @property
    def still(self) -> bool:
        """Standstill, by the robot's own measurement."""
        odometry = self.odometry
        linear = math.hypot(odometry.linear_x, odometry.linear_y)
        return linear < STILL_LINEAR and abs(odometry.angular_z) < STILL_ANGULAR


class Ros2Base(RobotHandler):
    """One base.

    Args:
        robot: Its id.
        open_node: Makes the ROS 2 side from its two callbacks.
    """

    def __init__(
        self, robot: str, open_node: Callable[[Callable[[Any, int], None], Callable[[Any], None]], Drive]
    ) -> None:
        """The sheet is fixed; the graph is joined when the driver takes it."""
        self.robot, self.sheet = robot, base_sheet()
        self._open_node = open_node
        self._node: Drive | None = None
        self._measured: Measured | None = None
        self._answering = False
        self._distance = 0.0
        self._max_speed = DEFAULT_SPEED
        self._ending = threading.Event()
        self._cancelled: dict[bytes, threading.Event] = {}

    # Up: from ROS 2.

    def attached(self, link: RobotLink) -> None:
        """Join the graph; offline until the first odometry comes."""
        super().attached(link)
        link.quality(False, "no odometry yet")
        link.report("base.max_speed", self._max_speed)
        self._node = self._open_node(self._on_odometry, self._on_battery)
        threading.Thread(target=self._watch, name="odometry watch", daemon=True).start()

    def _on_odometry(self, message: Any, stamp_ns: int) -> None:
        now = time.monotonic()
        try:
            odometry = convert.odometry(message)
        except ValueError as exc:
            log.warning("%s: %s", self.robot, exc)
            return
        before, self._measured = self._measured, Measured(odometry, now)
        if before is not None:
            step = math.hypot(odometry.x - before.odometry.x, odometry.y - before.odometry.y)
            self._distance += step
            if step:
                self.link.report("base.distance", round(self._distance, 4))
        at = convert.measured_at(stamp_ns, self._node.now_ns() if self._node else 0, now)
        frame_id = message.header.frame_id
        self.link.publish("base", "odometry", odometry, frame_id=frame_id, stamp_s=at)
        if not self._answering:
            self._answering = True
            self.link.quality(True)

    def _on_battery(self, message: Any) -> None:
        state = convert.battery_state(message)
        self.link.publish("battery", "state", state)
        self.link.report("battery.percentage", round(state.percentage, 4))

    def _watch(self) -> None:
        """Its silence tells: nothing in rclpy says when a publisher dies."""
        while not self._ending.wait(ODOMETRY_LOST_S / 4):
            measured = self._measured
            if self._answering and measured is not None and time.monotonic() - measured.at > ODOMETRY_LOST_S:
                self._answering = False
                self._stand()
                self._end_goals()
                self.link.quality(False, f"no odometry for {ODOMETRY_LOST_S:g} s")

    def _end_goals(self) -> None:
        """Their ends are told while the robot is still online: whoever asks learns why, not only that it is gone."""
        self._wake_goals()
        until = time.monotonic() + ODOMETRY_LOST_S
        while self._cancelled and time.monotonic() < until:
            time.sleep(POLL_S)

    def _wake_goals(self) -> None:
        for event in list(self._cancelled.values()):
            event.set()

    # Down: from the hub.

    def _publish(self, linear_x: float, linear_y: float, angular_z: float) -> None:
        if self._node is not None:
            self._node.drive(*convert.limit_speed(linear_x, linear_y, angular_z, self._max_speed))

    def _stand(self) -> None:
        if self._node is not None:
            self._node.drive(0.0, 0.0, 0.0)

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        """One velocity; zeros are the deadman's."""
        self._publish(values[0], values[1], values[2])

    def on_setting(self, name: str, value: Any) -> None:
        """`base.max_speed` limits what the bridge publishes."""
        if name != "base.max_speed":
            raise SettingRejectedError(f"{self.robot} has no setting {name}", cause=v1.CAUSE_UNSUPPORTED)
        self._max_speed = float(value)

    def on_command(self, order: Order) -> None:
        """`base.drive_distance`, in a thread of its own."""
        self._cancelled[order.id] = threading.Event()
        threading.Thread(target=self._drive_distance, args=(order,), name=order.method, daemon=True).start()

    def on_cancel(self, order: Order, why: v1.CommandState) -> None:
        """End it at once."""
        event = self._cancelled.get(order.id)
        if event is not None:
            event.set()

    def _drive_distance(self, order: Order) -> None:
        begun = self._measured
        try:
            if begun is None:
                order.fail("no odometry yet: a distance cannot be measured", v1.CAUSE_UNREACHABLE)
                return
            self._drive(order, begun.odometry, float(order.args["distance"]), float(order.args["speed"]))
        finally:
            self._stand()
            self._cancelled.pop(order.id, None)

    def _drive(self, order: Order, start: v1.Odometry, distance: float, speed: float) -> None:
        cancelled = self._cancelled[order.id]
        while True:
            measured = self._measured
            assert measured is not None
            driven = math.hypot(measured.odometry.x - start.x, measured.odometry.y - start.y)
            left = abs(distance) - driven
            if order.cancel_requested is not None:
                self._stand()
                order.ended(order.cancel_requested, f"after {driven:.3f} m")
                return
            if not self._answering:
                order.fail(f"the odometry stopped after {driven:.3f} m", v1.CAUSE_UNREACHABLE)
                return
            if left <= ARRIVED_M:
                break
            velocity = math.copysign(min(speed, max(left, SLOWEST)), distance)
            self._publish(velocity, 0.0, 0.0)
            progress = max(0.0, min(1.0, driven / max(abs(distance), ARRIVED_M)))
            order.feedback(phase="driving", progress=progress, eta_s=left / abs(velocity), driven=driven)
            cancelled.wait(GOAL_PERIOD_S)
        self._stand()
        self._wait_still(STANDSTILL_S)
        end = self._measured or measured
        order.succeed(distance=math.hypot(end.odometry.x - start.x, end.odometry.y - start.y))

    def _wait_still(self, timeout_s: float) -> float | None:
        """Until an odometry that came after now says standstill; how long that took, s."""
        begun = time.monotonic()
        while time.monotonic() - begun < timeout_s:
            measured = self._measured
            if measured is not None and measured.at > begun and measured.still:
                return time.monotonic() - begun
            time.sleep(POLL_S)
        return None

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Zero velocity at once, and standstill measured by the odometry."""
        self._wake_goals()
        self._stand()
        took_s = self._wait_still(STANDSTILL_S)
        if took_s is not None:
            return StopOutcome(v1.STOP_VERDICT_STOPPED, took_s * 1e3)
        if not self._answering:
            text = "zero velocity was published, but no odometry comes: standstill is not measured"
            return StopOutcome(v1.STOP_VERDICT_STOPPING, None, text)
        return StopOutcome(v1.STOP_VERDICT_STOPPING, None, "zero velocity was published; it still moves")

    def close(self) -> None:
        """Zero velocity, then leave the graph."""
        self._ending.set()
        self._stand()
        if self._node is not None:
            self._node.close()
