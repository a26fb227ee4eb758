"""The scripted robot behind a driver: it answers every action of the session, as its test tells it to.

It has no rule of its own: if the session lets something through, it moves.
"""

from __future__ import annotations

from typing import Any

from robolink import v1
from robolink.core.values import to_value
from robolink.robot._actions import (
    Action,
    ApplySetpoint,
    ApplySetting,
    CancelCommand,
    Released,
    StartCommand,
    StopChanged,
    StopNow,
)
from tests.robot.rig import make_sheet

MAX_SPEED = "wheels.max_speed"
CALL_S = 0.01


class Rover:
    """One robot.

    Attributes:
        stop_verdict: What its stop comes to; None: it never answers.
        goal_s: How long a goal runs by itself; None: until the test ends it.
        cancel_s: How long it takes to end a cancelled command; None: never.
        refuses: A setting above this is rejected.
    """

    def __init__(self, driver: Any, name: str) -> None:
        self.driver = driver
        self.name = name
        self.sheet = make_sheet()
        self.velocity = 0.0
        self.until: float | None = None
        self.running: dict[bytes, StartCommand] = {}
        self.started: list[bytes] = []
        self.stops: list[StopNow] = []
        self.generation = 0
        self.latched = False
        self.max_speed = 0.5
        self.stop_verdict: v1.StopVerdict | None = v1.STOP_VERDICT_STOPPED
        self.stop_s = 0.03
        self.goal_s: float | None = None
        self.cancel_s: float | None = 0.02
        self.setting_s = 0.01
        self.refuses = 1.2

    @property
    def moving(self) -> bool:
        return self.velocity != 0 or any(each.motion for each in self.running.values())

    def power_off(self) -> None:
        """Its own watchdog stops it when the driver's process is gone."""
        self.velocity, self.until = 0.0, None
        self.running.clear()

    # From the session.

    def handle(self, action: Action) -> None:
        judge = self.driver.world.judge
        if isinstance(action, StartCommand):
            judge.starts(self, action)
            self._start(action)
        elif isinstance(action, CancelCommand):
            self._cancel(action)
        elif isinstance(action, ApplySetpoint):
            judge.applies(self, action)
            self.velocity, self.until = action.values[0], action.expires_at
        elif isinstance(action, ApplySetting):
            self.driver.later(self.setting_s, lambda: self._set(action))
        elif isinstance(action, StopNow):
            self._stop(action)
        elif isinstance(action, StopChanged):
            judge.driver_latch(self, action)
            self.generation, self.latched = action.generation, action.latched
        elif isinstance(action, Released):
            assert not self.moving, "it moved while it was stopped"

    def _start(self, action: StartCommand) -> None:
        self.started.append(action.id)
        self.running[action.id] = action
        if not action.goal:
            self.driver.later(CALL_S, lambda: self.finish(action.id))
        elif self.goal_s is not None:
            self.driver.later(self.goal_s, lambda: self.finish(action.id))

    def finish(self, command_id: bytes, state: v1.CommandState = v1.COMMAND_STATE_SUCCEEDED) -> None:
        """It ends by itself; once only."""
        if self.running.pop(command_id, None) is not None:
            self.driver.session.commands.finish(
                command_id, state, self.driver.now, cause=0, text="", result=b""
            )
            self.driver.flush()

    def feedback(self, command_id: bytes) -> None:
        body = v1.CommandFeedback(phase="going", progress=0.5)
        self.driver.session.commands.feedback(command_id, body, self.driver.now)
        self.driver.flush()

    def _cancel(self, action: CancelCommand) -> None:
        if action.ended:
            self.running.pop(action.id, None)
        elif self.cancel_s is not None:
            self.driver.later(self.cancel_s, lambda: self.finish(action.id, action.why))

    def _set(self, action: ApplySetting) -> None:
        if action.value > self.refuses:
            cause, text = v1.CAUSE_LIMIT, "too fast for these wheels"
        else:
            cause, text = 0, ""
            self.max_speed = action.value
        session = self.driver.session
        session.setting_done(self.name, action.name, action.version, cause, text, self.driver.now)

    def measure(self, distance: float) -> None:
        """It reports a reading."""
        now = self.driver.now
        values = {"wheels.distance": (to_value(distance), v1.QUALITY_GOOD, now)}
        self.driver.session.report(self.name, values, now)
        self.driver.flush()

    def _stop(self, action: StopNow) -> None:
        self.stops.append(action)
        if self.stop_verdict is not None:
            self.driver.later(self.stop_s, lambda: self._stopped(action))
        if self.stop_verdict == v1.STOP_VERDICT_STOPPED:
            self.power_off_motion()

    def power_off_motion(self) -> None:
        """Standstill, whatever ran."""
        self.velocity, self.until = 0.0, None
        for command_id in [each.id for each in self.running.values() if each.motion]:
            del self.running[command_id]

    def _stopped(self, action: StopNow) -> None:
        assert self.stop_verdict is not None
        measured = self.stop_s * 1e3 if self.stop_verdict == v1.STOP_VERDICT_STOPPED else None
        result = v1.StopResult(
            robot=self.name, verdict=self.stop_verdict, generation=action.generation, standstill_ms=measured
        )
        self.driver.session.motion.stop_done(action.order_id, result, self.driver.now)
