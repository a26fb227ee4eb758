"""What a rule says when it refuses: a cause of the standard and a text for people.

A rule raises it; the hub and the SDKs turn it into a reply or an error. It never decides anything itself.
"""

from __future__ import annotations

from typing import Final

from robolink import v1

# Of a refusal's text: what a peer sent may stand in it, and must not make it longer than a message.
MAX_TEXT: Final = 1024


class Violation(Exception):
    """A rule refused something.

    Attributes:
        cause: The `v1.Cause`.
        text: Names the thing, the value and the limit or owner.
        version: For CAUSE_CONFLICT, the present version of the property; else 0.
    """

    def __init__(self, cause: v1.Cause, text: str, *, version: int = 0) -> None:
        """Keep cause, text and version."""
        text = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
        super().__init__(text)
        self.cause = cause
        self.text = text
        self.version = version


def cause_name(cause: int) -> str:
    """`CAUSE_NO_LEASE` -> "NO_LEASE"; a number this version does not know is kept as a number."""
    try:
        return v1.Cause.Name(cause).removeprefix("CAUSE_")
    except ValueError:
        return str(cause)


def state_name(state: int) -> str:
    """`COMMAND_STATE_RUNNING` -> "RUNNING"."""
    try:
        return v1.CommandState.Name(state).removeprefix("COMMAND_STATE_")
    except ValueError:
        return str(state)
