"""All operations of one fleet over one view of it: which patches go now, and what answers and news do to whom.

Sans-IO: the threads of `_core.py` carry patches out and news in.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from robolink.cloud._operation import Now, Operation
from robolink.cloud._operations import CommandOperation
from robolink.cloud._patch import Operations
from robolink.cloud._stops import ClearStop, StopOperation
from robolink.cloud._view import FleetView
from robolink.cloud._watch import Change, Document
from robolink.errors import LocalProtocolError, RobolinkError

log = logging.getLogger(__name__)

MAX_OPERATIONS: Final = 10_000


class Patch(NamedTuple):
    """One write; `urgent` ones do not wait behind others."""

    operation: Operation
    writes: Operations
    urgent: bool


class Engine:
    """Operations by robot, in the order in which they were asked for.

    Args:
        view: The objects.

    Attributes:
        counters: Patches, conflicts, failures, what was given up.
    """

    def __init__(self, view: FleetView) -> None:
        """Nothing to do."""
        self.view = view
        self.counters: Counter[str] = Counter()
        self._operations: dict[str, list[Operation]] = {}
        # Robots to look at: there is news of them, or somebody has asked for something.
        self._due: set[str] = set()

    def add(self, operation: Operation) -> None:
        """Something is asked for.

        Raises:
            LocalProtocolError: Too much is open.
        """
        if sum(map(len, self._operations.values())) >= MAX_OPERATIONS:
            raise LocalProtocolError(
                f"{MAX_OPERATIONS} operations are open", hint="is the edge away? await what was asked for"
            )
        self._operations.setdefault(operation.robot, []).append(operation)
        self._due.add(operation.robot)

    def news(self, resource: str, change: Change) -> set[str]:
        """A change of the objects; the robots that it is about."""
        robots = self.view.apply(resource, change)
        self._due |= robots
        return robots

    def step(self, now: Now) -> list[Patch]:
        """What to write now, stops first. Each must come back by `answered`."""
        due = self._due | {robot for robot, at in self._timers() if at <= now.s}
        self._due = set()
        patches = [
            patch for robot in sorted(due & self._operations.keys()) for patch in self._robot(robot, now)
        ]
        return sorted(patches, key=lambda patch: not patch.urgent)

    def _in_turn(self, robot: str) -> Iterator[tuple[Operation, bool]]:
        """Operations, and whether it is their turn: of the commands that are still to be written only the first's."""
        first = True
        for operation in list(self._operations[robot]):
            unwritten = isinstance(operation, CommandOperation) and not operation.told
            yield operation, first or not unwritten
            first = first and not (unwritten and not operation.over)

    def _robot(self, robot: str, now: Now) -> list[Patch]:
        patches = []
        for operation, turn in self._in_turn(robot):
            made = None
            try:
                if turn:
                    made = operation.step(self.view, now)
                elif isinstance(operation, CommandOperation):
                    operation.check_place(now)
            except RobolinkError as exc:
                self._fail(operation, exc)
            except Exception as exc:  # noqa: BLE001  # logged, and handed to who waits
                # Whoever waits for this one must hear of it, and nobody else of it.
                self._fail(operation, self._unforeseen(operation, exc))
            if made is not None:
                self.counters["patches"] += 1
                patches.append(Patch(operation, made, isinstance(operation, StopOperation)))
        self._sweep(robot, now)
        return patches

    def _sweep(self, robot: str, now: Now) -> None:
        for each in self._operations[robot]:
            if isinstance(each, StopOperation) and each.heard:
                self._operations[robot].append(ClearStop(robot, each.level, now))
                self._due.add(robot)
        left = [each for each in self._operations[robot] if not each.over]
        if left:
            self._operations[robot] = left
        else:
            del self._operations[robot]

    def _unforeseen(self, operation: Operation, exc: Exception) -> RobolinkError:
        log.error("%s: an operation failed in an unforeseen way", operation.robot, exc_info=exc)
        self.counters["unforeseen"] += 1
        return RobolinkError(f"{operation.robot}: this failed in an unforeseen way: {exc!r}")

    def _fail(self, operation: Operation, error: RobolinkError) -> None:
        self.counters["failed"] += 1
        operation.fail(error)

    def answered(self, patch: Patch, answer: Document | RobolinkError, now: Now) -> bool:
        """What became of a patch; True if its Device should be read and given to `fetched`."""
        operation = patch.operation
        self._due.add(operation.robot)
        if not isinstance(answer, RobolinkError):
            try:
                self.view.answered(answer)
                operation.generation = int(answer["metadata"].get("generation") or 0)
                operation.written(self.view, now)
            except Exception as exc:  # noqa: BLE001  # logged, and handed to who waits
                self._fail(operation, self._unforeseen(operation, exc))
            return False
        error = operation.failed(answer, now)
        if error is not None:
            self._fail(operation, error)
        elif operation.stale:
            self.counters["conflicts"] += 1
        else:
            self.counters["repeated"] += 1
        return operation.stale and not operation.over

    def fetched(self, patch: Patch, answer: Document | RobolinkError) -> None:
        """The Device after a conflict."""
        operation = patch.operation
        self._due.add(operation.robot)
        if isinstance(answer, RobolinkError):
            operation.stale = False  # The next try meets the same conflict, and reads again.
            return
        error: RobolinkError | None
        try:
            self.view.answered(answer)
            error = operation.fresh(self.view)
        except Exception as exc:  # noqa: BLE001  # logged, and handed to who waits
            error = self._unforeseen(operation, exc)
        if error is not None:
            self._fail(operation, error)

    def _timers(self) -> list[tuple[str, float]]:
        return [
            (robot, at)
            for robot in self._operations
            for operation, turn in self._in_turn(robot)
            if (at := operation.wake() if turn else operation.until_s) is not None
        ]

    def next_timer(self) -> float | None:
        """When to step without news; None: only with news. Now, if something is due."""
        if self._due & self._operations.keys():
            return 0.0
        return min((at for _, at in self._timers()), default=None)

    def close(self, error: RobolinkError) -> None:
        """Nobody is heard any more."""
        for operation in [each for listed in self._operations.values() for each in listed]:
            operation.fail(error)
        self._operations.clear()
