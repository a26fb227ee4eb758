"""The robot of the sweep: it notes each execution with the order that caused it, each stop, each setting.

`python -m tests.e2e.sweep.walker HUB HISTORY`. It is an ordinary robot on the vendor SDK.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink.robot import Component, Goal, GoalEnded, Order, Robot, Setting, StopOutcome, command, goal
from tests.e2e.sweep.history import History
from tests.e2e.sweep.plan import REFUSED_GAIN, ROBOT

STEP_S = 0.01


class Part(Component):
    """Something that moves while `push` or `walk` runs."""

    gain = Setting(0.0, minimum=0.0, maximum=1e9)
    history: History

    def start(self) -> None:
        self._lock = threading.Lock()
        self._moving = 0

    def on_gain(self, value: float) -> None:
        """Noted before it counts, refused or not."""
        self.history.note("apply", name=f"{self.name}.gain", value=value)
        if value >= REFUSED_GAIN:
            raise SettingRejectedError(f"a gain of {value} is too much", cause=v1.CAUSE_LIMIT)

    @command(motion=False)
    def count(self, number: int, ms: int) -> dict[str, int]:
        time.sleep(ms / 1e3)
        return {"number": number}

    @goal(max_duration_s=10, motion=False)
    def think(self, goal: Goal, number: int, ms: int) -> dict[str, int]:
        goal.sleep(ms / 1e3)
        return {"number": number}

    @command
    def push(self, number: int, ms: int) -> dict[str, int]:
        with Moving(self):
            time.sleep(ms / 1e3)
        return {"number": number}

    @goal(max_duration_s=10)
    def walk(self, goal: Goal, number: int, ms: int) -> dict[str, int]:
        until = time.monotonic() + ms / 1e3
        with Moving(self):
            while time.monotonic() < until:
                goal.feedback(progress=0.5)
                goal.sleep(STEP_S)
        return {"number": number}

    def stop(self, level: v1.StopLevel) -> None:
        """What moves, ends by GoalEnded or within its few milliseconds."""

    def at_standstill(self) -> bool:
        return self._moving == 0


class Moving:
    """While it is entered its part moves."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __enter__(self) -> None:
        with self._part._lock:
            self._part._moving += 1

    def __exit__(self, *_: object) -> None:
        with self._part._lock:
            self._part._moving -= 1


class Walker(Robot):
    """Notes what it does."""

    model = "walker"
    legs = Part()
    arm = Part()

    def __init__(self, history: History) -> None:
        super().__init__(ROBOT)
        self.history = history
        for part in self.components.values():
            assert isinstance(part, Part)
            part.history = history

    def _function(self, order: Order) -> Any:
        return self._noted(order, super()._function(order))

    def _noted(self, order: Order, run: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any, **named: Any) -> Any:
            self.history.note(
                "begin",
                id=order.id.hex(),
                method=order.method,
                number=order.args["number"],
                motion=order.motion,
                gen=order.stop_generation,
                lease=[order.lease_epoch, order.lease_sequence],
                source=order.source,
            )
            how = "failed"
            try:
                result = run(*args, **named)
                how = "done"
                return result
            except GoalEnded:
                how = "ended"
                raise
            finally:
                self.history.note("end", id=order.id.hex(), how=how)

        return noted

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        self.history.note("stopping", gen=generation)
        return super().on_stop(level, generation)

    def on_release(self, generation: int) -> None:
        self.history.note("released", gen=generation)


def main(arguments: list[str]) -> None:
    """Serve it until killed."""
    hub, path = arguments
    history = History(Path(path), "driver")
    history.note("up")
    Walker(history).run(hub)


if __name__ == "__main__":
    main(sys.argv[1:])
