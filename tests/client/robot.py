"""A robot for client tests: `python -m tests.client.robot HUB`."""

from __future__ import annotations

import sys
from typing import Annotated

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink.robot import Arg, Base, Goal, Reading, Robot, Setting, Stream, command, goal, setpoint


class Legs(Base):
    """Walks on the spot."""

    limit = Setting(0.5, unit="m/s", minimum=0.0, maximum=2.0)
    steps = Reading(0)
    pace = Stream("Values", rate_hz=50)

    @setpoint(ttl_s=0.3)
    def velocity(self, x: Annotated[float, Arg("m/s", -1, 1)]) -> None:
        """Publish what was heard."""
        sample = v1.Values(values=[v1.NamedValue(name="x", value=v1.Value(double_value=x))])
        self.pace.publish(sample)

    @goal(max_duration_s=60)
    def walk(self, goal: Goal, steps: int = 5) -> dict[str, int]:
        """Walk so many steps."""
        for step in range(steps):
            self.steps = step + 1
            goal.feedback(phase="walking", progress=(step + 1) / steps)
            goal.sleep(0.02)
        return {"steps": steps}

    @command(motion=False)
    def echo(self, text: str) -> dict[str, str]:
        """Say it again."""
        return {"text": text}

    @command(motion=False)
    def stumble(self) -> None:
        """Fail."""
        raise ValueError("a stone")

    def on_limit(self, value: float) -> None:
        """Refuses 1.5."""
        if value == 1.5:
            raise SettingRejectedError("not 1.5", cause=v1.CAUSE_LIMIT)

    def stop(self, level: v1.StopLevel) -> None:
        """The goal is ended by the SDK."""

    def at_standstill(self) -> bool:
        return True


class Walker(Robot):
    """For client tests."""

    legs = Legs()


if __name__ == "__main__":
    Walker("walker-1").run(sys.argv[1])
