"""The path on MQTT: a real mosquitto broker as the hub, paho-mqtt at both ends, the same protobuf messages, QoS 1.

A request topic and an answer topic; the answer names the request. Nothing is checked, and the broker keeps nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks import measure
from benchmarks.processes import (
    end_with_parent,
    hold_signals,
    mosquitto,
    say_ready,
    take_signals,
    wait_for_signal,
)
from robolink import v1

ASKED: Final = "bench/asked"
ANSWERED: Final = "bench/answered"
QOS: Final = 1
ANSWER_TIMEOUT_S: Final = 10.0
END_S: Final = 2.0
MAX_UNACKNOWLEDGED: Final = 1000
CONFIG: Final = """listener {port} 127.0.0.1
allow_anonymous true
persistence false
set_tcp_nodelay true
max_inflight_messages {most}
max_queued_messages 0
"""


def broker(port: int, folder: Path) -> None:
    """Run mosquitto on loopback until a signal, or until the bench is gone."""
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=port, most=MAX_UNACKNOWLEDGED))
    found = mosquitto()
    if found is None:
        raise SystemExit("mosquitto is not installed")
    serving = subprocess.Popen(
        [found, "-c", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=take_signals,  # What we hold back, it would inherit as held back.
    )
    try:
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while time.monotonic() < until and serving.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
            except OSError:
                time.sleep(0.02)
                continue
            say_ready()
            wait_for_signal()
            return
        raise SystemExit("mosquitto does not come up")
    finally:
        serving.terminate()
        try:
            serving.wait(END_S)
        except subprocess.TimeoutExpired:
            serving.kill()
            serving.wait()


def connect(port: int, topic: str, on_message: Callable[[mqtt.Client, bytes], None]) -> mqtt.Client:
    """A client in its own thread that has subscribed to `topic`."""
    subscribed = threading.Event()
    peer = mqtt.Client(CallbackAPIVersion.VERSION2)
    peer.max_inflight_messages_set(MAX_UNACKNOWLEDGED)
    peer.on_socket_open = lambda _peer, _data, opened: opened.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )
    peer.on_connect = lambda *_: peer.subscribe(topic, QOS)
    peer.on_subscribe = lambda *_: subscribed.set()
    peer.on_message = lambda client, _data, message: on_message(client, message.payload)
    peer.connect("127.0.0.1", port)
    peer.loop_start()
    if not subscribed.wait(ANSWER_TIMEOUT_S):
        raise SystemExit("the broker does not answer")
    return peer


def driver(port: int) -> None:
    """Parse the header, answer with a new one that names the request."""

    def answer(peer: mqtt.Client, payload: bytes) -> None:
        asked = v1.Header.FromString(payload)
        update = v1.CommandUpdate(
            command_id=asked.message_id, robot="bench", state=v1.COMMAND_STATE_SUCCEEDED
        )
        peer.publish(ANSWERED, update.SerializeToString(), QOS)

    peer = connect(port, ASKED, answer)
    say_ready()
    wait_for_signal()
    peer.loop_stop()


class Client:
    """The asking end."""

    def __init__(self, port: int) -> None:
        """Subscribed to the answers."""
        self._answered = threading.Semaphore(0)
        self._left = 0
        self._peer = connect(port, ANSWERED, self._on_answer)

    def _send(self) -> None:
        header = v1.Header(major=1, message_id=os.urandom(16), destination="bench", ttl_ms=5000)
        self._peer.publish(ASKED, header.SerializeToString(), QOS)

    def _on_answer(self, _peer: mqtt.Client, payload: bytes) -> None:
        if v1.CommandUpdate.FromString(payload).state != v1.COMMAND_STATE_SUCCEEDED:
            return
        if self._left > 0:  # Only this thread counts down.
            self._left -= 1
            self._send()
        self._answered.release()

    def _wait(self) -> None:
        if not self._answered.acquire(timeout=ANSWER_TIMEOUT_S):
            raise SystemExit("no answer came")

    def call(self) -> None:
        """One request and its answer."""
        self._send()
        self._wait()

    def throughput(self, *, calls: int, outstanding: int) -> float:
        """Calls per second: each answer asks the next, `outstanding` are under way."""
        begun = time.perf_counter()
        self._left = max(0, calls - outstanding)
        for _ in range(min(calls, outstanding)):
            self._send()
        for _ in range(calls):
            self._wait()
        return calls / (time.perf_counter() - begun)

    def close(self) -> None:
        """End its thread."""
        self._peer.loop_stop()


def client(port: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure."""
    asking = Client(port)
    single = measure.latency(asking.call, calls=options.calls, warmup=options.warmup)
    asking.throughput(calls=options.warmup, outstanding=options.outstanding)
    rate = asking.throughput(calls=options.throughput_calls, outstanding=options.outstanding)
    asking.close()
    return {"p50_us": single.p50_us, "p99_us": single.p99_us, "per_s": rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["broker", "driver", "client"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, default=Path())
    measure.add_sizes(parser)
    options = parser.parse_args()
    if options.role == "client":
        end_with_parent()
        print(json.dumps(client(options.port, options)), flush=True)
        return
    hold_signals()
    end_with_parent()
    if options.role == "broker":
        broker(options.port, options.folder)
    else:
        driver(options.port)


if __name__ == "__main__":
    main()
