"""The kinds of operation but for stops (_stops.py): a setting, a command.

Sans-IO. What a command may do is the hub's to decide; here it is written, once, and its verdict read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Final, cast

from robolink import v1
from robolink.channels import settle
from robolink.cloud._errors import HINTS, MOVED_ON, ApiStatusError, not_sendable, outcome_error
from robolink.cloud._operation import GIVE_UP_S, Now, Operation, unheard, unknown
from robolink.cloud._patch import Operations, conflict, only_at, writes
from robolink.cloud._view import CMD, STOP_GENERATION, FleetView, Property, Reported, cause_of
from robolink.core import twincmd, twintext
from robolink.core.command import TERMINAL
from robolink.core.values import Plain, to_value
from robolink.errors import DeadlineExceededError, RejectedError, RobolinkError, SettingRejectedError

# After its ttl nobody runs it; this long it may lie in `cmd` for its verdict before another takes the place.
SLOT_MARGIN_MS: Final = 2_000
ANSWER_MARGIN_S: Final = 5.0
LOOK_AGAIN_S: Final = 1.0


class SetOperation(Operation):
    """One setting.

    Attributes:
        taken: Resolves with the Device's generation once it is written.
        applied: Resolves with the same once the robot has applied it.
    """

    def __init__(self, robot: str, name: str, value: Plain, if_version: int | None, now: Now) -> None:
        """Nothing is written yet."""
        super().__init__(robot, now, GIVE_UP_S)
        self.name = self.again = name
        self._value, self._if_version = value, if_version
        self.taken: Future[int] = Future()
        self.applied: Future[int] = Future()
        self.text = ""
        self._before = ("", "")

    def write(self, view: FleetView, now: Now) -> Operations | None:
        """With the next `sync`, so that edgecore has something to pass on even after a broken link."""
        device, entry = view.device(self.robot), view.properties(self.robot).get(self.name)
        if device is None or entry is None:
            raise unknown(view, self.robot, self.name)
        self.text = encode(self.robot, self.name, self._value, entry)
        self._before = self._heard(view)
        if self._maybe_there and self._if_version is not None and self._stands(view):
            self.generation = view.generation(self.robot)
            self.mark_told(view, now)
            return None
        made = [] if self._if_version is None else only_at(self.robot, device, self._if_version)
        return made + writes(device, {self.name: self.text} | self.next_sync(view))

    def _stands(self, view: FleetView) -> bool:
        """Nothing but this was written since `if_version`: by a try whose answer was lost."""
        once = view.generation(self.robot) == (self._if_version or 0) + 1
        return once and view.desired(self.robot).get(self.name) == self.text

    def accepted(self, view: FleetView, now: Now) -> None:
        """Its version is the Device's generation, which counts every change of desired values."""
        settle(self.taken, self.generation)

    def follow(self, view: FleetView, now: Now) -> None:
        """Observed is ours word by word once the robot has applied it."""
        observed, error = self._heard(view)
        present = view.desired(self.robot).get(self.name)
        # What stood there before may be of an older write of the same text.
        news = self.edge_has_it(view) or not self.sync
        if observed == self.text and (news or self._before[0] != observed):
            self._end(None)
        elif present is not None and present != self.text:
            found = view.generation(self.robot)
            self._end(conflict(self.robot, self.taken.result() if self.taken.done() else 0, found))
        elif error and (error != self._before[1] or (":" not in error and self.edge_has_it(view))):
            # A refusal by the robot itself names the version: it is new, or not ours.
            text = f"{self.robot}: {self.name} = {self.text} was refused: {error}"
            cause = cause_of(error)
            self._end(SettingRejectedError(text, robot=self.robot, cause=cause, hint=HINTS.get(cause, "")))

    def _heard(self, view: FleetView) -> tuple[str, str]:
        """What is observed of it, and how it was refused."""
        observed = view.reported(self.robot).get(self.name, Reported()).observed
        return observed, view.errors(self.robot).get(self.name, "")

    def _end(self, error: RobolinkError | None) -> None:
        self.over = True
        settle(self.applied, self.taken.result() if self.taken.done() else 0, error)

    def give_up(self) -> None:
        """The wish stands in the cloud; nobody nudges it any more."""
        self._end(DeadlineExceededError(unheard(self.robot, self.name), robot=self.robot))

    def fail(self, error: RobolinkError) -> None:
        """It is not in the cloud."""
        self.over = True
        settle(self.taken, error=error)
        settle(self.applied, error=error)


class CommandOperation(Operation):
    """One command by the property `cmd`, written when the command before it has been read.

    Attributes:
        taken: Resolves with the first state that the edge reports, and with DeadlineExceededError if none comes.
        terminal: Resolves with the last one.
        last: The newest.
    """

    def __init__(
        self,
        robot: str,
        twin_id: str,
        method: str,
        args: Mapping[str, Plain | Sequence[float]],
        ttl_s: float,
        now: Now,
        *,
        on_state: Callable[[v1.CommandUpdate], None] | None = None,
        also: Mapping[str, str] | None = None,
    ) -> None:
        """Nothing is written yet.

        Args:
            robot: Whose.
            twin_id: Its id; the same never runs twice.
            method: "component.method", "cancel" or "release".
            args: Plain values.
            ttl_s: Counted from when it is written; it also waits so long for its place.
            now: Of the call.
            on_state: Called with each new state.
            also: Desired texts that go with it.

        Raises:
            LocalProtocolError: It cannot be written as a twin's text.
        """
        super().__init__(robot, now, ttl_s)
        self.id, self.method, self._args = twin_id, method, dict(args)
        self._ttl_ms, self._on_state, self._also = round(ttl_s * 1000), on_state, dict(also or {})
        self.taken: Future[v1.CommandUpdate] = Future()
        self.terminal: Future[v1.CommandUpdate] = Future()
        self.last = v1.CommandUpdate(command_id=twincmd.command_id(robot, twin_id), robot=robot)
        self.text = ""
        self._look_at_s, self._place_until_s = now.s, now.s + ttl_s
        self._taken_until_s = self._place_until_s + ANSWER_MARGIN_S
        self._encode(now)  # A wrong argument is told at once.

    def _encode(self, now: Now) -> str:
        try:
            return twincmd.make(self.id, self.method, self._args, now.wall_ms, self._ttl_ms)
        except ValueError as exc:
            raise not_sendable(self.robot, f"{self.method}: {exc}", "see docs/kubeedge.md") from exc

    def write(self, view: FleetView, now: Now) -> Operations | None:
        """As soon as `cmd` is free: what lies there is read, or over its ttl."""
        device, present = view.device(self.robot), view.desired(self.robot)
        if device is None or CMD not in present:
            raise unknown(view, self.robot, CMD)
        if self.text and (present[CMD] == self.text or self.id in view.commands(self.robot)):
            self.mark_told(view, now)  # The answer to a former try was lost.
            return None
        if self.text and now.s >= self._taken_until_s:
            raise self._late()
        if not _is_free(view, self.robot, now):
            self.check_place(now)
            self._look_at_s = now.s + LOOK_AGAIN_S
            return None
        if not self.text:
            self.text = self._encode(now)
            self._taken_until_s = now.s + self._ttl_ms / 1000 + ANSWER_MARGIN_S
            self.until_s = self._taken_until_s + GIVE_UP_S
        self.note_refusal(view, CMD)
        texts = {CMD: self.text} | self._also | self.next_sync(view)
        return writes(device, texts, exact=(CMD,))

    def check_place(self, now: Now) -> None:
        """It waits for its place no longer than its ttl.

        Raises:
            RejectedError: TOO_LATE.
        """
        if not self.text and not self.over and now.s >= self._place_until_s:
            raise RejectedError(
                f"{self.robot}: {self.method} was never sent: a command before it was not read",
                robot=self.robot,
                cause=v1.CAUSE_TOO_LATE,
                hint="is the mapper up, and the node's link? kubectl get devicestatus",
            )

    def failed(self, error: RobolinkError, now: Now) -> RobolinkError | None:
        """Once an answer was lost, its text may stand there already and is not written in other words."""
        made = super().failed(error, now)
        moved_on = isinstance(error, ApiStatusError) and error.status in MOVED_ON
        if moved_on and not self.told and not self._maybe_there:
            self.text = ""
        return made

    def waits_until(self) -> float | None:
        """The command before it is over some time, with or without news."""
        return min(self._look_at_s, self._taken_until_s if self.text else self._place_until_s)

    def accepted(self, view: FleetView, now: Now) -> None:
        """In the cloud; the edge has not said anything yet."""

    def wake(self) -> float | None:
        """Also when its acceptance is overdue."""
        at = super().wake()
        return at if at is None or self.taken.done() or not self.told else min(at, self._taken_until_s)

    def follow(self, view: FleetView, now: Now) -> None:
        """Its entry in `cmd-status`; what the mapper or the hub refuses gets none."""
        found = view.commands(self.robot).get(self.id)
        observed = view.reported(self.robot).get(CMD, Reported()).observed
        ours = observed != self.text == view.desired(self.robot).get(CMD)
        if found is not None:
            self._seen_state(*found)
        elif ours and (error := self.refusal(view, CMD)):
            view.refused[self.robot] = self.text
            self._seen_state("REJECTED", error, f"the edge refuses it: {error}")
        elif not self.taken.done() and now.s >= self._taken_until_s:
            settle(self.taken, error=self._late())

    def _late(self) -> DeadlineExceededError:
        text = f"{unheard(self.robot, self.method)}: it may have run, and does not begin any more"
        return DeadlineExceededError(text, robot=self.robot, hint="see the Device's state")

    def _seen_state(self, name: str, cause: str, text: str = "") -> None:
        known = v1.CommandState.DESCRIPTOR.values_by_name.get(f"COMMAND_STATE_{name}")
        if known is None:
            return  # A word of a newer hub; the terminal ones are these.
        state = cast(v1.CommandState, known.number)
        if state != self.last.state:
            why = cause_of(cause) if cause else v1.CAUSE_UNSPECIFIED
            self.last = v1.CommandUpdate(
                command_id=self.last.command_id, robot=self.robot, state=state, cause=why, text=text
            )
            if self._on_state is not None:
                self._on_state(self.last)
        settle(self.taken, self.last)
        # What the edge has read needs no nudge before it ends by itself.
        self._nudge_at = max(self._nudge_at, self._taken_until_s)
        if state in TERMINAL:
            self.over = True
            settle(self.terminal, self.last)

    def give_up(self) -> None:
        """Long behind its ttl."""
        self.fail(DeadlineExceededError(unheard(self.robot, self.method), robot=self.robot))

    def fail(self, error: RobolinkError) -> None:
        """It ends without a verdict."""
        self.over = True
        settle(self.taken, error=error)
        settle(self.terminal, error=error)


def release_args(view: FleetView, robot: str) -> dict[str, Plain]:
    """Arguments of a release: the stop that we know of, so that a newer one is not undone."""
    text = view.reported(robot).get(STOP_GENERATION, Reported()).text
    if not text.isdigit():
        raise RejectedError(
            f"{robot}: no stop generation was reported yet", robot=robot, cause=v1.CAUSE_UNREACHABLE
        )
    return {"generation": int(text)}


def succeeded(operation: CommandOperation) -> RobolinkError | None:
    """The exception for how it ended; None if it succeeded, or has not ended."""
    last = operation.last
    return outcome_error(last, operation.method) if last.state in TERMINAL else None


def encode(robot: str, name: str, value: Plain, entry: Property) -> str:
    """A setting's text, checked by its DeviceModel.

    Raises:
        RejectedError: A reading, out of its limits, or of another type.
    """

    def refused(cause: v1.Cause, text: str) -> RejectedError:
        return RejectedError(f"{robot}: {name}: {text}", robot=robot, cause=cause, hint=HINTS.get(cause, ""))

    if not entry.writable:
        raise refused(v1.CAUSE_UNSUPPORTED, "is a reading; it cannot be written")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        v1.VALUE_TYPE_BOOL: isinstance(value, bool),
        v1.VALUE_TYPE_INT: isinstance(value, int) and not isinstance(value, bool),
        v1.VALUE_TYPE_DOUBLE: number,
    }
    if not fits.get(entry.kind, True):
        word = v1.ValueType.Name(entry.kind).removeprefix("VALUE_TYPE_")
        raise refused(v1.CAUSE_INVALID, f"{value!r} is no {word}")
    if isinstance(value, int | float) and number:
        low = entry.minimum if entry.minimum is not None else value
        high = entry.maximum if entry.maximum is not None else value
        if not low <= value <= high:
            raise refused(v1.CAUSE_LIMIT, f"{value} is not within {entry.minimum} to {entry.maximum}")
    try:
        encoded = twintext.encode(to_value(value))
    except ValueError as exc:
        raise refused(v1.CAUSE_INVALID, str(exc)) from exc
    if encoded.lost:
        raise refused(v1.CAUSE_LIMIT, f"more than {twintext.MAX_VALUE_CHARACTERS} characters do not pass")
    if not encoded.text:
        raise refused(v1.CAUSE_INVALID, "an empty value counts as none: a twin cannot hold it")
    return encoded.text


def _is_free(view: FleetView, robot: str, now: Now) -> bool:
    """Whether what lies in `cmd` has been read, or is over."""
    text = view.desired(robot).get(CMD, "")
    if not text or text in (view.reported(robot).get(CMD, Reported()).observed, view.refused.get(robot)):
        return True
    try:
        command = twincmd.decode(text)
    except ValueError:
        return True  # No command; the mapper has said so, or will.
    if command.id in view.commands(robot):
        return True
    return now.wall_ms > command.issued_ms + command.ttl_ms + SLOT_MARGIN_MS
