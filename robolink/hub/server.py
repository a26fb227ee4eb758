"""The hub's main process: moves bytes between the control lane, the broker, the journal and the safety process.

One turn: drain a few messages, keep what they want kept in one commit, then send. Nothing leaves before what it rests on
is kept; what must survive a power cut leaves after the sync, which runs in a thread of its own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import signal
import socket as sockets
import subprocess
import sys
import threading
import time
from typing import Final

import zmq
from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import MAX_HUB_BODY_BYTES, Sender, decode_body, decode_header
from robolink.errors import ConfigError, StorageError, TransportError
from robolink.hub.broker import Broker
from robolink.hub.config import HubConfig
from robolink.hub.notify import Notifier
from robolink.hub.safety_process import READY, bind_again
from robolink.hub.site import Send
from robolink.hub.sockets import Door, TelemetryProxy, router
from robolink.store import Durability, Journal
from robolink.transports.lanes import Keys, dealer, messages, send_frames

log = logging.getLogger(__name__)

START_TIMEOUT_S: Final = 30.0
REPORT_S: Final = 30.0
LOOK_MS: Final = 50


class _Syncer:
    """fsyncs in a thread and says so on a socket, so that the lane never waits for the disk."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._work: queue.SimpleQueue[list[Send] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[list[Send], str]] = queue.SimpleQueue()
        self.wake, self._wake_out = sockets.socketpair()
        self.wake.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def submit(self, sends: list[Send]) -> None:
        """Sync all commits so far, then give these back."""
        self._work.put(sends)

    def finished(self) -> list[tuple[list[Send], str]]:
        """What may be sent now, with the disk's error if it refused."""
        with contextlib.suppress(BlockingIOError):
            self.wake.recv(4096)
        done = []
        with contextlib.suppress(queue.Empty):
            while True:
                done.append(self._done.get_nowait())
        return done

    def _run(self) -> None:
        while (sends := self._work.get()) is not None:
            batches = [sends]
            with contextlib.suppress(queue.Empty):
                while (more := self._work.get_nowait()) is not None:
                    batches.append(more)
            error = ""
            try:
                self._journal.sync()
            except StorageError as exc:
                error = str(exc)
            for batch in batches:
                self._done.put((batch, error))
            self._wake_out.send(b".")

    def close(self) -> None:
        """End the thread."""
        self._work.put(None)
        self._thread.join(2.0)
        self.wake.close()
        self._wake_out.close()


class HubServer:
    """One hub.

    Args:
        config: Checked configuration.

    Raises:
        ConfigError: The store cannot be used.
        TransportError: A port is taken, or the safety process did not come up.
    """

    def __init__(self, config: HubConfig) -> None:
        """Open the store, bind the lanes, start the safety process."""
        self.config = config
        try:
            config.store.path.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"cannot make the store folder {config.store.path}: {exc.strerror}") from exc
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._door = Door(self._context, config.curve)
        self._control = router(self._context, self._door, send_queue=config.limits.send_queue)
        # The port is the lock on the store: a second hub ends here, before it has touched anything.
        bind_again(self._control, config.url, "control")
        self._telemetry = TelemetryProxy(
            self._context,
            self._door,
            publish_url=config.telemetry_publish_url,
            subscribe_url=config.telemetry_subscribe_url,
            queue=config.limits.telemetry_queue,
        )
        self._journal = Journal(config.store.path / "journal.sqlite", max_bytes=config.store.max_bytes)
        self.broker = Broker(config, self._journal, time.monotonic_ns())
        self._syncer = _Syncer(self._journal)
        self._safety, token = self._start_safety()
        own = self._door.keys
        keys = Keys(public=own.public, secret=own.secret, hub_public=own.public) if own else None
        self._safety_link = dealer(self._context, config.safety_url, keys)
        self._safety_sender = Sender(self.broker.site.session_id)
        self._token = token
        self._await_safety(zmq.POLLOUT)
        self._greet_safety()
        # Peers with answers that wait for the disk: what comes later for them waits behind, so that order is kept.
        self._behind: dict[bytes, list[Send]] = {}
        self._waiting: dict[bytes, int] = {}
        self._stopping = False
        # The safety process has told all latches that it kept.
        self._safety_known = False

    def _start_safety(self) -> tuple[subprocess.Popen[bytes], str]:
        token = secrets.token_hex(16)
        child = subprocess.Popen(
            [sys.executable, "-m", "robolink.hub.safety_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"ROBOLINK_SAFETY_TOKEN": token},
        )
        assert child.stdin is not None and child.stdout is not None and child.stderr is not None
        child.stdin.write(self.config.model_dump_json().encode() + b"\n")
        child.stdin.flush()
        poller = zmq.Poller()
        poller.register(child.stdout, zmq.POLLIN)
        ready = poller.poll(int(START_TIMEOUT_S * 1000))
        if not ready or child.stdout.readline() != READY:
            child.kill()
            words = child.stderr.read().decode(errors="replace").strip()
            raise TransportError(f"the safety process did not come up: {words or 'no word from it'}")
        threading.Thread(target=self._relay_log, args=(child,), name="safety-log", daemon=True).start()
        return child, token

    @staticmethod
    def _relay_log(child: subprocess.Popen[bytes]) -> None:
        assert child.stderr is not None
        for line in child.stderr:
            sys.stderr.write(line.decode(errors="replace"))

    def _greet_safety(self) -> None:
        """Say hello, with the robots that came since: whatever the control lane knows can be stopped."""
        fresh, self.broker.site.fresh = self.broker.site.fresh, []
        robots = [v1.RobotHello(robot=robot) for robot in fresh]
        self._to_safety(v1.Hello(kind=v1.PEER_KIND_HUB, major=1, name=self._token, robots=robots))

    def _to_safety(self, body: Message, *, correlation_id: bytes = b"") -> None:
        frames = self._safety_sender.encode(body, sent_ns=time.monotonic_ns(), correlation_id=correlation_id)
        try:
            send_frames(self._safety_link, frames)
        except zmq.Again:
            self.broker.site.counters["safety_link_unsent"] += 1
            log.error("the safety process does not read: %s was not passed on", type(body).__name__)

    def stop(self) -> None:
        """End `run` soon; safe in a signal handler."""
        self._stopping = True

    def run(self, notifier: Notifier) -> None:
        """Serve until `stop`; `notifier` hears when peers are served, and of every turn.

        Raises:
            TransportError: The safety process has died; a hub without it must not go on.
        """
        poller = zmq.Poller()
        for readable in (self._safety_link, self._syncer.wake, self._control):
            poller.register(readable, zmq.POLLIN)
        # Latches before peers: no robot may hear of us before we know whether it is stopped.
        while not self._safety_known:
            self._await_safety(zmq.POLLIN)
            self._drain_safety()
        self._finish_turn()
        notifier.ready(f"hub {self.config.name!r} serves {self.config.url}")
        report_s = time.monotonic()
        while not self._stopping:
            notifier.turn(time.monotonic())
            wait_ms = max(0, self.broker.next_timer_ns() - time.monotonic_ns()) // 1_000_000 + 1
            ready = dict(poller.poll(wait_ms))
            if self._safety_link in ready:
                self._drain_safety()
            if self._syncer.wake.fileno() in ready:
                self._send_synced()
            if self._control in ready:
                self._drain_control()
            if time.monotonic_ns() >= self.broker.next_timer_ns():
                self.broker.handle_timer(time.monotonic_ns())
                self._check_safety()
            self._finish_turn()
            if time.monotonic() - report_s > REPORT_S:
                report_s = time.monotonic()
                log.info(
                    "counted so far: %s", dict(self.broker.site.counters) or "nothing refused or dropped"
                )

    def _await_safety(self, event: int) -> None:
        """Until its link can be read or written; it may die while we wait."""
        until = time.monotonic() + START_TIMEOUT_S
        while not self._safety_link.poll(LOOK_MS, event):
            self._check_safety()
            if time.monotonic() > until:
                raise TransportError("the safety process does not answer its own hub")

    def _check_safety(self) -> None:
        code = self._safety.poll()
        if code is not None:
            raise TransportError(
                f"the safety process ended with code {code}; the hub stops, since robots could not be stopped through it",
                hint="start the hub again; drivers and clients reconnect by themselves",
            )

    def _drain_control(self) -> None:
        wall_ms = time.time_ns() // 1_000_000 if self.config.wall_clock_synchronised else None
        for identity, frames, key in self._door.messages(self._control, self.config.limits.drain):
            try:
                self.broker.receive(identity, frames, time.monotonic_ns(), wall_ms=wall_ms, key=key)
            except Exception:
                # A fault of ours in one message must not take every robot's hub away.
                self.broker.site.counters["internal_error"] += 1
                log.exception("one message failed")

    def _drain_safety(self) -> None:
        for frames in messages(self._safety_link, self.config.limits.drain):
            header = decode_header(frames[0])
            body = decode_body(header, frames[1], limit=MAX_HUB_BODY_BYTES)
            self.broker.site.now_ns = time.monotonic_ns()
            if isinstance(body, v1.Authority):
                self.broker.safety_news(body, kept=not self._safety_known)
                self._to_safety(v1.BeatReply(), correlation_id=header.message_id)
            elif isinstance(body, v1.HelloReply):
                for authority in body.authorities:
                    self.broker.safety_news(authority, kept=True)
                self._safety_known = True
            elif isinstance(body, v1.Error):
                log.error("the safety process refuses: %s", body.text)

    def _finish_turn(self) -> None:
        if self.broker.site.fresh:
            self._greet_safety()
        for request in self.broker.take_safety_requests():
            self._to_safety(request)
        turn = self.broker.take_turn()
        sync = turn.batch.sync or (bool(turn.batch) and self.config.store.durability is Durability.POWER)
        if turn.batch:
            try:
                self._journal.commit(turn.batch)
            except StorageError as exc:
                log.error("%s", exc)
                self._send([each for each in turn.sends if not each.held])
                self.broker.turn_failed(turn, str(exc))
                self._send(self.broker.take_turn().sends)
                return
        if sync:
            self._send([each for each in turn.sends if not each.held])
            held = [each for each in turn.sends if each.held]
            for identity, _, _ in held:
                self._waiting[identity] = self._waiting.get(identity, 0) + 1
            self._syncer.submit(held)
        else:
            self._send(turn.sends)

    def _send_synced(self) -> None:
        for sends, error in self._syncer.finished():
            for identity, _, _ in sends:
                self._waiting[identity] -= 1
            if error:
                # Not on the disk for sure: nobody is told that it is.
                self.broker.site.counters["sync_failed"] += 1
                log.error("%s: %d answers withheld", error, len(sends))
                sends = []
            for send in sends:
                self._send_now(send)
            for identity in [each for each, count in self._waiting.items() if count == 0]:
                del self._waiting[identity]
                for send in self._behind.pop(identity, ()):
                    self._send_now(send)

    def _send(self, sends: list[Send]) -> None:
        for send in sends:
            if send.identity in self._waiting:
                self._behind.setdefault(send.identity, []).append(send)
            else:
                self._send_now(send)

    def _send_now(self, send: Send) -> None:
        try:
            send_frames(self._control, [send.identity, *send.frames])
        except zmq.ZMQError as exc:
            self.broker.unsent(send.identity, send.frames, gone=exc.errno == zmq.EHOSTUNREACH)

    def close(self) -> None:
        """End the safety process and free everything."""
        if self._safety.stdin is not None:
            self._safety.stdin.close()
        try:
            self._safety.wait(2.0)
        except subprocess.TimeoutExpired:
            self._safety.kill()
        self._syncer.close()
        self._telemetry.close()
        self._door.close()
        self._control.close()
        self._safety_link.close(0)
        self._context.destroy(linger=200)
        self._journal.close()


def serve(config: HubConfig, notifier: Notifier) -> None:
    """Run one hub until SIGINT or SIGTERM.

    Raises:
        RobolinkError: It could not start, or cannot go on.
    """
    server = HubServer(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.stop())
    log.info(
        "hub %r: control %s, safety %s, telemetry %s and %s; the stop is a software stop, not safety rated",
        config.name,
        *config.endpoints(),
    )
    try:
        server.run(notifier)
    finally:
        notifier.stopping()
        server.close()
