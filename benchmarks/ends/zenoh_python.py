"""The path on Zenoh: a router as the hub, a client that queries, a driver's queryable that answers; protobuf at the ends.

The router is a session in router mode in a process of its own: the packages hold no router program, the routing is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from typing import Any, Final

import zenoh

from benchmarks import measure
from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink import v1

KEY: Final = "bench/driver"
ANSWER_TIMEOUT_S: Final = 10.0


def session(endpoint: str, mode: str) -> zenoh.Session:
    """A session on that endpoint alone: nothing is looked for on the network."""
    config = zenoh.Config()
    config.insert_json5("mode", json.dumps(mode))
    config.insert_json5("scouting/multicast/enabled", "false")
    config.insert_json5("scouting/gossip/enabled", "false")
    side = "listen" if mode == "router" else "connect"
    config.insert_json5("listen/endpoints", json.dumps([endpoint] if side == "listen" else []))
    config.insert_json5("connect/endpoints", json.dumps([endpoint] if side == "connect" else []))
    return zenoh.open(config)


def hub(endpoint: str) -> None:
    """Route."""
    with session(endpoint, "router"):
        say_ready()
        wait_for_signal()


def driver(endpoint: str) -> None:
    """Parse the header, answer with a message that names the request."""

    def answer(query: zenoh.Query) -> None:
        payload = query.payload
        asked = v1.Header.FromString(payload.to_bytes() if payload is not None else b"")
        update = v1.CommandUpdate(
            command_id=asked.message_id, robot="bench", state=v1.COMMAND_STATE_SUCCEEDED
        )
        query.reply(KEY, update.SerializeToString())

    with session(endpoint, "client") as opened:
        queryable = opened.declare_queryable(KEY, answer, complete=True)
        say_ready()
        wait_for_signal()
        queryable.undeclare()


class Client:
    """The asking end."""

    def __init__(self, opened: zenoh.Session) -> None:
        """Wait until the driver can be reached."""
        self._session = opened
        self._left = 0
        self._lock = threading.Lock()
        self._answered = threading.Semaphore(0)
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while not any(True for _ in opened.get(KEY, payload=self._request(), timeout=1.0)):
            if time.monotonic() > until:
                raise SystemExit("the driver cannot be reached")
            time.sleep(0.05)

    @staticmethod
    def _request() -> bytes:
        header = v1.Header(major=1, message_id=os.urandom(16), destination="bench", ttl_ms=5000)
        return header.SerializeToString()

    def call(self) -> None:
        """One query and its answer."""
        for reply in self._session.get(KEY, payload=self._request(), timeout=ANSWER_TIMEOUT_S):
            self._check(reply)
            return
        raise SystemExit("no answer came")

    @staticmethod
    def _check(reply: zenoh.Reply) -> None:
        if reply.ok is None:
            raise SystemExit("the driver answered with an error")
        update = v1.CommandUpdate.FromString(reply.ok.payload.to_bytes())
        if update.state != v1.COMMAND_STATE_SUCCEEDED:
            raise SystemExit("not the answer")

    def _send(self) -> None:
        self._session.get(KEY, self._on_reply, payload=self._request(), timeout=ANSWER_TIMEOUT_S)

    def _on_reply(self, reply: zenoh.Reply) -> None:
        self._check(reply)
        with self._lock:
            more = self._left > 0
            self._left -= more
        if more:
            self._send()
        self._answered.release()

    def throughput(self, *, calls: int, outstanding: int) -> float:
        """Calls per second: each answer asks the next, `outstanding` are under way."""
        begun = time.perf_counter()
        self._left = max(0, calls - outstanding)
        for _ in range(min(calls, outstanding)):
            self._send()
        for _ in range(calls):
            if not self._answered.acquire(timeout=ANSWER_TIMEOUT_S):
                raise SystemExit("no answer came")
        return calls / (time.perf_counter() - begun)


def client(endpoint: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure."""
    with session(endpoint, "client") as opened:
        asking = Client(opened)
        single = measure.latency(asking.call, calls=options.calls, warmup=options.warmup)
        asking.throughput(calls=options.warmup, outstanding=options.outstanding)
        rate = asking.throughput(calls=options.throughput_calls, outstanding=options.outstanding)
    return {"p50_us": single.p50_us, "p99_us": single.p99_us, "per_s": rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["hub", "driver", "client"])
    parser.add_argument("--endpoint", required=True)
    measure.add_sizes(parser)
    options = parser.parse_args()
    if options.role == "client":
        end_with_parent()
        print(json.dumps(client(options.endpoint, options)), flush=True)
        return
    hold_signals()
    end_with_parent()
    {"hub": hub, "driver": driver}[options.role](options.endpoint)


if __name__ == "__main__":
    main()
