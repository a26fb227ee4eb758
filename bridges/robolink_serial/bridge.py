"""One board, one port, one hub: the driver, the line and the robot between them. No rule of motion is decided here."""

from __future__ import annotations

import logging
import time
from typing import Self

from robolink import v1
from robolink.core.link import Down, LinkEvent, LogLine, Received, Refused, Up
from robolink.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from robolink.robot import Driver
from robolink_serial.line import Line
from robolink_serial.robot import SerialRobot
from robolink_serial.sheet import BoardSheet, SheetParts

log = logging.getLogger(__name__)
board_log = logging.getLogger("robolink.board")


class SerialBridge:
    """Serves the board on a port as a robot; a context manager.

    Args:
        port: Path of the port.
        robot: The robot's id.
        hub: As Driver's.
    """

    def __init__(self, port: str, robot: str, hub: str | None = None) -> None:
        self.robot_id = robot
        self.driver = Driver(hub, name=f"serial-{robot}")
        self._line = Line(port, self)
        self._parts = SheetParts()
        self._robot: SerialRobot | None = None
        self._up: Up | None = None
        self._sheet_hash: int | None = None

    def start(self) -> None:
        """Open the port and connect; the robot is shown once its board has described itself.

        Raises:
            PortError: The port is busy or cannot be opened.
        """
        self._line.open()
        self._line.start()
        self.driver.start()

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM.

        Raises:
            RobolinkError: The port cannot be opened, or the hub refuses this driver.
        """
        self.start()
        try:
            self.driver.run()
        finally:
            self.close()

    def close(self) -> None:
        """End what runs, give the port back."""
        self.driver.close()
        self._line.close()

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def counters(self) -> dict[str, int]:
        """The driver's and the link's."""
        return self.driver.counters | {f"link_{name}": n for name, n in self._line.counters.items()}

    # From the line, in its thread.

    def link_event(self, event: LinkEvent) -> None:
        """One event of the link."""
        if isinstance(event, Up):
            self._take_up(event)
        elif isinstance(event, Down):
            log.info("%s: %s", self.robot_id, event.text)
            self._up = None
            if self._robot is not None:
                self._robot.board_down(event.text, time.monotonic())
        elif isinstance(event, Refused):
            log.error("%s: %s", self.robot_id, event.text)
        elif isinstance(event, LogLine):
            board_log.info("%s: %s", self.robot_id, event.text)
        elif isinstance(event, Received):
            self._take_message(event)

    def tick(self, now: float) -> None:
        """Time goes on."""
        if self._robot is not None:
            self._robot.tick(now)

    def _take_up(self, up: Up) -> None:
        self._up = up
        log.info("%s: the board answers (session %08x)", self.robot_id, up.peer.session_id)
        if self._robot is not None and up.peer.sheet_hash == self._sheet_hash:
            self._robot.board_up(up)
        else:
            self._send(v1.SerialSheetRequest())

    def _take_message(self, event: Received) -> None:
        if not isinstance(event.message, v1.SerialSheetPart):
            if self._robot is not None:
                self._robot.receive(event.message)
            return
        try:
            board = self._parts.add(event.message)
        except RemoteProtocolError as exc:
            log.error("%s: its description cannot be read: %s", self.robot_id, exc)
            return
        if board is not None and self._up is not None:
            self._serve(board, self._up)

    def _serve(self, board: BoardSheet, up: Up) -> None:
        if self._robot is not None:
            # Another program on the board. Its link may time out here: nothing of it moves yet.
            self.driver.remove(self.robot_id)
        robot = SerialRobot(self.robot_id, board, self._line)
        try:
            self.driver.add(robot)
        except ConfigError as exc:
            log.error("%s", exc)
            self._robot = None
            return
        self._robot, self._sheet_hash = robot, up.peer.sheet_hash
        robot.on_hub(self.driver.connected)
        robot.board_up(up, first=True)

    def _send(self, message: v1.SerialSheetRequest) -> None:
        try:
            with self._line.link() as link:
                link.send(message)
        except LocalProtocolError as exc:
            log.debug("%s: %s", self.robot_id, exc)
