"""A camera that sees a map's walls: a first-person picture by ray casting, as a PNG. It moves nothing.

`python -m robolink_sims.camera --at 0 0 0 --out view.png` writes one picture, for looking at it.
"""

from __future__ import annotations

import argparse
import math
import struct
import sys
import threading
import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robolink import v1
from robolink.errors import ConfigError
from robolink.robot import Camera, Reading, Setting, Stream
from robolink_sims.base import SimWheels
from robolink_sims.lidar import RANGE_MAX, cast
from robolink_sims.maps import OccupancyMap, load_map

__all__ = ["SimCamera", "frame_message", "png", "render"]

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 160, 120
FIELD_OF_VIEW: Final = math.radians(75)
EYE_M, WALL_M = 0.4, 1.2
FRAMES_HZ: Final = 5
SKY: Final = np.array((168, 196, 220), np.float64)
FLOOR: Final = np.array((92, 88, 80), np.float64)
WALL: Final = np.array((206, 170, 120), np.float64)


def render(
    place: OccupancyMap, x: float, y: float, theta: float, width: int = WIDTH, height: int = HEIGHT
) -> Pixels:
    """What the robot sees ahead; RGB, shape (height, width, 3)."""
    # Columns evenly on a flat picture plane, the leftmost first.
    focal = width / 2 / math.tan(FIELD_OF_VIEW / 2)
    across = (np.arange(width) + 0.5 - width / 2) / focal
    bearing = -np.arctan(across)
    ranges = cast(place, x, y, theta + bearing, RANGE_MAX)
    # Not the distance to the eye but to the plane through it: else straight walls look bent.
    depth = np.maximum(ranges * np.cos(bearing), 0.01)
    down = (np.arange(height) + 0.5 - height / 2)[:, None] / focal
    top, bottom = (EYE_M - WALL_M) / depth, EYE_M / depth
    wall = (down >= top) & (down < bottom) & (ranges < RANGE_MAX)
    light = np.exp(-ranges / RANGE_MAX)
    # A side that faces another way is darker, so that corners can be seen.
    hit_x = (x + ranges * np.cos(theta + bearing) - place.origin_x) / place.resolution
    across_x = np.abs(hit_x - np.round(hit_x)) < 1e-6
    light *= np.where(across_x, 1.0, 0.75)
    ground = np.where(down > 0, EYE_M / np.maximum(down, 1e-6), RANGE_MAX)
    shade = np.clip(1.0 - ground / (2 * RANGE_MAX), 0.3, 1.0)[..., None]
    background = np.where((down > 0)[..., None], FLOOR * shade, SKY)
    picture = np.where(wall[..., None], WALL * light[:, None], background)
    return picture.clip(0, 255).astype(np.uint8)


def png(pixels: Pixels) -> bytes:
    """RGB pixels, shape (height, width, 3), as a PNG."""
    height, width, _ = pixels.shape
    # One filter byte a row: 2, the difference to the row above, which is nothing in most of our pictures.
    above = np.zeros_like(pixels)
    above[1:] = pixels[:-1]
    rows = np.full((height, 1 + width * 3), 2, np.uint8)
    rows[:, 1:] = (pixels - above).reshape(height, -1)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in parts)


def frame_message(pixels: Pixels) -> v1.Values:
    """One frame: width, height, format and data."""
    height, width, _ = pixels.shape
    values = {
        "width": v1.Value(int_value=width),
        "height": v1.Value(int_value=height),
        "format": v1.Value(string_value="png"),
        "data": v1.Value(bytes_value=png(pixels)),
    }
    return v1.Values(values=[v1.NamedValue(name=name, value=value) for name, value in values.items()])


class SimCamera(Camera):
    """A camera that looks ahead."""

    frames = Stream("Values", rate_hz=FRAMES_HZ, frame_id="camera", description="width, height, format, data")
    video_url = Reading("", description="Where its video is; empty: there are only these frames")
    enabled = Setting(True, description="Whether it sends frames")

    def __init__(self, base: SimWheels) -> None:
        """On top of that base."""
        self._base = base
        self.video_url = ""  # Told in the twin from the start, also that there is none.

    def start(self) -> None:
        """Look."""
        self._ending = threading.Event()
        threading.Thread(target=self._run, name="sim camera", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._ending.set()

    def _run(self) -> None:
        while not self._ending.wait(1 / FRAMES_HZ):
            drive = self._base.drive
            if drive.place is not None and self.enabled:
                self.frames.publish(frame_message(render(drive.place, drive.x, drive.y, drive.theta)))


def main(arguments: list[str] | None = None) -> int:
    """Write one picture."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.camera", description=__doc__)
    parser.add_argument("--map", default="built-in", help="a map_server .yaml, a text map, or built-in")
    parser.add_argument("--at", type=float, nargs=3, default=(0, 0, 0), metavar=("X", "Y", "THETA"))
    parser.add_argument("--size", type=int, nargs=2, default=(WIDTH, HEIGHT), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        options.out.write_bytes(png(render(load_map(options.map), *options.at, *options.size)))
    except (ConfigError, OSError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
