"""Bare DEALERs that speak the hub's protocol: the raw path's ends on a real hub, and many idle peers for its memory.

No SDK is in them, so what they cost beside the raw path is the hub's. They send no beats: their hub must be patient.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Final

import zmq

from benchmarks import measure
from benchmarks.ends import raw_pyzmq
from benchmarks.ends.robolink_stack import Bench
from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink import v1
from robolink.core.envelope import MAJOR, MINOR, Sender, new_session_id
from robolink.hub.sockets import Door, router
from robolink.transports.lanes import beside
from robolink_sims.fleet import fleet_sheet

ROBOT: Final = "bench"
ANSWER_TIMEOUT_MS: Final = 60_000
SEND_QUEUE: Final = 1000
AT_A_TIME: Final = 50
TRIES: Final = 10
TRY_MS: Final = 10_000

Socket = zmq.Socket[bytes]


def ask(socket: Socket, sender: Sender, body: v1.Hello) -> None:
    """Say hello."""
    body.major, body.minor = MAJOR, MINOR
    socket.send_multipart(sender.encode(body, sent_ns=time.monotonic_ns()))


def answered(socket: Socket, timeout_ms: int = ANSWER_TIMEOUT_MS) -> None:
    """Wait for the hub's answer to a hello.

    Raises:
        SystemExit: It refuses, or does not answer.
    """
    if not socket.poll(timeout_ms):
        raise SystemExit("the hub does not answer a hello")
    header, answer = socket.recv_multipart()[:2]
    if v1.Header.FromString(header).body_type != v1.BODY_TYPE_HELLO_REPLY:
        raise SystemExit(f"the hub refuses a hello: {v1.Error.FromString(answer).text}")


def hello(socket: Socket, sender: Sender, body: v1.Hello) -> None:
    """Say hello and wait for the answer; raises SystemExit without a good one."""
    ask(socket, sender, body)
    answered(socket)


class Client(raw_pyzmq.Client):
    """The raw path's client, which waits for a command's end: the hub tells of its acceptance before."""

    def receive(self) -> bytes:
        """The id of the next command that has succeeded."""
        while True:
            header, body = self._socket.recv_multipart()
            kind = v1.Header.FromString(header).body_type
            update = v1.CommandUpdate.FromString(body) if kind == v1.BODY_TYPE_COMMAND_UPDATE else None
            if update is not None and update.state == v1.COMMAND_STATE_SUCCEEDED:
                return update.command_id
            if update is None or update.state != v1.COMMAND_STATE_ACCEPTED:
                raise SystemExit(f"not the answer: {update or kind}")


def client(url: str, options: argparse.Namespace) -> dict[str, float]:
    """Measure, as the raw path's."""
    with zmq.Context() as context, raw_pyzmq.dealer(context, url, raw_pyzmq.CLIENT) as socket:
        asked = v1.Hello(kind=v1.PEER_KIND_CLIENT, name="bench", roles=[v1.ROLE_CONFIGURE])
        hello(socket, Sender(1), asked)
        return raw_pyzmq.measured(Client(socket), options)


def driver(url: str) -> None:
    """Answer each command with its success."""
    with zmq.Context() as context, raw_pyzmq.dealer(context, url, raw_pyzmq.DRIVER) as socket:
        sender = Sender(new_session_id())
        robot = v1.RobotHello(robot=ROBOT, sheet=Bench(ROBOT).sheet)
        hello(socket, sender, v1.Hello(kind=v1.PEER_KIND_DRIVER, name="bench", robots=[robot]))
        say_ready()
        while True:
            header, _body = socket.recv_multipart()
            asked = v1.Header.FromString(header)
            if asked.body_type != v1.BODY_TYPE_COMMAND:
                continue  # The hub's word that an end has been kept.
            update = v1.CommandUpdate(
                command_id=asked.message_id, robot=ROBOT, state=v1.COMMAND_STATE_SUCCEEDED
            )
            socket.send_multipart(sender.encode(update, sent_ns=time.monotonic_ns()))


# Many idle peers.


def idle_router(url: str) -> None:
    """A bare ROUTER with the hub's own options, which answers each message and keeps nothing."""
    context: zmq.Context[Socket] = zmq.Context()
    with router(context, Door(context, None), send_queue=SEND_QUEUE) as socket:
        socket.bind(url)
        say_ready()
        while True:
            identity, _asked = socket.recv_multipart()
            socket.send_multipart((identity, b""))


def _dealer(context: zmq.Context[Socket], url: str) -> Socket:
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(url)
    return socket


class BarePeer:
    """A connection that has been used once."""

    def __init__(self, context: zmq.Context[Socket], options: argparse.Namespace, first: int) -> None:
        """Ask for a sign of life."""
        self.sockets = [_dealer(context, options.url)]
        self.sockets[0].send(b"")

    def report(self) -> None:
        """Nothing to say."""

    def settle(self) -> None:
        """The sign has come; asked again if the connection was lost meanwhile, which busy cores bring about."""
        for _ in range(TRIES):
            if self.sockets[0].poll(TRY_MS):
                self.sockets[0].recv()
                return
            self.sockets[0].send(b"")
        raise SystemExit("the router does not answer")


class RobotsPeer:
    """A driver's connection with its robots: sheets in the hello, then a twin of two values for each."""

    def __init__(self, context: zmq.Context[Socket], options: argparse.Namespace, first: int) -> None:
        """Say hello."""
        self.sockets, self._sender = [_dealer(context, options.url)], Sender(new_session_id())
        self._names = [f"{options.prefix}{first + number:05d}" for number in range(options.robots_each)]
        self._beat_id = b""
        sheet = fleet_sheet(10.0)
        self._control = self._hello([v1.RobotHello(robot=name, sheet=sheet) for name in self._names])
        ask(self.sockets[0], self._sender, self._control)
        if options.lanes:
            safety, publisher = _dealer(context, beside(options.url, 1)), context.socket(zmq.PUB)
            ask(safety, self._sender, self._hello([v1.RobotHello(robot=name) for name in self._names]))
            publisher.setsockopt(zmq.LINGER, 0)
            publisher.connect(beside(options.url, 2))
            self.sockets += [safety, publisher]

    def _hello(self, robots: list[v1.RobotHello]) -> v1.Hello:
        return v1.Hello(kind=v1.PEER_KIND_DRIVER, name=self._names[0], robots=robots)

    def report(self) -> None:
        """Its twins, and a beat behind them."""
        control = self.sockets[0]
        for name in self._names:
            report = v1.PropertyReport(robot=name)
            for value in ("base.distance", "base.max_speed"):
                state = report.properties.add(name=value)
                state.reported.value.double_value = 0.5
                state.reported.time_ns = time.monotonic_ns()
                state.reported.quality = v1.QUALITY_GOOD
            control.send_multipart(self._sender.encode(report, sent_ns=time.monotonic_ns(), destination=name))
        beat = self._sender.encode(v1.Beat(), sent_ns=time.monotonic_ns())
        self._beat_id = v1.Header.FromString(beat[0]).message_id
        control.send_multipart(beat)

    def settle(self) -> None:
        """The beat is answered, so all is in; said again if the hub lost the connection, which busy cores bring about."""
        for _ in range(TRIES):
            if self._answered():
                return
            ask(self.sockets[0], self._sender, self._control)
            self.report()
        raise SystemExit("the hub does not keep a connection long enough to answer")

    def _answered(self) -> bool:
        while self.sockets[0].poll(TRY_MS):
            header, body = self.sockets[0].recv_multipart()[:2]
            heading = v1.Header.FromString(header)
            if heading.body_type == v1.BODY_TYPE_ERROR:
                error = v1.Error.FromString(body)
                if error.cause != v1.CAUSE_NO_HELLO:
                    raise SystemExit(f"the hub refuses: {error.text}")
                return False
            if heading.correlation_id == self._beat_id:
                return True
        return False


def peers(options: argparse.Namespace) -> None:
    """Connect so many, some at a time, and hold them."""
    context: zmq.Context[Socket] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 3 * options.count + 64)
    make = BarePeer if options.role == "bare-peers" else RobotsPeer
    held = []
    starts = range(0, options.count, options.robots_each)
    for batch in range(0, len(starts), AT_A_TIME):
        new = [make(context, options, first) for first in starts[batch : batch + AT_A_TIME]]
        for peer in new:
            peer.report()
        for peer in new:
            peer.settle()
        held += new  # A socket that nobody holds closes.
    say_ready()
    wait_for_signal()
    os._exit(0)  # Thousands of sockets take long to close one by one.


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["client", "driver", "router", "bare-peers", "robot-peers"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, default=1, help="robots, or bare peers")
    parser.add_argument("--robots-each", type=int, default=1, help="robots of one connection")
    parser.add_argument("--prefix", default="robot-")
    parser.add_argument("--lanes", action="store_true", help="the safety and telemetry lanes too")
    measure.add_sizes(parser)
    options = parser.parse_args()
    if options.role.endswith("peers"):
        hold_signals()
    end_with_parent()
    if options.role == "client":
        print(json.dumps(client(options.url, options)), flush=True)
    elif options.role == "driver":
        driver(options.url)
    elif options.role == "router":
        idle_router(options.url)
    else:
        peers(options)


if __name__ == "__main__":
    main()
