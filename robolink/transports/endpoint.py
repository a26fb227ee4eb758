"""One thread that moves the bytes of one sans-IO session over its lanes; both SDKs run on it.

It decides nothing: the session says what to send and when it wants to be woken. Only this thread touches the session.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

import zmq

from robolink.transports.lanes import Keys, Lane, dealer, messages, send_frames

log = logging.getLogger(__name__)

DRAIN_LIMIT: Final = 32
MAX_WAIT_S: Final = 1.0


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
        session: Touched by this thread only; use `post` to call into it.
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
        self._wake_out = self._context.socket(zmq.PAIR)
        self._wake_in = self._context.socket(zmq.PAIR)
        self._wake_out.bind(f"inproc://wake-{id(self)}")
        self._wake_in.connect(f"inproc://wake-{id(self)}")
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

    def _wake(self) -> None:
        if self._woken or threading.get_ident() == self._thread.ident:
            return
        with self._wake_lock:
            self._woken = True
            if not self._wake_out.closed:
                try:
                    self._wake_out.send(b"", zmq.NOBLOCK)
                except zmq.Again:
                    return  # A wake is pending already: the thread will see the call.

    def close(self, timeout_s: float = 2.0) -> None:
        """Say goodbye, end the thread, close its sockets; the caller has closed those it opened on `context`."""
        self._stopping = True
        self._wake()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        with self._wake_lock:
            self._wake_out.close(0)
        if not self._thread.is_alive():
            self._context.destroy(linger=200)

    def _run(self) -> None:
        sockets = {lane: dealer(self._context, url, self._keys) for lane, url in self._urls.items() if url}
        poller = zmq.Poller()
        poller.register(self._wake_in, zmq.POLLIN)
        for socket in sockets.values():
            poller.register(socket, zmq.POLLIN)
        try:
            self._session.start(time.monotonic())
            self._flush(sockets)
            while not self._stopping:
                self._turn(sockets, poller)
            self._session.closing(time.monotonic())
            self._flush(sockets)
        except Exception:
            # The one top-level task runner of this thread: without this line its death would be silent.
            log.exception("the I/O thread ended by an error; this peer is cut off")
            raise
        finally:
            for socket in sockets.values():
                socket.close()
            self._wake_in.close(0)

    def _turn(self, sockets: dict[Lane, zmq.Socket[bytes]], poller: zmq.Poller) -> None:
        timer = self._session.next_timer()
        now = time.monotonic()
        wait_s = MAX_WAIT_S if timer is None else min(max(timer - now, 0.0), MAX_WAIT_S)
        if self._calls:
            wait_s = 0.0
        # Rounded up: a poll that returns 0.4 ms early would spin until the timer is due.
        ready = dict(poller.poll(int(wait_s * 1000 + 0.999)))
        if self._wake_in in ready:
            self._drain_wakes()
        for lane, socket in sockets.items():  # SAFETY first
            if socket in ready:
                self._drain(lane, socket)
        while self._calls and not self._stopping:
            self._calls.popleft()(time.monotonic())
        if timer is not None and timer <= (now := time.monotonic()):
            self._session.handle_timer(now)  # One that became due only now is seen in the next turn.
        self._flush(sockets)

    def _drain_wakes(self) -> None:
        self._woken = False  # Before the calls are looked at: whoever adds one from here on wakes again.
        for _ in messages(self._wake_in, DRAIN_LIMIT):
            pass

    def _drain(self, lane: Lane, socket: zmq.Socket[bytes]) -> None:
        for frames in messages(socket, DRAIN_LIMIT):
            self._session.receive(lane, frames, time.monotonic())

    def _flush(self, sockets: dict[Lane, zmq.Socket[bytes]]) -> None:
        for lane, frames in self._session.take_outbox():
            socket = sockets.get(lane)
            try:
                if socket is None:
                    self._session.unsent(lane, frames)
                else:
                    send_frames(socket, frames)
            except zmq.Again:
                self._session.unsent(lane, frames)
