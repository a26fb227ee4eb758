"""The safety lane's process: sockets and disk around safety.py. A child of the hub; it ends when its parent does.

Its interpreter is its own, so nothing that holds the control lane's can delay a stop. Not safety rated.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from typing import Final

import zmq

from robolink.core.stop import StopLatch
from robolink.errors import RobolinkError, StorageError
from robolink.hub.config import HubConfig
from robolink.hub.safety import SafetyDesk
from robolink.hub.safety_state import SafetyLimits
from robolink.hub.sockets import Door, bind, router
from robolink.store import StopStore
from robolink.transports.lanes import send_frames

log = logging.getLogger("robolink.hub.safety")

READY: Final = b"ready\n"
# Stops go before everything else on this machine, where we may ask for that.
PRIORITY: Final = -10
BIND_TRIES_S: Final = 3.0
DRAIN_LIMIT: Final = 256


class SafetyProcess:
    """Moves bytes between the lane, the desk and the disk."""

    def __init__(self, config: HubConfig, token: str) -> None:
        """Load the latches and bind."""
        self._store = StopStore(config.store.path / "stops.sqlite")
        latches: dict[str, StopLatch] = {}
        for robot, state in self._store.load():
            latches[robot] = StopLatch(robot)
            if state.released_ns > time.monotonic_ns():
                state.released_ns = 0  # This machine was booted since: its clock began anew.
            latches[robot].load(state)
        self._desk = SafetyDesk(
            latches,
            hub_token=token,
            timeouts=config.timeouts.message(),
            hub_name=config.name,
            limits=SafetyLimits(peers=config.limits.peers, robots=config.limits.robots),
        )
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._door = Door(self._context, config.curve)
        self._socket = router(self._context, self._door, send_queue=config.limits.send_queue)
        bind_again(self._socket, config.safety_url, "safety")

    def run(self) -> None:
        """Serve until standard input ends: the parent is gone."""
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(0, zmq.POLLIN)
        while True:
            wait_ms = max(0, self._desk.next_timer_ns() - time.monotonic_ns()) // 1_000_000 + 1
            ready = dict(poller.poll(wait_ms))
            if 0 in ready and not os.read(0, 4096):
                return
            if self._socket in ready:
                self._drain()
            if time.monotonic_ns() >= self._desk.next_timer_ns():
                self._desk.handle_timer(time.monotonic_ns())
                self._act()

    def _drain(self) -> None:
        for identity, frames, key in self._door.messages(self._socket, DRAIN_LIMIT):
            try:
                self._desk.receive(identity, frames, time.monotonic_ns(), key)
            except Exception:
                # A fault of ours in one message must not end the lane that stops robots.
                self._desk.counters["safety_internal_error"] += 1
                log.exception("one message failed")
            self._act()

    def _act(self) -> None:
        """Orders first, then the disk, then answers: nobody is told STOPPED by a latch that is not kept."""
        while True:
            turn = self._desk.take_turn()
            if not (turn.urgent or turn.save or turn.later):
                return
            self._send(turn.urgent)
            if turn.save:
                try:
                    self._store.save(turn.save)
                except StorageError as exc:
                    log.error("%s", exc)
                    self._desk.storage_failed(str(exc))
            self._send(turn.later)

    def _send(self, messages: list[tuple[bytes, list[bytes]]]) -> None:
        for identity, frames in messages:
            try:
                send_frames(self._socket, [identity, *frames])
            except zmq.ZMQError:
                self._desk.unsent(identity, frames)


def bind_again(socket: zmq.Socket[bytes], url: str, what: str) -> None:
    """Bind; a former hub's process that is just ending gets a moment to free the port."""
    until = time.monotonic() + BIND_TRIES_S
    while True:
        try:
            bind(socket, url, what)
            return
        except RobolinkError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def main() -> int:
    """Read the configuration (one JSON line, and the token) from standard input, then serve."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    token = os.environ.get("ROBOLINK_SAFETY_TOKEN", "")
    line = _read_line()
    if not token or not line:
        sys.stderr.write("this process is started by `robolink hub`, not by hand\n")
        return 2
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    try:
        process = SafetyProcess(HubConfig.model_validate_json(line), token)
    except RobolinkError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    os.write(1, READY)
    process.run()
    return 0


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(0, 1)
        if not chunk:
            break
        line += chunk
    return line


if __name__ == "__main__":
    raise SystemExit(main())
