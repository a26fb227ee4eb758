"""A robot that writes down each command it runs: `python -m tests.bridges.kubeedge.cloud_robot HUB LEDGER`."""

from __future__ import annotations

import sys
from pathlib import Path

from robolink import v1
from robolink.errors import SettingRejectedError
from robolink.robot import Base, Goal, Robot, Setting, command, goal


class Walker(Base):
    """One line in the ledger for each run, before the outcome is told."""

    limit = Setting(0.5, minimum=0.0, maximum=2.0)
    note = Setting("")

    def __init__(self, ledger: str) -> None:
        self.ledger = Path(ledger)

    def _note(self, number: int) -> None:
        with self.ledger.open("a") as file:
            file.write(f"{number}\n")

    @command(motion=False)
    def count(self, number: int) -> None:
        """Write the number down."""
        self._note(number)

    @goal(max_duration_s=30)
    def walk(self, goal: Goal, number: int, seconds: float = 0.2) -> None:
        """Write the number down, then walk for a while."""
        self._note(number)
        for step in range(max(1, int(seconds / 0.02))):
            goal.feedback(progress=step * 0.02 / seconds)
            goal.sleep(0.02)

    def on_limit(self, value: float) -> None:
        """It cannot do 1.5, whatever its sheet says."""
        if value == 1.5:
            raise SettingRejectedError("not 1.5", cause=v1.CAUSE_LIMIT)

    def stop(self, level: v1.StopLevel) -> None:
        """The goal is ended by the SDK."""

    def at_standstill(self) -> bool:
        return True


class CloudRobot(Robot):
    """Commanded from a cloud."""

    model = "cloud-robot"
    walker = Walker(sys.argv[2] if len(sys.argv) > 2 else "/dev/null")


if __name__ == "__main__":
    CloudRobot("walker-1").run(sys.argv[1])
