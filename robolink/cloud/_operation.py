"""What the app asked for, as something that is written to a Device and then followed until the edge has answered.

Sans-IO: `step` says what to write, `written`, `failed` and `fresh` hear what became of it; `wake` says when to look again without
news. The kinds of operation stand in `_operations.py` and `_stops.py`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from robolink import v1
from robolink.cloud._errors import HINTS, MOVED_ON, ApiStatusError, api_error
from robolink.cloud._patch import Operations, writes
from robolink.cloud._view import CMD, STOP, SYNC, FleetView, Reported
from robolink.errors import RejectedError, RobolinkError, TransportError

# Edgecore passes on a change that it got over a broken link only with the next one: a new `sync` is that next one.
NUDGE_MIN_S: Final = 5.0
NUDGE_MAX_S: Final = 60.0
# Writers of one Device meet; each try starts from the Device as it is then.
CONFLICTS_MAX: Final = 8
AGAIN_MIN_S: Final = 0.25
AGAIN_MAX_S: Final = 10.0
# A setting is a wish that stands while its robot is away; a command may be told EXPIRED long after its ttl.
GIVE_UP_S: Final = 600.0


class Now(NamedTuple):
    """Monotonic seconds, and the wall clock that commands are issued by."""

    s: float
    wall_ms: int


class Operation:
    """One write and its way to the robot.

    Attributes:
        robot: Whose Device.
        flying: A patch is on its way.
        stale: The Device should be read before the next try: somebody else has written to it.
        over: Nothing is left to do.
        told: The write is in the API server.
        sync: What `sync` was written as; 0 if the Device has none.
        generation: The Device's, as our last patch left it.
    """

    nudge_min_s = NUDGE_MIN_S
    # The property that the mapper writes anew even if its text stands there already; none for a command, which runs once.
    again = ""

    def __init__(self, robot: str, now: Now, give_up_s: float) -> None:
        """Begins with the first `step`."""
        self.robot = robot
        self.flying = self.stale = self.over = self.told = False
        self.sync = self.generation = self._told_sync = 0
        self._refused_before = ""
        self.until_s = now.s + give_up_s
        self._nudge_at, self._nudge_s = now.s, self.nudge_min_s
        self._nudging = False
        # A patch may have been taken whose answer was lost.
        self._maybe_there = False
        self._conflicts, self._seen, self._error = 0, "", ""
        self._again_at, self._again_s = 0.0, AGAIN_MIN_S

    def step(self, view: FleetView, now: Now) -> Operations | None:
        """What to write now; None if nothing.

        Raises:
            RobolinkError: It cannot be done; give it to `fail`.
        """
        if self.over or self.flying or self.stale or now.s < self._again_at:
            return None
        self._again_at = 0.0
        made = None
        if not self.told:
            made = self.write(view, now)
        if made is None and self.told:
            self.follow(view, now)
            made = self._nudge(view, now)
        if made is not None and not self.over:
            self.flying, self._seen = True, _version(view, self.robot)
            return made
        return None

    def _nudge(self, view: FleetView, now: Now) -> Operations | None:
        if self.over:
            return None
        if now.s >= self.until_s:
            self.over = True
            self.give_up()
            return None
        if now.s < self._nudge_at:
            return None
        self._pause(now)
        device, texts = view.device(self.robot), self.next_sync(view)
        if device is None or not texts:
            return None
        self._nudging = True
        return writes(device, texts, exact=texts)

    def _pause(self, now: Now) -> None:
        self._nudge_at, self._nudge_s = now.s + self._nudge_s, min(NUDGE_MAX_S, self._nudge_s * 2)

    def written(self, view: FleetView, now: Now) -> None:
        """The API server has taken the patch."""
        self.flying, self._conflicts, self._again_s = False, 0, AGAIN_MIN_S
        if self._nudging:
            self._nudging = False
            return
        self.mark_told(view, now)

    def mark_told(self, view: FleetView, now: Now) -> None:
        """The write stands in the API server, by this patch or by one whose answer was lost."""
        self.told, self._told_sync = True, self.sync
        self._pause(now)
        self.accepted(view, now)

    def failed(self, error: RobolinkError, now: Now) -> RobolinkError | None:
        """The patch failed; None if it is tried again."""
        self.flying = False
        self._maybe_there = self._maybe_there or not _undone(error)
        if isinstance(error, ApiStatusError) and error.status in MOVED_ON:
            if self._nudging:
                self._nudging = False  # Somebody else has written, and that does as well.
                return None
            self._conflicts += 1
            self.stale, self._error = True, str(error.args[0])
            return (
                None if self._conflicts <= CONFLICTS_MAX else api_error(error, "patch", "devices", self.robot)
            )
        if isinstance(error, ApiStatusError) and not error.retryable:
            return api_error(error, "patch", "devices", self.robot)
        if not isinstance(error, TransportError) or now.s >= self.until_s:
            return error
        # Not known whether it was taken: writing the same once more changes nothing, and a command's id runs once.
        self._nudging = False
        self._again_at = now.s + max(self._again_s, getattr(error, "retry_after_s", 0.0))
        self._again_s = min(AGAIN_MAX_S, self._again_s * 2)
        return None

    def fresh(self, view: FleetView) -> RobolinkError | None:
        """The Device was read after a conflict; an error if nobody had written to it: then the patch itself is refused."""
        self.stale = False
        if _version(view, self.robot) != self._seen:
            return None
        return api_error(ApiStatusError(self._error, status=422), "patch", "devices", self.robot)

    def wake(self) -> float | None:
        """When to step again without news; None: only with news."""
        if self.over or self.flying or self.stale:
            return None
        if self._again_at:
            return self._again_at
        return min(self._nudge_at, self.until_s) if self.told else self.waits_until()

    # For the kinds of operation.

    def write(self, view: FleetView, now: Now) -> Operations | None:
        """The write itself; None while it must wait."""
        raise NotImplementedError

    def waits_until(self) -> float | None:
        """While `write` says None: when to ask it again without news."""
        return self.until_s

    def accepted(self, view: FleetView, now: Now) -> None:
        """The write is in the API server."""

    def follow(self, view: FleetView, now: Now) -> None:
        """Look at what the edge reports; set `over` at the end."""

    def give_up(self) -> None:
        """Nothing came until the last moment."""

    def fail(self, error: RobolinkError) -> None:
        """It cannot be done."""
        self.over = True

    def next_sync(self, view: FleetView) -> dict[str, str]:
        """The next `sync`: a count over all writers, and what counts as written anew; nothing for a Device that has none."""
        present = view.desired(self.robot).get(SYNC)
        if present is None:
            return {}
        self.sync = _count(present) + 1
        return {SYNC: f"{self.sync}/{self.again}" if self.again else str(self.sync)}

    def edge_has_it(self, view: FleetView) -> bool:
        """Whether the mapper has taken or refused all that stood in the Device with our write."""
        return 0 < self.sync <= _count(view.reported(self.robot).get(SYNC, Reported()).observed)

    def refusal(self, view: FleetView, name: str) -> str:
        """How the mapper or the hub refused this property as it stood with our write: its word for it; "" if it did not."""
        error = view.errors(self.robot).get(name, "")
        # Reports may overtake each other: the word that stood there before counts once a nudge was answered too.
        news = error != self._refused_before or self.sync > self._told_sync
        return error if news and ":" not in error and self.edge_has_it(view) else ""

    def note_refusal(self, view: FleetView, name: str) -> None:
        """What is refused of this property before our write."""
        self._refused_before = view.errors(self.robot).get(name, "")


def _undone(error: RobolinkError) -> bool:
    """The server itself says that it has not taken the patch; who stands before it may not know."""
    return isinstance(error, ApiStatusError) and error.status < 500 and error.status != 408


def _count(text: str) -> int:
    number = text.partition("/")[0]
    return int(number) if number.isdigit() else 0


def _version(view: FleetView, robot: str) -> str:
    return str(((view.device(robot) or {}).get("metadata") or {}).get("resourceVersion", ""))


def unknown(view: FleetView, robot: str, name: str) -> RejectedError:
    """The robot has no Device, or its Device no such property."""
    if view.device(robot) is None:
        return RejectedError(
            f"{robot}: there is no such Device",
            robot=robot,
            cause=v1.CAUSE_UNKNOWN_ROBOT,
            hint=HINTS[v1.CAUSE_UNKNOWN_ROBOT],
        )
    hint = "apply its manifest anew: robolink kubeedge manifest" if name in (CMD, STOP) else HINTS[4]
    text = f"{robot}: its Device has no property {name!r}"
    return RejectedError(text, robot=robot, cause=v1.CAUSE_UNSUPPORTED, hint=hint)


def unheard(robot: str, what: str) -> str:
    """What is said when patience ends."""
    return f"{robot}: the edge has said nothing of {what}"
