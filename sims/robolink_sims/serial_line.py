"""A faulty serial line between two ports, in a thread or a process: a host opens one end, a board is behind the other.

`python -m robolink_sims.serial_line --port PATH --board PATH --drop 0.001`: a bridge then opens PATH. It decides nothing
(`serial_faults.py` does) and reads nothing of what passes.
"""

from __future__ import annotations

import os
import pty
import selectors
import threading
import time
import tty
from collections import Counter
from pathlib import Path
from typing import Final, Self

from robolink.errors import ConfigError, TransportError
from robolink_sims.serial_faults import LineFaults, LineProfile, LineWay

__all__ = ["FaultyLine"]

CHUNK_BYTES: Final = 4096
MAX_WAIT_S: Final = 0.1
# A board that was plugged out is looked for as often.
REOPEN_S: Final = 0.1


class _Pty:
    """A port that we make: its path is a link, so that it can come again under the same name."""

    def __init__(self, path: Path) -> None:
        self.fd, self._slave = pty.openpty()
        # Raw before anybody opens it; held open, or a port that nobody reads would be an error.
        tty.setraw(self._slave)
        os.set_blocking(self.fd, False)
        self.path = path
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._slave))

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self.fd)


class _Opened:
    """A port that somebody else made: the simulated board's."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)

    def close(self) -> None:
        os.close(self.fd)


class FaultyLine:
    """A line with faults; a context manager.

    Args:
        port: Path of the port to make for the host.
        board: The board's port; opened, and again when it went and came back. If it is left out, a second port is made
            at `port` with `.board` behind its name, for any program to play the board.
        profile: How bad it is, both ways.
        seed: Of the faults.

    Attributes:
        port: What a bridge or mpremote opens.
        board_port: The other end.
        counters: Beside those of the faults: `unread` (nobody took them), `board_away`, `unplugged` (bytes).

    Raises:
        ConfigError: Both ends are the same port.
        TransportError: The port cannot be made.
    """

    def __init__(
        self,
        port: Path | str,
        board: Path | str | None = None,
        *,
        profile: LineProfile | None = None,
        seed: int = 0,
    ) -> None:
        """The port is there afterwards; nothing passes before `start`."""
        self._path = Path(port)
        self._board_path = (
            Path(board) if board is not None else self._path.with_name(self._path.name + ".board")
        )
        if self._path == self._board_path:
            raise ConfigError(
                f"both ends of the line are {port}", hint="--port is a new one, --board the board's"
            )
        self.port, self.board_port = str(self._path), str(self._board_path)
        self.faults = LineFaults(seed, profile)
        self._own: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="serial line", daemon=True)
        self._makes_board = board is None
        self._board_look_s = 0.0
        self._host: _Pty | None = None
        self._board: _Pty | _Opened | None = None
        try:
            self._host = _Pty(self._path)
            if self._makes_board:
                self._board = _Pty(self._board_path)
        except OSError as exc:
            self.close()
            raise TransportError(f"cannot make a port at {port}: {exc.strerror}") from exc

    # For those who run it; from any thread.

    def start(self) -> None:
        """Let bytes pass."""
        self._thread.start()

    def close(self) -> None:
        """End; what is under way is lost."""
        if self._ending.is_set():
            return
        self._ending.set()
        os.write(self._wake_write, b"\0")
        if self._thread.is_alive():
            self._thread.join(2.0)
        for end in (self._host, self._board):
            if end is not None:
                end.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def set_profile(self, profile: LineProfile, *ways: LineWay) -> None:
        """How bad it is from now on."""
        with self._lock:
            self.faults.set_profile(profile, *ways)

    def cut(self, *ways: LineWay) -> None:
        """Carry nothing, one way or both."""
        with self._lock:
            self.faults.cut(*ways)

    def heal(self) -> None:
        """No direction is cut any more."""
        with self._lock:
            self.faults.heal()

    def unplug(self) -> None:
        """The host's port is gone, as that of a board whose cable is pulled; the board runs on."""
        with self._lock:
            if self._host is not None:
                self._host.close()
                self._host = None
        os.write(self._wake_write, b"\0")

    def plug(self) -> None:
        """The port is there again, under the same name."""
        with self._lock:
            if self._host is None:
                self._host = _Pty(self._path)
        os.write(self._wake_write, b"\0")

    @property
    def plugged(self) -> bool:
        """Whether the host's port is there."""
        return self._host is not None

    @property
    def counters(self) -> Counter[str]:
        """What happened to bytes."""
        with self._lock:
            return self.faults.counters + self._own

    # The thread.

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            while not self._ending.is_set():
                with self._lock:
                    watched = self._watched(time.monotonic())
                    for way, fd in watched.items():
                        selector.register(fd, selectors.EVENT_READ, way)
                    timer = self.faults.next_timer()
                wait_s = MAX_WAIT_S if timer is None else min(max(timer - time.monotonic(), 0.0), MAX_WAIT_S)
                ready = selector.select(wait_s)
                with self._lock:
                    for fd in watched.values():
                        selector.unregister(fd)
                    for key, _ in ready:
                        if key.fd == self._wake_read:
                            os.read(self._wake_read, CHUNK_BYTES)
                        else:
                            self._take(key.fd, key.data, time.monotonic())
                    for way, data in self.faults.due(time.monotonic()):
                        self._give(way, data)

    def _watched(self, now: float) -> dict[LineWay, int]:
        """The ends that are there now; the board's is looked for when it is away."""
        if self._board is None and now >= self._board_look_s:
            self._board_look_s = now + REOPEN_S
            try:
                self._board = _Opened(self._board_path)
            except OSError:
                self._own["board_away"] += 1
        found = {LineWay.TO_BOARD: self._host, LineWay.TO_HOST: self._board}
        return {way: end.fd for way, end in found.items() if end is not None}

    def _take(self, fd: int, way: LineWay, now: float) -> None:
        end = self._host if way is LineWay.TO_BOARD else self._board
        if end is None or end.fd != fd:
            return  # unplugged between the look and the read
        try:
            data = os.read(fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.faults.submit(way, data, now)
        elif way is LineWay.TO_HOST and not self._makes_board:
            end.close()
            self._board = None

    def _give(self, way: LineWay, data: bytes) -> None:
        end = self._board if way is LineWay.TO_BOARD else self._host
        if end is None:
            self._own["unplugged"] += len(data)
            return
        try:
            data = data[os.write(end.fd, data) :]
        except OSError:
            pass  # counted below: the buffer is full, or the board is just going
        if data:
            self._own["unread"] += len(data)


if __name__ == "__main__":
    from robolink_sims.serial_line_cli import main

    raise SystemExit(main())
