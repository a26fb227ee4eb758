"""The bridge's rules without rclpy: mapping files, sheets, clocks, QoS, thinning, diagnostics, the guard's memory."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace as Message

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core.sheet import validate_sheet
from robolink.errors import ConfigError
from robolink_ros2 import config, convert, health, images, runs
from robolink_ros2.clock import StampClock
from robolink_ros2.describe import robot_sheet
from robolink_ros2.guard import Watch, actions_of
from robolink_ros2.node import import_rclpy
from robolink_ros2.qos import Profile, choose, mismatch

MAPPING = Path(__file__).with_name("robot.yaml")
PROFILES = st.builds(Profile, st.booleans(), st.booleans())


def nothing_installed(ros_type: str) -> object:
    raise LookupError(f"type {ros_type} is not installed")


def test_the_mapping_file_of_the_tests_is_right() -> None:
    mapping = config.load(MAPPING)
    assert [each.robot for each in mapping.robots] == ["ros-1"]
    assert actions_of(mapping.robots[0]) == {"navigate"}
    assert mapping.robots[0].components["lidar"].streams["scan"].type == "sensor_msgs/msg/LaserScan"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"robot": "r"}, "components"),
        ({"robots": []}, "robots"),
        ({"robot": "r", "components": {"b": {"velocitty": "cmd_vel"}}}, "velocitty"),
        ({"robot": "r", "components": {"b": {"type": "submarine"}}}, "submarine"),
        ({"robot": "r", "components": {"b": {"streams": {"x": "topic"}}}}, "'x' needs a type"),
        ({"robot": "r", "components": {"b": {"navigate_to": {"topic": "g"}}}}, "'odometry' is missing"),
        (
            {"robot": "r", "components": {"b": {"navigate_to": {"topic": "g", "action": "a"}}}},
            "either an action or a topic",
        ),
        (
            {"robot": "r", "components": {"b": {"calls": {"x": {"service": "s", "type": "Foo"}}}}},
            "calls.x.type",
        ),
    ],
)
def test_a_fault_in_a_mapping_file_is_named(change: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config.check(change, "robot.yaml")


def test_what_is_no_file_or_no_yaml_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match="no YAML"):
        config.load(tmp_path / "bad.yaml")


def test_types_that_are_not_installed_are_left_out_with_the_reason() -> None:
    mapping = config.load(MAPPING).robots[0]
    sheet, left_out = robot_sheet(mapping, nothing_installed)
    validate_sheet(sheet)
    assert "not installed" in left_out["base.go"]
    assert "base.odometry" in left_out
    methods = {f"{part.name}.{each.name}" for part in sheet.components for each in part.methods}
    # JointTrajectory goes by topic: whether that type is there is found when the topic is opened.
    assert methods == {"arm.move_joints", "arm.follow_trajectory", "pose.navigate_to"}


@given(st.lists(PROFILES, min_size=1), st.booleans())
def test_the_chosen_profile_matches_every_publisher(offered: list[Profile], large: bool) -> None:
    asked = choose(offered, large=large)
    assert not any(mismatch(each, asked) for each in offered)
    assert not (large and asked.reliable)


def test_a_mismatch_names_both_profiles() -> None:
    told = mismatch(Profile(False, False), Profile(True, True))
    assert told == (
        "reliability and durability: offered BEST_EFFORT, VOLATILE, asked RELIABLE, TRANSIENT_LOCAL"
    )


@settings(deadline=None)
@given(st.integers(-(10**18), 10**18), st.lists(st.floats(0, 2), min_size=1, max_size=50))
def test_a_foreign_clock_is_measured_by_its_quickest_sample(offset_ns: int, delays: list[float]) -> None:
    clock, now = StampClock(measured=True), 2 * 10**18
    ages = []
    for number, delay in enumerate(delays):
        at = now + number * 10**9
        stamp = at - int(delay * 1e9) + offset_ns
        ages.append(100.0 - clock.measured_at(stamp or 1, at, 100.0))
    assert all(-1e-6 <= age <= 2.0 + 1e-6 for age in ages)
    assert ages[-1] == pytest.approx(delays[-1] - min(delays), abs=1e-5)


def test_a_shared_clock_tells_the_age_as_it_is() -> None:
    clock = StampClock(measured=False)
    assert clock.measured_at(1_000_000_000, 1_500_000_000, 100.0) == pytest.approx(99.5)


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 9), st.integers(0, 5))
def test_every_nth_pixel(height: int, width: int, n: int, padding: int) -> None:
    row = width * 3 + padding
    picture = np.random.default_rng(height).integers(0, 255, (height, row), np.uint8)
    data, rows, columns, step = images.thin_image(
        memoryview(picture.tobytes()), height=height, width=width, row_bytes=row, encoding="rgb8", n=n
    )
    assert (rows, columns) == (-(-height // n), -(-width // n)) if n > 1 else (height, width)
    assert len(data) == rows * step
    found = np.frombuffer(data, np.uint8).reshape(rows, step)[:, : columns * 3].reshape(rows, columns, 3)
    assert (found == picture[:, : width * 3].reshape(height, width, 3)[::n, ::n]).all()


def test_an_image_that_lies_or_cannot_be_thinned_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes for"):
        images.thin_image(memoryview(b"123"), height=2, width=2, row_bytes=2, encoding="mono8", n=1)
    with pytest.raises(ValueError, match="cannot be thinned"):
        images.thin_image(memoryview(bytes(16)), height=2, width=4, row_bytes=8, encoding="yuv422", n=2)


@given(st.lists(st.floats(0.1, 9) | st.just(math.nan) | st.just(math.inf), min_size=1), st.integers(1, 7))
def test_a_thinned_scan_keeps_the_nearest(ranges: list[float], n: int) -> None:
    found = images.thin_scan(ranges, n)
    assert len(found) == -(-len(ranges) // n) or n == 1
    finite = [each for each in ranges if math.isfinite(each)]
    if finite:
        assert min(each for each in found if not math.isnan(each)) == min(finite)


def test_diagnostics_are_worst_first() -> None:
    status = [Message(name="a", level=b"\x00", message=""), Message(name="b", level=b"\x02", message="hot")]
    states = health.states_of(Message(status=status))
    assert health.worst(states) == ("error", "b: hot")
    assert health.worst({}) == ("ok", "")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(health.LEVELS), st.integers(0, 40))))
def test_a_name_that_falls_silent_is_stale_and_then_forgotten(
    told: list[tuple[str, str, int]],
) -> None:
    found, now, last = health.Diagnostics(), 0.0, dict[str, tuple[str, float]]()
    for name, level, later_s in told:
        now += later_s
        found.hear({name: (level, "")}, now)
        last[name] = (level, now)
        ages = {each: now - at for each, (_, at) in last.items()}
        levels = ["stale" if ages[each] >= health.SILENT_S else last[each][0] for each in last
                  if ages[each] < health.GONE_S]  # fmt: skip
        assert found.worst(now)[0] == max(levels, key=health.LEVELS.index)
    gone = ("stale", "no diagnostics for 60 s") if told else ("ok", "")
    assert found.worst(now + health.GONE_S) == gone


def test_names_of_diagnostics_do_not_pile_up() -> None:
    found = health.Diagnostics()
    for number in range(300):
        found.hear({f"n{number}": ("ok" if number < health.MAX_NAMES else "error", "")}, 0.0)
    assert (found.worst(0.0)[0], found.dropped) == ("ok", 300 - health.MAX_NAMES)
    found.hear({"n0": ("warning", "hot")}, 1.0)
    assert found.worst(1.0) == ("warning", "n0: hot")


def test_nan_in_a_twist_is_refused_both_ways() -> None:
    vector = Message(x=math.nan, y=0.0, z=0.0)
    with pytest.raises(ValueError, match="linear_x = nan"):
        convert.twist(Message(linear=vector, angular=Message(x=0, y=0, z=0.0)))
    with pytest.raises(ValueError, match="angular_z = inf"):
        convert.fill_twist(Message(), 0.0, 0.0, math.inf)


def test_a_twist_with_a_stamp_is_filled_inside() -> None:
    inner = Message(linear=Message(x=0.0, y=0.0), angular=Message(z=0.0))
    message = convert.fill_twist(Message(header=None, twist=inner), 1, 2, 3)
    assert (inner.linear.x, inner.linear.y, inner.angular.z) == (1.0, 2.0, 3.0)
    assert convert.twist(message) == (1.0, 2.0, 3.0)


def test_a_transform_becomes_a_pose_and_frames_are_picked() -> None:
    def transform(child: str, x: float) -> Message:
        inner = Message(translation=Message(x=x, y=0.0, z=0.0), rotation=Message(x=0.0, y=0.0, z=0.0, w=1.0))
        return Message(header=Message(frame_id="map"), child_frame_id=child, transform=inner)

    message = Message(transforms=[transform("a", 1.0), transform("b", 2.0)])
    assert [each.x for each in convert.poses(message).poses] == [1.0, 2.0]
    assert [each.child_frame_id for each in convert.poses(message, ["b"]).poses] == ["b"]
    assert not convert.poses(Message(transforms=[])).poses, "a TFMessage that holds none"
    with pytest.raises(ValueError, match="tf a: x = nan"):
        convert.poses(Message(transforms=[transform("a", math.nan)]))


def test_joint_states_of_other_lengths_are_refused() -> None:
    state = Message(name=["a", "b"], position=[1.0, 2.0], velocity=[math.nan, 0.0], effort=[])
    assert convert.joint_state(state) == v1.JointState(name=["a", "b"], position=[1.0, 2.0])
    state.position = [1.0]
    with pytest.raises(ValueError, match="2 names and 1 values"):
        convert.joint_state(state)


@given(st.integers(1, 7), st.lists(st.floats(0.01, 5), max_size=6))
def test_points_of_a_trajectory(count: int, gaps: list[float]) -> None:
    times = [sum(gaps[: at + 1]) for at in range(len(gaps))]
    positions = [float(each) for each in range(count * len(times))]
    if not times:
        with pytest.raises(ValueError, match="points of"):
            convert.trajectory_points(count, positions, times)
        return
    points = convert.trajectory_points(count, positions, times)
    assert [each for row, _ in points for each in row] == positions
    with pytest.raises(ValueError, match="do not rise"):
        convert.trajectory_points(count, positions, [0.0] * len(times))


def test_the_guard_remembers_what_has_not_ended() -> None:
    watch = Watch()
    watch.hear({"goal": "navigate", "id": "01"})
    watch.hear({"goal": "navigate", "id": "02"})
    watch.hear({"ended": "01"})
    watch.hear({"hold": "goal_pose", "type": "t", "message": "ff"})
    assert (watch.goals, watch.holds, watch.goodbye) == (
        {"02": "navigate"},
        {"goal_pose": ("t", b"\xff")},
        False,
    )
    watch.hear({"unhold": "goal_pose"})
    watch.hear({"goodbye": True})
    assert not watch.holds
    assert watch.goodbye


def test_without_rclpy_both_ways_to_get_it_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rclpy", None)
    with pytest.raises(ConfigError, match="rclpy cannot be imported") as caught:
        import_rclpy()
    assert "source a ROS 2" in str(caught.value)
    assert "robolink[ros2]" in str(caught.value)


def test_an_order_gives_discovery_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    order = Message(cancel_requested=None)
    run, answers = runs.Run(order), iter([False, False])
    assert run.peer(lambda: next(answers, True))
    monkeypatch.setattr(runs, "PEER_S", 0.0)
    assert not run.peer(lambda: False)
    order.cancel_requested = v1.COMMAND_STATE_STOPPED
    assert run.peer(lambda: False), "it must end: nobody is waited for"
    assert run.ending == v1.COMMAND_STATE_STOPPED
