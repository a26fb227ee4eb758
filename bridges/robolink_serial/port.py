"""Opens a serial port for this process alone, and says who has it where that fails. Moves bytes, knows no frames."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import grp
import os
import pwd
import select
import stat
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import serial

from robolink.errors import ConnectionLostError, RobolinkError

BAUD: Final = 115200
CHUNK_BYTES: Final = 4096
PROCESSES: Final = Path("/proc")


class PortError(RobolinkError):
    """The port cannot be opened; whether trying again helps is in `retryable`."""

    retryable = True


class PortBusyError(PortError):
    """Another process has it."""


class Port:
    """An open port, not blocking; `fd` is for a selector."""

    def __init__(self, path: str, *, baud: int = BAUD) -> None:
        """Open and lock it.

        Raises:
            PortBusyError: Another process has it; the text names it where the system tells.
            PortError: It is not there, or not a serial port, or not ours to open.
        """
        self.path = path
        self._serial = serial.Serial(None, baudrate=baud, timeout=0, write_timeout=0, exclusive=True)
        self._serial.port = path
        try:
            self._serial.open()
            self._serial.reset_input_buffer()
        # A port that vanishes while it is opened is termios.error, which is no OSError and which pyserial lets through.
        except (serial.SerialException, OSError, ValueError, termios.error) as exc:
            self.close()
            raise _open_error(path, exc) from exc
        self.fd: int = self._serial.fileno()
        self._unsent = b""
        self._locked = True

    def read(self) -> bytes:
        """What is there.

        Raises:
            ConnectionLostError: The port vanished.
        """
        # The terminal is set to return nothing rather than wait: only after select does nothing mean the end.
        if not select.select([self.fd], [], [], 0)[0]:
            return b""
        try:
            data = os.read(self.fd, CHUNK_BYTES)
        except OSError as exc:
            raise ConnectionLostError(f"port {self.path} vanished: {exc.strerror}") from exc
        if not data:
            raise ConnectionLostError(f"port {self.path} vanished")
        return data

    def lock(self) -> None:
        """For this process alone, as it is from the beginning.

        Raises:
            PortBusyError: Another process has locked it since `unlock`.
        """
        if self._locked:
            return
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise _open_error(self.path, exc) from exc
        self._locked = True

    def unlock(self) -> None:
        """Whoever locks it now may have it; `lock` again before the next use."""
        if self._locked:
            fcntl.flock(self.fd, fcntl.LOCK_UN)
            self._locked = False

    @property
    def full(self) -> bool:
        """Whether bytes wait for the line; wait for writability, then `write(b"")`."""
        return bool(self._unsent)

    def write(self, data: bytes) -> None:
        """Send, and keep what does not fit.

        Raises:
            ConnectionLostError: The port vanished.
        """
        self._unsent += data
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self.fd, self._unsent) :]
        except BlockingIOError:
            return
        except OSError as exc:
            raise ConnectionLostError(f"port {self.path} vanished: {exc.strerror}") from exc

    def close(self) -> None:
        """Give it back."""
        with contextlib.suppress(OSError, serial.SerialException, termios.error):
            self._serial.close()


def _open_error(path: str, exc: Exception) -> PortError:
    number = getattr(exc, "errno", None)
    if number in (errno.EAGAIN, errno.EBUSY, errno.EWOULDBLOCK) or "lock" in str(exc):
        who = port_holder(path)
        return PortBusyError(
            f"port {path} is in use{f' by {who}' if who else ' by another process'}",
            hint="one port has one owner: end the other bridge, mpremote or terminal first",
        )
    if number == errno.ENOENT:
        return PortError(f"port {path} is not there", hint="plug the board in, or see `robolink board list`")
    if number == errno.EACCES:
        return _denied(path)
    return PortError(f"port {path} cannot be opened: {exc}", hint="name a serial port")


def _denied(path: str) -> PortError:
    user = _name(lambda: pwd.getpwuid(os.geteuid()).pw_name, os.geteuid())
    text = f"port {path} may not be opened by user {user}"
    try:
        found = Path(path).stat()
    except OSError:
        return PortError(text, hint="join the group that owns it (often dialout)")
    group = _name(lambda: grp.getgrgid(found.st_gid).gr_name, found.st_gid)
    if not found.st_mode & stat.S_IWGRP or found.st_gid == 0:
        owner = _name(lambda: pwd.getpwuid(found.st_uid).pw_name, found.st_uid)
        hint = f"only {owner} may: `robolink serial udev` prints rules that open boards' ports to a group"
    elif _is_member(user, group):
        hint = f"{user} is in group {group} since this login began: log out and in again"
    else:
        hint = f"join group {group}: `sudo usermod -aG {group} {user}`, then log out and in again"
    return PortError(text, hint=hint)


def _name(known: Callable[[], str], number: int) -> str:
    try:
        return known()
    except KeyError:
        return str(number)


def _is_member(user: str, group: str) -> bool:
    try:
        return user in grp.getgrnam(group).gr_mem
    except KeyError:
        return False


def port_holder(path: str) -> str:
    """The process that has locked the port, else one that has it open; empty if unknown to this user."""
    holders = [*_lockers(path), *_openers(path)]
    for pid in holders:
        if pid == os.getpid():
            return "this process"
        with contextlib.suppress(OSError):
            words = (PROCESSES / str(pid) / "cmdline").read_bytes().split(b"\0")
            name = " ".join(word.decode(errors="replace") for word in words if word)
            return f"process {pid} ({name[:120]})"
    return ""


def _lockers(path: str) -> Iterator[int]:
    """As /proc/locks tells: `1: FLOCK ADVISORY WRITE pid major:minor:inode …`."""
    with contextlib.suppress(OSError):
        inode = str(Path(path).stat().st_ino)
        for line in (PROCESSES / "locks").read_text().splitlines():
            words = line.split()
            if len(words) > 5 and words[1] == "FLOCK" and words[5].split(":")[-1] == inode:
                yield int(words[4])


def _openers(path: str) -> Iterator[int]:
    device = os.path.realpath(path)
    for process in PROCESSES.glob("[0-9]*"):
        # One that has ended meanwhile, or is another user's, cannot be looked at.
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) == device for each in (process / "fd").iterdir()):
                yield int(process.name)
