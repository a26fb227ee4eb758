"""The thread that owns a port and its link: moves bytes, hands out events, opens the port again when it vanished.

It knows no robot; `owner` gets every event in this thread, without the lock. A port where no board answers is lent to
whoever locks it: nothing is lost by that, and a board without a program can be given one.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from robolink.core.link import Link, LinkEvent, LinkTimes, Up
from robolink.errors import RobolinkError
from robolink_serial.port import Port, PortError

log = logging.getLogger(__name__)

REOPEN_S: Final = 0.25
# The owner's own timers are looked at as often.
TICK_S: Final = 0.05
# A board that has not answered for so long: its port is no longer held against others.
LEND_S: Final = 3.0
# Ctrl-C ends what runs, once more in case that was a `finally`; Ctrl-B leaves the raw REPL.
BREAK_IN: Final = b"\x03\x03\x02"


class LineOwner(Protocol):
    """Who gets the events."""

    def link_event(self, event: LinkEvent, session: int) -> None:
        """One event of the link, and the number of the session that stood when it came about."""

    def tick(self, now: float) -> None:
        """Time goes on; `now` is monotonic s."""


class Line:
    """A port and its link in a thread.

    Attributes:
        session: Counts the sessions that have stood; read it while holding `link()`.

    Args:
        path: The port, or with `locate` a name for it.
        owner: Gets events and ticks.
        times: The link's.
        locate: Says where the port is now, or raises PortError; asked each time before it is opened.
        clock: Monotonic s.
    """

    def __init__(
        self,
        path: str,
        owner: LineOwner,
        *,
        times: LinkTimes | None = None,
        locate: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.clock = clock
        self._locate = locate or (lambda: path)
        self._owner = owner
        self._lock = threading.Lock()
        self._link = Link(now=clock(), times=times)
        self.session = 0
        self._events = deque[tuple[LinkEvent, int]]()
        self._port: Port | None = None
        self._said = ""
        self._faults = 0
        self._away = threading.Event()
        self._breaking_in = threading.Event()
        self._answered_s = self.clock()
        # Where it is open now; "" while it is not.
        self.open_at = ""
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"serial {path}", daemon=True)

    def open(self) -> None:
        """Open the port now, so that the caller hears why not.

        Raises:
            PortError: It is busy, or cannot be opened.
        """
        self._port = Port(self._locate())

    def start(self) -> None:
        """Begin; opens the port by itself when it comes."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and give the port back."""
        self._closing.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(2.0)
        elif self._port is not None:
            self._port.close()
        with self._lock:
            if self._wake_write >= 0 and not self._thread.is_alive():
                os.close(self._wake_read)
                os.close(self._wake_write)
                self._wake_write = -1

    def hand_over(self) -> None:
        """Close the port for somebody else, soon (`open_at` is empty then); nothing opens it before `take_back`."""
        self._away.set()
        self._wake()

    def take_back(self) -> None:
        """Open it again, as soon as it is free."""
        self._away.clear()

    def break_in(self) -> None:
        """End what runs in the board's REPL; its program is started again then."""
        self._breaking_in.set()
        self._wake()

    @property
    def handed_over(self) -> bool:
        """Whether somebody else may have it."""
        return self._away.is_set()

    @contextmanager
    def link(self, *, wake: bool = True) -> Iterator[Link]:
        """The link, for one short use; what it wants to send is sent at once (or, without `wake`, soon)."""
        with self._lock:
            yield self._link
        if wake:
            self._wake()

    @property
    def counters(self) -> dict[str, int]:
        """The link's, and how often this thread has met what nobody foresaw."""
        with self._lock:
            return self._link.counters | ({"line_faults": self._faults} if self._faults else {})

    def _wake(self) -> None:
        with self._lock:
            if self._wake_write < 0:
                return  # closed
            try:
                os.write(self._wake_write, b"\0")
            except BlockingIOError:
                return  # it is awake already

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                if not self._away.is_set():
                    self._open_and_pump()
            except RobolinkError as exc:
                self._lost(str(exc), "" if isinstance(exc, PortError) else "; waiting for it")
            except Exception as exc:
                # Whatever it was: this thread goes on, or the board would never be served again.
                self._faults += 1
                if repr(exc) != self._said:
                    log.exception("port %s: an unforeseen fault", self.path)
                self._said = repr(exc)
                self._lost(repr(exc))
            self.give_out()
            self._closing.wait(TICK_S if self._away.is_set() else REOPEN_S)
        with self._lock:
            self._link.lost(self.clock(), "the bridge ends")

    def _open_and_pump(self) -> None:
        port = self._port or Port(self._locate())
        self._port, self._said, self.open_at = None, "", port.path
        try:
            self._pump(port)
        finally:
            self.open_at = ""
            port.close()
        if self._away.is_set():
            with self._lock:
                self._link.lost(self.clock(), "its port is handed over")

    def _is_silent(self) -> bool:
        now = self.clock()
        with self._lock:
            self._answered_s = now if self._link.up else self._answered_s
        return now - self._answered_s > LEND_S

    def _lost(self, text: str, what_now: str = "") -> None:
        if text != self._said:  # the same every quarter of a second is said once
            self._said = text
            log.warning("%s%s", text, what_now)
        with self._lock:
            self._link.lost(self.clock(), text)

    def _pump(self, port: Port) -> None:
        self._answered_s = self.clock()
        with selectors.DefaultSelector() as selector:
            selector.register(port.fd, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while not self._closing.is_set() and not self._away.is_set():
                port.lock()
                # What waits for a full line would be old when it leaves: nothing new is made meanwhile.
                data, timeout_s = self.due(full=port.full)
                if self._breaking_in.is_set():
                    self._breaking_in.clear()
                    data = BREAK_IN + data
                port.write(data)
                if self._is_silent():
                    port.unlock()
                self.give_out()
                events = selectors.EVENT_READ | (selectors.EVENT_WRITE if port.full else 0)
                selector.modify(port.fd, events)
                ready = {key.fd: mask for key, mask in selector.select(max(timeout_s, 0.001))}
                if self._wake_read in ready:
                    os.read(self._wake_read, 4096)
                if ready.get(port.fd, 0) & selectors.EVENT_READ:
                    port.lock()  # these bytes may be somebody else's by now
                    self.take(port.read())

    # What the thread does between its reads and writes; tests step it by hand.

    def take(self, data: bytes) -> None:
        """Bytes came."""
        with self._lock:
            self._link.receive(data, self.clock())
            self._collect()

    def due(self, *, full: bool = False) -> tuple[bytes, float]:
        """What is to be written now, nothing while the port is full; and after which time to ask again, s."""
        now = self.clock()
        with self._lock:
            self._link.handle_timer(now)
            self._collect()
            data = b"" if full else self._link.data_to_send(now)
            return data, min(max(self._link.next_timer() - now, 0.0), TICK_S)

    def _collect(self) -> None:
        """Within the lock: who sends next must know which session that will be in."""
        while (event := self._link.next_event()) is not None:
            self.session += isinstance(event, Up)
            self._events.append((event, self.session))

    def give_out(self) -> None:
        """Events and the time to the owner, without the lock."""
        with self._lock:
            self._collect()
            events, self._events = self._events, deque()
        for event, session in events:
            try:
                self._owner.link_event(event, session)
            except Exception:  # the line goes on, whatever one event did
                log.exception("serial %s: an event could not be handled", self.path)
        try:
            self._owner.tick(self.clock())
        except Exception:
            log.exception("serial %s: its timers could not be handled", self.path)
