"""The latched software stop (not safety rated) of one robot, and its generation.

Moving needs authority, stopping needs none: `raise_stop` never refuses. Nothing here moves or stops anything itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from robolink import v1
from robolink.core.violation import Violation

# A generation counts stops: one this high was never reached honestly, and one more must still fit its u32.
MAX_GENERATION: Final = 2**31
MAX_REASON: Final = 128
MAX_NAME: Final = 64


def known_level(level: int) -> int:
    """A level that this version knows: of a later minor's, or of nonsense, the nearest. A stop is never refused."""
    return min(max(level, v1.STOP_LEVEL_SOFT_HOLD), v1.STOP_LEVEL_CUT)


@dataclass(slots=True)
class StopLatch:
    """The stop state of one robot, kept by hub and driver alike.

    Attributes:
        generation: u32, +1 with each stop; a command admitted under an older one never runs, at any hop.
        latched: No motion until a release that names the newest generation.
        level: `v1.StopLevel` of the latch; the strongest since the last release.
        released_ns: Site time of the last release.
    """

    robot: str
    generation: int = 0
    latched: bool = False
    level: int = 0
    reason: str = ""
    stopped_by: str = ""
    released_by: str = ""
    released_ns: int = 0

    def raise_stop(self, level: int, *, reason: str, by: str) -> None:
        """Latch, with a new generation. A second stop is a stop of its own, never a replay to be dropped."""
        self.generation += 1
        level = known_level(level)
        self.level = max(self.level, level) if self.latched else level
        self.latched = True
        self.reason, self.stopped_by = reason[:MAX_REASON], by[:MAX_NAME]

    def release(self, generation: int, by: str = "", at_ns: int = 0) -> None:
        """End the latch; nothing moves by it.

        Raises:
            Violation: CONFLICT, `generation` is not the newest: somebody stopped the robot again.
        """
        self.check_release(generation)
        self.latched = False
        self.level = 0
        self.released_by, self.released_ns = by, at_ns

    def check_release(self, generation: int) -> None:
        """Whether a release may name that generation.

        Raises:
            Violation: CONFLICT, it is not the newest.
        """
        if generation != self.generation:
            raise Violation(
                v1.CAUSE_CONFLICT,
                f"{self.robot}: release names stop generation {generation}, the newest is {self.generation}",
                version=self.generation,
            )

    def check(self, generation: int, sent_ns: int = 0) -> None:
        """Whether motion that was ordered under `generation`, at that site time, may go on.

        A higher generation than ours passes: the sender has heard of a stop and its release before us, and the robot
        judges last.

        Raises:
            Violation: LATCHED.
        """
        if self.latched and generation <= self.generation:
            raise Violation(
                v1.CAUSE_LATCHED,
                f"{self.robot} is stopped (generation {self.generation}, by {self.stopped_by or 'unknown'}"
                f"{': ' + self.reason if self.reason else ''}); release it first",
            )
        if generation < self.generation:
            raise Violation(
                v1.CAUSE_LATCHED,
                f"{self.robot}: ordered under stop generation {generation}, now {self.generation}; "
                "it was stopped since: order anew",
            )
        if 0 < sent_ns <= self.released_ns:
            # On its way while the robot was stopped, and overtaken by the release.
            raise Violation(
                v1.CAUSE_LATCHED,
                f"{self.robot}: ordered while it was stopped; nothing moves by a release: order anew",
            )

    def merge(self, other: v1.StopState, now_ns: int | None = None) -> bool:
        """At a hello, at that site time: take the peer's state if its generation is larger; True if it was taken.

        Raises:
            Violation: INVALID, no robot was ever stopped that often.
        """
        if other.generation > MAX_GENERATION:
            raise Violation(
                v1.CAUSE_INVALID,
                f"{self.robot}: stop generation {other.generation} is not believable (over {MAX_GENERATION})",
            )
        if other.generation <= self.generation:
            return False
        self.load(other)
        # Of another boot of the hub's machine: its clock has begun anew since.
        if now_ns is not None and self.released_ns > now_ns:
            self.released_ns = 0
        return True

    def load(self, state: v1.StopState) -> None:
        """Take a state as it is."""
        self.generation, self.latched = state.generation, state.latched
        self.level = known_level(state.level) if state.latched else 0
        self.reason, self.stopped_by = state.reason[:MAX_REASON], state.stopped_by[:MAX_NAME]
        self.released_by, self.released_ns = state.released_by[:MAX_NAME], state.released_ns

    def state(self) -> v1.StopState:
        """As a message."""
        return v1.StopState(
            generation=self.generation,
            latched=self.latched,
            level=self.level,  # type: ignore[arg-type]
            reason=self.reason,
            stopped_by=self.stopped_by,
            released_by=self.released_by,
            released_ns=self.released_ns,
        )
