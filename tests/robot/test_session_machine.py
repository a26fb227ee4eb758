"""The driver's session under any order of events: what must never happen does not, whatever the hub and handler do."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from robolink import v1
from robolink.core.command import TERMINAL
from robolink.robot._actions import ApplySetpoint, StartCommand
from robolink.transports.lanes import Lane
from tests.robot.rig import ROBOT, Rig

ENDS = st.sampled_from(
    [v1.COMMAND_STATE_SUCCEEDED, v1.COMMAND_STATE_FAILED, v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_STOPPED]
)
METHODS = st.sampled_from(["wheels.go", "wheels.nudge", "wheels.reset"])


class DriverMachine(RuleBasedStateMachine):
    """Hub, handler and time play in any order; the model keeps what the driver must believe."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig()
        self.rig.connect()
        self.generation = 0
        self.latched = False
        self.ids: list[bytes] = []
        self.frames: dict[bytes, tuple[str, dict[str, Any]]] = {}
        self.started: dict[bytes, StartCommand] = {}
        self.ends: dict[bytes, v1.CommandUpdate] = {}
        self.acked: set[bytes] = set()
        # Monotonic s by which the wheels must have been told to stand still; None: they stand.
        self.moves_until: float | None = None

    # The hub.

    @rule(method=METHODS, behind=st.integers(0, 1), preempt=st.booleans(), late=st.booleans())
    def command(self, method: str, behind: int, preempt: bool, late: bool) -> None:
        generation = max(0, self.generation - behind)
        sent_ns = self.rig.site_ns() - (6_000_000_000 if late else 0)
        options = {"generation": generation, "preempt": preempt, "sent_ns": sent_ns}
        command_id = self.rig.command(method, **options)
        self.ids.append(command_id)
        self.frames[command_id] = (method, options)
        for start in self._collect():
            assert start.id == command_id
            assert not late
            if start.motion:
                assert not self.latched, "started while latched"
                assert generation == self.generation, "started under an older generation"

    @rule(data=st.data())
    @precondition(lambda self: self.ids)
    def resend(self, data: st.DataObject) -> None:
        command_id = data.draw(st.sampled_from(self.ids))
        method, options = self.frames[command_id]
        self.rig.command(method, message_id=command_id, **options)
        assert not self._collect(), "a command id started twice"

    @rule()
    def command_of_a_former_hub(self) -> None:
        self.rig.sender.session_id = 1
        self.rig.command("wheels.reset")
        self.rig.sender.session_id = self.rig.hub_session
        assert not self._collect()

    @rule(data=st.data(), preempted=st.booleans())
    @precondition(lambda self: self.ids)
    def cancel(self, data: st.DataObject, preempted: bool) -> None:
        end_state = v1.COMMAND_STATE_PREEMPTED if preempted else v1.COMMAND_STATE_UNSPECIFIED
        self.rig.cancel(data.draw(st.sampled_from(self.ids)), end_state)
        self._collect()

    @rule(data=st.data())
    @precondition(lambda self: self.ends)
    def ack(self, data: st.DataObject) -> None:
        command_id = data.draw(st.sampled_from(list(self.ends)))
        self.rig.ack(command_id)
        self.acked.add(command_id)

    @rule(again=st.booleans())
    def stop(self, again: bool) -> None:
        if not again or not self.generation:
            self.generation += 1
        self.latched = True
        self.rig.stop(self.generation)
        assert not self._collect()
        self._must_stand()

    @rule(behind=st.integers(0, 1))
    def release(self, behind: int) -> None:
        generation = self.generation - behind
        if generation < 0:
            return
        was_latched = self.latched
        if behind == 0:
            self.latched = False
            self.rig.release(generation)
        else:
            self.rig.to(Lane.SAFETY, v1.ReleaseOrder(robot=ROBOT, generation=generation))
        assert not self._collect(), "something moved by a release"
        if was_latched:
            assert self.moves_until is None, "a release set off a setpoint of before"

    @rule(speed=st.floats(-3, 3), behind=st.integers(0, 1), sequence=st.integers(1, 3))
    def setpoint(self, speed: float, behind: int, sequence: int) -> None:
        generation = max(0, self.generation - behind)
        self.rig.setpoint(speed, 0.0, generation=generation, lease=(1, sequence))
        before = self.moves_until
        self._collect()
        if self.moves_until != before:
            assert not self.latched
            assert generation == self.generation

    # The handler.

    @rule(data=st.data(), state=ENDS)
    @precondition(lambda self: self.started)
    def finish(self, data: st.DataObject, state: v1.CommandState) -> None:
        self.rig.finish(data.draw(st.sampled_from(list(self.started))), state)
        self._collect()

    # Time and losses.

    @rule(seconds=st.sampled_from([0.05, 0.3, 0.6, 6.0]))
    def wait(self, seconds: float) -> None:
        self.rig.advance(seconds)
        assert not self._collect(), "time alone started something"
        self._must_stand()

    @rule(seconds=st.sampled_from([1.6, 3.5]), new_hub=st.booleans())
    def hub_away(self, seconds: float, new_hub: bool) -> None:
        self.rig.advance(seconds, beats=False)
        assert not self._collect()
        assert self.moves_until is None, "moving without a hub"
        if new_hub:
            self.rig.hub_session += 1
            self.rig.sender.session_id = self.rig.hub_session
        self.rig.advance(0.6, beats=False)
        self.rig.answer_hello(Lane.SAFETY)
        self.rig.advance(0.1)
        hello = self.rig.answer_hello(Lane.CONTROL)
        missing = set(self.started) - self.acked - set(hello.live_command_ids)
        assert not missing, "the hub would not learn how these ended"
        assert not self._collect(), "something moved because the hub came back"

    # What is always true.

    def _collect(self) -> list[StartCommand]:
        """Take in what the session did; the commands that it started."""
        starts = self.rig.take(StartCommand)
        for start in starts:
            assert start.id not in self.started, "a command id started twice"
            self.started[start.id] = start
        for action in self.rig.take(ApplySetpoint):
            assert all(abs(value) <= limit for value, limit in zip(action.values, (1, 2), strict=True))
            if action.expires_at is None:
                assert not any(action.values)
            self.moves_until = action.expires_at
        for update in self.rig.take_sent(v1.CommandUpdate):
            if update.state in TERMINAL:
                first = self.ends.setdefault(update.command_id, update)
                assert (first.state, first.text) == (update.state, update.text), "a second, other end"
            else:
                assert update.command_id not in self.ends, "a state after the end"
        return starts

    def _must_stand(self) -> None:
        if self.moves_until is not None:
            assert not self.latched, "a setpoint outlived a stop"
            assert self.rig.now < self.moves_until, "a setpoint outlived its TTL"

    @invariant()
    def stopped_motion_has_ended(self) -> None:
        if self.latched:
            live = self.rig.session.commands.ledger.live(ROBOT)
            assert not [each for each in live if each.motion]

    def teardown(self) -> None:
        """Whatever happened: each started command ends once, and is told until the hub has it."""
        for command_id in self.started:
            self.rig.finish(command_id)
        self.rig.advance(0.6)
        self._collect()
        assert set(self.started) <= set(self.ends)
        self.rig.advance(0.6)
        again = {each.command_id for each in self.rig.take_sent(v1.CommandUpdate)}
        assert again == set(self.ends) - self.acked
        for command_id in again:
            self.rig.ack(command_id)
        self.rig.advance(1.0)
        assert not self.rig.take_sent(v1.CommandUpdate)


DriverMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestDriverMachine = DriverMachine.TestCase
