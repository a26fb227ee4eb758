"""The board's rules: who may move it, both watchdogs, the latched software stop (not safety rated), commands once.

No I/O and no clock: `receive`, `step` and `data_to_send` get `now` in ticks (ms); components do the moving.
"""

from robolink_board import member, messages, run, sheet
from robolink_board.link import Link
from robolink_board.readings import READINGS_MS, Readings
from robolink_board.ticks import ticks_add, ticks_diff

WATCHDOG_MS = 200
STANDSTILL_LIMIT_MS = 800
REMEMBERED = 16


class Board:
    def __init__(
        self,
        model,
        components,
        random_u32,
        now,
        vendor="",
        version="",
        description="",
        watchdog_ms=WATCHDOG_MS,
        slot="",
    ):
        self.components = components
        self.members = {}
        levels = sheet.stop_levels(components)
        self.parts = sheet.parts(model, vendor, version, description, components, self.members, levels)
        self.link = Link(self, now, random_u32, sheet.hash_of(self.parts), slot)
        self.counters = self.link.counters
        self.watchdog_ms = watchdog_ms
        self.generation = 0
        self.latched = False
        # Makes what takes updates, once somebody asks: None without slots.
        self.make_images = self.images = None
        self._fence = None
        self._runs = {}  # component -> Run
        self._outcomes = []  # UPDATE messages of ended commands, oldest first
        self._streams = tuple(one for one in self.members.values() if one.kind == messages.SETPOINT)
        self._readings = Readings(self.members.values(), self.link)
        self._levels = levels
        self._stopped_at = None
        self._cut_after = False
        self._forbidden = ""
        self._watching = False
        self._parts_sent = len(self.parts)
        self._stepped = self._read = now

    # Bytes.

    def receive(self, data, now):
        self.link.receive(data, now)

    def data_to_send(self, now):
        return self.link.poll(now)

    def safe(self):
        for component in self.components:
            component.safe()

    def off(self):
        # Nobody will step us any more. One that fails must not keep the others from it.
        for component in self.components:
            try:
                component.off()
            except Exception:
                self.link.count("off_failed")

    # Time.

    def step(self, now):
        elapsed = ticks_diff(now, self._stepped)
        self._stepped = now
        if self._watching and ticks_diff(now, self.link.heard) >= self.watchdog_ms:
            self._link_lost(now)
        for one in self._streams:
            if one.streams and ticks_diff(now, one.dies) >= 0:
                self._end_setpoint(one)
        for component in self.components:
            running = self._runs.get(component)
            if running is not None:
                running.step(now)
                if running.outcome is not None:
                    self._end_run(component)
        forbidden = ""
        for component in self.components:
            component.step(elapsed if elapsed > 0 else 0)
            forbidden = forbidden or component.forbids
        if forbidden != self._forbidden:
            self._forbid(forbidden, now)
        self._watch_stop(now)
        if self.images is not None:
            self.images.step(now)
        self._send_parts()
        if ticks_diff(now, self._read) >= READINGS_MS:
            self._read = now
            self._send_readings(now)

    def _link_lost(self, now):
        # The first watchdog: nobody could stop us now, so nothing moves.
        self._watching = False
        self.link.count("watchdog")
        self._end_motion(
            messages.CANCELED, messages.DISCONNECTED, "the link was silent for %d ms" % self.watchdog_ms, now
        )

    def _forbid(self, text, now):
        # A component says that nothing may move (the supply sags): outputs first, then words.
        if text and not self._forbidden:
            self.link.count("forbidden")
            self._end_motion(messages.FAILED, messages.DRIVER_ERROR, text, now)
        self._forbidden = text

    def _end_motion(self, state, cause, text, now):
        for running in self._runs.values():
            running.end(state, cause, text, now)
        for one in self._streams:
            if one.streams:
                self._end_setpoint(one)
        self.safe()

    def _end_setpoint(self, one):
        # The second watchdog, and every other end of a stream.
        one.streams = False
        one.run((0.0,) * len(one.args))

    def _end_run(self, component):
        self._remember(self._runs.pop(component).outcome)

    def _remember(self, outcome):
        self._outcomes.append(outcome)
        if len(self._outcomes) > REMEMBERED:
            self._outcomes.pop(0)
        self.link.send(messages.UPDATE_KIND, outcome)

    # From the link.

    def up(self, hello, same_host, now):
        self._fence = None
        self._watching = True
        self._readings.again()
        if not same_host:
            # Its commands are nobody's any more; the new host asks for their outcome by id.
            self._end_motion(messages.CANCELED, messages.DISCONNECTED, "the host was started anew", now)
        if hello["stop_generation"] > self.generation:
            self.generation, self.latched = hello["stop_generation"], hello["stop_latched"]
        elif hello["stop_generation"] == self.generation:
            self.latched = self.latched or hello["stop_latched"]
        if self.latched:
            self._end_motion(messages.STOPPED, messages.LATCHED, "the host says: stopped", now)
        self._tell_stop()
        self._send_stop_state(messages.VERDICT_STOPPED if self._standstill() else messages.VERDICT_STOPPING)

    def down(self, now):
        # The watchdog decides: a link that is back within its time has lost nothing.
        self._fence = None
        self._parts_sent = len(self.parts)

    def message(self, kind, message, now):
        handler = self._HANDLERS.get(kind)
        if handler is None:
            self.link.count("not_for_a_board")
        else:
            handler(self, message, now)

    def _on_fence(self, message, now):
        lease = (message["lease_epoch"], message["lease_sequence"])
        if self._fence is not None and lease < self._fence:
            self.link.count("older_lease")
            return
        self._fence = lease
        if message["stop_generation"] > self.generation:
            # The host knows of a stop, and of its release, that we slept through.
            self.generation = message["stop_generation"]
            self._tell_stop()

    def _refusal(self, message):
        # Of motion: (state, cause, text), or None.
        if self.latched:
            return (
                messages.STOPPED,
                messages.LATCHED,
                "stopped (generation %d); release it first" % self.generation,
            )
        if message["generation"] != self.generation & 0xFF:
            return (
                messages.STOPPED,
                messages.LATCHED,
                "ordered under another stop generation than %d; order anew" % self.generation,
            )
        if self._fence is None or message["lease"] != self._fence[1] & 0xFF:
            return messages.FAILED, messages.OLDER_LEASE, "ordered under another lease than the one in force"
        if self._forbidden:
            return messages.FAILED, messages.DRIVER_ERROR, self._forbidden
        return None

    def _on_command(self, message, now):
        command_id = message["command_id"]
        known = self._known(command_id)
        if known is not None:
            self.link.count("command_repeated")
            self.link.send(messages.UPDATE_KIND, known)
            return
        refusal = self._begin(message, now)
        if refusal is not None:
            state, cause, text = refusal
            self._remember({"command_id": command_id, "state": state, "cause": cause, "text": text})

    def _begin(self, message, now):
        one = self.members.get(message["member"])
        if one is None or one.kind not in (messages.CALL, messages.GOAL):
            return messages.FAILED, messages.UNSUPPORTED, "no method %d" % message["member"]
        refusal = self._refusal(message) if one.motion else None
        if refusal is not None:
            return refusal
        try:
            values = member.check_all(one.args, [messages.from_value(value) for value in message["args"]])
        except member.Refused as error:
            return messages.FAILED, error.cause, str(error)
        running = self._runs.get(one.component)
        if running is not None and not running.ending and (one.motion or one.kind == messages.GOAL):
            return messages.FAILED, messages.BUSY, "%s is busy" % one.component.name
        if one.kind == messages.CALL:
            self._remember(run.answer(one, message["command_id"], values))
            return None
        if running is not None:
            running.finish()
            self._end_run(one.component)
        for each in self._streams:
            if each.streams and each.component is one.component:
                self._end_setpoint(each)
        self._runs[one.component] = run.Run(self.link, one, message, values, now)
        self.link.send(messages.UPDATE_KIND, {"command_id": message["command_id"], "state": messages.RUNNING})
        return None

    def _known(self, command_id):
        for running in self._runs.values():
            if running.command_id == command_id:
                return {
                    "command_id": command_id,
                    "state": messages.CANCELING if running.ending else messages.RUNNING,
                }
        for outcome in self._outcomes:
            if outcome["command_id"] == command_id:
                return outcome
        return None

    def _on_cancel(self, message, now):
        state = messages.PREEMPTED if message["end_state"] == messages.PREEMPTED else messages.CANCELED
        for running in self._runs.values():
            if running.command_id == message["command_id"]:
                running.end(state, 0, "", now)

    def _on_query(self, message, now):
        known = self._known(message["command_id"])
        self.link.send(messages.UPDATE_KIND, known or {"command_id": message["command_id"]})

    def _on_setpoint(self, message, now):
        one = self.members.get(message["member"])
        values = message["values"]
        if one is None or one.kind != messages.SETPOINT:
            self.link.count("bad_setpoint")
            return
        if message["ttl_ms"] == 0:
            if one.streams:
                self._end_setpoint(one)
            return
        if self._refusal(message) is not None or one.component in self._runs:
            self.link.count("setpoint_refused")
            return
        try:
            values = member.check_all(one.args, values)
        except member.Refused as error:
            self.link.count("bad_setpoint" if error.cause == messages.INVALID else "setpoint_out_of_limits")
            return
        # Never longer than the sheet says, whatever a frame says.
        one.streams, one.dies = True, ticks_add(now, min(message["ttl_ms"], one.ttl_ms))
        one.run(values)

    def _on_setting(self, message, now):
        one = self.members.get(message["member"])
        answer = {"member": message["member"], "request": message["request"]}
        if one is None or one.kind != messages.SETTING:
            answer["cause"], answer["text"] = messages.UNSUPPORTED, "no setting %d" % message["member"]
        else:
            try:
                one.set(member.check(one.field, messages.from_value(message.get("value", {}))))
            except ValueError as error:
                answer["cause"] = error.cause if isinstance(error, member.Refused) else messages.LIMIT
                answer["text"] = str(error)
            answer["value"] = messages.to_value(one.get())
        self.link.send(messages.SETTING_RESULT_KIND, answer)

    # Updates.

    def _on_image_begin(self, message, now):
        self._on_image(messages.IMAGE_BEGIN_KIND, message, now)

    def _on_image_file(self, message, now):
        self._on_image(messages.IMAGE_FILE_KIND, message, now)

    def _on_image_order(self, message, now):
        self._on_image(messages.IMAGE_ORDER_KIND, message, now)

    def _on_image(self, kind, message, now):
        if self.images is None and self.make_images is not None:
            self.images = self.make_images()
        if self.images is None:
            refusal = {"cause": messages.UNSUPPORTED, "text": "this board has no slots"}
            self.link.send(messages.IMAGE_STATE_KIND, refusal)
        else:
            self.images.message(kind, message, now)

    def bulk(self, transfer, offset, data, now):
        self.images.data(data)

    def at_work(self):
        # What must end before the board may reset; "" if nothing must.
        for component in self._runs:
            return "%s runs a command" % component.name
        for one in self._streams:
            if one.streams:
                return "a setpoint moves it"
        return "" if self._standstill() else "it has not come to rest"

    # Stop.

    def _on_stop(self, message, now):
        again = self.latched and message["generation"] == self.generation
        self.generation, self.latched = max(self.generation, message["generation"]), True
        self._tell_stop()
        self._end_motion(messages.STOPPED, messages.LATCHED, "", now)
        level = message["level"] if message["level"] in self._levels else sheet.SOFT_HOLD
        self._cut_after = self._cut_after or level == sheet.STOP_THEN_CUT
        if level == sheet.CUT:
            self._cut()
        if not again or self._stopped_at is None:
            self._stopped_at = now
        self._send_stop_state(messages.VERDICT_STOPPING)

    def _watch_stop(self, now):
        if self._stopped_at is None:
            return
        took = ticks_diff(now, self._stopped_at)
        still = self._standstill()
        if not still and took <= STANDSTILL_LIMIT_MS:
            return
        self._stopped_at = None
        if self._cut_after:
            # Also when it does not come to rest: then all the more.
            self._cut()
        if still:
            self._send_stop_state(messages.VERDICT_STOPPED, took)
        else:
            self._send_stop_state(messages.VERDICT_STOPPING)

    def _cut(self):
        self._cut_after = False
        for component in self.components:
            component.cut()

    def _on_release(self, message, now):
        if message["generation"] == self.generation:
            self.latched = False
            self._tell_stop()
        else:
            self.link.count("release_of_another_generation")
        self._send_stop_state(messages.VERDICT_STOPPED if self._standstill() else messages.VERDICT_STOPPING)

    def _standstill(self):
        for component in self.components:
            if not component.standstill():
                return False
        return True

    def _tell_stop(self):
        self.link.stop_generation, self.link.stop_latched = self.generation, self.latched

    def _send_stop_state(self, verdict, took=None):
        state = {"generation": self.generation, "latched": self.latched, "verdict": verdict}
        if took is not None:
            state["standstill_ms"] = float(took)
        self.link.send(messages.STOP_STATE_KIND, state)

    # Sheet and readings.

    def _on_sheet_request(self, message, now):
        self._parts_sent = 0

    def _send_parts(self):
        while self._parts_sent < len(self.parts) and self.link.room() > 8:
            if not self.link.send_encoded(messages.SHEET_PART_KIND, self.parts[self._parts_sent]):
                return
            self._parts_sent += 1

    def _send_readings(self, now):
        self._readings.send(now)

    _HANDLERS = {  # noqa: RUF012  # never changed
        messages.FENCE_KIND: _on_fence,
        messages.COMMAND_KIND: _on_command,
        messages.CANCEL_KIND: _on_cancel,
        messages.QUERY_KIND: _on_query,
        messages.SETTING_KIND: _on_setting,
        messages.RELEASE_KIND: _on_release,
        messages.SHEET_REQUEST_KIND: _on_sheet_request,
        messages.STOP_KIND: _on_stop,
        messages.SETPOINT_KIND: _on_setpoint,
        messages.IMAGE_BEGIN_KIND: _on_image_begin,
        messages.IMAGE_FILE_KIND: _on_image_file,
        messages.IMAGE_ORDER_KIND: _on_image_order,
    }
