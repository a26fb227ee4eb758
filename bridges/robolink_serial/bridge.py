"""The bridge as a driver: one connection to a hub, a board on each of many ports, plugged in and out as it happens.

Each board has a line, a thread and a robot of its own (board.py); what one of them does disturbs no other.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterable, Mapping
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from robolink.errors import ConfigError
from robolink.robot import Driver
from robolink_serial.board import BoardAt, ServedBoard
from robolink_serial.port import PortError
from robolink_serial.ports import FoundPort, Lister, PortList, list_serial_ports
from robolink_serial.udev import VENDORS

log = logging.getLogger(__name__)

PLUGGED_LOOK_S: Final = 0.5
MAX_BOARDS: Final = 64
MAX_ROBOT_ID: Final = 63


class SerialBridge:
    """Serves boards as robots; a context manager.

    Args:
        boards: Those that are known by name.
        hub: As Driver's.
        plugged: If not empty, every other board that is plugged in is served too, as `plugged`-SERIAL.
        trusted: Public keys of those whose images update boards; without any, no board is updated.
        lister: Says which ports there are.

    Attributes:
        driver: The connection to the hub.

    Raises:
        ConfigError: Two boards of one name or in one place, too many, or none.
    """

    def __init__(
        self,
        boards: Iterable[BoardAt],
        hub: str | None = None,
        *,
        plugged: str = "",
        trusted: Mapping[str, Ed25519PublicKey] | None = None,
        lister: Lister = list_serial_ports,
    ) -> None:
        boards = list(boards)
        for what, all_of_it in (
            ("two boards have the name", [each.robot for each in boards]),
            ("two robots are on", [each.where for each in boards]),
        ):
            for word in {each for each in all_of_it if all_of_it.count(each) > 1}:
                raise ConfigError(f"{what} {word}", hint="one board is one robot")
        if len(boards) > MAX_BOARDS:
            raise ConfigError(
                f"{len(boards)} boards, the limit is {MAX_BOARDS}", hint="start a second bridge"
            )
        if not boards and not plugged:
            raise ConfigError("no board to serve", hint="name one, or serve whatever is plugged in")
        name = boards[0].robot if len(boards) == 1 else plugged or f"{len(boards)}-boards"
        self.driver = Driver(hub, name=f"serial-{name}")
        self._plugged, self._trusted = plugged, trusted
        self._ports = PortList(lister)
        self._changing = threading.Lock()
        self._boards = {each.robot: self._made(each) for each in boards}
        self._refused: set[str] = set()
        self._ending = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="serial ports", daemon=True)

    def _made(self, at: BoardAt) -> ServedBoard:
        return ServedBoard(
            at,
            self.driver,
            self._changing,
            lambda: at.port or self._ports.path_of(at.serial),
            trusted=self._trusted,
        )

    @property
    def boards(self) -> dict[str, ServedBoard]:
        """By the robot's id, those that are plugged out too."""
        with self._changing:
            return dict(self._boards)

    def start(self) -> None:
        """Open the ports and connect; a robot is shown once its board has described itself.

        Raises:
            PortError: The only board's port is busy or cannot be opened.
        """
        boards = list(self.boards.values())
        if len(boards) == 1 and not self._plugged:
            # The one who typed it stands before the board; of many, those that are missing are waited for.
            boards[0].line.open()
        for board in boards:
            board.line.start()
        self.driver.start()
        if self._plugged:
            self._watcher.start()

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            RobolinkError: The only port cannot be opened, or the hub refuses this driver.
        """
        self.start()
        try:
            self.driver.run()
        finally:
            self.close()

    def close(self) -> None:
        """End what runs, give the ports back."""
        self._ending.set()
        if self._watcher.is_alive():
            self._watcher.join(2.0)
        self.driver.close()
        for board in self.boards.values():
            board.line.close()

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def counters(self) -> dict[str, int]:
        """The driver's, and each board's as ROBOT/NAME."""
        each = ((robot, board.counters.items()) for robot, board in self.boards.items())
        return self.driver.counters | {f"{robot}/{name}": n for robot, items in each for name, n in items}

    # Boards that are plugged in.

    def _watch(self) -> None:
        while not self._ending.wait(PLUGGED_LOOK_S):
            try:
                self.look()
            except PortError as exc:
                if str(exc) not in self._refused:
                    self._refused.add(str(exc))
                    log.warning("%s", exc)

    def look(self) -> None:
        """Serve what has been plugged in since the last look; what was plugged out is waited for by its line."""
        known = self.boards.values()
        serials = {each.at.serial for each in known}
        paths = {os.path.realpath(each.at.port) for each in known if each.at.port}
        for port in self._ports.now():
            if port.serial and port.serial not in serials and os.path.realpath(port.path) not in paths:
                serials.add(port.serial)
                self._plug(port)

    def _plug(self, port: FoundPort) -> None:
        if port.vendor and port.vendor not in VENDORS:
            self._refuse(
                port, "its USB vendor makes no boards that are known here; serve it by its serial number"
            )
            return
        robot = plugged_id(self._plugged, port.serial)
        with self._changing:
            if len(self._boards) >= MAX_BOARDS or robot in self._boards:
                board = None
            else:
                board = self._boards[robot] = self._made(BoardAt(robot=robot, serial=port.serial))
        if board is None:
            self._refuse(port, f"{MAX_BOARDS} boards are served already, or one as {robot}")
            return
        log.info("%s: plugged in at %s", robot, port.path)
        board.line.start()

    def _refuse(self, port: FoundPort, why: str) -> None:
        if port.serial not in self._refused:
            self._refused.add(port.serial)
            log.warning("%s (USB %s) is not served: %s", port.path, port.serial, why)


def plugged_id(prefix: str, serial: str) -> str:
    """The robot's id of a board that nobody has named."""
    return re.sub(r"[^a-z0-9]+", "-", f"{prefix}-{serial}".lower())[:MAX_ROBOT_ID].strip("-")
