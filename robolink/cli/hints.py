"""What to do next, for every error that the command line can show: one table by cause, one by kind of error.

It words only what to type; what happened is the error's own text. Nothing here asks the hub.
"""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.errors import (
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    LeaseError,
    ProtocolError,
    RobolinkError,
    SettingRejectedError,
    StorageError,
    TransportError,
    TwinConflictError,
)

# By cause; {robot} is the robot's id, or the word ROBOT where the error names none.
BY_CAUSE: Final[dict[int, str]] = {
    v1.CAUSE_UNKNOWN_ROBOT: "`robolink robots` lists those that the hub knows",
    v1.CAUSE_UNREACHABLE: "is its driver running? `robolink why {robot}` says what is missing",
    v1.CAUSE_VERSION: "update the older side; `robolink doctor` shows both versions",
    v1.CAUSE_UNSUPPORTED: "`robolink describe {robot}` shows what it offers",
    v1.CAUSE_INVALID: "`robolink describe {robot}` shows arguments and types",
    v1.CAUSE_LIMIT: "`robolink describe {robot}` shows the limits",
    v1.CAUSE_MODE: "`robolink twin get {robot}` shows its state; bring it into the mode that this needs",
    v1.CAUSE_NO_LEASE: "`robolink why {robot}` shows who holds the lease; `robolink call` takes a free one by itself",
    v1.CAUSE_OLDER_LEASE: "the lease went to somebody else: `robolink why {robot}`, then send it again",
    v1.CAUSE_BUSY: "`robolink why {robot}` shows who or what keeps it; ask for it by "
    "`robolink lease {robot} --request 30 --reason …`, or end a goal by `call --preempt`",
    v1.CAUSE_LATCHED: "release the software stop (not safety rated) first: `robolink release {robot}`",
    v1.CAUSE_TOO_LATE: "send it again, with a longer --ttl if the link is slow; `robolink doctor` measures it",
    v1.CAUSE_NO_TIMESYNC: "wait some seconds for the clocks to be measured; `robolink why {robot}` shows them",
    v1.CAUSE_DENIED: "use a key that has the role; `robolink doctor` shows yours",
    v1.CAUSE_ID_REUSED: "send it as a new command",
    v1.CAUSE_STORAGE: "the hub's store cannot keep more: free disk space or raise store.max_bytes; `robolink doctor`",
    v1.CAUSE_CONFLICT: "read the present version by `robolink twin get {robot}` and decide again",
    v1.CAUSE_DRIVER_ERROR: "the robot's own driver failed: see its log",
    v1.CAUSE_DISCONNECTED: "the robot or its client went away meanwhile: `robolink why {robot}`",
    v1.CAUSE_ROBOT_TAKEN: "stop the other driver, or give this robot another id",
    v1.CAUSE_MAX_DURATION: "it took longer than the method allows: is it blocked? `robolink describe {robot}`",
    v1.CAUSE_NO_HELLO: "the hub was restarted: run it again",
}

# The SDK words these for programmers; on a command line ours come first.
OURS_FIRST: Final = frozenset(
    {v1.CAUSE_NO_LEASE, v1.CAUSE_OLDER_LEASE, v1.CAUSE_BUSY, v1.CAUSE_LATCHED, v1.CAUSE_UNREACHABLE}
)

# By kind, the nearest first.
BY_KIND: Final[tuple[tuple[type[RobolinkError], str], ...]] = (
    (TwinConflictError, "read the present version by `robolink twin get {robot}` and decide again"),
    (SettingRejectedError, "`robolink describe {robot}` shows the limits"),
    (
        DeadlineExceededError,
        "it may still run: `robolink why {robot}` shows it, `robolink stop {robot}` ends it",
    ),
    (LeaseError, "`robolink why {robot}` shows who holds the lease"),
    (ConfigError, "see the command's --help, and docs/hub.md for the hub's keys"),
    (ConnectionLostError, "start a hub by `robolink hub`, or name another by --hub or ROBOLINK_HUB"),
    (TransportError, "`robolink doctor` measures the way to the hub"),
    (StorageError, "free disk space, or raise store.max_bytes"),
    (ProtocolError, "one side is older: `robolink doctor` shows both versions"),
    (RobolinkError, "`robolink doctor` looks for what is wrong"),
)


def hint(error: RobolinkError) -> str:
    """What to do about it; never empty."""
    cause = int(getattr(error, "cause", 0) or 0)
    robot = str(getattr(error, "robot", "") or "ROBOT")
    by_cause = BY_CAUSE.get(cause, "")
    own = error.hint if cause not in OURS_FIRST or not by_cause else ""
    if own and cause == 0 and isinstance(error, LeaseError):
        own = ""  # Worded for a program: `with robot.lease(): …`.
    by_kind = next(words for kind, words in BY_KIND if isinstance(error, kind))
    return own.replace("ROBOT", robot) or (by_cause or by_kind).format(robot=robot)


def with_hint(error: RobolinkError) -> str:
    """One line: what happened, and what to do next."""
    text = str(error.args[0]) if error.args else type(error).__name__
    return f"{text} ({hint(error)})"
