"""Maps, rays and ways: against brute force, on maps that Hypothesis draws."""

from __future__ import annotations

import math
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from robolink.errors import ConfigError
from robolink_sims.lidar import BEAMS, RANGE_MAX, cast, scan, scan_message
from robolink_sims.maps import BUILT_IN, OccupancyMap, load_map, read_pgm
from robolink_sims.planning import NoWayError, plan

ROOM_M = 0.3


@st.composite
def maps(draw: st.DrawFn) -> OccupancyMap:
    """Up to 12 x 12 cells with a few walls, the middle one free."""
    rows, columns = draw(st.integers(3, 12)), draw(st.integers(3, 12))
    occupied = np.zeros((rows, columns), bool)
    cells = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1))
    for row, column in draw(st.lists(cells, max_size=rows * columns // 3)):
        occupied[row, column] = True
    occupied[rows // 2, columns // 2] = False
    return OccupancyMap(occupied, draw(st.sampled_from([0.1, 0.25, 1.0])), -1.0, 0.5)


def nearest_wall(place: OccupancyMap, x: float, y: float) -> float:
    """Distance to the nearest wall or the outside, square by square."""
    rows, columns = place.occupied.shape
    size, best = place.resolution, math.inf
    for row in range(-1, rows + 1):
        for column in range(-1, columns + 1):
            if not place.is_inside(row, column) or place.occupied[row, column]:
                left, low = place.origin_x + column * size, place.origin_y + row * size
                dx = max(left - x, 0.0, x - left - size)
                dy = max(low - y, 0.0, y - low - size)
                best = min(best, math.hypot(dx, dy))
    return best


@settings(deadline=None, max_examples=30)
@given(maps(), st.data())
def test_clearance_and_hits_are_those_of_brute_force(place: OccupancyMap, data: st.DataObject) -> None:
    rows, columns = place.occupied.shape
    for row in range(rows):
        for column in range(columns):
            assert place.clearance[row, column] == pytest.approx(
                nearest_wall(place, *place.middle(row, column))
            )
    x = place.origin_x + data.draw(st.floats(0.0, 1.0)) * place.size[0]
    y = place.origin_y + data.draw(st.floats(0.0, 1.0)) * place.size[1]
    radius = data.draw(st.floats(0.01, 1.0))
    distance = nearest_wall(place, x, y)
    assume(abs(distance - radius) > 1e-9)
    assert place.hits(x, y, radius) == (distance < radius)


@settings(deadline=None, max_examples=30)
@given(maps(), st.floats(-math.pi, math.pi), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_ray_ends_at_the_first_wall(place: OccupancyMap, angle: float, along: float, up: float) -> None:
    rows, columns = place.occupied.shape
    x = place.origin_x + (columns // 2 + along) * place.resolution
    y = place.origin_y + (rows // 2 + up) * place.resolution
    length = float(cast(place, x, y, np.array([angle]), 100.0)[0])
    assert 0 < length < 100, "outside is a wall"
    for part in np.linspace(0.0, length - 1e-6, 300):
        assert not place.is_occupied(x + part * math.cos(angle), y + part * math.sin(angle))
    behind = length + 1e-6
    assert place.hits(x + behind * math.cos(angle), y + behind * math.sin(angle), 1e-5)


def test_a_scan_of_a_room_is_geometry() -> None:
    room = OccupancyMap(np.zeros((40, 60), bool), 0.1, -3.0, -2.0)
    ranges = scan(room, 0.0, 0.0, math.pi / 2, 4)
    # Behind, right, ahead, left of a robot that looks along y.
    assert ranges == pytest.approx([2.0, 3.0, 2.0, 3.0])
    assert (
        scan(OccupancyMap(np.zeros((400, 400), bool), 0.1, -20, -20), 0, 0, 0).tolist() == [RANGE_MAX] * BEAMS
    )
    assert cast(OccupancyMap(np.ones((3, 3), bool), 1.0), 1.5, 1.5, np.zeros(2), 5.0).tolist() == [0.0, 0.0]
    told = {each.name: each.value for each in scan_message(ranges).values}
    assert list(told) == ["angle_min", "angle_increment", "range_min", "range_max", "ranges"]
    assert told["angle_increment"].double_value == pytest.approx(math.tau / 4)
    assert told["ranges"].vector_value.values == pytest.approx([2.0, 3.0, 2.0, 3.0])


# Ways.


def reachable(place: OccupancyMap, first: tuple[int, int]) -> set[tuple[int, int]]:
    """Cells with room, step by step along rows and columns."""
    found, ends = {first}, deque([first])
    while ends:
        row, column = ends.popleft()
        for beside in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if beside not in found and place.is_inside(*beside) and place.clearance[beside] >= ROOM_M:
                found.add(beside)
                ends.append(beside)
    return found


@settings(deadline=None, max_examples=30)
@given(maps(), st.data())
def test_a_way_leaves_room_and_is_found_where_there_is_one(place: OccupancyMap, data: st.DataObject) -> None:
    cells = [tuple(map(int, each)) for each in np.argwhere(place.clearance >= ROOM_M)]
    assume(len(cells) > 1)
    first, last = data.draw(st.sampled_from(cells)), data.draw(st.sampled_from(cells))
    start, goal = place.middle(*first), place.middle(*last)
    try:
        way = plan(place, start, goal, ROOM_M)
    except NoWayError:
        assert last not in reachable(place, first)
        return
    assert way[-1] == goal
    at = start
    for point in way:
        for part in np.linspace(0.0, 1.0, 50):
            x, y = at[0] + part * (point[0] - at[0]), at[1] + part * (point[1] - at[1])
            # Between two middles that have room a corner may come a little nearer.
            assert not place.hits(x, y, ROOM_M * 0.9)
        at = point


def test_built_in_map_has_ways_to_every_room() -> None:
    home = load_map("built-in")
    assert not home.is_occupied(0.0, 0.0)
    assert plan(home, (0.0, 0.0), (2.0, 0.5), ROOM_M) == [(2.0, 0.5)], "straight where nothing is between"
    for room in ((-1.0, 3.0), (8.0, 3.0), (-1.0, -3.0), (8.0, -3.0)):
        assert plan(home, (0.0, 0.0), room, ROOM_M)[-1] == room
    with pytest.raises(NoWayError, match=r"x = 6\.00 m, y = 2\.50 m is in a wall"):
        plan(home, (0.0, 0.0), (6.0, 2.5), ROOM_M)


def test_a_closed_room_has_no_way() -> None:
    place = OccupancyMap.from_text("#######\n#..#..#\n#o.#..#\n#######", 1.0)
    with pytest.raises(NoWayError, match="no way to"):
        plan(place, (0.0, 0.0), (3.5, 0.5), ROOM_M)


def test_two_walls_that_touch_at_a_corner_are_no_door() -> None:
    place = OccupancyMap.from_text("#####\n#.###\n##.o#\n#####", 1.0)
    with pytest.raises(NoWayError, match="no way to"):
        plan(place, (0.0, 0.0), (-2.0, 1.0), ROOM_M)


def test_a_base_at_a_wall_gets_away_from_it() -> None:
    place = OccupancyMap.from_text("##########\n#........#\n#........#\n#o.......#\n##########", 0.25)
    way = plan(place, (0.08, 0.08), (1.2, 0.25), ROOM_M)
    assert way[-1] == (1.2, 0.25)


# Files.


def test_text_map_has_its_origin_at_the_o() -> None:
    place = OccupancyMap.from_text("#####\n#..##\n#o..#\n#####", 0.5)
    assert place.occupied.shape == (4, 5)
    assert not place.is_occupied(0.0, 0.0) and place.is_occupied(-0.5, 0.0) and place.is_occupied(1.0, 0.5)
    assert not place.is_occupied(1.0, 0.0)
    assert place.cell(0.0, 0.0) == (1, 1)
    assert place.middle(1, 1) == pytest.approx((0.0, 0.0))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("negate", [0, 1])
def test_map_server_file(tmp_path: Path, plain: bool, negate: int) -> None:
    grey = np.full((3, 4), 254, np.uint8)
    grey[0, 3] = 0  # dark at the top right
    grey[2, 0] = 205  # unknown: lighter than the threshold
    if negate:
        grey = 255 - grey
    body = " ".join(map(str, grey.ravel())).encode() if plain else grey.tobytes()
    kind = b"P2" if plain else b"P5"
    (tmp_path / "room.pgm").write_bytes(kind + b"\n# made by hand\n4 3\n255\n" + body)
    text = f"image: room.pgm\nresolution: 0.05\norigin: [-1.0, 2.0, 0.0]  # m\nnegate: {negate}\noccupied_thresh: 0.65\n"
    (tmp_path / "room.yaml").write_text(text)
    place = load_map(str(tmp_path / "room.yaml"))
    assert np.argwhere(place.occupied).tolist() == [[2, 3]]
    assert (place.origin_x, place.origin_y, place.resolution) == (-1.0, 2.0, 0.05)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image: no.pgm\nresolution: 0.05\norigin: [0, 0, 0]\n", "cannot read"),
        ("image: no.pgm\norigin: [0, 0, 0]\n", "resolution"),
        ("image: no.pgm\nresolution: 0.05\norigin: [0, 0, 1.57]\n", "turned"),
    ],
)
def test_a_file_that_is_no_map_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "room.yaml").write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        load_map(str(tmp_path / "room.yaml"))


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_picture_or_refused(data: bytes) -> None:
    for head in (b"", b"P5 3 2 255\n"):
        try:
            assert read_pgm(head + data).shape
        except ConfigError:
            pass


def test_wrong_maps_are_refused(tmp_path: Path) -> None:
    for wrong in ("", "##\n#\n"):
        with pytest.raises(ConfigError):
            OccupancyMap.from_text(wrong)
    with pytest.raises(ConfigError, match="cannot read"):
        load_map(str(tmp_path / "none.txt"))
    with pytest.raises(ConfigError, match="limit"):
        OccupancyMap(np.zeros((0, 4), bool), 0.1)
    assert len({len(line) for line in BUILT_IN.split()}) == 1
