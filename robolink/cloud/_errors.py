"""What the API server and the edge refuse, as exceptions with a hint each; one table for the cloud's SDK."""

from __future__ import annotations

from typing import Any, Final

from robolink import v1
from robolink.core.violation import cause_name, state_name
from robolink.errors import (
    CommandError,
    CommandFailedError,
    ConfigError,
    LeaseError,
    LocalProtocolError,
    RejectedError,
    RobolinkError,
    TransportError,
)

# Statuses after which the same request may succeed.
PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
GROUP: Final = "devices.kubeedge.io"
# The two ways in which a JSON patch meets another writer: its tests no longer hold, or its object has changed meanwhile.
MOVED_ON: Final = frozenset({409, 422})

HINTS: Final[dict[int, str]] = {
    v1.CAUSE_UNKNOWN_ROBOT: "list the Devices: kubectl get devices",
    v1.CAUSE_UNREACHABLE: "its driver does not answer; the Device's state tells more",
    v1.CAUSE_UNSUPPORTED: "see what its Device offers: kubectl describe device ROBOT",
    v1.CAUSE_INVALID: "see the types: kubectl describe devicemodel",
    v1.CAUSE_LIMIT: "see minimum and maximum: kubectl describe devicemodel",
    v1.CAUSE_NO_LEASE: "somebody at the robot has the lease; a cloud does not take it",
    v1.CAUSE_BUSY: "wait for the other one, or cancel it",
    v1.CAUSE_LATCHED: "release the software stop (not safety rated) first: robot.release()",
    v1.CAUSE_TOO_LATE: "send it again, or with a longer ttl",
    v1.CAUSE_NO_TIMESYNC: "compare this machine's wall clock with the hub's",
    v1.CAUSE_DENIED: "the mapper's key lacks the role: hub.roles in its configuration",
    v1.CAUSE_ID_REUSED: "let the SDK make the id",
}
_LEASE_CAUSES: Final = frozenset({v1.CAUSE_NO_LEASE, v1.CAUSE_OLDER_LEASE})


class ApiStatusError(TransportError):
    """The API server answered with a status that is no success.

    Attributes:
        status: The HTTP status.
        reason: Kubernetes' word for it, for example "Forbidden".
        retry_after_s: When the server wants to be asked again; 0 where it does not say.
    """

    def __init__(self, text: str, *, status: int, reason: str = "", retry_after_s: float = 0.0) -> None:
        """Keep status and reason beside the text."""
        super().__init__(text)
        self.status, self.reason, self.retry_after_s = status, reason, retry_after_s
        self.retryable = status in PASSING


def api_error(error: ApiStatusError, verb: str, resource: str, robot: str = "") -> RobolinkError:
    """The exception for people.

    Args:
        error: What came back.
        verb: Of Kubernetes: "list", "watch", "get", "patch".
        resource: Plural: "devices".
        robot: The Device meant, if it is one.
    """
    if error.status == 401:
        return ConfigError(
            f"the API server does not know who we are: {error.args[0]}",
            hint="has the token run out? kubectl auth whoami shows how a kubeconfig is seen",
        )
    if error.status == 403:
        rule = f'apiGroups: ["{GROUP}"], resources: ["{resource}"], verbs: ["{verb}"]'
        return RejectedError(
            f"{robot or resource}: {error.args[0]}",
            robot=robot,
            cause=v1.CAUSE_DENIED,
            hint=f"if RBAC refuses it, a Role needs: {rule}; robots that may be commanded are named by resourceNames",
        )
    if error.status == 404 and robot:
        return RejectedError(
            f"{robot}: there is no such Device: {error.args[0]}",
            robot=robot,
            cause=v1.CAUSE_UNKNOWN_ROBOT,
            hint=HINTS[v1.CAUSE_UNKNOWN_ROBOT],
        )
    if error.status == 404:
        return ConfigError(
            f"this API server has no {resource}.{GROUP}",
            hint="are KubeEdge's CRDs (v1beta1) installed, and is it the right cluster?",
        )
    if error.status in (400, 422):
        return RejectedError(
            f"{robot or resource}: the API server refuses it: {error.args[0]}",
            robot=robot,
            cause=v1.CAUSE_INVALID,
            hint="an admission policy or the CRD's schema says why",
        )
    return error


def status_of(document: Any, status: int, retry_after: str = "") -> ApiStatusError:
    """From the body of an answer that is no success, a `Status` where the API server itself wrote it."""
    told = document if isinstance(document, dict) and document.get("kind") == "Status" else {}
    seconds = retry_after or str((told.get("details") or {}).get("retryAfterSeconds") or "")
    return ApiStatusError(
        str(told.get("message") or f"HTTP status {status}"),
        status=status,
        reason=str(told.get("reason", "")),
        retry_after_s=float(seconds) if seconds.isdigit() else 0.0,
    )


def outcome_error(update: v1.CommandUpdate, method: str) -> CommandError | None:
    """The exception for a terminal update; None for SUCCEEDED."""
    if update.state == v1.COMMAND_STATE_SUCCEEDED:
        return None
    cause = f" ({cause_name(update.cause)})" if update.cause else ""
    text = f"{update.robot}: {method} ended {state_name(update.state)}{cause}"
    text += f": {update.text}" if update.text else ""
    hint = HINTS.get(update.cause, "")
    if update.state == v1.COMMAND_STATE_REJECTED:
        kind = LeaseError if update.cause in _LEASE_CAUSES else RejectedError
        return kind(text, robot=update.robot, cause=update.cause, hint=hint)
    return CommandFailedError(text, update=update, robot=update.robot, cause=update.cause, hint=hint)


def not_sendable(robot: str, why: str, hint: str = "") -> LocalProtocolError:
    """Our own caller asks for what no twin can hold."""
    return LocalProtocolError(f"{robot}: {why}", hint=hint)
