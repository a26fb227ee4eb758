"""A command line on a pseudo-terminal of its own, as a person has it."""

from __future__ import annotations

import os
import pty
import select
import sys
import threading


class Terminal:
    """Reads all the time, so that the command never blocks on its output."""

    def __init__(self, hub: str, *arguments: str) -> None:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ["ROBOLINK_HUB"] = hub
            os.execv(sys.executable, [sys.executable, "-m", "robolink.cli", *arguments])
        self._said = b""
        self._ended: int | None = None
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while not self._stop.is_set():
            if select.select([self._master], [], [], 0.05)[0]:
                try:
                    self._said += os.read(self._master, 65536)
                except OSError:
                    return  # The other side is closed.

    @property
    def text(self) -> str:
        return self._said.decode("utf-8", "replace")

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def ended(self) -> int | None:
        """Its exit code once it has ended."""
        if self._ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._ended = os.waitstatus_to_exitcode(status) if pid else None
        return self._ended

    def close(self) -> None:
        if self.ended() is None:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
        self._stop.set()
        self._reader.join(5)
        os.close(self._master)
