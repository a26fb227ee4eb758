"""One board of the bridge: its line, what it says of itself, and its robot in the driver. No rule of motion is here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from robolink import v1
from robolink.core.link import BulkProgress, Down, LinkEvent, LogLine, Received, Refused, Up
from robolink.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from robolink.robot import Driver
from robolink_serial.console import Console
from robolink_serial.line import Line
from robolink_serial.robot import SerialRobot
from robolink_serial.sheet import BoardSheet, SheetParts
from robolink_serial.update.firmware import Firmware

log = logging.getLogger(__name__)
board_log = logging.getLogger("robolink.board")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardAt:
    """A board to be served.

    Attributes:
        robot: Its id at the hub.
        port: Path of its port; or
        serial: its USB serial number, wherever it is plugged in.
    """

    robot: str
    port: str = ""
    serial: str = ""

    def __post_init__(self) -> None:
        """Raises ConfigError unless exactly one of both is given."""
        if bool(self.port) == bool(self.serial):
            raise ConfigError(f"robot {self.robot!r}: give either a port or a USB serial number")

    @property
    def where(self) -> str:
        """For people."""
        return self.port or f"USB {self.serial}"


class ServedBoard:
    """Serves one board in a driver; everything below `link_event` runs in its line's thread.

    Args:
        at: Which board.
        driver: Shared with other boards.
        changing: Held while the driver's robots change.
        locate: Says where its port is now, or raises PortError.
        trusted: Public keys of those whose images update it.
        clock: Monotonic s.
    """

    def __init__(
        self,
        at: BoardAt,
        driver: Driver,
        changing: threading.Lock,
        locate: Callable[[], str],
        *,
        trusted: Mapping[str, Ed25519PublicKey] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.at, self.driver = at, driver
        self._trusted = trusted or {}
        # Its description is another one, and is asked for once its update is over.
        self._ask_later = False
        self._changing = changing
        self.line = Line(at.where, self, locate=locate, clock=clock)
        self._console = Console()
        self._parts = SheetParts()
        self._robot: SerialRobot | None = None
        self._up: tuple[Up, int] | None = None
        self._sheet_hash: int | None = None

    @property
    def robot_id(self) -> str:
        """At the hub."""
        return self.at.robot

    @property
    def counters(self) -> dict[str, int]:
        """The link's, and what of its console was not forwarded."""
        return self.line.counters | self._console.counters

    def link_event(self, event: LinkEvent, session: int) -> None:
        """One event of the link."""
        if isinstance(event, Up):
            self._take_up(event, session)
        elif isinstance(event, Down):
            log.info("%s: %s", self.robot_id, event.text)
            self._up = None
            if self._robot is not None:
                self._robot.board_down(event.text, self.line.clock())
        elif isinstance(event, Refused):
            log.error("%s: %s", self.robot_id, event.text)
        elif isinstance(event, BulkProgress):
            if self._robot is not None:
                self._robot.bulk_progress(event)
        elif isinstance(event, LogLine):
            self._take_line(event.text)
        elif isinstance(event, Received):
            self._take_message(event)

    def tick(self, now: float) -> None:
        """Time goes on."""
        if self._robot is not None:
            self._robot.tick(now)
            if self._ask_later and not self._robot.updating:
                self._ask_later = False
                self._ask_sheet()
            # A hub takes no notice of a robot that it does not see: what an absent board said waits.
            for text, severity in self._console.told(now) if self._robot.online else ():
                self._robot.link.notice(text, kind="board-log", severity=severity)

    def _take_line(self, text: str) -> None:
        board_log.info("%s: %s", self.robot_id, text)
        self._console.take(text)

    def _take_up(self, up: Up, session: int) -> None:
        self._up = up, session
        log.info("%s: the board answers (session %08x)", self.robot_id, up.peer.session_id)
        if self._robot is not None and up.peer.sheet_hash == self._sheet_hash:
            self._ask_later = False
            self._robot.board_up(up, session)
        elif self._robot is not None and self._robot.updating:
            # The order that runs belongs to the robot as it is: it ends before another one takes its place.
            self._ask_later = True
            self._robot.board_up(up, session)
        else:
            self._ask_sheet()

    def _ask_sheet(self) -> None:
        try:
            with self.line.link() as link:
                link.send(v1.SerialSheetRequest())
        except LocalProtocolError as exc:
            log.debug("%s: %s", self.robot_id, exc)

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
            self._serve(board, *self._up)

    def _serve(self, board: BoardSheet, up: Up, session: int) -> None:
        firmware = Firmware(self.line, self._trusted) if up.peer.slot else None
        robot = SerialRobot(self.robot_id, board, self.line, firmware)
        with self._changing:
            if self._robot is not None:
                # Another program on the board. Its link may time out here: nothing of it moves yet.
                self.driver.remove(self.robot_id)
            self._robot = None
            try:
                self.driver.add(robot)
            except ConfigError as exc:
                log.error("%s", exc)
                return
        self._robot, self._sheet_hash = robot, up.peer.sheet_hash
        robot.on_hub(self.driver.connected)
        robot.board_up(up, session, first=True)
