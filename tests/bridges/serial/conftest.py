"""A hub, a board on real MicroPython and a bridge, each a process of its own; and the board's own words."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import termios
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.client import Hub, RobotHandle
from robolink.errors import RejectedError
from robolink_sims.board import BoardSim, firmware_folder
from tests.conftest import HubProcess, wait_for

ROLES = (v1.ROLE_OPERATE, v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)
BOARD = "board-1"
# Behind the firmware's own lines: the motor tells its measured speed on the console, with nobody's help.
WITNESS = """
from robolink_board import motor
from robolink_board.ticks import ticks_ms


class Witness(motor.Motor):
    told = 0

    def step(self, ms):
        super().step(ms)
        self.told += 1
        if self.told % 5 == 0:
            print("speed %d %.3f" % (ticks_ms(), self.hardware.speed()))


motor.Motor = Witness
"""


class Bridge:
    """`robolink serial bridge` in a process of its own."""

    def __init__(self, port: str, hub: str, log: Path) -> None:
        self.port, self.hub, self.log = port, hub, log
        self.process: subprocess.Popen[bytes] | None = None
        self.more: list[str] = []

    def start(self) -> None:
        program = Path(sysconfig.get_path("scripts")) / "robolink"
        arguments = ["serial", "bridge", "--port", self.port, "--robot", BOARD, "--hub", self.hub, "-v"]
        arguments += self.more
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, program, *arguments], stdout=log, stderr=log)

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(10)


def turned(robot: RobotHandle, position: float = 0.3) -> bool:
    """Whether a goal succeeds now; under the caller's lease."""
    try:
        return robot.goal("motor.turn_to", position=position).wait(20).state == v1.COMMAND_STATE_SUCCEEDED
    except RejectedError:
        return False


def wait_turned(robot: RobotHandle, position: float = 0.3, what: str = "a goal that succeeds") -> None:
    """Until one has: where this machine stalls for 0.2 s, the board's own watchdog ends a goal, and rightly so."""
    wait_for(lambda: turned(robot, position), 60, what)


class Bench:
    """All of it, and what tests ask of it."""

    def __init__(self, hub: HubProcess, board: BoardSim, folder: Path) -> None:
        self.hub_process, self.board = hub, board
        self.bridge = Bridge(board.port, hub.url, folder / "bridge.log")
        self.hub: Hub = robolink.connect(hub.url, name="test", roles=ROLES)
        self.robot = self.hub.robot(BOARD)

    def online(self) -> bool:
        return any(each.robot == BOARD and each.online for each in self.hub.robots())

    def wait_online(self) -> None:
        wait_for(self.online, 20, "the board at the hub")

    def reading(self, name: str) -> float | None:
        reported = self.robot.twin.get(name)[name].reported
        known = reported.HasField("value") and reported.quality == v1.QUALITY_GOOD
        return reported.value.double_value if known else None

    def wait_moving(self) -> None:
        wait_for(lambda: abs(self.reading("motor.speed") or 0.0) > 1.0, 10, "motion")

    def wait_still(self) -> None:
        wait_for(lambda: self.reading("motor.speed") == 0.0, 10, "standstill")

    def close(self) -> None:
        self.hub.close()
        if self.bridge.process is not None:
            self.bridge.stop(signal.SIGKILL)
        self.board.close()


class Console:
    """Only reads the port: no frame, no HELLO, nothing that could move or stop a board."""

    def __init__(self, port: str) -> None:
        self._fd = os.open(port, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self._fd)
        termios.tcflush(self._fd, termios.TCIFLUSH)
        self._seen = b""

    def speeds(self) -> list[tuple[int, float]]:
        """(board's ms, rad/s) told so far."""
        try:
            self._seen += os.read(self._fd, 65536)
        except BlockingIOError:
            pass
        return [
            (int(at), float(speed)) for at, speed in re.findall(rb"speed (\d+) (-?[\d.]+)\r?\n", self._seen)
        ]

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def board() -> Iterator[BoardSim]:
    with BoardSim() as made:
        yield made


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[BoardSim]:
    """A board whose motor tells its speed as text between the frames."""
    program = tmp_path / "program"
    shutil.copytree(firmware_folder(), program)
    main = (program / "main.py").read_text()
    before, found, after = main.partition("\nboard = ")
    (program / "main.py").write_text(before + WITNESS + found + after)
    with BoardSim(program) as made:
        yield made


@pytest.fixture
def bench(hub: HubProcess, board: BoardSim, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(hub, board, tmp_path)
    try:
        made.bridge.start()
        made.wait_online()
        yield made
    finally:
        made.close()


@pytest.fixture
def witness_bench(hub: HubProcess, witness: BoardSim, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(hub, witness, tmp_path)
    try:
        made.bridge.start()
        made.wait_online()
        yield made
    finally:
        made.close()
