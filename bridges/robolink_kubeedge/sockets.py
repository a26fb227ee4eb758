"""Who serves on a unix socket, and whose a protocol is: a dead process's file is removed, a living one's never."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from robolink.errors import ConfigError

log = logging.getLogger(__name__)


def lock_path(edgecore: Path, protocol: str) -> Path:
    """The file by which two mappers of ours notice each other: beside the one edgecore that both talk to."""
    safe = "".join(each if each.isalnum() or each in "-_." else "_" for each in protocol)
    return edgecore.parent / f".mapper-{safe}.lock"


def lock_holder(edgecore: Path, protocol: str) -> str:
    """Which mapper of ours serves a protocol on this node; "" if none does."""
    try:
        handle = os.open(lock_path(edgecore, protocol), os.O_RDONLY)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return os.pread(handle, 200, 0).decode(errors="replace").strip() or "an unknown process"
    finally:
        os.close(handle)
    return ""


@contextlib.contextmanager
def hold_protocol(edgecore: Path, protocol: str) -> Iterator[None]:
    """Be the one mapper of a protocol on this node: edgecore lets a second one silently replace the first.

    Raises:
        ConfigError: Another mapper of ours holds it.
    """
    path = lock_path(edgecore, protocol)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        log.warning("%s cannot be held (%s): a second mapper of this protocol would go unnoticed", path, exc)
        yield
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            who = os.pread(handle, 200, 0).decode(errors="replace").strip()
            raise ConfigError(
                f"another mapper serves protocol {protocol!r} on this node: {who or 'unknown'}",
                hint="one mapper per protocol and node: end it, or give this one another common.protocol",
            ) from exc
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)  # The file stays: whoever opened it meanwhile waits for this very one.


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
