"""What the bridge itself adds to a board's robot: where its port is, and the maintenance method that hands that port over.

It ends with its goal: by the owner's word, when his lease is gone, or when the time is over. Frames are not its matter.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from typing import Final

from robolink import v1
from robolink.robot import Order, RobotLink
from robolink_serial.line import Line

log = logging.getLogger(__name__)

COMPONENT: Final = "port"
METHOD: Final = "hand_over"
HAND_OVER: Final = f"{COMPONENT}.{METHOD}"
PORT: Final = f"{COMPONENT}.path"
HOST: Final = f"{COMPONENT}.host"
# Phase of the feedback that says: the port is free now.
FREE: Final = "free"
MAX_DURATION_S: Final = 3600.0
# The SDK gives a handler 5 s to confirm an end.
BACK_S: Final = 4.0
# A board that does not answer so long after its port is back still does what somebody's tool told it: that is over now.
BREAK_IN_S: Final = 1.0
CANCELED: Final = v1.COMMAND_STATE_CANCELED


def host_name() -> str:
    """This machine, as `port.host` says it."""
    return socket.gethostname()


class HandOver:
    """The component `port` of one robot.

    Args:
        line: Whose port it is.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._lock = threading.Lock()
        self._order: Order | None = None
        self._told_free = False
        self._path = ""
        self._entered = False
        # Taken back, and not heard of yet; since when its port is open again.
        self._returning = False
        self._open_since: float | None = None
        # Why it ends, and until when it is waited for the board; None: it goes on.
        self._ending: tuple[v1.CommandState, float] | None = None

    @property
    def active(self) -> bool:
        """Whether the port is away, or on its way back."""
        return self._order is not None

    def enter(self, sheet: v1.Sheet) -> None:
        """Add the component to the board's own description, unless it has one of that name."""
        if any(each.name == COMPONENT for each in sheet.components):
            log.warning(
                "%s has a component %r of its own: its port cannot be handed over", sheet.model, COMPONENT
            )
            return
        self._entered = True
        port = sheet.components.add(
            name=COMPONENT,
            type=v1.COMPONENT_TYPE_GENERIC,
            description="the board's serial port, by its bridge",
        )
        for name, text in (
            ("path", "of the board's serial port"),
            ("host", "the machine that it is plugged into"),
        ):
            field = v1.Field(name=name, type=v1.VALUE_TYPE_STRING, description=text)
            port.properties.add(field=field, access=v1.ACCESS_READ_ONLY)
        port.methods.add(
            name=METHOD,
            kind=v1.METHOD_KIND_GOAL,
            description="leave the port to its owner's tools while it runs",
            maintenance=True,
            max_duration_ms=int(MAX_DURATION_S * 1e3),
            on_disconnect=v1.ON_DISCONNECT_CANCEL,
        )

    def begin(self, order: Order, running: str) -> None:
        """Hand it over, unless the board is at work (`running` names what)."""
        if running:
            order.fail(f"{order.robot} runs {running}; cancel it first", v1.CAUSE_BUSY)
            return
        with self._lock:
            self._order, self._told_free, self._ending = order, False, None
        self._line.hand_over()

    def end(self, order: Order, why: v1.CommandState) -> bool:
        """Take it back, if this is its order; ends once the board answers again."""
        with self._lock:
            if self._order is None or self._order.id != order.id:
                return False
            self._ending = (why, time.monotonic() + BACK_S)
            self._returning, self._open_since = True, None
        self._line.take_back()
        return True

    def tick(self, now: float, link: RobotLink, *, up: bool) -> None:
        """From the line's thread."""
        path = self._line.open_at
        if self._entered and path and path != self._path:
            self._path = path
            link.report(PORT, path)
            link.report(HOST, host_name())
        self._break_in(now, is_open=bool(path), up=up)
        with self._lock:
            order, ending = self._order, self._ending
            if order is None:
                return
            if ending is None:
                free, self._told_free = not path and not self._told_free, self._told_free or not path
            elif up or now >= ending[1]:
                self._order = None
        if ending is None:
            if free:
                order.feedback(phase=FREE)
        elif up:
            order.ended(ending[0], "taken back, the board answers")
        elif now >= ending[1]:
            why = "the board does not answer yet" if path else "somebody still has the port"
            order.ended(ending[0], f"taken back, but {why}")

    def _break_in(self, now: float, *, is_open: bool, up: bool) -> None:
        with self._lock:
            if up or not self._returning:
                self._returning = False
                return
            if not is_open or self._open_since is None:
                self._open_since = now if is_open else None
                return
            late = now - self._open_since > BREAK_IN_S
            self._returning = not late
        if late:
            self._line.break_in()
