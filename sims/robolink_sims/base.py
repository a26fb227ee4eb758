"""A simulated differential-drive base on an empty plane, written as any vendor would write a robot.

`DiffDrive` is the plain model, stepped by given time; `python -m robolink_sims.base --id base-1` serves one, and with
`--map` one among walls, with a lidar and a camera (`mapped.py`).
"""

from __future__ import annotations

import argparse
import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final

from robolink import v1
from robolink.errors import RobolinkError
from robolink.robot import Arg, Base, Battery, Goal, Reading, Robot, Setting, Stream, command, goal, setpoint

if TYPE_CHECKING:
    from robolink_sims.maps import OccupancyMap

STEP_S: Final = 0.01
CONTROL_S: Final = 0.02
PUBLISH_EVERY: Final = 5
STANDSTILL: Final = 1e-3
ARRIVED_M: Final = 0.02
ARRIVED_RAD: Final = 0.02
# Near enough to a point on the way to drive on to the next.
PASSED_M: Final = 0.08
RADIUS_M: Final = 0.2

Metres = Annotated[float, Arg("m", -50, 50)]
Speed = Annotated[float, Arg("m/s", -1.5, 1.5)]
TurnRate = Annotated[float, Arg("rad/s", -3, 3)]
Radians = Annotated[float, Arg("rad", -math.pi, math.pi)]


@dataclass(slots=True)
class DiffDrive:
    """Pose and velocity of a round base with limited acceleration; m, rad, m/s, rad/s.

    Attributes:
        place: The walls around it; None: an empty plane.
        bumps: How often it ran into a wall; it then stands at once, and wants nothing any more.
    """

    x: float = 0.0
    y: float = 0.0
    theta: float = 0.0
    linear: float = 0.0
    angular: float = 0.0
    wanted_linear: float = 0.0
    wanted_angular: float = 0.0
    acceleration: float = 2.0
    angular_acceleration: float = 8.0
    distance: float = 0.0
    place: OccupancyMap | None = None
    bumps: int = 0

    def step(self, dt: float) -> None:
        """Move on by dt seconds."""
        self.linear = _towards(self.linear, self.wanted_linear, self.acceleration * dt)
        self.angular = _towards(self.angular, self.wanted_angular, self.angular_acceleration * dt)
        self.theta = math.remainder(self.theta + self.angular * dt, math.tau)
        x = self.x + self.linear * math.cos(self.theta) * dt
        y = self.y + self.linear * math.sin(self.theta) * dt
        if self.place is not None and self.linear and self.place.hits(x, y, RADIUS_M):
            self.linear = self.wanted_linear = self.wanted_angular = 0.0
            self.bumps += 1
            return
        self.x, self.y = x, y
        self.distance += abs(self.linear) * dt

    def advance(self, seconds: float) -> None:
        """Move on by any time, in steps that are short enough for the model."""
        steps = max(1, math.ceil(seconds / STEP_S))
        for _ in range(steps):
            self.step(seconds / steps)

    def want(self, linear: float, angular: float) -> None:
        """What the controller strives for."""
        self.wanted_linear, self.wanted_angular = linear, angular

    @property
    def still(self) -> bool:
        """Measured standstill."""
        return abs(self.linear) < STANDSTILL and abs(self.angular) < STANDSTILL


def _towards(value: float, target: float, step: float) -> float:
    return min(value + step, target) if target > value else max(value - step, target)


def steer(drive: DiffDrive, x: float, y: float, max_speed: float) -> tuple[float, float, float]:
    """Velocity towards a point: linear m/s, angular rad/s; and the distance left, m."""
    left = math.hypot(x - drive.x, y - drive.y)
    error = math.remainder(math.atan2(y - drive.y, x - drive.x) - drive.theta, math.tau)
    if left < ARRIVED_M:
        return 0.0, 0.0, left
    # Brakes in time: v = sqrt(2 a s), and only drives on when it looks roughly that way.
    speed = min(max_speed, math.sqrt(2 * 0.5 * drive.acceleration * left)) * max(0.0, math.cos(error)) ** 3
    return speed, max(-2.0, min(2.0, 3.0 * error)), left


class BumpedError(RobolinkError):
    """It ran into a wall."""


class SimWheels(Base):
    """Two wheels and a caster, on an empty plane."""

    max_speed = Setting(0.8, unit="m/s", minimum=0.05, maximum=1.5, description="Of navigate_to and velocity")
    distance = Reading(0.0, unit="m", description="Driven so far")
    odometry = Stream("Odometry", rate_hz=20, frame_id="odom")

    def __init__(self, battery: SimBattery) -> None:
        """Standing at the origin."""
        self.drive = DiffDrive()
        self.speed_up = 1.0
        self._battery = battery

    def start(self) -> None:
        """Let time pass."""
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self.distance = 0.0
        threading.Thread(target=self._run, name="sim base", daemon=True).start()

    def close(self) -> None:
        """Stop time."""
        self._ending.set()

    def _run(self) -> None:
        count, last = 0, time.monotonic()
        while not self._ending.wait(STEP_S):
            now = time.monotonic()
            with self._lock:
                self.drive.advance(min(now - last, 0.1) * self.speed_up)
            last, count = now, count + 1
            if count % PUBLISH_EVERY == 0:
                self._publish()

    def _publish(self) -> None:
        drive = self.drive
        odometry = v1.Odometry(
            x=drive.x, y=drive.y, theta=drive.theta, linear_x=drive.linear, angular_z=drive.angular
        )
        odometry.child_frame_id = "base_link"
        self.odometry.publish(odometry)
        if round(drive.distance, 3) != self.distance:
            self.distance = round(drive.distance, 3)
            self._battery.drain(drive.distance)

    def _want(self, linear: float, angular: float) -> None:
        with self._lock:
            limit = self.max_speed
            self.drive.want(max(-limit, min(limit, linear)), angular)

    @setpoint(ttl_s=0.3, minimum_rate_hz=5)
    def velocity(self, linear_x: Speed, angular_z: TurnRate) -> None:
        """Drive with this velocity until the next one, or until its TTL is over."""
        self._want(linear_x, angular_z)

    @goal(max_duration_s=300)
    def navigate_to(self, goal: Goal, x: Metres, y: Metres, theta: Radians = 0.0) -> dict[str, float]:
        """Drive to a pose and stand still there."""
        drive, bumps = self.drive, self.drive.bumps
        way = self._way(x, y)
        start = max(self._left(way), ARRIVED_M)
        try:
            while way:
                linear, angular, near = steer(drive, *way[0], self.max_speed)
                if near < (PASSED_M if len(way) > 1 else ARRIVED_M):
                    del way[0]
                    continue
                if drive.bumps != bumps:
                    raise BumpedError(f"bumped into a wall at x = {drive.x:.2f} m, y = {drive.y:.2f} m")
                self._want(linear, angular)
                left = self._left(way)
                progress = max(0.0, min(1.0, 1 - left / start))
                eta_s = left / max(drive.linear, 0.1)
                goal.feedback(phase="driving", progress=progress, eta_s=eta_s, distance_left=left)
                goal.sleep(CONTROL_S / self.speed_up)
            self._turn_to(goal, theta)
        finally:
            self._want(0.0, 0.0)
        while not drive.still:
            goal.sleep(0.01)
        return {"x": drive.x, "y": drive.y, "theta": drive.theta}

    def _way(self, x: float, y: float) -> list[tuple[float, float]]:
        """Points to drive through, the goal last. For bases that know of walls."""
        return [(x, y)]

    def _left(self, way: list[tuple[float, float]]) -> float:
        places = [(self.drive.x, self.drive.y), *way]
        return sum(map(math.dist, places, places[1:]))

    def _turn_to(self, goal: Goal, theta: float) -> None:
        while abs(error := math.remainder(theta - self.drive.theta, math.tau)) > ARRIVED_RAD:
            self._want(0.0, max(-1.5, min(1.5, 4.0 * error)))
            goal.feedback(phase="turning", progress=1.0)
            goal.sleep(CONTROL_S / self.speed_up)

    @command(motion=False)
    def pose(self) -> dict[str, float]:
        """Where it is now; m and rad in the frame odom."""
        return {"x": self.drive.x, "y": self.drive.y, "theta": self.drive.theta}

    def stop(self, level: v1.StopLevel) -> None:
        """Decelerate and hold."""
        self._want(0.0, 0.0)

    def at_standstill(self) -> bool:
        """Measured by the wheels."""
        return self.drive.still


class SimBattery(Battery):
    """Empty after 20 km."""

    def start(self) -> None:
        """Full."""
        self.percentage = 1.0

    def drain(self, distance: float) -> None:
        """So far driven, m."""
        left = round(max(0.0, 1.0 - distance / 20_000), 4)
        if left != self.percentage:
            self.percentage = left
        self.state.publish(v1.BatteryState(percentage=left, voltage=22.0 + 4.0 * left))


class SimBase(Robot):
    """A simulated differential-drive base."""

    vendor, model, version = "robolink", "sim-base", "1.0"
    battery = SimBattery()
    base = SimWheels(battery)

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """How fast its time passes, and where it is."""
        parser.add_argument("--speed-up", type=float, default=1.0, help="simulated seconds a second")
        parser.add_argument(
            "--map", help="a map_server .yaml, a text map, or built-in (default: an empty plane)"
        )

    def take_options(self, options: argparse.Namespace) -> None:
        """As said."""
        self.base.speed_up = options.speed_up


def main(arguments: list[str] | None = None) -> int:
    """Serve one base; with `--map` one that has the parts that need a map."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--map")
    if not parser.parse_known_args(arguments)[0].map:
        return SimBase.main(arguments)
    from robolink_sims.mapped import MappedBase

    return MappedBase.main(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
