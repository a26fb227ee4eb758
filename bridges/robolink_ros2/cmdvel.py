"""cmd_vel of ROS 2 to a setpoint of a robot of the hub: the newest only, never an old one, under a lease taken for it.

Nothing here repeats a velocity: when cmd_vel falls silent, the deadman ends it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import Any, Final

from robolink import v1
from robolink.client import Lease, RobotHandle
from robolink.errors import RobolinkError
from robolink_ros2 import convert
from robolink_ros2.node import In, RosNode

log = logging.getLogger(__name__)

NAMES: Final = ("linear_x", "linear_y", "angular_z")
# A lease that was taken for cmd_vel is given back after such a silence.
IDLE_S: Final = 2.0
LOOK_S: Final = 0.25
# Between two tries to get a lease that somebody else holds.
TRY_S: Final = 1.0
# Where the sheet says none: the standard's.
TTL_MS: Final = 300


class CmdVel:
    """One topic, and the setpoint behind it."""

    def __init__(
        self,
        robot: RobotHandle,
        node: RosNode,
        component: str,
        setpoint: v1.SetpointInfo,
        ros_type: str,
        counters: Counter[str],
    ) -> None:
        """Listen; nothing is passed on before `run`. Raises LookupError where the type is not installed."""
        self._robot, self._component, self._counters = robot, component, counters
        self._setpoint = f"{component}.{setpoint.name}"
        self._fields = [each.name for each in setpoint.fields]
        self._ttl_s = (setpoint.ttl_ms or TTL_MS) / 1000
        self._lease: Lease | None = None
        self._tried, self._heard = -TRY_S, 0.0
        # The newest, and until when it counts, monotonic s.
        self._newest: tuple[dict[str, float], float] | None = None
        self._news = threading.Condition()
        self._told = False
        self.topic = f"{component}/cmd_vel"
        self._in: In | None = None  # It may call before it is returned.
        self._in = node.listen(self.topic, ros_type, self._take)

    def _take(self, message: Any) -> None:
        """In the receiver's thread, which never waits: messages would queue behind it and be passed on old."""
        try:
            values = convert.twist(message)
        except ValueError as exc:
            self._counters["malformed"] += 1
            log.warning("%s: %s", self.topic, exc)
            return
        sent_ns = self._in.source_ns if self._in is not None else 0
        age_s = max(0.0, (time.time_ns() - sent_ns) / 1e9) if sent_ns else 0.0
        newest = dict(zip(NAMES, values, strict=True)), time.monotonic() + self._ttl_s - age_s
        with self._news:
            self._counters["replaced"] += self._newest is not None
            self._newest = newest
            self._news.notify()

    def run(self, ending: threading.Event) -> None:
        """Pass on what comes, until the end; then give the lease back."""
        try:
            while not ending.is_set():
                self.turn(LOOK_S)
        finally:
            self._give_back()

    def turn(self, wait_s: float) -> None:
        """The newest, if there is one within that time; the lease back after a silence."""
        with self._news:
            self._news.wait_for(lambda: self._newest is not None, wait_s)
            found, self._newest = self._newest, None
        if found is not None:
            self._pass_on(*found)
        if time.monotonic() - self._heard > IDLE_S:
            self._give_back()

    def _pass_on(self, velocity: dict[str, float], until: float) -> None:
        # Looked at again once there is a lease: the hub may have taken its time.
        if self._is_old(until):
            return
        self._heard = time.monotonic()
        try:
            if self._may_move() and not self._is_old(until):
                wanted = {name: velocity.get(name, 0.0) for name in self._fields}
                self._robot.setpoint(self._setpoint, **wanted)
        except RobolinkError as exc:
            self._counters["refused"] += 1
            self._give_back()
            log.warning("%s is refused: %s", self.topic, exc)

    def _is_old(self, until: float) -> bool:
        """Whether its time is over by its sender's clock and the setpoint's TTL; told once in a row."""
        late_s = time.monotonic() - until
        old = late_s > 0
        if old:
            self._counters["stale"] += 1
            if not self._told:
                text = "%s: a velocity that was sent %.3f s ago is dropped, its TTL is %g s (another machine's clock may be off)"
                log.warning(text, self.topic, late_s + self._ttl_s, self._ttl_s)
        self._told = old
        return old

    def _may_move(self) -> bool:
        """Whether we hold the lease; asks for it, seldom."""
        if self._lease is not None:
            return True
        if time.monotonic() - self._tried < TRY_S:
            self._counters["without_lease"] += 1
            return False
        self._tried = time.monotonic()
        lease = self._robot.lease(self._component, reason="cmd_vel of ROS 2")
        lease.acquire()
        self._lease = lease
        return True

    def _give_back(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()
