"""Tells the service manager how the hub is: ready, alive, ending. Datagrams to NOTIFY_SOCKET; nothing where there is none.

It decides nothing: a hub whose manager does not listen runs all the same.
"""

from __future__ import annotations

import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, MutableMapping

log = logging.getLogger(__name__)


class Notifier:
    """Speaks the protocol of systemd's sd_notify.

    Args:
        environment: NOTIFY_SOCKET (a path, or an abstract name after `@`), WATCHDOG_USEC and WATCHDOG_PID; taken out of it,
            so that no child speaks for the hub.
        on_ready: Called once the hub is ready, whether or not a manager listens.

    Attributes:
        counters: Words that did not get through, by error.
        watchdog_s: Every how many seconds at least a turn must be told; 0: the manager does not ask.
    """

    def __init__(
        self, environment: MutableMapping[str, str] = os.environ, on_ready: Callable[[], None] | None = None
    ) -> None:
        """Read the environment."""
        self._on_ready = on_ready
        self.counters: Counter[str] = Counter()
        self._address = environment.pop("NOTIFY_SOCKET", "")
        usec, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        asked = usec.isdecimal() and pid in ("", str(os.getpid())) and bool(self._address)
        self.watchdog_s = int(usec) / 1e6 if asked else 0.0
        self._told_s = float("-inf")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if self._address else None
        if self._socket is not None:
            self._socket.setblocking(False)

    def ready(self, status: str) -> None:
        """All lanes are bound and the latches are known; `status` is one line for people."""
        self._say(f"READY=1\nSTATUS={status}")
        if self._on_ready is not None:
            self._on_ready()

    def turn(self, now: float) -> None:
        """The hub's loop has come round at `now` (monotonic s): tells it, twice in each period of the watchdog."""
        if self.watchdog_s and now - self._told_s >= self.watchdog_s / 2:
            self._told_s = now
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The hub is ending on purpose."""
        self._say("STOPPING=1")

    def close(self) -> None:
        """Say nothing any more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, words: str) -> None:
        if self._socket is None:
            return
        address = self._address
        try:
            # A name after `@` is no file: the kernel wants a zero byte there.
            self._socket.sendto(words.encode(), f"\0{address[1:]}" if address.startswith("@") else address)
        except OSError as exc:
            name = exc.strerror or type(exc).__name__
            self.counters[name] += 1
            if self.counters[name] == 1:
                log.warning("the service manager at %s does not hear us: %s", address, name)
