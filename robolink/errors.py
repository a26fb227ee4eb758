"""The one tree of exceptions: each says what happened, to which robot, and what to do next.

Nothing here imports the rest of the project, so every room can raise from it.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CommandError",
    "CommandFailedError",
    "ConfigError",
    "ConnectionLostError",
    "DeadlineExceededError",
    "FrameTooLongError",
    "LeaseError",
    "LocalProtocolError",
    "ProtocolError",
    "RejectedError",
    "RemoteProtocolError",
    "RobolinkError",
    "SettingRejectedError",
    "StorageError",
    "TransportError",
    "TransportTimeoutError",
    "TwinConflictError",
]


class RobolinkError(Exception):
    """Root of all errors of this project.

    Attributes:
        hint: What to do next, for people; may be empty.
        retryable: Whether the same call may succeed later. Never means that motion is retried blindly.
    """

    retryable = False

    def __init__(self, text: str, *, hint: str = "") -> None:
        """Keep the text and the hint."""
        super().__init__(text)
        self.hint = hint

    def __str__(self) -> str:
        """The text, and the hint behind it."""
        text = str(self.args[0]) if self.args else type(self).__name__
        return f"{text} ({self.hint})" if self.hint else text


class ProtocolError(RobolinkError):
    """A rule of the standard was broken."""


class LocalProtocolError(ProtocolError):
    """Our own caller broke it."""


class RemoteProtocolError(ProtocolError):
    """The peer broke it.

    Attributes:
        cause: A `v1.Cause` number to answer with; 5 (INVALID) unless told otherwise.
    """

    def __init__(self, text: str, *, cause: int = 5, hint: str = "") -> None:
        """Keep the cause beside the text."""
        super().__init__(text, hint=hint)
        self.cause = cause


class FrameTooLongError(RemoteProtocolError):
    """A frame or message is over its named limit."""

    def __init__(self, *, size: int, limit: int) -> None:
        """Name the size and the limit."""
        super().__init__(f"{size} bytes are over the limit of {limit}", hint="send less at once")
        self.size = size
        self.limit = limit


class TransportError(RobolinkError):
    """Bytes could not be moved."""

    retryable = True


class ConnectionLostError(TransportError):
    """The other side is gone."""


class TransportTimeoutError(TransportError, TimeoutError):
    """No answer within the time allowed."""


class StorageError(RobolinkError):
    """The store could not keep what it was given (disk full, file not writable)."""

    retryable = True


class CommandError(RobolinkError):
    """A command did not do what it should.

    Attributes:
        robot: The robot meant.
        cause: The `v1.Cause` number; 0 where there is none.
    """

    def __init__(self, text: str, *, robot: str = "", cause: int = 0, hint: str = "") -> None:
        """Keep robot and cause beside the text."""
        super().__init__(text, hint=hint)
        self.robot = robot
        self.cause = cause


class RejectedError(CommandError):
    """Refused before the robot saw it."""


class LeaseError(CommandError):
    """No lease, an older one, or somebody else's."""


class CommandFailedError(CommandError):
    """Ended in another state than SUCCEEDED.

    Attributes:
        update: The terminal `v1.CommandUpdate`.
    """

    def __init__(self, text: str, *, update: Any, robot: str = "", cause: int = 0, hint: str = "") -> None:
        """Keep the terminal update."""
        super().__init__(text, robot=robot, cause=cause, hint=hint)
        self.update = update


class DeadlineExceededError(CommandError, TimeoutError):
    """The caller's own timeout ended the wait; the command itself may go on."""


class SettingRejectedError(CommandError):
    """The driver refused a setting; desired keeps its value until a new version is written."""


class TwinConflictError(CommandError):
    """A twin write said `if_version`, and the property has moved on.

    Attributes:
        version: The present desired version.
    """

    retryable = True

    def __init__(self, text: str, *, robot: str, cause: int, version: int, hint: str = "") -> None:
        """Keep the present version."""
        super().__init__(text, robot=robot, cause=cause, hint=hint)
        self.version = version


class ConfigError(RobolinkError):
    """A configuration file, option or key is wrong."""
