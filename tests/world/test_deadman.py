"""Losses, end to end: the app, its client, the hub, the driver; what moves, ends or goes on then, and for how long."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from robolink import v1
from robolink.transports.lanes import Lane
from tests.world.network import MS
from tests.world.peers import Client
from tests.world.rover import MAX_SPEED
from tests.world.world import World

CONTINUE = v1.ON_DISCONNECT_CONTINUE


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.driver()
        world.client()
        world.client("ben", offset_s=8)
        world.settle()
        yield world


@pytest.fixture
def anna(world: World) -> Client:
    """She holds the lease."""
    anna = world.clients["anna"]
    world.answer(anna.acquire("r1"))
    return anna


def test_step_1_zero_velocity_when_the_ttl_is_over(world: World, anna: Client) -> None:
    rover = world.rover()
    anna.drive("r1")
    world.advance(0.29)
    assert rover.velocity > 0
    world.advance(0.03)
    assert rover.velocity == 0
    assert world.drivers["rovers"].session.counters["setpoint_expired"] == 1
    # The SDK's thread lives: the lease is still there for an app that comes to itself.
    world.advance(5)
    anna.drive("r1")
    world.advance(0.1)
    assert rover.velocity > 0


def test_step_2_goals_end_when_the_lease_is_stale(world: World, anna: Client) -> None:
    ending, going_on = anna.command("r1", "wheels.go"), b""
    world.until(lambda: world.rover().running)
    anna.crash()
    world.advance(2.5)
    assert world.rover().moving
    world.until(lambda: not world.rover().moving, 2)
    told = world.answer(world.clients["ben"].query("r1", ending.id))
    assert (told.state, told.cause) == (v1.COMMAND_STATE_CANCELED, v1.CAUSE_DISCONNECTED)
    # Another one may have the robot now, and a goal of his may say that it goes on.
    ben = world.clients["ben"]
    world.answer(ben.acquire("r1"))
    going_on = ben.command("r1", "wheels.go", on_disconnect=CONTINUE).id
    world.advance(0.1)
    ben.crash()
    world.advance(12)
    assert going_on in world.rover().running
    world.rover().finish(going_on)
    ben.start()
    world.advance(1)
    assert world.answer(ben.query("r1", going_on)).state == v1.COMMAND_STATE_SUCCEEDED


def test_goodbye_ends_goals_at_once(world: World, anna: Client) -> None:
    anna.command("r1", "wheels.go")
    world.until(lambda: world.rover().running)
    anna.close()
    world.advance(0.1)
    assert not world.rover().moving


def test_driver_without_a_hub_stands_still_and_ends_its_goals(world: World, anna: Client) -> None:
    anna.command("r1", "wheels.go")
    world.until(lambda: world.rover().running)
    world.hub.crash()
    world.advance(2.5)
    assert world.rover().moving, "the hub may still come back"
    world.until(lambda: not world.rover().moving, 1.5)


def test_setpoint_stops_when_the_hub_dies(world: World, anna: Client) -> None:
    anna.stream("r1")
    world.advance(1)
    world.hub.crash()
    world.advance(0.35)
    assert world.rover().velocity == 0


@pytest.mark.parametrize("lane", list(Lane), ids=lambda lane: lane.name)
def test_driver_that_lost_one_lane_does_not_move(world: World, anna: Client, lane: Lane) -> None:
    anna.stream("r1")
    world.advance(1)
    world.drivers["rovers"].lanes[lane].stall()
    world.advance(2.2)
    assert not world.rover().moving
    world.advance(3)
    assert not world.rover().moving, "it moves although it could not be stopped"
    world.drivers["rovers"].lanes[lane].heal()
    world.advance(3)
    assert world.rover().velocity > 0, "the app streams on, and all is well again"


def test_goal_outlives_a_restart_of_the_hub(world: World, anna: Client) -> None:
    goal = anna.command("r1", "wheels.go")
    world.until(lambda: world.rover().running)
    world.hub.restart()
    world.advance(1)
    world.rover().finish(goal.id)
    assert world.state(goal) == "SUCCEEDED"


def test_goal_that_ends_while_the_hub_is_away_is_told_later(world: World, anna: Client) -> None:
    goal = anna.command("r1", "wheels.go")
    world.until(lambda: world.rover().running)
    world.hub.crash()
    world.rover().finish(goal.id)
    world.advance(1)
    world.hub.start()
    assert world.state(goal) == "SUCCEEDED"


def test_motion_that_was_not_delivered_expires_with_the_hub(world: World, anna: Client) -> None:
    world.hub.sync_ns = 0
    driver = world.drivers["rovers"]
    driver.lanes[Lane.CONTROL].to_peer.delay_ns = 200 * MS
    command = anna.command("r1", "wheels.go")
    assert command.accepted is not None
    world.until(command.accepted.done)
    world.hub.restart()
    driver.lanes[Lane.CONTROL].to_peer.delay_ns = MS
    assert world.state(command) == "EXPIRED"
    world.advance(10)
    assert not world.rover().started


def test_goal_of_a_driver_that_died_is_lost(world: World, anna: Client) -> None:
    goal = anna.command("r1", "wheels.go")
    world.until(lambda: world.rover().running)
    world.drivers["rovers"].crash()
    world.advance(1)
    world.drivers["rovers"].start()
    assert world.state(goal) == "LOST"
    world.advance(12)
    assert not world.rover().started, "nothing moves at boot"


def test_driver_that_comes_back_after_lost_ends_its_goal(world: World, anna: Client) -> None:
    goal = anna.command("r1", "wheels.go", on_disconnect=CONTINUE)
    world.until(lambda: world.rover().running)
    for pipe in world.drivers["rovers"].lanes.values():
        pipe.stall()
    assert world.state(goal) == "LOST"
    assert world.rover().moving
    for pipe in world.drivers["rovers"].lanes.values():
        pipe.heal()
    world.until(lambda: not world.rover().moving, 3)
    world.advance(1)
    kept = world.hub.broker.site.table.get(goal.id)
    assert kept is not None and kept.late is not None and kept.late.state == v1.COMMAND_STATE_CANCELED


def test_what_was_told_expired_does_not_run_on(world: World, anna: Client) -> None:
    """The driver says hello for one more robot while the command is on its way: the hub takes it for undelivered."""
    driver = world.drivers["rovers"]
    pipe = driver.lanes[Lane.CONTROL]
    pipe.to_peer.delay_ns, pipe.to_hub.delay_ns = 250 * MS, 100 * MS
    goal = anna.command("r1", "wheels.go", ttl_ms=300)
    world.advance(0.24)
    driver.session.add_robot("r9", world.rover().sheet, driver.now)
    driver.flush()
    world.advance(3)
    assert goal.done is not world.rover().moving, "told ended, and it runs on"


def test_outcome_of_a_robot_that_falls_silent_is_kept(world: World, anna: Client) -> None:
    goal, driver = anna.command("r1", "wheels.go"), world.drivers["rovers"]
    world.until(lambda: world.rover().running)
    driver.answers("r1", False)
    world.rover().finish(goal.id)
    world.advance(0.5)
    driver.answers("r1", True)
    assert world.state(goal) == "SUCCEEDED"


def test_stop_reaches_a_returning_driver_before_it_moves(world: World, anna: Client) -> None:
    goal = anna.command("r1", "wheels.go", on_disconnect=CONTINUE)
    world.until(lambda: world.rover().running)
    for pipe in world.drivers["rovers"].lanes.values():
        pipe.stall()
    world.advance(2)
    stop = world.answer(world.clients["ben"].stop("r1")).results[0]
    assert stop.verdict == v1.STOP_VERDICT_UNREACHABLE
    world.hub.restart()
    for pipe in world.drivers["rovers"].lanes.values():
        pipe.heal()
    world.until(lambda: world.rover().latched, 3)
    assert not world.rover().moving and world.rover().stops
    assert world.state(goal) == "STOPPED"


def test_full_disk_refuses_commands_and_still_stops(world: World, anna: Client) -> None:
    world.hub.journal.full = True
    command = anna.command("r1", "wheels.go")
    update = world.answer(command.terminal)
    assert (update.state, update.cause) == (v1.COMMAND_STATE_REJECTED, v1.CAUSE_STORAGE)
    assert world.answer(anna.stop("r1")).results[0].verdict == v1.STOP_VERDICT_STOPPED
    world.hub.journal.full = False
    assert world.answer(anna.release("r1")).results[0].cause == 0
    world.until(lambda: not world.rover().latched)
    assert world.rover().started == []
    command = anna.command("r1", "wheels.nudge")
    assert world.state(command) == "SUCCEEDED"


def test_verdict_that_came_while_the_disk_was_full_is_told_and_kept(world: World, anna: Client) -> None:
    world.rover().setting_s = 0.1
    version = world.answer(anna.write("r1", MAX_SPEED, 0.7)).version
    world.hub.journal.full = True
    world.advance(0.5)
    world.hub.journal.full = False
    world.advance(5)

    def observed() -> int:
        properties = world.answer(anna.twin("r1")).properties
        return next(each.observed.version for each in properties if each.name == MAX_SPEED)

    assert observed() == version
    world.hub.restart()
    world.advance(1)
    assert observed() == version
