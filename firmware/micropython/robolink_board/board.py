"""The board's rules: who may move it, both watchdogs, the latched software stop (not safety rated), commands once.

No I/O and no clock: `receive`, `step` and `data_to_send` get `now` in ticks (ms); components do the moving.
"""

from robolink_board import member, messages, sheet
from robolink_board.link import Link
from robolink_board.run import Run
from robolink_board.ticks import ticks_add, ticks_diff

WATCHDOG_MS = 200
READINGS_MS = 100
STANDSTILL_LIMIT_MS = 800
REMEMBERED = 16
# Readings that fit one frame, whatever their values (a double is 15 bytes with its member and tags).
READINGS_A_FRAME = 12


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
    ):
        self.components = components
        self.members = {}
        self.parts = sheet.parts(model, vendor, version, description, components, self.members)
        self.link = Link(self, now, random_u32, sheet.hash_of(self.parts))
        self.counters = self.link.counters
        self.watchdog_ms = watchdog_ms
        self.generation = 0
        self.latched = False
        self._fence = None
        self._runs = {}  # component -> Run
        self._outcomes = []  # UPDATE messages of ended commands, oldest first
        self._setpoints = {}  # member -> when it dies
        self._stopped_at = None
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

    # Time.

    def step(self, now):
        elapsed = ticks_diff(now, self._stepped)
        self._stepped = now
        if self._watching and ticks_diff(now, self.link.heard) >= self.watchdog_ms:
            self._link_lost(now)
        for one in [key for key, dies in self._setpoints.items() if ticks_diff(now, dies) >= 0]:
            self._end_setpoint(one)
        for component in list(self._runs):
            run = self._runs[component]
            run.step(now)
            if run.outcome is not None:
                self._end_run(component)
        for component in self.components:
            component.step(max(elapsed, 0) / 1000)
        self._watch_stop(now)
        self._send_parts()
        if ticks_diff(now, self._read) >= READINGS_MS:
            self._read = now
            self._send_readings()

    def _link_lost(self, now):
        # The first watchdog: nobody could stop us now, so nothing moves.
        self._watching = False
        self.link.count("watchdog")
        self._end_motion(
            messages.CANCELED, messages.DISCONNECTED, "the link was silent for %d ms" % self.watchdog_ms, now
        )

    def _end_motion(self, state, cause, text, now):
        for run in self._runs.values():
            run.end(state, cause, text, now)
        for one in list(self._setpoints):
            self._end_setpoint(one)
        self.safe()

    def _end_setpoint(self, one):
        # The second watchdog, and every other end of a stream.
        del self._setpoints[one]
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
        values = [messages.from_value(value) for value in message["args"]]
        if len(values) != len(one.args):
            return messages.FAILED, messages.INVALID, "%d arguments, not %d" % (len(values), len(one.args))
        try:
            values = member.check_all(one.args, values)
        except ValueError as error:
            return messages.FAILED, messages.LIMIT, str(error)
        running = self._runs.get(one.component)
        if running is not None and not running.ending:
            return messages.FAILED, messages.BUSY, "%s is busy" % one.component.name
        if running is not None:
            running.finish()
            self._end_run(one.component)
        for each in [key for key in self._setpoints if key.component is one.component]:
            self._end_setpoint(each)
        self._runs[one.component] = Run(self.link, one, message, values, now)
        self.link.send(messages.UPDATE_KIND, {"command_id": message["command_id"], "state": messages.RUNNING})
        return None

    def _known(self, command_id):
        for run in self._runs.values():
            if run.command_id == command_id:
                return {
                    "command_id": command_id,
                    "state": messages.CANCELING if run.ending else messages.RUNNING,
                }
        for outcome in self._outcomes:
            if outcome["command_id"] == command_id:
                return outcome
        return None

    def _on_cancel(self, message, now):
        state = messages.PREEMPTED if message["end_state"] == messages.PREEMPTED else messages.CANCELED
        for run in self._runs.values():
            if run.command_id == message["command_id"]:
                run.end(state, 0, "", now)

    def _on_query(self, message, now):
        known = self._known(message["command_id"])
        self.link.send(messages.UPDATE_KIND, known or {"command_id": message["command_id"]})

    def _on_setpoint(self, message, now):
        one = self.members.get(message["member"])
        values = message["values"]
        if one is None or one.kind != messages.SETPOINT or len(values) != len(one.args):
            self.link.count("bad_setpoint")
            return
        if message["ttl_ms"] == 0:
            if one in self._setpoints:
                self._end_setpoint(one)
            return
        if self._refusal(message) is not None or one.component in self._runs:
            self.link.count("setpoint_refused")
            return
        try:
            values = member.check_all(one.args, values)
        except ValueError:
            self.link.count("setpoint_out_of_limits")
            return
        # Never longer than the sheet says, whatever a frame says.
        self._setpoints[one] = ticks_add(now, min(message["ttl_ms"], one.ttl_ms))
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
                answer["cause"], answer["text"] = messages.LIMIT, str(error)
            answer["value"] = messages.to_value(one.get())
        self.link.send(messages.SETTING_RESULT_KIND, answer)

    # Stop.

    def _on_stop(self, message, now):
        again = self.latched and message["generation"] == self.generation
        self.generation, self.latched = max(self.generation, message["generation"]), True
        self._tell_stop()
        self._end_motion(messages.STOPPED, messages.LATCHED, "", now)
        if not again or self._stopped_at is None:
            self._stopped_at = now
        self._send_stop_state(messages.VERDICT_STOPPING)

    def _watch_stop(self, now):
        if self._stopped_at is None:
            return
        took = ticks_diff(now, self._stopped_at)
        if self._standstill():
            self._stopped_at = None
            self._send_stop_state(messages.VERDICT_STOPPED, took)
        elif took > STANDSTILL_LIMIT_MS:
            self._stopped_at = None
            self._send_stop_state(messages.VERDICT_STOPPING)

    def _on_release(self, message, now):
        if message["generation"] == self.generation:
            self.latched = False
            self._tell_stop()
        else:
            self.link.count("release_of_another_generation")
        self._send_stop_state(messages.VERDICT_STOPPED if self._standstill() else messages.VERDICT_STOPPING)

    def _standstill(self):
        return all(component.standstill() for component in self.components)

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

    def _send_readings(self):
        found = []
        for one in self.members.values():
            if one.get is not None:
                found.append({"member": one.id, "value": messages.to_value(one.get())})
        for at in range(0, len(found), READINGS_A_FRAME):
            self.link.send(messages.READINGS_KIND, {"readings": found[at : at + READINGS_A_FRAME]})

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
    }
