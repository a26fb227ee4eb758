"""Each bug that others shipped: absent here, and found by the same walk as soon as the rule against it is taken out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from robolink import v1
from robolink.core.deadman import SetpointWatch
from robolink.core.stop import StopLatch
from robolink.core.violation import Violation
from robolink.hub.authority import AuthorityDesk
from robolink.hub.safety import SafetyDesk
from robolink.robot._motion import MotionRules
from tests.world import scenarios
from tests.world.scenarios import Scenario
from tests.world.world import World

SCENARIOS = [
    scenarios.issuers_own_robot_is_stopped,
    scenarios.second_stop_is_a_stop,
    scenarios.verdict_is_the_robots,
    scenarios.wrong_clock_stops_and_releases,
    scenarios.no_velocity_slips_past_a_stop,
    scenarios.order_of_while_stopped_moves_nothing,
    scenarios.proxy_at_the_robot_hides_no_dead_app,
    scenarios.proxy_at_the_app_hides_no_dead_app,
    scenarios.proxy_renews_no_lease,
]


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.__name__)
def test_bug_is_absent(scenario: Scenario, world: World) -> None:
    scenario(world)


# The rules, taken out one by one.


def skip_the_issuer(patch: pytest.MonkeyPatch) -> None:
    """Whoever issues the stop is left out of it."""
    whole = SafetyDesk._stop_one

    def skipping(self: Any, pending: Any, robot: str, level: int, reason: str, by: str) -> None:
        drivers = [each.name for each in self._peers.values() if robot in each.robots]
        if by in drivers:
            pending.results[robot] = v1.StopResult(robot=robot, verdict=v1.STOP_VERDICT_STOPPED)
        else:
            whole(self, pending, robot, level, reason, by)

    patch.setattr(SafetyDesk, "_stop_one", skipping)


def deduplicate_by_latch(patch: pytest.MonkeyPatch) -> None:
    """Stopped is stopped: no new generation."""
    whole = StopLatch.raise_stop

    def once(self: StopLatch, level: int, *, reason: str, by: str) -> None:
        if not self.latched:
            whole(self, level, reason=reason, by=by)

    patch.setattr(StopLatch, "raise_stop", once)


def deduplicate_by_message(patch: pytest.MonkeyPatch) -> None:
    """A message id that was seen is a replay."""
    whole = SafetyDesk._stop
    seen: set[bytes] = set()

    def once(self: Any, peer: Any, header: v1.Header, body: v1.Stop) -> None:
        if header.message_id not in seen:
            seen.add(header.message_id)
            whole(self, peer, header, body)

    patch.setattr(SafetyDesk, "_stop", once)


def deduplicate_at_the_driver(patch: pytest.MonkeyPatch) -> None:
    """An order of the generation that is in force is a replay."""
    whole = MotionRules.stop_order

    def newer(self: Any, header: v1.Header, body: v1.StopOrder, now: float) -> None:
        latch = self._robots[body.robot].latch
        if not (latch.latched and body.stop.generation <= latch.generation):
            whole(self, header, body, now)

    patch.setattr(MotionRules, "stop_order", newer)


def believe_every_report(patch: pytest.MonkeyPatch) -> None:
    """A robot that has answered has stopped."""
    whole = SafetyDesk._report

    def ok(self: Any, order_id: bytes, result: v1.StopResult) -> None:
        whole(self, order_id, v1.StopResult(robot=result.robot, verdict=v1.STOP_VERDICT_STOPPED))

    patch.setattr(SafetyDesk, "_report", ok)


def count_what_was_sent(patch: pytest.MonkeyPatch) -> None:
    """A robot that was ordered to stop has stopped."""
    whole = SafetyDesk._settle

    def sent(self: Any) -> None:
        for pending in self._stops:
            for result in pending.results.values():
                if result.verdict == v1.STOP_VERDICT_STOPPING:
                    result.verdict = v1.STOP_VERDICT_STOPPED
        whole(self)

    patch.setattr(SafetyDesk, "_settle", sent)


def _ask_for_a_clock(patch: pytest.MonkeyPatch, name: str) -> None:
    whole = getattr(SafetyDesk, name)

    def punctual(self: Any, peer: Any, header: v1.Header, body: Any) -> None:
        if abs(header.sent_ns - self._now_ns) > 1_000_000_000:
            raise Violation(v1.CAUSE_NO_TIMESYNC, "the sender's clock is not synced")
        whole(self, peer, header, body)

    patch.setattr(SafetyDesk, name, punctual)


def ask_the_releaser_for_a_clock(patch: pytest.MonkeyPatch) -> None:
    """A release that was sent at an odd time is refused."""
    _ask_for_a_clock(patch, "_release")


def ask_the_stopper_for_a_clock(patch: pytest.MonkeyPatch) -> None:
    """A stop too."""
    _ask_for_a_clock(patch, "_stop")


def forget_the_generation(patch: pytest.MonkeyPatch) -> None:
    """Only the latch counts, not what was ordered before it."""

    def latched_only(self: StopLatch, generation: int, sent_ns: int = 0) -> None:
        if self.latched:
            raise Violation(v1.CAUSE_LATCHED, "stopped")

    patch.setattr(StopLatch, "check", latched_only)


def forget_the_latch(patch: pytest.MonkeyPatch) -> None:
    """Neither counts: whoever bypasses the hub's stop moves the robot."""
    patch.setattr(StopLatch, "check", lambda self, generation, sent_ns=0: None)


def forget_the_release(patch: pytest.MonkeyPatch) -> None:
    """When an order was given does not count, only under which generation."""
    whole = StopLatch.check
    patch.setattr(StopLatch, "check", lambda self, generation, sent_ns=0: whole(self, generation))


def accept_old_setpoints(patch: pytest.MonkeyPatch) -> None:
    """Each setpoint that comes is a new one."""
    whole = SetpointWatch.accept

    def fresh(self: SetpointWatch, component: str, name: str, **sample: Any) -> float:
        return whole(self, component, name, **sample | {"age_s": 0.0, "sent_ns": int(sample["now"] * 1e9)})

    patch.setattr(SetpointWatch, "accept", fresh)


def pass_old_setpoints_on(patch: pytest.MonkeyPatch) -> None:
    """The hub takes the time at which a setpoint came for the time at which it was sent."""
    whole = AuthorityDesk.setpoint

    def fresh(self: Any, peer: Any, header: v1.Header, frames: list[bytes]) -> None:
        header.sent_ns = self._site.now_ns
        whole(self, peer, header, frames)

    patch.setattr(AuthorityDesk, "setpoint", fresh)


def accept_old_setpoints_everywhere(patch: pytest.MonkeyPatch) -> None:
    """Neither hub nor driver minds."""
    accept_old_setpoints(patch)
    pass_old_setpoints_on(patch)


@pytest.mark.parametrize(
    ("scenario", "take_out"),
    [
        (scenarios.issuers_own_robot_is_stopped, skip_the_issuer),
        (scenarios.second_stop_is_a_stop, deduplicate_by_latch),
        (scenarios.second_stop_is_a_stop, deduplicate_by_message),
        (scenarios.second_stop_is_a_stop, deduplicate_at_the_driver),
        (scenarios.verdict_is_the_robots, believe_every_report),
        (scenarios.verdict_is_the_robots, count_what_was_sent),
        (scenarios.wrong_clock_stops_and_releases, ask_the_releaser_for_a_clock),
        (scenarios.wrong_clock_stops_and_releases, ask_the_stopper_for_a_clock),
        (scenarios.no_velocity_slips_past_a_stop, forget_the_generation),
        (scenarios.no_velocity_slips_past_a_stop, forget_the_latch),
        (scenarios.order_of_while_stopped_moves_nothing, forget_the_release),
        (scenarios.proxy_at_the_robot_hides_no_dead_app, accept_old_setpoints),
        (scenarios.proxy_at_the_app_hides_no_dead_app, accept_old_setpoints_everywhere),
        (scenarios.proxy_renews_no_lease, pass_old_setpoints_on),
    ],
    ids=lambda each: each.__name__,
)
def test_bug_is_found_without_the_rule(
    scenario: Scenario, take_out: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_out(monkeypatch)
    with pytest.raises(AssertionError) as found:
        scenario(world)
    assert "not within" not in str(found.value), "it hung instead of finding the bug"
