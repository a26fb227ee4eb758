"""The app of the soak: drives some robots, and tells each period how old their telemetry and twin values were on arrival.

One line of JSON a period. Ages are of the one monotonic clock of this machine, which is site time on a hub of this machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

import zmq

import robolink
from benchmarks.measure import percentile
from benchmarks.processes import end_with_parent
from robolink import v1
from robolink.transports.lanes import beside, subscriber

CONNECT_TIMEOUT_S: Final = 30.0
ONLINE_S: Final = 120.0
SETPOINT_S: Final = 0.2
POLL_MS: Final = 20
WATCH_S: Final = 0.5
SPEED: Final = 0.1
TURN: Final = 0.2


class Probe:
    """What came since the last period."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.lock = threading.Lock()
        self.began_ns = time.monotonic_ns()
        self.telemetry: list[float] = []
        self.twin: list[float] = []
        self.lost = 0
        self._seq: dict[bytes, int] = {}

    def sample(self, frames: Sequence[bytes]) -> None:
        """One telemetry sample."""
        sample = v1.Sample.FromString(frames[1])
        age_ms = (time.monotonic_ns() - sample.stamp_ns) / 1e6
        before = self._seq.get(frames[0])
        self._seq[frames[0]] = sample.seq
        with self.lock:
            self.telemetry.append(age_ms)
            if before is not None and sample.seq > before + 1:
                self.lost += sample.seq - before - 1

    def event(self, event: v1.Event) -> None:
        """One change of a twin; what was reported before the probe began is old for another reason."""
        for state in event.twin_delta.properties:
            at_ns = state.reported.time_ns
            if state.name == "base.distance" and at_ns > self.began_ns:
                with self.lock:
                    self.twin.append((time.monotonic_ns() - at_ns) / 1e6)

    def period(self) -> dict[str, Any]:
        """Summary; a new period begins."""
        with self.lock:
            telemetry, self.telemetry = self.telemetry, []
            twin, self.twin = self.twin, []
            lost, self.lost = self.lost, 0
        return {"telemetry": _summary(telemetry), "twin": _summary(twin), "lost": lost}


def _summary(ages_ms: list[float]) -> dict[str, float]:
    if not ages_ms:
        return {"count": 0}
    p50, p99 = percentile(ages_ms, 50), percentile(ages_ms, 99)
    return {"count": len(ages_ms), "p50_ms": p50, "p99_ms": p99, "max_ms": max(ages_ms)}


def wait_online(connection: robolink.client.Hub, robots: Sequence[str], count: int) -> None:
    """Until so many robots are online, and these among them."""
    until = time.monotonic() + ONLINE_S
    while time.monotonic() < until:
        online = {each.robot for each in connection.robots() if each.online}
        if len(online) >= count and set(robots) <= online:
            return
        time.sleep(0.5)
    raise SystemExit(f"{count} robots are not online within {ONLINE_S:g} s")


def run(url: str, options: argparse.Namespace) -> None:
    """Drive and tell until we are ended."""
    names = [
        f"{options.prefix}{row:04d}"
        for row in range(0, options.count, max(1, options.count // options.driving))
    ][: options.driving]
    with robolink.connect(url, name="soak", timeout_s=CONNECT_TIMEOUT_S) as connection:
        wait_online(connection, names, options.count)
        robots = [connection.robot(name) for name in names]
        with contextlib.ExitStack() as stack:
            for robot in robots:
                stack.enter_context(robot.lease())
            probe = Probe()
            events = stack.enter_context(connection.watch(names, twins=True))
            ending = threading.Event()
            stack.callback(ending.set)
            threading.Thread(target=_watch, args=(events, probe, ending), daemon=True).start()
            context = stack.enter_context(zmq.Context())
            socket = stack.enter_context(subscriber(context, beside(url, 3)))
            for name in names:
                socket.setsockopt(zmq.SUBSCRIBE, f"{name}/base/odometry".encode())
            _loop(connection, robots, socket, probe, options.period_s)


def _watch(events: Any, probe: Probe, ending: threading.Event) -> None:
    while not ending.is_set():
        event = events.next(WATCH_S)
        if event is not None:
            probe.event(event)


def _loop(
    connection: robolink.client.Hub,
    robots: Sequence[robolink.client.RobotHandle],
    socket: zmq.Socket[bytes],
    probe: Probe,
    period_s: float,
) -> None:
    next_setpoint = time.monotonic()
    next_period = next_setpoint + period_s
    while True:
        if socket.poll(POLL_MS):
            with contextlib.suppress(zmq.Again):
                while True:
                    probe.sample(socket.recv_multipart(zmq.NOBLOCK))
        now = time.monotonic()
        if now >= next_setpoint:
            next_setpoint = max(next_setpoint + SETPOINT_S, now)
            for robot in robots:
                robot.setpoint("base.velocity", linear_x=SPEED, angular_z=TURN)
        if now >= next_period:
            next_period += period_s
            counted = {each.name: each.value for each in connection.status().counters}
            print(json.dumps(probe.period() | {"hub": counted, "client": connection.counters}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--driving", type=int, required=True)
    parser.add_argument("--period-s", type=float, required=True)
    parser.add_argument("--prefix", default="fleet-")
    options = parser.parse_args()
    end_with_parent()
    run(options.url, options)


if __name__ == "__main__":
    main()
