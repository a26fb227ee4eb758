"""Operations of the software stop (not safety rated): the wish for one, and taking it back.

Sans-IO. What a stop does is the hub's to decide; here it is written, and what is reported of it read.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Final

from robolink import v1
from robolink.channels import settle
from robolink.cloud._errors import HINTS, not_sendable
from robolink.cloud._operation import GIVE_UP_S, Now, Operation, unheard, unknown
from robolink.cloud._patch import Operations, writes
from robolink.cloud._view import STOP, STOP_GENERATION, SYNC, FleetView, Reported, cause_of
from robolink.errors import DeadlineExceededError, RejectedError, RobolinkError

STOP_NUDGE_S: Final = 1.0
LEVELS: Final = ("SOFT_HOLD", "STOP_THEN_CUT", "CUT")


class StopOperation(Operation):
    """A software stop, not safety rated, by the property `stop`.

    Attributes:
        done: Resolves with a StopResult once the robot's latch is reported.
        heard: The robot has.
    """

    nudge_min_s = STOP_NUDGE_S
    again = STOP

    def __init__(self, robot: str, level: v1.StopLevel, now: Now) -> None:
        """Nothing is written yet.

        Raises:
            LocalProtocolError: That is no level.
        """
        super().__init__(robot, now, GIVE_UP_S)
        self.done: Future[v1.StopResult] = Future()
        self.level = level
        names = {v1.StopLevel.Value(f"STOP_LEVEL_{name}"): name for name in LEVELS}
        if level not in names:
            raise not_sendable(robot, f"{level!r} is no level of a software stop", ", ".join(LEVELS))
        self._level = names[level]
        self.heard = False
        self._generation = -1
        # Without a `sync` edgecore tells nobody of a text that stands there already: it is taken back first.
        self._clearing = False

    def write(self, view: FleetView, now: Now) -> Operations | None:
        """Its level; whatever else is going on at this Device."""
        device, present = view.device(self.robot), view.desired(self.robot)
        if device is None or STOP not in present:
            raise unknown(view, self.robot, STOP)
        if self._generation < 0:
            self._generation = view.info(self.robot).authority.stop.generation
            self._clearing = present[STOP] == self._level and SYNC not in present
        self.note_refusal(view, STOP)
        text = "" if self._clearing else self._level
        return writes(device, {STOP: text} | self.next_sync(view))

    def mark_told(self, view: FleetView, now: Now) -> None:
        """Taken back: then the level follows in a patch of its own."""
        if self._clearing:
            self._clearing = False
            return
        super().mark_told(view, now)

    def follow(self, view: FleetView, now: Now) -> None:
        """Reported as latched at this level or a higher one; or refused at the edge, where nobody tries it again."""
        stop = view.info(self.robot).authority.stop
        if not stop.latched or _rank(stop.level) < LEVELS.index(self._level):
            error = self.refusal(view, STOP) if view.desired(self.robot).get(STOP) == self._level else ""
            if error:
                self.fail(_refused(self.robot, error))
            return
        # Each property comes up in a patch of its own: level and echo may be there before the generation is.
        waits = STOP_GENERATION in view.properties(self.robot) or not self._arrived(view)
        if stop.generation == self._generation and waits:
            return
        self.over = self.heard = True
        settle(
            self.done,
            v1.StopResult(robot=self.robot, verdict=v1.STOP_VERDICT_STOPPING, generation=stop.generation),
        )

    def _arrived(self, view: FleetView) -> bool:
        return (
            self.edge_has_it(view) or view.reported(self.robot).get(STOP, Reported()).observed == self._level
        )

    def give_up(self) -> None:
        """Nobody at the edge has said that it stopped."""
        self.fail(DeadlineExceededError(unheard(self.robot, STOP), robot=self.robot))

    def fail(self, error: RobolinkError) -> None:
        """It may still arrive: what is written stays written."""
        self.over = True
        settle(self.done, error=error)


class ClearStop(Operation):
    """Takes back the wish for a stop that has been heard: a mapper restarted after the release would repeat it."""

    def __init__(self, robot: str, level: v1.StopLevel, now: Now) -> None:
        """Nothing is written yet."""
        super().__init__(robot, now, GIVE_UP_S)
        self._level = v1.StopLevel.Name(level).removeprefix("STOP_LEVEL_")

    def write(self, view: FleetView, now: Now) -> Operations | None:
        """Only what we wrote: a higher level that somebody wishes stays."""
        device = view.device(self.robot)
        if device is None or view.desired(self.robot).get(STOP) != self._level:
            self.over = True
            return None
        return writes(device, {STOP: ""}, exact=(STOP,))

    def follow(self, view: FleetView, now: Now) -> None:
        """Nothing to wait for."""
        self.over = True


def _refused(robot: str, error: str) -> RejectedError:
    cause = cause_of(error)
    text = f"{robot}: the edge refuses the stop: {error}"
    return RejectedError(text, robot=robot, cause=cause, hint=HINTS.get(cause, ""))


def _rank(level: v1.StopLevel) -> int:
    name = v1.StopLevel.Name(level).removeprefix("STOP_LEVEL_")
    return LEVELS.index(name) if name in LEVELS else -1
