"""A base among walls: it plans around them, bumps into them, and sees them with a lidar and a camera.

`python -m robolink_sims.base --map built-in`. Walls, rays, ways and pictures are computed elsewhere.
"""

from __future__ import annotations

import argparse
import threading
from typing import Final

from robolink.errors import ConfigError
from robolink.robot import Reading, Sensor, Stream
from robolink_sims.base import RADIUS_M, SimBase, SimBattery, SimWheels
from robolink_sims.camera import SimCamera
from robolink_sims.lidar import scan, scan_message
from robolink_sims.maps import OccupancyMap, load_map
from robolink_sims.planning import plan

__all__ = ["MappedBase", "MappedWheels", "SimLidar"]

# What a planned way leaves to the walls: the base is not steered on rails.
ROOM_M: Final = RADIUS_M + 0.1
SCAN_HZ: Final = 10


class MappedWheels(SimWheels):
    """Two wheels, a caster and a bumper, among walls."""

    bumps = Reading(0, description="How often it ran into a wall; it then stops")

    def __init__(self, battery: SimBattery) -> None:
        """Standing at the origin; it has not bumped into anything."""
        super().__init__(battery)
        self.bumps = 0

    def _publish(self) -> None:
        super()._publish()
        if self.drive.bumps != self.bumps:
            self.bumps = self.drive.bumps

    def _way(self, x: float, y: float) -> list[tuple[float, float]]:
        place = self.drive.place
        if place is None:
            return super()._way(x, y)
        return plan(place, (self.drive.x, self.drive.y), (x, y), ROOM_M)


class SimLidar(Sensor):
    """A lidar that looks all around in the plane."""

    scan = Stream("Values", rate_hz=SCAN_HZ, frame_id="base_link", description="As sensor_msgs/LaserScan")
    nearest = Reading(0.0, unit="m", description="Shortest range of the last scan")

    def __init__(self, base: MappedWheels) -> None:
        """In the middle of that base."""
        self._base = base

    def start(self) -> None:
        """Look around."""
        self._ending = threading.Event()
        threading.Thread(target=self._run, name="sim lidar", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(1 / SCAN_HZ):
            drive = self._base.drive
            if drive.place is not None:
                ranges = scan(drive.place, drive.x, drive.y, drive.theta)
                self.scan.publish(scan_message(ranges))
                nearest = round(float(ranges.min()), 2)
                if nearest != self.nearest:
                    self.nearest = nearest


class MappedBase(SimBase):
    """A simulated differential-drive base among walls, with lidar and camera."""

    model = "sim-mapped-base"
    battery = SimBattery()
    base = MappedWheels(battery)
    lidar = SimLidar(base)
    camera = SimCamera(base)

    def __init__(self, robot: str, place: OccupancyMap | None = None) -> None:
        """Standing at (0, 0) of that map; of the built-in one if left out."""
        super().__init__(robot)
        self.use_map(place or load_map("built-in"))

    def use_map(self, place: OccupancyMap) -> None:
        """These walls from now on.

        Raises:
            ConfigError: The base would stand in one.
        """
        drive = self.base.drive
        if place.hits(drive.x, drive.y, RADIUS_M):
            raise ConfigError(
                f"x = {drive.x:g} m, y = {drive.y:g} m, where {self.robot} stands, is in a wall of the map",
                hint="move the map's origin, or put an `o` into a text map",
            )
        drive.place = place

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """Those of the base, and the camera's."""
        super().add_options(parser)
        parser.add_argument(
            "--video-url", default="", help="where a real video of it would be; told in its twin"
        )

    def take_options(self, options: argparse.Namespace) -> None:
        """As said. Raises ConfigError for a file that is no map."""
        super().take_options(options)
        if options.map:
            self.use_map(load_map(options.map))
        self.camera.video_url = options.video_url
