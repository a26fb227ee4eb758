"""Moves the bytes of one sans-IO session over its lanes; both SDKs run on it.

It decides nothing: the session says what to send and when it wants to be woken. Session and sockets belong to whoever holds
the turn: a thread of the endpoint's own, or for one short call a thread that would only have waited for that one to wake.
"""

from __future__ import annotations

import logging
import select
import socket as sockets
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import zmq

from robolink.transports.lanes import Keys, Lane, dealer, messages, readable, send_frames

log = logging.getLogger(__name__)

DRAIN_LIMIT: Final = 32
MAX_WAIT_S: Final = 1.0
NEVER: Final = float("inf")
WAKES_BYTES: Final = 4096


class Session(Protocol):
    """The protocol state of one peer; see `Endpoint`."""

    def start(self, now: float) -> None:
        """First call: say hello."""

    def receive(self, lane: Lane, frames: list[bytes], now: float) -> None:
        """One message came. Never raises for what a peer sent."""

    def next_timer(self) -> float | None:
        """When `handle_timer` wants to be called, monotonic s."""

    def handle_timer(self, now: float) -> None:
        """That time has come."""

    def take_outbox(self) -> list[tuple[Lane, list[bytes]]]:
        """What to send now; empties the box."""

    def unsent(self, lane: Lane, frames: list[bytes]) -> None:
        """That message could not be sent: no connection. Counted or retried by the session."""

    def closing(self, now: float) -> None:
        """Last call: say goodbye."""


class Endpoint:
    """Runs a session in a thread of its own.

    Args:
        session: Only `post` and `run` call into it.
        control_url: Endpoint of the hub's control lane; "" for none.
        safety_url: Endpoint of its safety lane; "" for none.
        keys: CURVE keys; None on loopback.
        name: Of the thread.
    """

    def __init__(
        self,
        session: Session,
        *,
        control_url: str,
        safety_url: str,
        keys: Keys | None = None,
        name: str = "robolink",
    ) -> None:
        """Nothing is opened before `start`."""
        self._session = session
        self._urls = {Lane.SAFETY: safety_url, Lane.CONTROL: control_url}
        self._keys = keys
        self._calls: deque[Callable[[float], None]] = deque()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._turn_lock = threading.Lock()
        # Empty unless open. They change threads only with the lock, which is what ZeroMQ asks for.
        self._sockets: dict[Lane, zmq.Socket[bytes]] = {}
        # When the session wants to be woken, and when the thread wakes by itself; monotonic s.
        self._due = self._wakes_at = 0.0
        self._wake_in, self._wake_out = sockets.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._wake_lock = threading.Lock()
        self._stopping = False
        # A wake is on its way that no turn has seen yet.
        self._woken = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def context(self) -> zmq.Context[zmq.Socket[bytes]]:
        """For the telemetry sockets that the owner opens beside; closed by `close`."""
        return self._context

    def start(self) -> None:
        """Connect and begin; returns at once."""
        self._thread.start()

    def post(self, call: Callable[[float], None]) -> None:
        """Run `call(now)` in the thread, soon and in order. From any thread."""
        self._calls.append(call)
        self._wake()

    def run(self, call: Callable[[float], None]) -> None:
        """As `post`, but in this thread and at once where nobody else is at work: two changes of threads fewer.

        The caller holds no lock that anything called by the session may want. What the call raises is the caller's.
        """
        if self._calls or not self._turn_lock.acquire(blocking=False):
            self.post(call)
            return
        try:
            if not self._sockets:
                self.post(call)  # Not open yet, or no longer.
                return
            call(time.monotonic())
            self._flush()
            self._due = self._next_due()
            # Sending may have taken note of what has come: nobody else would be told of it again.
            wanted = self._due < self._wakes_at or self._more()
        finally:
            self._turn_lock.release()
        if wanted:
            self._wake()

    def _wake(self) -> None:
        if self._woken or threading.get_ident() == self._thread.ident:
            return
        with self._wake_lock:
            self._woken = True
            if self._wake_out.fileno() >= 0:
                try:
                    self._wake_out.send(b".")
                except BlockingIOError:
                    return  # Wakes are pending already: the thread will see the call.

    def close(self, timeout_s: float = 2.0) -> None:
        """Say goodbye, end the thread, close its sockets; the caller has closed those it opened on `context`."""
        self._stopping = True
        self._woken = False
        self._wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        with self._wake_lock:
            self._wake_out.close()
            if not self._thread.is_alive():
                self._wake_in.close()
                # Under the lock: two threads that end one ZeroMQ context at the same time wait for each other for ever.
                self._context.destroy(linger=200)

    def _run(self) -> None:
        try:
            with self._turn_lock:
                self._sockets = {
                    lane: dealer(self._context, url, self._keys) for lane, url in self._urls.items() if url
                }
                self._session.start(time.monotonic())
                self._flush()
                self._due = self._next_due()
            # Not ZeroMQ's own poll: it would touch the sockets without holding the turn.
            poll, wakes = select.poll(), self._wake_in.fileno()
            for descriptor in (wakes, *(each.fileno() for each in self._sockets.values())):
                poll.register(descriptor, select.POLLIN)
            while not self._stopping:
                with self._turn_lock:
                    self._turn()
                    wait_s = 0.0 if self._more() or self._calls else self._wakes_at - time.monotonic()
                if wait_s > 0:
                    # Rounded up: a poll that returns 0.4 ms early would spin until the timer is due.
                    ready = poll.poll(int(wait_s * 1000 + 0.999))
                    if (wakes, select.POLLIN) in ready:
                        self._wake_in.recv(WAKES_BYTES)
            with self._turn_lock:
                self._session.closing(time.monotonic())
                self._flush()
        except Exception:
            # The one top-level task runner of this thread: without this line its death would be silent.
            log.exception("the I/O thread ended by an error; this peer is cut off")
            raise
        finally:
            with self._turn_lock:
                opened, self._sockets = self._sockets, {}
            for socket in opened.values():
                socket.close()

    def _turn(self) -> None:
        self._woken = False  # Before the calls are looked at: whoever adds one from here on wakes again.
        for lane, socket in self._sockets.items():  # SAFETY first
            self._drain(lane, socket)
        while self._calls and not self._stopping:
            self._calls.popleft()(time.monotonic())
        if self._due <= (now := time.monotonic()):
            self._session.handle_timer(now)
        self._flush()
        self._due = self._next_due()
        until = min(self._due, now + MAX_WAIT_S)
        # Never later than before: each call begins a timer that ends with it, and `run` would wake us for each.
        self._wakes_at = min(until, self._wakes_at) if self._wakes_at > now else until

    def _next_due(self) -> float:
        timer = self._session.next_timer()
        return NEVER if timer is None else timer

    def _more(self) -> bool:
        return any(readable(each) for each in self._sockets.values())

    def _drain(self, lane: Lane, socket: zmq.Socket[bytes]) -> None:
        for frames in messages(socket, DRAIN_LIMIT):
            self._session.receive(lane, frames, time.monotonic())

    def _flush(self) -> None:
        for lane, frames in self._session.take_outbox():
            socket = self._sockets.get(lane)
            try:
                if socket is None:
                    self._session.unsent(lane, frames)
                else:
                    send_frames(socket, frames)
            except zmq.Again:
                self._session.unsent(lane, frames)
