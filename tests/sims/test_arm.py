"""The simulated arm: geometry against numbers and differences, motion in stepped time, one served to a real hub."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import robolink
from robolink import v1
from robolink.errors import CommandFailedError
from robolink.robot import Driver
from robolink_sims.arm import SimUr5e
from robolink_sims.arm_kinematics import (
    JOINT_LIMITS,
    JOINTS,
    MAX_SPEED,
    UnreachableError,
    forward,
    inverse,
    is_within_limits,
    jacobian,
    pose_matrix,
    quaternion,
    rotation_between,
    turned,
)
from robolink_sims.arm_model import (
    HOME,
    MAX_ACCELERATION,
    ArmModel,
    TimedPath,
    Trapezoid,
    joint_path,
    linear_path,
)
from tests.conftest import HubProcess, wait_for

ANGLES = st.lists(st.floats(-3.1, 3.1, allow_subnormal=False), min_size=6, max_size=6).map(np.array)
SPEEDS = st.lists(st.floats(-4.0, 4.0), min_size=6, max_size=6).map(np.array)
FRACTIONS = st.floats(0.05, 1.0)
untimed = settings(deadline=None, max_examples=30)


def away(*shift: float) -> np.ndarray:
    """Joint angles beside the home position."""
    return HOME + np.array(shift)


# Geometry.


def test_stretched_out_the_tool_is_where_the_measures_say() -> None:
    pose = forward(np.zeros(6))
    assert pose[:3, 3] == pytest.approx([-0.425 - 0.3922, -0.1333 - 0.0996, 0.1625 - 0.0997])
    assert pose[:3, :3] == pytest.approx(np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]), abs=1e-12)
    upright = forward(np.array([0, -math.pi / 2, 0, -math.pi / 2, 0, 0]))
    assert upright[:3, 3] == pytest.approx([0, -0.1333 - 0.0996, 0.1625 + 0.425 + 0.3922 + 0.0997])


@untimed
@given(ANGLES)
def test_jacobian_is_the_slope_of_the_pose(joints: np.ndarray) -> None:
    here, step = forward(joints), 1e-6
    for column in range(6):
        moved = forward(joints + step * np.eye(6)[column])
        slope = [*(moved[:3, 3] - here[:3, 3]) / step, *rotation_between(here, moved) / step]
        assert jacobian(joints)[:, column] == pytest.approx(slope, abs=1e-5)


@untimed
@given(ANGLES, ANGLES)
def test_orientations_there_and_back(one: np.ndarray, other: np.ndarray) -> None:
    here, there = forward(one), forward(other)
    assert pose_matrix(here[:3, 3], quaternion(here)) == pytest.approx(here, abs=1e-9)
    assert turned(here, rotation_between(here, there)) == pytest.approx(there[:3, :3], abs=1e-7)
    assert np.linalg.norm(rotation_between(here, there)) <= math.pi + 1e-9


@untimed
@given(ANGLES, ANGLES)
def test_angles_are_found_for_every_pose_the_tool_can_have(joints: np.ndarray, seed: np.ndarray) -> None:
    # Stretched out or folded back, only in the limit: a singularity.
    assume(np.linalg.svd(jacobian(joints), compute_uv=False).prod() > 1e-4)
    target = forward(joints)
    found = inverse(target, seed)
    assert forward(found) == pytest.approx(target, abs=1e-6)
    assert is_within_limits(found)


def test_the_nearest_turn_is_taken() -> None:
    joints, turns = away(5.0, 0, 0, 0, 0, -5.0), np.array([math.tau, 0, 0, 0, 0, -math.tau])
    assert inverse(forward(joints - turns), joints + 0.01) == pytest.approx(joints, abs=1e-6)


def test_out_of_reach_says_how_far() -> None:
    with pytest.raises(UnreachableError, match=r"1\.500 m from the shoulder, the arm reaches 1\.08"):
        inverse(pose_matrix(np.array([1.5, 0, 0.1625]), np.array([0, 0, 0, 1.0])), HOME)
    with pytest.raises(UnreachableError, match="no joint angles"):
        inverse(pose_matrix(np.array([0.02, 0, 0.3]), np.array([0, 0, 0, 1.0])), HOME)
    with pytest.raises(ValueError, match="length 2"):
        pose_matrix(np.zeros(3), np.array([0, 0, 0, 2.0]))


# Motion.


@settings(deadline=None)
@given(st.floats(0.01, 50), st.floats(0.01, 50))
def test_a_trapezoid_keeps_its_limits(speed: float, acceleration: float) -> None:
    profile = Trapezoid(speed, acceleration)
    dt = profile.duration / 500
    samples = [profile.at(n * dt) for n in range(501)]
    assert samples[0] == (0.0, 0.0)
    assert profile.at(profile.duration) == (1.0, 0.0)
    for (before, slow), (after, fast) in pairwise(samples):
        assert after >= before
        assert fast <= speed * (1 + 1e-9)
        assert abs(fast - slow) <= acceleration * dt * (1 + 1e-6)
        assert after - before == pytest.approx((fast + slow) / 2 * dt, abs=acceleration * dt * dt)


def check_limits(path: TimedPath, fraction: float) -> None:
    """Speed by the reported velocity, acceleration by its differences, both by the positions."""
    dt = max(0.002, path.duration / 400)
    times = np.arange(0.0, path.duration + 2 * dt, dt)
    samples = [path.at(t) for t in times]
    where, velocity = (np.array([each[n] for each in samples]) for n in (0, 1))
    assert np.abs(velocity).max(initial=0) <= MAX_SPEED * fraction * 1.001
    assert np.abs(np.diff(velocity, axis=0)).max(initial=0) <= MAX_ACCELERATION * fraction * dt * 1.1 + 1e-9
    # A middle of two velocities is exact but for the change of one step.
    moved = (velocity[1:] + velocity[:-1]) / 2 * dt
    assert np.diff(where, axis=0) == pytest.approx(moved, abs=MAX_ACCELERATION * dt * dt)
    assert velocity[-1] == pytest.approx(np.zeros(6))


@untimed
@given(ANGLES, ANGLES, FRACTIONS)
def test_joints_move_together_within_their_limits(
    begin: np.ndarray, end: np.ndarray, fraction: float
) -> None:
    path = joint_path(begin, end, fraction)
    check_limits(path, fraction)
    where, _, part = path.at(path.duration * 0.3)
    assert where == pytest.approx(begin + part * (end - begin)), "each has made the same part of its way"
    assert path.at(path.duration)[0] == pytest.approx(end)
    assert joint_path(begin, begin, fraction).duration == 0.0


def test_a_bent_path_is_driven_slowly_enough() -> None:
    turn = np.linspace(0.0, math.tau, 201)[:, None]
    points = HOME + 0.3 * np.hstack(
        [np.sin(turn), np.cos(turn) - 1, np.sin(3 * turn), 0 * turn, 0 * turn, turn]
    )
    check_limits(TimedPath(points, 0.8), 0.8)


@settings(deadline=None, max_examples=10)
@given(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15), st.floats(-0.15, 0.1), st.floats(-0.5, 0.5), FRACTIONS)
def test_the_tool_moves_in_a_straight_line(
    x: float, y: float, z: float, turn: float, fraction: float
) -> None:
    here = forward(HOME)
    target = here.copy()
    target[:3, 3] += [x, y, z]
    target[:3, :3] = turned(here, np.array([0.0, turn / 2, turn]))
    path = linear_path(HOME, target, fraction, 0.25)
    check_limits(path, fraction)
    shift = np.array([x, y, z])
    previous = here[:3, 3]
    for t in np.linspace(0.0, path.duration, 60):
        joints, velocity, part = path.at(t)
        pose = forward(joints)
        assert pose[:3, 3] == pytest.approx(here[:3, 3] + part * shift, abs=1e-4)
        assert np.linalg.norm((jacobian(joints) @ velocity)[:3]) <= 0.25 * 1.01
        previous = pose[:3, 3]
    assert previous == pytest.approx(target[:3, 3], abs=1e-6)
    assert rotation_between(forward(path.at(path.duration)[0]), target) == pytest.approx(
        np.zeros(3), abs=1e-6
    )


def test_a_line_that_cannot_be_says_where() -> None:
    far = forward(HOME)
    far[:3, 3] = [-1.0, -0.1333, 0.4]
    with pytest.raises(UnreachableError, match=r"at \d+ % of the straight line"):
        linear_path(HOME, far, 0.5, 0.25)


@untimed
@given(st.lists(st.tuples(SPEEDS, st.integers(1, 60)), max_size=6))
def test_setpoints_keep_every_limit(wishes: list[tuple[np.ndarray, int]]) -> None:
    arm = ArmModel()
    for wanted, steps in wishes:
        arm.want(wanted)
        for _ in range(steps):
            before = arm.velocity
            arm.advance(0.02)
            assert np.abs(arm.velocity).max() <= MAX_SPEED + 1e-9
            assert np.abs(arm.velocity - before).max() <= MAX_ACCELERATION * 0.02 + 1e-9
            assert is_within_limits(arm.position)
    arm.halt()
    arm.advance(MAX_SPEED / MAX_ACCELERATION + 0.01)
    assert arm.still


def test_at_the_end_of_its_range_a_joint_brakes_in_time() -> None:
    arm = ArmModel()
    arm.want(np.array([0, 0, MAX_SPEED, 0, 0, 0]))
    for _ in range(600):
        before = arm.velocity
        arm.advance(0.005)
        assert np.abs(arm.velocity - before).max() <= MAX_ACCELERATION * 0.005 + 1e-9
    assert arm.position[2] == pytest.approx(JOINT_LIMITS[2], abs=0.02)
    assert arm.still


def test_a_halt_leaves_the_path_within_the_limits_and_in_step() -> None:
    arm = ArmModel()
    arm.follow(joint_path(HOME, away(1.0, -0.5, 0.25, 0, 0, 2.0), 1.0))
    arm.want(np.ones(6))
    arm.advance(0.4)
    begun = arm.velocity.copy()
    assert begun[5] > 2.0 and begun[3] == 0, "a setpoint does not disturb a path"
    arm.halt()
    while not arm.still:
        before = arm.velocity
        arm.advance(0.005)
        assert np.abs(arm.velocity - before).max() <= MAX_ACCELERATION * 0.005 + 1e-9
        assert arm.velocity == pytest.approx(begun / begun[5] * arm.velocity[5], abs=1e-9)
    assert not arm.following
    with pytest.raises(ValueError, match="stand where"):
        arm.follow(joint_path(HOME, HOME, 1.0))


# Served.


@pytest.fixture
def arm(hub: HubProcess) -> Iterator[SimUr5e]:
    robot = SimUr5e("arm-1")
    with Driver(hub.url) as driver:
        driver.add(robot)
        wait_for(lambda: driver.connected, what="the driver")
        yield robot


def test_a_served_arm_moves_tells_and_stops_measured(hub: HubProcess, arm: SimUr5e) -> None:
    arm.arm.speed_up = 2.0
    with robolink.connect(hub.url, roles=(v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)) as client:
        robot = client.robot("arm-1")
        with robot.lease():
            there = tuple(away(0.3, 0, 0, 0, 0, -0.4).tolist())
            told = robot.goal("arm.move_joints", position=there).values(30)
            assert told["joints"] == pytest.approx(there, abs=1e-5)
            x, y, z = told["position"]
            down = {"position": (x, y, z - 0.05), "orientation": told["orientation"]}
            assert robot.goal("arm.move_linear", **down).values(30)["position"] == pytest.approx(
                (x, y, z - 0.05), abs=1e-4
            )
            up = {"position": (x, y, z), "orientation": told["orientation"]}
            assert robot.goal("arm.move_pose", **up).values(30)["position"] == pytest.approx(
                (x, y, z), abs=1e-4
            )
            reported = robot.twin.get("arm.tool_position")["arm.tool_position"].reported
            assert len(reported.value.vector_value.values) == 3
            for method, args, words in (
                ("arm.move_pose", up | {"position": (1.5, 0.0, 0.0)}, "the arm reaches"),
                ("arm.move_linear", up | {"position": (1.5, 0.0, 0.0)}, "of the straight line"),
                ("arm.move_joints", {"position": (0.0, 0.0, 4.0, 0.0, 0.0, 0.0)}, "elbow_joint = 4.000 rad"),
            ):
                with pytest.raises(CommandFailedError, match=words):
                    robot.goal(method, **args).result(30)
            with robot.stream("arm.joints") as joints:

                def turning() -> bool:
                    robot.setpoint("arm.velocity", wrist_3=1.0)
                    state = joints.next(1)
                    return state is not None and state.payload.velocity[5] > 0.9

                wait_for(turning, what="the wrist")
                state = joints.next(5)
                assert state is not None and tuple(state.payload.name) == JOINTS
            with robot.stream("arm.tool") as tool:
                sample = wait_for(lambda: tool.next(1), what="the tool's pose")
                assert [each.name for each in sample.payload.values] == ["position", "orientation"]
            wait_for(lambda: arm.arm.arm.still, what="the end of the setpoints")
            long = robot.goal("arm.move_joints", position=tuple(away(4.0, 0, 0, 0, 0, 4.0).tolist()))
            wait_for(lambda: not arm.arm.arm.still, what="motion")
            stopped = robot.stop()
            assert stopped.verdict == v1.STOP_VERDICT_STOPPED and stopped.standstill_ms > 0
            assert long.wait(5).state == v1.COMMAND_STATE_STOPPED
            assert arm.arm.arm.still
