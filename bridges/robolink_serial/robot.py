"""One board as a robot of the hub: orders, setpoints, settings and stops to its link, and its words back up.

It invents nothing that moves: beats keep the link alive, only the hub's setpoints keep a motor turning.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from robolink import v1
from robolink.core.link import BulkProgress, Up
from robolink.errors import FrameTooLongError, LocalProtocolError
from robolink.robot import Order, RobotHandler, RobotLink, SettingRejectedError, StopOutcome
from robolink_serial.handover import HAND_OVER, HandOver
from robolink_serial.line import Line
from robolink_serial.quality import COMPONENT, STREAM, QualityWatch, add_to, plain_value
from robolink_serial.sheet import BoardSheet
from robolink_serial.update.firmware import ROLLBACK, UPDATE, Firmware
from robolink_serial.values import Plain, from_value, to_value

log = logging.getLogger(__name__)

STOP_ANSWER_S: Final = 0.75
# A link that is back sooner has lost nothing (the board's watchdog is 0.2 s); nobody needs to hear of it.
SILENT_S: Final = 0.3
# The standard's time for a driver to come back; then its goals are lost.
RETURN_S: Final = 10.0
SETTING_S: Final = 1.0
# A hub that has just been told of a robot says its latch within this time; before that nobody knows who is behind.
AHEAD_S: Final = 2.0
# A board remembers as many outcomes; more commands than that could not all be asked for after a break of the line.
MAX_OPEN_ORDERS: Final = 16
ENDS: Final = (v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_PREEMPTED, v1.COMMAND_STATE_STOPPED)


class SerialRobot(RobotHandler):
    """The handler of one board.

    Args:
        robot: Its id at the hub.
        board: What it said of itself.
        line: The way to it.
        firmware: What updates it; None for a board without slots.
    """

    def __init__(self, robot: str, board: BoardSheet, line: Line, firmware: Firmware | None = None) -> None:
        self.robot, self.sheet = robot, board.sheet
        self._board, self._line = board, line
        self._quality = QualityWatch() if add_to(self.sheet) else None
        self._hand_over = HandOver(line)
        self._hand_over.enter(self.sheet)
        self._firmware = firmware
        if firmware is not None:
            firmware.enter(self.sheet)
        self._lock = threading.Lock()
        # With the session of the line that each was sent in.
        self._orders: dict[bytes, tuple[Order, int]] = {}
        self._settings: dict[int, tuple[Future[None], float]] = {}
        self._requests = itertools.count(1)
        self._stop_changed = threading.Condition()
        self._stop_state = v1.SerialStopState()
        # Since when the board counts more stops than the hub, and with which number the hub was told so.
        self._ahead_since: float | None = None
        self._ahead_told = 0
        self._hub = False
        self._up = False
        self._down_since: float | None = None
        self._offline = self._reset_meanwhile = False
        self._received: dict[type, Callable[[Any], None]] = {
            v1.SerialUpdate: self._on_update,
            v1.SerialFeedback: self._on_feedback,
            v1.SerialReadings: self._on_readings,
            v1.SerialSettingResult: self._on_setting_result,
            v1.SerialStopState: self._on_stop_state,
            v1.SerialImageState: self._on_image_state,
        }

    @property
    def updating(self) -> bool:
        """Whether its program is being replaced."""
        return self._firmware is not None and self._firmware.active

    @property
    def online(self) -> bool:
        """Whether the hub is told that it is there."""
        return not self._offline

    # From the hub.

    def attached(self, link: RobotLink) -> None:
        """Keep the way up."""
        super().attached(link)

    def on_command(self, order: Order) -> None:
        """Fence, then the command behind it; the board says how it ends."""
        if order.method == HAND_OVER and HAND_OVER not in self._board.by_name:
            self._hand_over.begin(order, self._running())
            return
        if self._firmware is not None and order.method in (UPDATE, ROLLBACK):
            self._firmware.begin(order, self._running())
            return
        member = self._board.by_name[order.method]
        args = [to_value(order.args[field.name], field.type) for field in member.args]
        # A board has one fence for all its components, whose leases hub and driver have compared already: the newest counts.
        lease = self.link.lease
        message = v1.SerialCommand(
            command_id=order.id,
            member=member.id,
            args=args,
            lease=lease[1] & 0xFF,
            generation=order.stop_generation & 0xFF,
            max_duration_ms=int(order.max_duration_s * 1e3),
            on_disconnect=order.on_disconnect,
        )
        try:
            # Noted and sent under one lock: a session that begins meanwhile either asks for it or carries it.
            with self._line.link() as link:
                if not self._note(order):
                    order.fail(f"{self.robot}: {MAX_OPEN_ORDERS} commands are at the board", v1.CAUSE_BUSY)
                    return
                link.set_fence(lease, order.stop_generation)
                link.send(message)
        except (LocalProtocolError, FrameTooLongError) as exc:
            cause = v1.CAUSE_LIMIT if isinstance(exc, FrameTooLongError) else v1.CAUSE_UNREACHABLE
            self._take_order(order.id)
            order.fail(f"{self.robot}: {exc}", cause)

    def _running(self) -> str:
        """What keeps the board; "" if nothing does."""
        with self._lock:
            names = [each.method for each, _ in self._orders.values()]
        if self._hand_over.active:
            names.append(HAND_OVER)
        if self.updating:
            names.append("an update")
        return ", ".join(names)

    def _note(self, order: Order) -> bool:
        with self._lock:
            if len(self._orders) >= MAX_OPEN_ORDERS:
                return False
            self._orders[order.id] = order, self._line.session
            return True

    def on_cancel(self, order: Order, why: v1.CommandState) -> None:
        """The board brings it to standstill, then says so. What stopped it has told the board already."""
        if self._hand_over.end(order, why):
            return
        if self._firmware is not None and self._firmware.end(order, why):
            return
        self._cancel(order, why)

    def _cancel(self, order: Order, why: v1.CommandState | None) -> None:
        if why is not None and why != v1.COMMAND_STATE_STOPPED:
            self._send(v1.SerialCancel(command_id=order.id, end_state=why))

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        """Newest wins; with zeros and no time left the board ends the stream at once."""
        member = self._board.by_name[f"{component}.{name}"]
        lease, generation = self.link.lease, self.link.stop.generation
        message = v1.SerialSetpoint(
            member=member.id, values=values, lease=lease[1] & 0xFF, generation=generation & 0xFF
        )
        with self._line.link() as link:
            if link.up:
                link.set_fence(lease, generation)
                link.send_setpoint(message, self._line.clock() + expires_in_s)

    def on_setting(self, name: str, value: Plain) -> Future[None]:
        """The board judges; the SDK applies it again when the board comes back."""
        member = self._board.by_name[name]
        request, verdict = next(self._requests), Future[None]()
        with self._lock:
            self._settings[request] = (verdict, self._line.clock() + SETTING_S)
        sent = self._send(
            v1.SerialSetting(member=member.id, request=request, value=to_value(value, member.info.field.type))
        )
        if not sent:
            self._settle(request, v1.CAUSE_UNREACHABLE, "the board does not answer")
        return verdict

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Software stop (not safety rated), sent until the board names the generation; its standstill is measured."""
        with self._stop_changed:
            self._stop_state = v1.SerialStopState()
        with self._line.link() as link:
            link.send_stop(level, generation)
            link.stop_generation, link.stop_latched = generation, True
            up = link.up

        def answered() -> bool:
            state = self._stop_state
            return state.generation >= generation and state.HasField("standstill_ms")

        with self._stop_changed:
            measured = self._stop_changed.wait_for(answered, STOP_ANSWER_S)
            state = self._stop_state
        if measured:
            text = (
                "" if level in self.sheet.stop_levels else "the board has SOFT_HOLD only, and has done that"
            )
            return StopOutcome(v1.STOP_VERDICT_STOPPED, state.standstill_ms, text)
        if state.generation >= generation:
            return StopOutcome(
                v1.STOP_VERDICT_STOPPING, None, "the board stops; standstill is not measured yet"
            )
        text = "the board does not answer; its watchdog ends motion by itself, the stop reaches it when it is back"
        return StopOutcome(v1.STOP_VERDICT_STOPPING if up else v1.STOP_VERDICT_UNREACHABLE, None, text)

    def on_release(self, generation: int) -> None:
        """Tell the board; nothing moves by it."""
        with self._line.link() as link:
            link.pending_stop = None
            link.stop_latched = False
            if link.up:
                link.send(v1.SerialRelease(generation=generation))

    def on_hub(self, connected: bool) -> None:
        """Whether what the SDK says of the latch is the hub's word."""
        self._hub = connected

    # From the board's link, in the line's thread.

    def board_up(self, up: Up, session: int, *, first: bool = False) -> None:
        """A session stands: what was open is asked for. `first`: this handler has just been made for it."""
        with self._lock:
            # What was sent since then is on its way; a later session asks for it, if there is one.
            orders = [order for order, sent_in in self._orders.values() if sent_in < session]
        for order in orders:
            if up.same_peer:
                self._send(v1.SerialQuery(command_id=order.id))
                # The first one may have gone with its session. Once more is no harm: the board heeds the first.
                self._cancel(order, order.cancel_requested)
            else:
                self._fail(order, "the board was reset")
        if self._firmware is not None:
            self._firmware.board_up(same_peer=up.same_peer)
        if self.updating:
            self._reset_meanwhile = self._reset_meanwhile or not up.same_peer
        elif self._offline or not (up.same_peer or first):
            self._back_from_reset()
        self._up, self._down_since = True, None
        told = v1.SerialStopState(generation=up.peer.stop_generation, latched=up.peer.stop_latched)
        with self._stop_changed:
            self._stop_state = told

    def _back_from_reset(self) -> None:
        """A board that was reset has forgotten its settings: coming back makes the SDK apply them again."""
        self._say_offline("the board was reset")
        self.link.quality(True)
        self._offline = False

    def board_down(self, text: str, now: float) -> None:
        """The session is over."""
        self._up, self._down_since, self._down_text = False, now, text
        if self._firmware is not None:
            self._firmware.board_down()

    def tick(self, now: float) -> None:
        """Time goes on."""
        if self._down_since is not None:
            # Whose port is handed over, or whose program is replaced, stays on the hub's list: what ends that must reach it.
            if now - self._down_since >= SILENT_S and not (self._hand_over.active or self.updating):
                self._say_offline(self._down_text)
            if now - self._down_since >= RETURN_S:
                with self._lock:
                    orders = list(self._orders.values())
                for order, _ in orders:
                    self._fail(order, f"the board has not answered for {RETURN_S:.0f} s")
        with self._lock:
            late = [request for request, (_, until) in self._settings.items() if now >= until]
        for request in late:
            self._settle(request, v1.CAUSE_UNREACHABLE, "the board has not answered")
        if self._quality is not None and self._quality.due(now):
            self._tell_quality(self._quality, now)
        self._hand_over.tick(now, self.link, up=self._up)
        if self._firmware is not None:
            self._firmware.tick(now, self.link, up=self._up)
            if self._reset_meanwhile and not self.updating:
                self._reset_meanwhile = False
                self._back_from_reset()
        self._agree_on_stop()
        self._tell_ahead(now)

    def _tell_quality(self, watch: QualityWatch, now: float) -> None:
        with self._line.link(wake=False) as link:
            values = watch.values(link.quality(now), self._line.session)
        # Readings of a robot that is off the hub's list are stale, and stay so; the stream says how long already.
        for name, value in values.items() if self.online else ():
            self.link.report(f"{COMPONENT}.{name}", value)
        named = [v1.NamedValue(name=name, value=plain_value(value)) for name, value in values.items()]
        self.link.publish(COMPONENT, STREAM, v1.Values(values=named))

    def _agree_on_stop(self) -> None:
        """The hub's latch and the board's may have moved apart while one of them was away. Its clock goes along."""
        hub, board, site = self.link.stop, self._stop_state, self.link.site_time()
        with self._line.link(wake=False) as link:
            link.stop_generation, link.stop_latched = hub.generation, hub.latched
            link.lanes.site = site
            behind = board.generation < hub.generation or not board.latched
            if not (self._hub and self._up and link.up):
                return
            if hub.latched and behind and link.pending_stop is None:
                link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, hub.generation)
            elif not hub.latched and board.latched and board.generation == hub.generation:
                link.send(v1.SerialRelease(generation=hub.generation))
                self._stop_state = v1.SerialStopState(generation=board.generation)

    def _tell_ahead(self, now: float) -> None:
        """A board that counts more stops than its hub refuses all motion: people must hear why."""
        board, hub = self._stop_state.generation, self.link.stop.generation
        if not (self._hub and self._up and board > hub):
            self._ahead_since = None
            return
        self._ahead_since = now if self._ahead_since is None else self._ahead_since
        if now - self._ahead_since >= AHEAD_S and board != self._ahead_told:
            self._ahead_told = board
            text = f"the board knows stop generation {board}, the hub only {hub}: it refuses motion until it is reset"
            log.warning("%s: %s", self.robot, text)
            self.link.notice(text, kind="stop-generation", severity=v1.SEVERITY_ERROR)

    def receive(self, message: Any) -> None:
        """One message of the board."""
        handler = self._received.get(type(message))
        if handler is None:
            log.warning("%s sent a %s, which is for boards", self.robot, type(message).__name__)
        else:
            handler(message)

    def _on_update(self, update: v1.SerialUpdate) -> None:
        if update.state in (v1.COMMAND_STATE_RUNNING, v1.COMMAND_STATE_CANCELING):
            return
        order = self._take_order(update.command_id)
        if order is None:
            return
        if update.state == v1.COMMAND_STATE_SUCCEEDED:
            fields = self._board.by_name[order.method].results
            plain = (from_value(value) for value in update.results)
            order.succeed(**{f.name: v for f, v in zip(fields, plain, strict=False) if v is not None})
        elif update.state in ENDS:
            order.ended(update.state, update.text)
        elif update.state == v1.COMMAND_STATE_UNSPECIFIED:
            order.fail("the command never reached the board", v1.CAUSE_UNREACHABLE)
        else:
            order.fail(update.text or "the board failed", update.cause or v1.CAUSE_DRIVER_ERROR)

    def _on_feedback(self, feedback: v1.SerialFeedback) -> None:
        with self._lock:
            order, _ = self._orders.get(feedback.command_id, (None, 0))
        if order is not None:
            progress = feedback.progress if feedback.HasField("progress") else None
            order.feedback(phase=feedback.phase, progress=progress)

    def _on_readings(self, message: v1.SerialReadings) -> None:
        for reading in message.readings:
            member, value = self._board.by_id.get(reading.member), from_value(reading.value)
            if member is not None and value is not None:
                self.link.report(member.name, value)

    def _on_setting_result(self, result: v1.SerialSettingResult) -> None:
        member, value = self._board.by_id.get(result.member), from_value(result.value)
        if member is not None and value is not None:
            self.link.report(member.name, value)
        self._settle(result.request, result.cause, result.text)

    def _on_stop_state(self, state: v1.SerialStopState) -> None:
        with self._stop_changed:
            self._stop_state = state
            self._stop_changed.notify_all()

    def _on_image_state(self, state: v1.SerialImageState) -> None:
        if self._firmware is not None:
            self._firmware.receive(state, self.link)

    def bulk_progress(self, progress: BulkProgress) -> None:
        """The board has so much of an image."""
        if self._firmware is not None:
            self._firmware.progress(progress)

    # Shared.

    def _send(self, message: Any) -> bool:
        try:
            with self._line.link() as link:
                link.send(message)
        except LocalProtocolError as exc:
            log.debug("%s: %s is not sent: %s", self.robot, type(message).__name__, exc)
            return False
        return True

    def _take_order(self, command_id: bytes) -> Order | None:
        with self._lock:
            return self._orders.pop(command_id, (None, 0))[0]

    def _fail(self, order: Order, text: str) -> None:
        if self._take_order(order.id) is not None:
            order.fail(text, v1.CAUSE_DISCONNECTED)

    def _settle(self, request: int, cause: v1.Cause, text: str) -> None:
        with self._lock:
            verdict, _ = self._settings.pop(request, (None, 0.0))
        if verdict is None:
            return
        if cause:
            verdict.set_exception(SettingRejectedError(text, robot=self.robot, cause=cause))
        else:
            verdict.set_result(None)

    def _say_offline(self, text: str) -> None:
        if not self._offline:
            self._offline = True
            self.link.quality(False, text)
