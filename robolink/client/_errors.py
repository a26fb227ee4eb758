"""Refusals of the standard as exceptions with a hint each; one table for the whole SDK."""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.core.violation import cause_name, state_name
from robolink.errors import (
    CommandError,
    CommandFailedError,
    LeaseError,
    RejectedError,
    RemoteProtocolError,
    RobolinkError,
    TwinConflictError,
)

HINTS: Final[dict[int, str]] = {
    v1.CAUSE_UNKNOWN_ROBOT: "list the robots: robolink robots",
    v1.CAUSE_UNREACHABLE: "is its driver running? robolink robots shows who is online",
    v1.CAUSE_VERSION: "update the older side",
    v1.CAUSE_UNSUPPORTED: "see what it offers: robolink describe ROBOT",
    v1.CAUSE_INVALID: "see the arguments and types: robolink describe ROBOT",
    v1.CAUSE_LIMIT: "see the limits: robolink describe ROBOT",
    v1.CAUSE_NO_LEASE: "with robot.lease(): …",
    v1.CAUSE_OLDER_LEASE: "the lease is over; take it again",
    v1.CAUSE_BUSY: "wait for the other one, cancel it, or preempt",
    v1.CAUSE_LATCHED: "robot.release() ends a software stop (not safety rated), with role safety; nothing moves by it",
    v1.CAUSE_TOO_LATE: "send it again, or with a longer ttl",
    v1.CAUSE_NO_TIMESYNC: "check the clocks",
    v1.CAUSE_DENIED: "ask for the role, or use a key that has it",
    v1.CAUSE_ID_REUSED: "let the SDK make the id",
    v1.CAUSE_STORAGE: "the hub's store is full: free disk space or raise store.max_bytes",
    v1.CAUSE_CONFLICT: "read the present version and decide again",
}

_LEASE_CAUSES: Final = frozenset({v1.CAUSE_NO_LEASE, v1.CAUSE_OLDER_LEASE})


# A lease that another one holds is no goal that runs.
LEASE_BUSY: Final = "ask for it: lease(request_s=30, reason=…), or take it: lease(take=True, reason=…), which needs role maintain"


def _hint(cause: int, robot: str, hint: str = "") -> str:
    found = hint or HINTS.get(cause, "")
    return found.replace("ROBOT", robot) if robot else found


def refusal(cause: int, text: str, *, robot: str = "", hint: str = "", version: int = 0) -> RobolinkError:
    """The exception for a refused request or command."""
    hint = _hint(cause, robot, hint)
    if cause in _LEASE_CAUSES:
        return LeaseError(text, robot=robot, cause=cause, hint=hint)
    if cause == v1.CAUSE_CONFLICT and version:
        return TwinConflictError(text, robot=robot, cause=cause, version=version, hint=hint)
    if cause == v1.CAUSE_VERSION:
        return RemoteProtocolError(text, cause=cause, hint=hint)
    return RejectedError(text, robot=robot, cause=cause, hint=hint)


def outcome_error(update: v1.CommandUpdate, method: str) -> CommandError | None:
    """The exception for a terminal update; None for SUCCEEDED."""
    if update.state == v1.COMMAND_STATE_SUCCEEDED:
        return None
    cause = f" ({cause_name(update.cause)})" if update.cause else ""
    text = f"{update.robot}: {method} ended {state_name(update.state)}{cause}"
    if update.text:
        text += f": {update.text}"
    if update.state == v1.COMMAND_STATE_REJECTED:
        error = refusal(update.cause, text, robot=update.robot)
        assert isinstance(error, CommandError | RemoteProtocolError)
        return error if isinstance(error, CommandError) else RejectedError(text, robot=update.robot)
    hint = _hint(update.cause, update.robot)
    return CommandFailedError(text, update=update, robot=update.robot, cause=update.cause, hint=hint)


def check_accepted(update: v1.CommandUpdate, method: str) -> None:
    """Whether the hub has taken it; raises why not."""
    error = outcome_error(update, method) if update.state == v1.COMMAND_STATE_REJECTED else None
    if error is not None:
        raise error


def check_succeeded(update: v1.CommandUpdate, method: str) -> None:
    """Whether it has succeeded; raises any other outcome."""
    error = outcome_error(update, method)
    if error is not None:
        raise error


def check_released(result: v1.ReleaseResult) -> v1.ReleaseResult:
    """Whether that robot's software stop has ended; raises why not."""
    if result.cause:
        raise refusal(result.cause, f"{result.robot} is not released: {result.text}", robot=result.robot)
    return result
