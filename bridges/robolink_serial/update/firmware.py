"""What the bridge adds to a board that has slots: the component `firmware`, whose maintenance goals update it and go back.

An image is read and its signature checked before a byte of it leaves for the board. The steps are course.py's; who may order them
is the hub's to say (role maintain, the robot's whole lease, nothing else running).
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import Message

from robolink import v1
from robolink.core.link import BulkProgress
from robolink.errors import LocalProtocolError, RobolinkError
from robolink.robot import Order, RobotLink
from robolink_serial.line import Line
from robolink_serial.update.course import Phase, Update
from robolink_serial.update.image import read_image
from robolink_serial.update.rollback import Rollback

log = logging.getLogger(__name__)

COMPONENT: Final = "firmware"
UPDATE: Final = f"{COMPONENT}.update"
ROLLBACK: Final = f"{COMPONENT}.rollback"
MAX_UPDATE_S: Final = 3600.0
MAX_ROLLBACK_S: Final = 180.0
FEEDBACK_S: Final = 0.2
READINGS: Final = (
    ("slot", "that the program runs from"),
    ("version", "of the program"),
    ("state", "of that slot: FLASHED, TRIAL or CONFIRMED; or the phase of an update"),
    ("spare", "the slots that do not run, each with its state"),
)


class Firmware:
    """The component `firmware` of one robot; everything but `begin` and `end` runs in the line's thread.

    Args:
        line: To the board.
        trusted: Public keys of those whose images are taken.
    """

    def __init__(self, line: Line, trusted: Mapping[str, Ed25519PublicKey]) -> None:
        self._line, self._trusted = line, dict(trusted)
        self._lock = threading.Lock()
        self._order: Order | None = None
        self._course: Update | Rollback | None = None
        self._entered = False
        self._asked = False
        self._fed_back_s = 0.0
        self._told = ""

    @property
    def active(self) -> bool:
        """Whether an update or a rollback is under way."""
        return self._order is not None

    def enter(self, sheet: v1.Sheet) -> None:
        """Add the component to the board's own description, unless it has one of that name."""
        if any(each.name == COMPONENT for each in sheet.components):
            log.warning("%s has a component %r of its own: it cannot be updated", sheet.model, COMPONENT)
            return
        self._entered = True
        part = sheet.components.add(
            name=COMPONENT,
            type=v1.COMPONENT_TYPE_GENERIC,
            description="the board's program, by its bridge",
        )
        for name, text in READINGS:
            field = v1.Field(name=name, type=v1.VALUE_TYPE_STRING, description=text)
            part.properties.add(field=field, access=v1.ACCESS_READ_ONLY)
        image = v1.Field(
            name="image",
            type=v1.VALUE_TYPE_STRING,
            description="path of a signed image on the bridge's machine",
        )
        part.methods.add(
            name="update",
            kind=v1.METHOD_KIND_GOAL,
            description="send a signed image, try it, and keep it if it answers",
            args=[image],
            maintenance=True,
            max_duration_ms=int(MAX_UPDATE_S * 1e3),
            on_disconnect=v1.ON_DISCONNECT_CONTINUE,
        )
        part.methods.add(
            name="rollback",
            kind=v1.METHOD_KIND_GOAL,
            description="back to the program that ran before",
            maintenance=True,
            max_duration_ms=int(MAX_ROLLBACK_S * 1e3),
            on_disconnect=v1.ON_DISCONNECT_CONTINUE,
        )

    # Orders, from the robot's thread.

    def begin(self, order: Order, running: str) -> None:
        """Start; ends the order at once where it cannot be."""
        if running:
            order.fail(f"{order.robot} runs {running}; cancel it first", v1.CAUSE_BUSY)
            return
        now = self._line.clock()
        course: Update | Rollback
        if order.method == ROLLBACK:
            course = Rollback(now=now)
        else:
            if not self._trusted:
                order.fail(
                    "this bridge trusts no maker of images: start it with --trust KEY.pub", v1.CAUSE_DENIED
                )
                return
            try:
                image, signer = read_image(Path(str(order.args["image"])), self._trusted)
            except RobolinkError as exc:
                order.fail(str(exc), v1.CAUSE_INVALID)
                return
            log.info("%s: image %s, signed by %s", order.robot, image.version, signer)
            # Not what a bridge before this one may have left open at the board.
            course = Update(image, transfer=secrets.randbits(31) + 1, now=now)
        with self._lock:
            self._order, self._course = order, course

    def end(self, order: Order, why: v1.CommandState) -> bool:
        """Cancelled, if this is its order. What has come stays at the board; a trial that nobody confirms goes back."""
        with self._lock:
            if self._order is None or self._order.id != order.id:
                return False
            phase = self._course.phase if self._course is not None else Phase.FAILED
            self._order = self._course = None
        self._end_bulk()
        order.ended(why, f"ended while {phase}")
        return True

    # From the line.

    def board_up(self, *, same_peer: bool) -> None:
        """A session stands."""
        self._asked = False
        if self._course is not None:
            self._course.up(same_peer=same_peer, now=self._line.clock())

    def board_down(self) -> None:
        """It is over."""
        if self._course is not None:
            self._course.down(self._line.clock())

    def receive(self, state: v1.SerialImageState, link: RobotLink) -> None:
        """The board tells of its slots."""
        if self._course is not None:
            self._course.state(state, self._line.clock())
        running = next((each for each in state.slots if each.running), None)
        if not self._entered or running is None:
            return
        name = "FLASHED" if running.name == "flashed" else slot_state(running.state)
        link.report(f"{COMPONENT}.slot", running.name)
        link.report(f"{COMPONENT}.version", running.version)
        spare = ", ".join(
            f"{each.name} {slot_state(each.state)} {each.version}".strip()
            for each in state.slots
            if not each.running and each.name != "flashed"
        )
        link.report(f"{COMPONENT}.spare", spare)
        if self._course is None:
            link.report(f"{COMPONENT}.state", name)

    def progress(self, progress: BulkProgress) -> None:
        """The board has so much of the image."""
        if isinstance(self._course, Update) and progress.transfer == self._course.transfer:
            self._course.bulk_progress(progress.next_offset, self._line.clock())

    def tick(self, now: float, link: RobotLink, *, up: bool) -> None:
        """Time goes on: send what waits, tell how far it is, end what is over."""
        if up and self._entered and not self._asked:
            self._asked = self._send(v1.SerialImageOrder(action=v1.SERIAL_IMAGE_ACTION_TELL))
        with self._lock:
            order, course = self._order, self._course
        if order is None or course is None:
            return
        if now >= course.next_timer():
            course.handle_timer(now)
        while up and (message := course.next_message()) is not None and self._send(message):
            course.sent()
        self._move_bulk(course)
        if course.ended:
            self._finish(order, course, link)
        elif now - self._fed_back_s >= FEEDBACK_S or self._told != course.phase:
            self._fed_back_s, self._told = now, course.phase
            order.feedback(phase=course.phase, progress=course.progress)
            link.report(f"{COMPONENT}.state", str(course.phase))

    def _move_bulk(self, course: Update | Rollback) -> None:
        if not isinstance(course, Update):
            return
        if course.phase is not Phase.SENDING:
            self._end_bulk()
        elif course.bulk is not None:
            image, course.bulk = course.bulk, None
            with self._line.link() as link:
                link.lanes.send_bulk(course.transfer, image)

    def _end_bulk(self) -> None:
        with self._line.link(wake=False) as link:
            link.lanes.end_bulk()

    def _finish(self, order: Order, course: Update | Rollback, link: RobotLink) -> None:
        with self._lock:
            self._order = self._course = None
        self._end_bulk()
        self._asked = False  # The twin shows what the board says now.
        failure = course.failure
        if failure is None:
            order.succeed()
            return
        link.notice(failure.text, kind="firmware", severity=v1.SEVERITY_WARNING)
        order.fail(failure.text, failure.cause)

    def _send(self, message: Message) -> bool:
        try:
            with self._line.link() as link:
                link.send(message)
        except LocalProtocolError as exc:
            log.debug("an order about images waits: %s", exc)
            return False
        return True


def slot_state(state: int) -> str:
    """As people read it."""
    return v1.SerialSlotState.Name(state).removeprefix("SERIAL_SLOT_STATE_")
