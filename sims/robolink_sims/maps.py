"""Maps of occupied cells: read from ASCII, from PGM with YAML as ROS' map_server writes them, or built in.

A map answers where walls are and how far the nearest one is. It moves nothing and draws nothing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from robolink.errors import ConfigError

__all__ = ["BUILT_IN", "OccupancyMap", "load_map"]

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

MAX_CELLS: Final = 4_000_000
ASCII_RESOLUTION: Final = 0.25

# A flat of four rooms around a corridor; one letter is 0.25 m, the robot starts at the `o`.
BUILT_IN: Final = """
##################################################
#................#...............................#
#................#...............................#
#................#...............................#
#................#...............................#
#................#..............####.............#
#...............................####.............#
#...............................####.............#
#...............................####.............#
#................#...............................#
#................#...............................#
#................#...............................#
####......####################.......#############
#................................................#
#................................................#
#................................................#
#......o.........................................#
#................................................#
#................................................#
#................................................#
#########.....###############################....#
#................#...............................#
#................#...............................#
#................#........###....................#
#................#........###....................#
#................#........###....................#
#...............................................##
#...............................................##
#................................................#
#................................................#
#................#...............................#
#................#...............................#
##################################################
"""


@dataclass(frozen=True, slots=True)
class OccupancyMap:
    """Cells that are occupied or free; outside of it everything is occupied.

    Attributes:
        occupied: Shape (rows, columns), row 0 at the lowest y.
        resolution: m a cell.
        origin_x, origin_y: Lower left corner of cell (0, 0), m.
        clearance: From each cell's middle to the nearest wall, m; 0 where occupied.
    """

    occupied: Bools
    resolution: float
    origin_x: float = 0.0
    origin_y: float = 0.0
    clearance: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ConfigError for a map of no size, or one that is too large."""
        if self.occupied.ndim != 2 or not 0 < self.occupied.size <= MAX_CELLS:
            raise ConfigError(f"a map of {self.occupied.shape} cells; the limit is {MAX_CELLS}")
        if not (
            self.resolution > 0 and all(map(math.isfinite, (self.resolution, self.origin_x, self.origin_y)))
        ):
            raise ConfigError(f"resolution {self.resolution} and origin {self.origin_x}, {self.origin_y}")
        object.__setattr__(self, "clearance", _distances(self.occupied) * self.resolution)

    @classmethod
    def from_text(cls, text: str, resolution: float = ASCII_RESOLUTION) -> Self:
        """`#` is a wall, `o` the place of (0, 0), anything else free; the first line is the farthest y.

        Raises:
            ConfigError: No lines, or lines of several lengths.
        """
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        if not lines or len({len(line) for line in lines}) != 1:
            raise ConfigError("a map in text is made of lines of one length", hint="fill up with '.' or '#'")
        letters = np.array([list(line) for line in reversed(lines)])
        home = np.argwhere(letters == "o")
        row, column = (int(each) for each in home[0]) if len(home) else (0, 0)
        half = 0.5 if len(home) else 0.0
        return cls(letters == "#", resolution, -(column + half) * resolution, -(row + half) * resolution)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, m."""
        rows, columns = self.occupied.shape
        return columns * self.resolution, rows * self.resolution

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of a place; may lie outside."""
        return (
            math.floor((y - self.origin_y) / self.resolution),
            math.floor((x - self.origin_x) / self.resolution),
        )

    def middle(self, row: int, column: int) -> tuple[float, float]:
        """Where a cell's middle is, m."""
        return (
            self.origin_x + (column + 0.5) * self.resolution,
            self.origin_y + (row + 0.5) * self.resolution,
        )

    def is_inside(self, row: int, column: int) -> bool:
        """Whether there is such a cell."""
        rows, columns = self.occupied.shape
        return 0 <= row < rows and 0 <= column < columns

    def is_occupied(self, x: float, y: float) -> bool:
        """Whether a place is in a wall, or outside."""
        row, column = self.cell(x, y)
        return not self.is_inside(row, column) or bool(self.occupied[row, column])

    def hits(self, x: float, y: float, radius: float) -> bool:
        """Whether a disc of that radius touches a wall or the outside; exact."""
        return bool(self.touches(np.array([x]), np.array([y]), radius)[0])

    def touches(self, x: Floats, y: Floats, radius: float) -> Bools:
        """`hits` for many places, shape (n,)."""
        size, (rows, columns) = self.resolution, self.occupied.shape
        reach = math.ceil(radius / size)
        around = np.arange(-reach, reach + 1)
        column = np.floor((x - self.origin_x) / size).astype(int)[:, None] + around
        row = np.floor((y - self.origin_y) / size).astype(int)[:, None] + around
        # From the disc's middle to each cell's nearest point.
        left, low = self.origin_x + column * size, self.origin_y + row * size
        dx = x[:, None] - np.clip(x[:, None], left, left + size)
        dy = y[:, None] - np.clip(y[:, None], low, low + size)
        near = dx[:, None, :] ** 2 + dy[:, :, None] ** 2 < radius**2
        outside = ((row < 0) | (row >= rows))[:, :, None] | ((column < 0) | (column >= columns))[:, None, :]
        walls = self.occupied[
            np.clip(row, 0, rows - 1)[:, :, None], np.clip(column, 0, columns - 1)[:, None, :]
        ]
        return np.asarray((near & (walls | outside)).any(axis=(1, 2)))


def _distances(occupied: Bools) -> Floats:
    """From each cell's middle to the nearest occupied square, in cells; outside counts as occupied.

    Along each column first, then the best of all columns, by rows at once.
    """
    walled = np.pad(occupied, 1, constant_values=True)
    rows, columns = walled.shape
    squares = np.full(walled.shape, float((rows + columns) ** 2))
    for order in (range(rows), range(rows - 1, -1, -1)):
        steps = np.full(columns, float(rows + columns))
        for row in order:
            steps = np.where(walled[row], 0.0, steps + 1.0)
            squares[row] = np.minimum(squares[row], np.maximum(steps - 0.5, 0.0) ** 2)
    nearest = squares.copy()
    for shift in range(1, columns):
        aside = (shift - 0.5) ** 2
        # Nothing that is farther away sideways than all that was found can be nearer.
        if aside >= nearest.max():
            break
        np.minimum(nearest[:, shift:], squares[:, :-shift] + aside, out=nearest[:, shift:])
        np.minimum(nearest[:, :-shift], squares[:, shift:] + aside, out=nearest[:, :-shift])
    return np.asarray(np.sqrt(nearest)[1:-1, 1:-1])


def load_map(name: str) -> OccupancyMap:
    """A map by the name of its file: `.yaml` beside a PGM as map_server writes it, else text; `built-in` is ours.

    Raises:
        ConfigError: No such file, or it is no map.
    """
    if name == "built-in":
        return OccupancyMap.from_text(BUILT_IN)
    path = Path(name)
    try:
        if path.suffix in (".yaml", ".yml"):
            return _map_server(path)
        return OccupancyMap.from_text(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"cannot read the map {name}: {exc}", hint="a .yaml, a text map, or built-in"
        ) from exc


def _map_server(path: Path) -> OccupancyMap:
    """Of map_server's YAML only what it writes: one `key: value` a line, and one list."""
    keys = dict(re.findall(r"^(\w+)\s*:\s*(.*?)\s*(?:#.*)?$", path.read_text("utf-8"), re.MULTILINE))
    try:
        image = path.parent / keys["image"].strip("\"'")
        resolution = float(keys["resolution"])
        x, y, yaw = (float(each) for each in keys["origin"].strip("[]").split(","))
        negate = int(keys.get("negate", "0"))
        threshold = float(keys.get("occupied_thresh", "0.65"))
    except (KeyError, ValueError) as exc:
        raise ConfigError(f"{path} is no map: {exc}", hint="image, resolution and origin are needed") from exc
    if yaw:
        raise ConfigError(f"{path}: the map is turned by {yaw} rad", hint="only an unturned map is read")
    grey = read_pgm(image.read_bytes())
    darkness = grey if negate else 1.0 - grey
    return OccupancyMap(darkness[::-1] > threshold, resolution, x, y)


def read_pgm(data: bytes) -> Floats:
    """Brightness 0..1 of a PGM, binary (P5) or plain (P2); row 0 at the top.

    Raises:
        ConfigError: It is none.
    """
    head = re.match(rb"(P[25])" + rb"\s+(?:#[^\n]*\n\s*)*(\d+)" * 3 + rb"\s", data)
    if head is None:
        raise ConfigError("the image is no PGM", hint="save it as P5")
    width, height, most = (int(head[n]) for n in (2, 3, 4))
    if not (0 < width * height <= MAX_CELLS and 0 < most < 65536):
        raise ConfigError(f"a PGM of {width} x {height} up to {most}; the limit is {MAX_CELLS} cells")
    body = data[head.end() :]
    try:
        if head[1] == b"P2":
            numbers = np.array(body.split()[: width * height], np.float64)
        else:
            numbers = np.frombuffer(body, ">u2" if most > 255 else np.uint8, width * height).astype(
                np.float64
            )
        return numbers.reshape(height, width) / most
    except ValueError as exc:
        raise ConfigError(f"the PGM ends before its {width} x {height} cells") from exc
