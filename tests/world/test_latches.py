"""The latch in all its places at once: driver, hub, safety process and disk, when they hear of a stop at different times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from robolink import v1
from tests.world.network import MS
from tests.world.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.driver()
        world.client()
        world.settle()
        yield world


def test_stop_right_behind_the_hello_is_one_stop() -> None:
    with World() as world:
        world.driver()
        anna = world.client()
        world.advance(0.5)  # Her hello is on its way again.
        result = world.answer(anna.stop("r1")).results[0]
        world.advance(1)
        assert len(world.rover().stops) == 1
        assert result.generation == world.hub.desk.latches["r1"].generation


def test_hello_in_the_moment_of_a_release_does_not_latch_again(world: World) -> None:
    anna, driver = world.clients["anna"], world.drivers["rovers"]
    world.answer(anna.stop("r1"))
    world.hub.link_ns = 20 * MS
    anna.release("r1")
    world.until(lambda: not world.rover().latched, 0.02)
    driver.answers("r1", False)
    driver.answers("r1", True)
    world.advance(5)
    assert not world.hub.desk.latches["r1"].latched
    assert not world.rover().latched, "the driver alone is still stopped"


def test_stop_of_an_absent_robot_outlives_a_release_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was at another hub meanwhile, and was stopped and released there more often than here."""
    anna, driver = world.clients["anna"], world.drivers["rovers"]
    driver.crash()
    world.advance(2)
    result = world.answer(anna.stop("r1")).results[0]
    assert result.verdict == v1.STOP_VERDICT_UNREACHABLE
    elsewhere = World()
    with elsewhere:
        elsewhere.driver()
        ben = elsewhere.client("ben")
        elsewhere.settle()
        for _ in range(3):
            elsewhere.answer(ben.stop("r1"))
            elsewhere.answer(ben.release("r1"))
        elsewhere.advance(0.1)
        travelled = elsewhere.drivers["rovers"].session
    make = driver.make_session

    def arrives() -> object:
        session = make()
        session._robots["r1"].latch.load(travelled._robots["r1"].latch.state())
        return session

    monkeypatch.setattr(driver, "make_session", arrives)
    driver.start()
    world.advance(2)
    assert world.rover().latched and world.rover().stops, "the stop that was promised here is gone"
    assert world.hub.desk.latches["r1"].latched


def test_everybody_agrees_after_a_storm_of_stops_and_releases(world: World) -> None:
    anna, ben = world.clients["anna"], world.client("ben", offset_s=8)
    world.settle()
    for step in range(40):
        world.hub.link_ns = (step % 3) * 10 * MS
        (anna if step % 2 else ben).stop("r1")
        world.advance(0.003 * (step % 5))
        ben.release("r1", world.hub.desk.latches["r1"].generation - step % 4 // 3)
        world.advance(0.002 * (step % 7))
    world.hub.link_ns = MS
    world.advance(1)
    world.answer(ben.stop("r1"))
    assert world.answer(ben.release("r1")).results[0].cause == 0
    world.heal()
    world.check_healed()
    assert not world.rover().latched
