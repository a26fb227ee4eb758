"""A line between two programs on loopback that can be cut: bytes stop, and nobody is told, as when a radio is out of reach."""

from __future__ import annotations

import contextlib
import socket
import threading


class Line:
    """Carries connections from a port of its own to another one on loopback.

    Attributes:
        port: Where to connect.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._up = threading.Event()
        self._up.set()
        self._ends = False
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """From now on nothing passes; what is sent waits, and new connections hear nothing."""
        self._up.clear()

    def mend(self) -> None:
        """What waits goes on."""
        self._up.set()

    def drop(self) -> None:
        """End the connections that are there; both sides notice."""
        for each in list(self._sockets):
            _end(each)

    def close(self) -> None:
        """End all connections."""
        self._ends = True
        self._up.set()
        for each in (self._listener, *list(self._sockets)):
            _end(each)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ends:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(here,), daemon=True).start()

    def _carry(self, here: socket.socket) -> None:
        self._up.wait()
        try:
            there = socket.create_connection(("127.0.0.1", self._target), 10)
        except OSError:
            here.close()
            return
        there.settimeout(None)
        pair = {here, there}
        self._sockets |= pair
        back = threading.Thread(target=self._pump, args=(there, here), daemon=True)
        back.start()
        self._pump(here, there)
        back.join()
        self._sockets -= pair
        for each in pair:
            each.close()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._up.wait()
                target.sendall(data)
        # An end is no news either while the line is cut.
        self._up.wait()
        for each in (source, target):
            _end(each)


def _end(each: socket.socket) -> None:
    """Whoever reads there is woken, in another thread too."""
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
