"""The path on bare pyzmq: DEALER client, ROUTER that swaps frames, DEALER driver; only the ends touch a protobuf header.

The floor: no admission, no journal, no session, no timers.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import Any, Final

import zmq

from benchmarks import measure
from benchmarks.processes import end_with_parent, say_ready
from robolink import v1

CLIENT: Final = b"client"
DRIVER: Final = b"driver"
# As long as a small command and its update.
BODY: Final = v1.Command(method="part.ping").SerializeToString()
ANSWER_TIMEOUT_MS: Final = 10_000


def hub(url: str) -> None:
    """Hand each message to the other end, unread."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.bind(url)
        say_ready()
        other = {CLIENT: DRIVER, DRIVER: CLIENT}
        while True:
            identity, header, body = router.recv_multipart()
            router.send_multipart((other[identity], header, body))


def dealer(context: zmq.Context[Any], url: str, name: bytes) -> zmq.Socket[bytes]:
    """One end, connected."""
    socket = context.socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, name)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.RCVTIMEO, ANSWER_TIMEOUT_MS if name == CLIENT else -1)
    socket.connect(url)
    return socket


def driver(url: str) -> None:
    """Parse the header, answer with a new one."""
    with zmq.Context() as context, dealer(context, url, DRIVER) as socket:
        say_ready()
        seq = 0
        while True:
            header, _body = socket.recv_multipart()
            asked = v1.Header.FromString(header)
            seq += 1
            answer = v1.Header(
                major=1,
                message_id=os.urandom(16),
                body_type=v1.BODY_TYPE_COMMAND_UPDATE,
                seq=seq,
                session_id=2,
                sent_ns=time.monotonic_ns(),
                correlation_id=asked.message_id,
            )
            socket.send_multipart((answer.SerializeToString(), BODY))


class Client:
    """The asking end."""

    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        """On a connected DEALER."""
        self._socket = socket
        self._seq = 0

    def send(self) -> bytes:
        """One command; its id."""
        self._seq += 1
        header = v1.Header(
            major=1,
            message_id=os.urandom(16),
            destination="bench",
            body_type=v1.BODY_TYPE_COMMAND,
            seq=self._seq,
            session_id=1,
            sent_ns=time.monotonic_ns(),
            ttl_ms=5000,
        )
        self._socket.send_multipart((header.SerializeToString(), BODY))
        return header.message_id

    def receive(self) -> bytes:
        """The id that the next answer is for."""
        header, _body = self._socket.recv_multipart()
        return v1.Header.FromString(header).correlation_id

    def call(self) -> None:
        """One command and its answer."""
        asked = self.send()
        if self.receive() != asked:
            raise RuntimeError("an answer to something else")

    def throughput(self, *, calls: int, outstanding: int) -> float:
        """Calls per second: one thread that keeps `outstanding` unanswered."""
        begun = time.perf_counter()
        open_ids = {self.send() for _ in range(outstanding)}
        sent = outstanding
        while open_ids:
            open_ids.remove(self.receive())
            if sent < calls:
                open_ids.add(self.send())
                sent += 1
        return sent / (time.perf_counter() - begun)


def client(url: str, options: argparse.Namespace) -> dict[str, float]:
    """Measure."""
    with zmq.Context() as context, dealer(context, url, CLIENT) as socket:
        time.sleep(0.2)  # Both ends must have reached the ROUTER: it drops what it cannot route.
        return measured(Client(socket), options)


def measured(asking: Client, options: argparse.Namespace) -> dict[str, float]:
    """One by one, then with so many outstanding."""
    single = measure.latency(asking.call, calls=options.calls, warmup=options.warmup)
    asking.throughput(calls=options.warmup, outstanding=options.outstanding)
    rate = asking.throughput(calls=options.throughput_calls, outstanding=options.outstanding)
    return {"p50_us": single.p50_us, "p99_us": single.p99_us, "per_s": rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["hub", "driver", "client"])
    parser.add_argument("--url", required=True)
    measure.add_sizes(parser)
    options = parser.parse_args()
    end_with_parent()
    if options.role == "client":
        print(json.dumps(client(options.url, options)), flush=True)
    else:
        {"hub": hub, "driver": driver}[options.role](options.url)


if __name__ == "__main__":
    main()
