"""What must hold in the world whatever happens; asserted while it happens. The judge sees all and steers nothing.

It believes no verdict of the code under test that it can know by itself: who was granted what, what an app has sent
and when, what a robot was told to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from robolink import v1
from robolink.core.command import TERMINAL
from robolink.core.envelope import decode_body, decode_header
from robolink.core.lease import token_of
from robolink.hub.site import Send
from robolink.robot._actions import ApplySetpoint, StartCommand, StopChanged
from tests.world.network import MS, Frames

GRANTS = ("ACQUIRE", "TAKE", "REQUEST")
STEP = 1e-7


@dataclass(slots=True)
class Sent:
    """One setpoint as the app sent it."""

    client: Any
    session: Any
    robot: str
    number: int
    at_ns: int
    ttl_ms: int
    generation: int
    error_ns: int
    applied: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Grant:
    """One lease that the hub has granted."""

    robot: str
    component: str
    session_id: int
    ended: str = ""

    def overlaps(self, other: Grant) -> bool:
        same = self.component == other.component or "" in (self.component, other.component)
        return self.robot == other.robot and same


def name_of(state: int) -> str:
    return v1.CommandState.Name(state).removeprefix("COMMAND_STATE_")  # type: ignore[arg-type]


class Judge:
    """All that was seen in one world."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.sent: dict[float, Sent] = {}
        self.started: dict[bytes, str] = {}
        self.told: dict[bytes, v1.CommandUpdate] = {}
        self.grants: dict[tuple[int, int], Grant] = {}
        self.forwarded = 0
        self._requests: dict[bytes, tuple[v1.LeaseRequest, int]] = {}
        self._generations: dict[tuple[str, str], int] = {}
        self._versions: dict[tuple[str, str], tuple[int, int]] = {}
        self._newest: dict[tuple[int, str], tuple[tuple[int, int], int]] = {}

    # At the hub.

    def hub_hears(self, identity: bytes, frames: Frames) -> None:
        """A message comes in, before the broker has it."""
        header = v1.Header.FromString(frames[0])
        if header.body_type == v1.BODY_TYPE_LEASE_REQUEST:
            request = v1.LeaseRequest.FromString(frames[1])
            self._requests.setdefault(header.message_id, (request, header.session_id))

    def hub_turn(self, sends: list[Send], *, kept: bool) -> None:
        """The sends of a turn, in the order in which the broker decided; `kept`: with something journaled."""
        for _, frames, _ in sends:
            header = decode_header(frames[0])
            if header.body_type == v1.BODY_TYPE_SETPOINT:
                self._passed_on(header)
            elif header.body_type == v1.BODY_TYPE_COMMAND_UPDATE:
                self._told(v1.CommandUpdate.FromString(frames[1]))
            elif header.body_type in (v1.BODY_TYPE_LEASE_REPLY, v1.BODY_TYPE_LEASE_LOST):
                self._lease_news(header, decode_body(header, frames[1]))
        for robot, machine in self.world.hub.broker.site.machines.items():
            self._rises("hub", robot, machine.latch.generation)
        if kept:
            self._versions_rise()

    def _lease_news(self, header: v1.Header, body: Any) -> None:
        token = token_of(body.token)
        if isinstance(body, v1.LeaseLost):
            if token in self.grants:
                self.grants[token].ended = self.grants[token].ended or body.reason or "lost"
            return
        request, session_id = self._requests.get(header.correlation_id, (None, 0))
        if request is None or token == (0, 0):
            return
        action = v1.LeaseAction.Name(request.action).removeprefix("LEASE_ACTION_")
        if action == "RELEASE" and token in self.grants:
            self.grants[token].ended = "given back"
        elif action in GRANTS and token not in self.grants:
            new = Grant(request.robot, request.component, session_id)
            assert not self.grants or token > max(self.grants), "an older token was granted"
            for old in self.grants.values():
                if old.overlaps(new) and (old.session_id != session_id or old.component == new.component):
                    old.ended = old.ended or "granted anew"
            self.grants[token] = new

    def _passed_on(self, header: v1.Header) -> None:
        self.forwarded += 1
        grant = self.grants.get(token_of(header.lease))
        assert grant is not None, "a setpoint passed the hub without a lease"
        assert not grant.ended, f"a setpoint passed the hub under a lease that is over: {grant.ended}"
        assert grant.session_id == header.session_id, "a setpoint passed under another session's lease"

    def _told(self, update: v1.CommandUpdate) -> None:
        before = self.told.get(update.command_id)
        if before is not None and before.state in TERMINAL and before.state != v1.COMMAND_STATE_REJECTED:
            states = f"{name_of(before.state)}, then {name_of(update.state)}"
            assert update.state == before.state, f"the hub told two ends: {states}"
        if update.state != v1.COMMAND_STATE_UNSPECIFIED:
            self.told[update.command_id] = update

    def _versions_rise(self) -> None:
        for robot, machine in self.world.hub.broker.site.machines.items():
            for state in machine.twin.snapshot().properties:
                desired, observed = state.desired.version, state.observed.version
                assert observed <= desired, f"{robot}.{state.name}: observed {observed}, desired {desired}"
                before = self._versions.get((robot, state.name), (0, 0))
                assert before <= (desired, observed) and before[1] <= observed, f"{state.name} went back"
                self._versions[robot, state.name] = (desired, observed)

    def _rises(self, where: str, robot: str, generation: int) -> None:
        before = self._generations.get((where, robot), 0)
        assert generation >= before, f"{where}: stop generation of {robot} fell from {before} to {generation}"
        self._generations[where, robot] = generation

    def latch_kept(self, robot: str, state: v1.StopState) -> None:
        """The safety process writes that to its disk."""
        self._rises("safety", robot, state.generation)

    # At the robot.

    def driver_boots(self, driver: Any) -> None:
        """A new process: what it knew is gone."""
        for robot in driver.names:
            self._generations.pop((driver.name, robot), None)

    def driver_latch(self, rover: Any, action: StopChanged) -> None:
        self._rises(rover.driver.name, rover.name, action.generation)

    def starts(self, rover: Any, action: StartCommand) -> None:
        """A command begins at the robot."""
        what = f"{rover.name}: {action.method}"
        assert action.id not in self.started, f"{what} starts twice"
        self.started[action.id] = rover.name
        told = self.told.get(action.id)
        assert told or action.source.startswith("twin:"), f"{what} starts, and nobody was told of it"
        ended = told is not None and told.state in TERMINAL and told.state != v1.COMMAND_STATE_REJECTED
        assert not ended, f"{what} starts after the hub has told its end: {told}"
        if action.motion:
            assert not rover.latched, f"{what} starts while stopped"
            assert action.stop_generation >= rover.generation, f"{what} starts under an older generation"

    def new_setpoint(self, client: Any, robot: str, speed: float, ttl_ms: int) -> float:
        """The app is about to send one; its value, which is like no other's."""
        value = speed + len(self.sent) * STEP
        session = client.session
        self.sent[value] = Sent(
            client=client,
            session=session,
            robot=robot,
            number=len(self.sent),
            at_ns=self.world.now,
            ttl_ms=ttl_ms,
            generation=session.generation(robot),
            error_ns=session.clock.error_ns,
        )
        return value

    def applies(self, rover: Any, action: ApplySetpoint) -> None:
        """A setpoint reaches the robot's wheels."""
        if not any(action.values):
            assert action.expires_at is None
            return
        sent, now = self.sent[action.values[0]], self.world.now
        session_id = rover.driver.session_id
        assert sent.robot == rover.name, "a setpoint for another robot"
        assert session_id not in sent.applied, "the same setpoint moves the robot twice"
        sent.applied.add(session_id)
        assert not rover.latched, "a setpoint moves a stopped robot"
        assert sent.generation >= rover.generation, "a setpoint of an older stop generation moves it"
        age_ms = (now - sent.at_ns) / MS
        error_ms = (sent.error_ns + rover.driver.session._wire.clock.error_ns) / MS + 1
        assert age_ms <= sent.ttl_ms + error_ms, f"{age_ms} ms old, its ttl is {sent.ttl_ms} ms"
        assert action.expires_at is not None
        assert action.expires_at - rover.driver.now <= sent.ttl_ms / 1e3 + 1e-6
        left_ms = (action.expires_at - rover.driver.now) * 1e3
        assert age_ms + left_ms <= sent.ttl_ms + error_ms, "it moves on past the setpoint's ttl"

    # At any time.

    def check(self) -> None:
        """What holds between any two events."""
        for driver in self.world.drivers.values():
            if not driver.up:
                continue
            for rover in driver.rovers.values():
                if rover.velocity:
                    assert rover.until is not None and driver.now < rover.until + 1e-6, (
                        "no zeros at the ttl's end"
                    )
                    assert not rover.latched, "it is stopped and has a velocity"
                if rover.latched and rover.stop_verdict == v1.STOP_VERDICT_STOPPED:
                    assert not rover.moving, "it moves while it is stopped"
