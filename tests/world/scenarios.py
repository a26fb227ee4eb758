"""The bugs that others shipped (standard, section 4) as walks through a world; each raises AssertionError if it is there.

`test_shipped_bugs.py` walks each with the rule in force, and with the rule taken out.
"""

from __future__ import annotations

from collections.abc import Callable

from robolink import v1
from robolink.transports.lanes import Lane
from tests.world.network import MS, Frames, Queue
from tests.world.world import World

Scenario = Callable[[World], None]
STOPPED = v1.STOP_VERDICT_STOPPED


def issuers_own_robot_is_stopped(world: World) -> None:
    """A robot's own app operates it and stops the fleet: its own robot stops like every other."""
    world.driver("rover", "r1")
    world.driver("cart", "r2", offset_s=7)
    own = world.client("rover")
    world.settle()
    world.answer(own.acquire("r1"))
    goal = own.command("r1", "wheels.nudge")
    own.stream("r1")
    world.until(lambda: world.rover("r1").velocity > 0)
    results = world.answer(own.stop()).results
    assert {each.robot: each.verdict for each in results} == {"r1": STOPPED, "r2": STOPPED}
    for name in ("r1", "r2"):
        assert world.rover(name).stops and world.rover(name).latched
    world.advance(1)  # Its app streams on.
    assert not world.rover("r1").moving
    assert world.state(goal) in ("SUCCEEDED", "STOPPED")
    results = world.answer(own.stop("r1")).results
    assert [each.verdict for each in results] == [STOPPED] and len(world.rover("r1").stops) == 2


def second_stop_is_a_stop(world: World) -> None:
    """However alike two stops are, each is carried out, and a release of the first does not end the second."""
    driver = world.driver()
    anna, ben = world.client("anna"), world.client("ben", offset_s=8)
    world.settle()
    rover = world.rover()
    first = world.answer(anna.stop("r1")).results[0]
    second = world.answer(anna.stop("r1")).results[0]
    assert (first.verdict, second.verdict) == (STOPPED, STOPPED)
    assert second.generation == first.generation + 1, "the second stop has no generation of its own"
    assert len(rover.stops) == 2, "the second stop never reached the robot"
    # The very same bytes twice, from the client and from the hub: each copy is carried out.
    anna.lanes[Lane.SAFETY].to_hub.doubles = 1
    anna.stop("r1")
    world.advance(0.2)
    assert len(rover.stops) == 4, "a stop that came twice was taken for a replay"
    driver.lanes[Lane.SAFETY].to_peer.doubles = 1
    world.answer(anna.stop("r1"))
    world.advance(0.2)
    assert len(rover.stops) == 6, "the driver took a stop for a replay"
    refused = world.answer(ben.release("r1", first.generation)).results[0]
    assert refused.cause == v1.CAUSE_CONFLICT and rover.latched
    assert world.answer(ben.release("r1")).results[0].cause == 0
    world.advance(0.1)
    assert not rover.latched


def verdict_is_the_robots(world: World) -> None:
    """A fleet stop says of each robot what is true of it: no "ok" without a measured standstill."""
    world.driver("good", "r1")
    world.driver("stubborn", "r2", offset_s=2)
    world.driver("mute", "r3", offset_s=3)
    world.driver("dead", "r4", offset_s=4)
    anna = world.client()
    world.settle()
    world.rover("r2").stop_verdict = v1.STOP_VERDICT_REFUSED
    world.rover("r3").stop_verdict = None
    world.drivers["dead"].crash()
    results = world.answer(anna.stop()).results
    assert {each.robot: each.verdict for each in results} == {
        "r1": STOPPED,
        "r2": v1.STOP_VERDICT_REFUSED,
        "r3": v1.STOP_VERDICT_STOPPING,
        "r4": v1.STOP_VERDICT_UNREACHABLE,
    }
    assert [each.robot for each in results if each.HasField("standstill_ms")] == ["r1"]
    # Whoever was away is stopped before anything else when it comes back.
    world.drivers["dead"].start()
    world.until(lambda: world.rover("r4").latched)
    assert world.rover("r4").stops


def wrong_clock_stops_and_releases(world: World) -> None:
    """Neither stop nor release needs a clock: not the issuer's, not after the hub's machine was booted anew."""
    world.driver()
    lost_in_time = world.client(offset_s=3_000_000, lanes=[Lane.SAFETY])
    ancient = world.client("ben", offset_s=0, lanes=[Lane.SAFETY])
    world.settle()
    assert not lost_in_time.session.clock.synced and not ancient.session.clock.synced
    for stopper, releaser in ((lost_in_time, ancient), (ancient, lost_in_time)):
        assert world.answer(stopper.stop("r1")).results[0].verdict == STOPPED
        assert world.rover().latched
        world.hub.restart(world.hub.offset_ns // 2)
        world.advance(3)
        assert world.rover().latched, "a restart of the hub ended the stop"
        result = world.answer(releaser.release("r1")).results[0]
        assert result.cause == 0, f"the release was refused: {result.text}"
        world.advance(0.1)
        assert not world.rover().latched


def no_velocity_slips_past_a_stop(world: World) -> None:
    """A velocity of before a stop that arrives after its release moves nothing, on whichever leg it lay."""
    driver = world.driver()
    anna, ben = world.client(), world.client("ben", offset_s=8)
    world.settle()
    rover = world.rover()
    world.answer(anna.acquire("r1"))
    for queue in (anna.lanes[Lane.CONTROL].to_hub, driver.lanes[Lane.CONTROL].to_peer):
        anna.drive("r1")
        world.advance(0.05)
        assert rover.velocity > 0, "it should move before the stop"
        queue.delay_ns = 200 * MS  # Within its ttl.
        anna.drive("r1")
        world.advance(0.005)
        assert world.answer(ben.stop("r1")).results[0].verdict == STOPPED
        assert world.answer(ben.release("r1")).results[0].cause == 0
        world.until(lambda: not rover.latched, 0.05)
        for _ in range(50):
            world.advance(0.01)
            assert not rover.moving, "a velocity of before the stop moved it after the release"
        queue.delay_ns = MS
        anna.drive("r1")
        world.advance(0.05)
        assert rover.velocity > 0, "a new order moves it again"
        world.advance(0.5)


def order_of_while_stopped_moves_nothing(world: World) -> None:
    """What an app orders while the robot is stopped, and what is slow on its way, moves nothing after the release."""
    world.driver()
    anna, ben = world.client(), world.client("ben", offset_s=8)
    world.settle()
    rover = world.rover()
    world.answer(anna.acquire("r1"))
    assert world.answer(ben.stop("r1")).results[0].verdict == STOPPED
    world.until(lambda: anna.session.generation("r1") == 1)
    queue = anna.lanes[Lane.CONTROL].to_hub
    queue.delay_ns = 200 * MS
    anna.drive("r1")
    command = anna.command("r1", "wheels.go")
    world.advance(0.05)
    assert world.answer(ben.release("r1")).results[0].cause == 0
    queue.delay_ns = MS
    for _ in range(150):
        world.advance(0.01)
        assert not rover.moving, "an order of while it was stopped moved it after the release"
    assert world.state(command) in ("REJECTED", "STOPPED", "EXPIRED")


def _repeat_for_ever(world: World, queue: Queue) -> None:
    """A proxy that means well: it repeats the last setpoint that it has seen, each 50 ms."""
    last: list[Frames] = []

    def remember(frames: Frames) -> list[Frames]:
        if v1.Header.FromString(frames[0]).body_type == v1.BODY_TYPE_SETPOINT:
            last[:] = [frames]
        return [frames]

    def repeat() -> None:
        for frames in last:
            queue.inject(frames, world.now)
        world.later(0.05, repeat)

    queue.tap = remember
    repeat()


def _app_dies_behind_a_proxy(world: World, lane_of: Callable[[World], Queue]) -> None:
    world.driver()
    anna = world.client()
    world.settle()
    world.answer(anna.acquire("r1"))
    anna.stream("r1")
    _repeat_for_ever(world, lane_of(world))
    world.advance(1)
    assert world.rover().velocity > 0, "it should follow the app"
    anna.app_dies()
    world.advance(0.45)  # One TTL, one period of the app's loop, and the way.
    for _ in range(400):
        assert world.rover().velocity == 0, "a proxy's repetitions hide that the app is dead"
        world.advance(0.025)


def proxy_at_the_robot_hides_no_dead_app(world: World) -> None:
    """Between hub and driver somebody repeats the last setpoint for ever: the robot stands at its TTL."""
    _app_dies_behind_a_proxy(world, lambda w: w.drivers["rovers"].lanes[Lane.CONTROL].to_peer)


def proxy_at_the_app_hides_no_dead_app(world: World) -> None:
    """The same between client and hub."""
    _app_dies_behind_a_proxy(world, lambda w: w.clients["anna"].lanes[Lane.CONTROL].to_hub)


def proxy_renews_no_lease(world: World) -> None:
    """The whole client hangs, the proxy repeats its last setpoint: the lease goes stale and the robot is free."""
    world.driver()
    anna, ben = world.client(), world.client("ben", offset_s=8)
    world.settle()
    world.answer(anna.acquire("r1"))
    anna.stream("r1")
    _repeat_for_ever(world, anna.lanes[Lane.CONTROL].to_hub)
    world.advance(1)
    anna.freeze()
    world.advance(4)
    assert not world.rover().moving
    assert world.answer(ben.acquire("r1")).token.sequence > 0, "the dead client still holds the lease"
