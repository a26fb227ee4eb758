"""A fleet: its arrays against the single base, its pacing in stepped time, and one served to a real hub."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import robolink
from robolink import v1
from robolink_sims.base import DiffDrive, steer
from robolink_sims.fleet import ROBOTS_PER_DRIVER, Fleet, fleet_sheet
from robolink_sims.fleet_model import FREE, FleetModel, Pacer
from tests.conftest import HubProcess, wait_for

DT = 0.01
COUNT = 12
WISHES = st.lists(st.tuples(st.floats(-0.8, 0.8), st.floats(-3, 3), st.integers(1, 30)), max_size=10)


@settings(deadline=None, max_examples=50)
@given(WISHES)
def test_each_row_moves_as_the_single_base_does(wishes: list[tuple[float, float, int]]) -> None:
    fleet = FleetModel(3)
    single = DiffDrive(x=fleet.x[1], y=fleet.y[1])
    for linear, angular, steps in wishes:
        fleet.want(1, linear, angular)
        single.want(linear, angular)
        for _ in range(steps):
            fleet.advance(DT)
            single.step(DT)
    row = (fleet.x[1], fleet.y[1], fleet.linear[1], fleet.angular[1], fleet.distance[1])
    assert row == pytest.approx((single.x, single.y, single.linear, single.angular, single.distance))
    assert math.remainder(fleet.theta[1] - single.theta, math.tau) == pytest.approx(0.0, abs=1e-9)
    assert fleet.distance[0] == fleet.distance[2] == 0.0, "the neighbours stood still"


@settings(deadline=None, max_examples=50)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(-3.1, 3.1))
def test_a_goal_steers_as_the_single_base_does(x: float, y: float, theta: float) -> None:
    fleet = FleetModel(1)
    fleet.theta[0] = theta
    single = DiffDrive(theta=theta)
    fleet.go(0, x, y, 0.0)
    for _ in range(50):
        linear, angular, _ = steer(single, x, y, 0.8)
        if linear == angular == 0.0:
            break
        single.want(linear, angular)
        single.step(DT)
        fleet.advance(DT)
        assert (fleet.x[0], fleet.y[0]) == pytest.approx((single.x, single.y), abs=1e-6)


def test_a_thousand_goals_are_reached_and_each_is_told_once() -> None:
    fleet = FleetModel(1000)
    x, y, theta = fleet.x + 1.0, fleet.y - 0.5, np.linspace(-3.0, 3.0, 1000)
    for row in range(1000):
        fleet.go(row, x[row], y[row], theta[row])
    told = list(itertools.chain.from_iterable(fleet.advance(DT) for _ in range(2000)))
    assert sorted(told) == list(range(1000))
    assert np.hypot(fleet.x - x, fleet.y - y).max() < 0.05
    assert np.abs(fleet.theta - theta).max() < 0.06
    assert not fleet.linear.any() and not fleet.angular.any() and not fleet.mode.any()


def test_braking_ends_a_goal_within_the_acceleration_limit() -> None:
    fleet = FleetModel(2)
    fleet.go(0, 40.0, fleet.y[0], 0.0)
    fleet.advance(2.0)
    speed = fleet.linear[0]
    assert speed == pytest.approx(0.8)
    fleet.brake(0)
    assert fleet.advance(DT) == []
    assert fleet.linear[0] == pytest.approx(speed - fleet.acceleration * DT)
    assert fleet.advance(0.5) == [0]
    assert fleet.is_still(0) and fleet.mode[0] == FREE


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 50), st.floats(0.1, 20), st.lists(st.floats(0, 0.5), min_size=1, max_size=50))
def test_turns_are_even_over_rows_and_time(count: int, rate_hz: float, gaps: list[float]) -> None:
    pacer, now, seen = Pacer(count, rate_hz, 5.0), 5.0, Counter[int]()
    for gap in gaps:
        now += gap
        rows = pacer.due(now)
        assert len(rows) == len(set(rows)) <= min(count, math.ceil(gap * rate_hz * count) + 1)
        seen.update(rows)
    assert sum(seen.values()) + pacer.skipped == math.floor((now - 5.0) * rate_hz * count)
    if not pacer.skipped:
        turns = [seen[row] for row in range(count)]
        assert max(turns) - min(turns) <= 1


def test_a_driver_takes_a_full_share_of_sheets() -> None:
    fleet = Fleet(ROBOTS_PER_DRIVER + 1, hub="tcp://127.0.0.1:1")
    fleet.start()  # raises if the sheets of one driver were too many
    try:
        assert len(fleet._drivers) == 2
    finally:
        fleet.close()
    assert fleet_sheet(5.0).components[0].streams[0].rate_hz == 5.0


@pytest.fixture
def fleet(hub: HubProcess) -> Iterator[Fleet]:
    with Fleet(COUNT, hub=hub.url, rate_hz=20, prefix="f-") as fleet:
        yield fleet


def test_a_served_fleet_drives_tells_and_stops_measured(hub: HubProcess, fleet: Fleet) -> None:
    with robolink.connect(hub.url, roles=(v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)) as client:
        wait_for(lambda: sum(each.online for each in client.robots()) == COUNT, what="the fleet")
        first, other = client.robot("f-0000"), client.robot("f-0007")
        at = other.call("base.pose")
        with first.lease(), other.lease():
            there = other.goal("base.navigate_to", x=at["x"] + 0.4, y=at["y"], theta=0.5).values(30)
            assert (there["x"], there["theta"]) == pytest.approx((at["x"] + 0.4, 0.5), abs=0.06)
            far = first.goal("base.navigate_to", x=40.0, y=0.0)
            assert next(iter(far.feedback())).phase == "driving"
            far.cancel()
            assert far.wait(10).state == v1.COMMAND_STATE_CANCELED
            assert fleet.model.is_still(0), "told as ended only once it stands"
            far = first.goal("base.navigate_to", x=40.0, y=0.0)
            with other.stream("base.odometry") as odometry:

                def driven() -> bool:
                    other.setpoint("base.velocity", linear_x=0.5)
                    sample = odometry.next(1)
                    return sample is not None and sample.payload.linear_x > 0.3

                wait_for(driven, what="motion by setpoints")
            results = client.stop()
            assert [each.verdict for each in results] == [v1.STOP_VERDICT_STOPPED] * COUNT
            assert {each.robot: each.standstill_ms for each in results}["f-0000"] > 0
            assert far.wait(5).state == v1.COMMAND_STATE_STOPPED
        reading = "base.distance"
        wait_for(
            lambda: other.twin.get(reading)[reading].reported.value.double_value > 0.4, what="the distance"
        )
        assert other.twin.set("base.max_speed", 0.3, wait_s=10)
        assert fleet.model.max_speed[7] == 0.3
        assert fleet.model.max_speed[0] == 0.8
