"""A base among walls: bumps in stepped time, pictures as pixels, and one served to a real hub."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import robolink
from robolink import v1
from robolink.errors import CommandFailedError, ConfigError
from robolink.robot import Driver
from robolink_sims.base import RADIUS_M, DiffDrive, SimBase, main
from robolink_sims.camera import frame_message, png, render
from robolink_sims.camera import main as picture
from robolink_sims.lidar import BEAMS
from robolink_sims.mapped import MappedBase
from robolink_sims.maps import OccupancyMap, load_map
from tests.conftest import HubProcess, wait_for

HOME = load_map("built-in")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-1.5, 1.5), st.floats(-3, 3), st.integers(10, 80)), max_size=20))
def test_no_setpoint_drives_through_a_wall(wishes: list[tuple[float, float, int]]) -> None:
    drive = DiffDrive(place=HOME)
    for linear, angular, steps in wishes:
        bumps = drive.bumps
        for _ in range(steps):
            drive.want(linear, angular)
            drive.step(0.01)
            assert not HOME.hits(drive.x, drive.y, RADIUS_M)
            if drive.bumps != bumps:
                assert drive.linear == drive.wanted_linear == 0.0
                bumps = drive.bumps


def test_a_bump_stops_and_lets_it_turn_and_back_off() -> None:
    drive = DiffDrive(place=HOME, theta=-math.pi)
    drive.want(1.0, 0.0)
    drive.advance(5.0)
    wall = -1.5 - 0.125
    assert drive.bumps == 1 and drive.still, "it wants nothing any more"
    assert wall + RADIUS_M <= drive.x < wall + RADIUS_M + 0.02
    drive.want(-0.5, 1.0)
    drive.advance(0.5)
    assert drive.bumps == 1 and drive.x > wall + RADIUS_M + 0.02


def test_the_plain_base_knows_no_walls() -> None:
    sheet = SimBase("base-1").sheet
    assert [each.name for each in sheet.components] == ["battery", "base"]
    drive = DiffDrive(theta=-math.pi)
    drive.want(1.0, 0.0)
    drive.advance(5.0)
    assert drive.x < -4 and drive.bumps == 0


# Pictures.


def decoded(data: bytes) -> np.ndarray:
    """RGB pixels of a PNG, chunk by chunk, row by row."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert (rows[:, 0] == 2).all()
    return np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 3)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_png_holds_the_pixels(height: int, width: int, random: object) -> None:
    pixels = np.array([random.randrange(256) for _ in range(height * width * 3)], np.uint8)  # type: ignore[attr-defined]
    pixels = pixels.reshape(height, width, 3)
    assert (decoded(png(pixels)) == pixels).all()


def wall_rows(pixels: np.ndarray, column: int) -> int:
    """How many pixels of a column are wall: red over blue, brighter than the floor."""
    line = pixels[:, column].astype(int)
    return int((line[:, 0] > line[:, 2] + 20).sum())


def test_a_wall_is_higher_the_nearer_it_is_and_on_its_side() -> None:
    room = OccupancyMap(np.zeros((60, 60), bool), 0.1, -3.0, -3.0)
    far, near = render(room, 0.0, 0.0, 0.0), render(room, 2.0, 0.0, 0.0)
    assert 0 < wall_rows(far, 80) < wall_rows(near, 80)
    # Along the wall at the left: its near end fills the left edge of the picture.
    beside = render(room, 0.0, 2.5, 0.0)
    assert wall_rows(beside, 0) > 2 * wall_rows(beside, 159)
    flat = [wall_rows(far, column) for column in (40, 80, 120)]
    assert max(flat) - min(flat) <= 1, "a wall straight ahead looks straight"


def test_frames_are_small_and_name_their_format() -> None:
    told = {each.name: each.value for each in frame_message(render(HOME, 0.0, 0.0, 0.5)).values}
    assert (told["width"].int_value, told["height"].int_value) == (160, 120)
    assert told["format"].string_value == "png"
    assert decoded(told["data"].bytes_value).shape == (120, 160, 3)
    assert len(told["data"].bytes_value) < 32_000


def test_one_picture_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert picture(["--at", "0", "0", "1", "--out", str(tmp_path / "view.png")]) == 0
    assert decoded((tmp_path / "view.png").read_bytes()).shape == (120, 160, 3)
    assert picture(["--map", "nowhere.txt", "--out", str(tmp_path / "no.png")]) == 1
    assert "nowhere.txt" in capsys.readouterr().err


# Served.


def test_a_map_that_is_none_ends_it_with_words(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--map", "nowhere.txt"]) == 1
    assert "nowhere.txt" in capsys.readouterr().err
    (tmp_path / "full.txt").write_text("###\n###\n")
    assert main(["--map", str(tmp_path / "full.txt")]) == 1
    assert "in a wall" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="in a wall"):
        MappedBase("base-1", OccupancyMap(np.ones((3, 3), bool), 1.0))


@pytest.fixture
def base(hub: HubProcess) -> Iterator[MappedBase]:
    robot = MappedBase("base-1")
    robot.base.speed_up = 5.0
    with Driver(hub.url) as driver:
        driver.add(robot)
        wait_for(lambda: driver.connected, what="the driver")
        yield robot


def test_a_served_base_goes_around_walls_sees_them_and_stops_at_them(
    hub: HubProcess, base: MappedBase
) -> None:
    with robolink.connect(hub.url) as client:
        robot = client.robot("base-1")
        with robot.lease():
            with pytest.raises(CommandFailedError, match="in a wall"):
                robot.goal("base.navigate_to", x=6.0, y=2.5).result(30)
            # The door to that room is not on the straight line.
            there = robot.goal("base.navigate_to", x=4.0, y=-2.5).values(60)
            assert (there["x"], there["y"]) == pytest.approx((4.0, -2.5), abs=0.06)
            assert base.base.drive.bumps == 0
            with robot.stream("lidar.scan") as scans:
                scan = wait_for(lambda: scans.next(1), what="a scan")
            told = {each.name: each.value for each in scan.payload.values}
            assert len(told["ranges"].vector_value.values) == BEAMS
            with robot.stream("camera.frames") as frames:
                frame = wait_for(lambda: frames.next(1), what="a picture")
            assert decoded({e.name: e.value for e in frame.payload.values}["data"].bytes_value).any()

            def bumped() -> bool:
                robot.setpoint("base.velocity", linear_x=0.8)
                return base.base.drive.bumps > 0

            wait_for(bumped, what="a wall")
            assert not HOME.hits(base.base.drive.x, base.base.drive.y, RADIUS_M)
        twin = robot.twin.get()
        assert twin["camera.video_url"].reported.value.string_value == ""
        wait_for(
            lambda: robot.twin.get("base.bumps")["base.bumps"].reported.value.int_value > 0, what="the twin"
        )


def test_a_bump_fails_the_goal_with_words(hub: HubProcess, base: MappedBase) -> None:
    # A wall that the plan did not know of: somebody has put it there since.
    occupied = HOME.occupied.copy()
    base.base._way = lambda x, y: [(x, y)]
    row, column = HOME.cell(1.5, 0.0)
    occupied[row - 4 : row + 5, column] = True
    base.use_map(OccupancyMap(occupied, HOME.resolution, HOME.origin_x, HOME.origin_y))
    with robolink.connect(hub.url) as client:
        robot = client.robot("base-1")
        with robot.lease():
            end = robot.goal("base.navigate_to", x=3.0, y=0.0).wait(30)
    assert end.state == v1.COMMAND_STATE_FAILED
    assert "bumped into a wall at x = 1.1" in end.text
    assert base.base.drive.still
