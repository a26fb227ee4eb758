"""Who serves on a unix socket: a dead process's file is removed, a living one's never."""

from __future__ import annotations

import socket
from pathlib import Path

from robolink.errors import ConfigError


def claim(path: Path, what: str) -> None:
    """Make the path free to be bound.

    Raises:
        ConfigError: Somebody serves there, or it is no socket; `what` says in words who would.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise ConfigError(f"{path} is no socket, and is left alone", hint="choose another path")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise ConfigError(f"another {what} serves on {path}", hint="end it first, or choose another path")
