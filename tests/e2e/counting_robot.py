"""A robot that writes down each command it runs: `python -m tests.e2e.counting_robot HUB LEDGER`."""

from __future__ import annotations

import os
import sys

from robolink import v1
from robolink.robot import Base, Goal, Robot, command, goal


class Counter(Base):
    """Each run is one line in the ledger, written before the outcome is told."""

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger

    def _note(self, number: int) -> None:
        # One write to a file opened for appending: whole, whenever the process is killed.
        handle = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, f"{number}\n".encode())
        os.close(handle)

    @command(motion=False)
    def count(self, number: int) -> dict[str, int]:
        """Write the number down."""
        self._note(number)
        return {"number": number}

    @goal(max_duration_s=10)
    def walk(self, goal: Goal, number: int) -> dict[str, int]:
        """Write the number down, then take a little while."""
        self._note(number)
        for step in range(3):
            goal.feedback(progress=step / 3)
            goal.sleep(0.002)
        return {"number": number}

    def stop(self, level: v1.StopLevel) -> None:
        """Nothing moves."""

    def at_standstill(self) -> bool:
        return True


class CountingRobot(Robot):
    """Counts what it runs."""

    model = "counting-robot"
    counter = Counter(sys.argv[2] if len(sys.argv) > 2 else "/dev/null")


if __name__ == "__main__":
    CountingRobot("counter").run(sys.argv[1])
