"""Telemetry's ends and the bare forwarder: a publisher, subscribers that count, and `zmq.proxy` between two sockets.

Publisher and subscribers use the sockets of the SDK, with its options; only what forwards is another one.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path
from typing import Any, Final

import zmq

from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink import v1
from robolink.hub.sockets import MAX_MESSAGE_BYTES
from robolink.transports.lanes import publisher, subscriber

WARM: Final = b"bench/warm"
PACED: Final = b"bench/paced"
FLOOD: Final = b"bench/flood"
END: Final = b"bench/end"
WARM_S: Final = 0.02
END_S: Final = 0.2
BURST_S: Final = 0.002
IDLE_MS: Final = 10_000


def proxy(publish_url: str, subscribe_url: str, queue: int) -> None:
    """Forward, as a hub does, with nothing else in the process."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    front, back = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
    for each, url in ((front, publish_url), (back, subscribe_url)):
        each.setsockopt(zmq.SNDHWM, queue)
        each.setsockopt(zmq.RCVHWM, queue)
        each.setsockopt(zmq.LINGER, 0)
        each.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        each.bind(url)
    threading.Thread(target=zmq.proxy, args=(front, back), daemon=True).start()
    say_ready()
    wait_for_signal()


def _message(seq: int) -> bytes:
    payload = v1.Odometry(x=1.0, y=2.0, theta=0.5, linear_x=0.2, angular_z=0.1, child_frame_id="base_link")
    sample = v1.Sample(stamp_ns=time.monotonic_ns(), seq=seq, frame_id="odom", odometry=payload)
    return sample.SerializeToString()


def publish(url: str, options: argparse.Namespace) -> None:
    """Warm messages until the file `go` is there; then the paced phase, then the flood, then word of the end."""
    with zmq.Context() as context, publisher(context, url) as socket:
        socket.setsockopt(
            zmq.XPUB_NODROP, 1
        )  # As a driver's: what does not go out is noticed, here it waits.
        message = _message(1)
        say_ready()
        while not options.go.exists():
            socket.send_multipart((WARM, message))
            time.sleep(WARM_S)
        begun = time.monotonic()
        for number in range(options.paced):
            due = begun + number / options.rate_hz
            if due - time.monotonic() > BURST_S:  # Small bursts: a sleep costs more than a message.
                time.sleep(due - time.monotonic())
            socket.send_multipart((PACED, message))
        time.sleep(END_S)
        for _ in range(options.flood):
            socket.send_multipart((FLOOD, message))
        while True:  # Until we are ended: an end that was lost would have everybody wait.
            time.sleep(END_S)
            socket.send_multipart((END, message))


def background(url: str, rate_hz: float) -> None:
    """A steady rate until we are ended."""
    with zmq.Context() as context, publisher(context, url) as socket:
        message, begun, sent = _message(1), time.monotonic(), 0
        say_ready()
        while True:
            while sent < (time.monotonic() - begun) * rate_hz:
                socket.send_multipart((PACED, message))
                sent += 1
            time.sleep(BURST_S)


def subscribe(url: str) -> dict[str, Any]:
    """Count what comes, by phase, until word of the end."""
    with zmq.Context() as context, subscriber(context, url) as socket:
        socket.setsockopt(zmq.SUBSCRIBE, b"bench/")
        socket.setsockopt(zmq.RCVTIMEO, IDLE_MS)
        socket.recv_multipart()
        say_ready()
        counts = {WARM: 0, PACED: 0, FLOOD: 0}
        first = last = 0.0
        while (topic := socket.recv_multipart()[0]) != END:
            counts[topic] += 1
            if topic == FLOOD:
                last = time.perf_counter()
                first = first or last
    taken_s = last - first
    return {"paced": counts[PACED], "flood": counts[FLOOD], "flood_s": taken_s}


def drain(url: str) -> None:
    """Receive until we are ended."""
    with zmq.Context() as context, subscriber(context, url) as socket:
        socket.setsockopt(zmq.SUBSCRIBE, b"bench/")
        say_ready()
        while True:
            socket.recv_multipart()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["proxy", "publish", "subscribe", "background", "drain"])
    parser.add_argument("--url", required=True, help="of the proxy: where publishers connect")
    parser.add_argument("--subscribe-url", default="", help="of the proxy")
    parser.add_argument("--queue", type=int, default=10_000)
    parser.add_argument("--paced", type=int, default=1)
    parser.add_argument("--flood", type=int, default=1)
    parser.add_argument("--rate-hz", type=float, default=1000.0)
    parser.add_argument("--go", type=Path, default=Path("go"))
    options = parser.parse_args()
    if options.role == "proxy":
        hold_signals()
    end_with_parent()
    if options.role == "proxy":
        proxy(options.url, options.subscribe_url, options.queue)
    elif options.role == "publish":
        publish(options.url, options)
    elif options.role == "background":
        background(options.url, options.rate_hz)
    elif options.role == "drain":
        drain(options.url)
    else:
        print(json.dumps(subscribe(options.url)), flush=True)


if __name__ == "__main__":
    main()
