"""Robots and apps for setpoints, stops and settings, and the bare setpoint: each notes times of one clock, CLOCK_MONOTONIC.

All processes are on one machine, so a time noted in one may be set off against a time noted in another.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from typing import Annotated, Any, Final

import zmq

import robolink
from benchmarks import measure
from benchmarks.ends import raw_pyzmq
from benchmarks.ends.robolink_stack import CONNECT_TIMEOUT_S, serve, wait_online
from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink import v1
from robolink.robot import Arg, Base, Robot, Setting, StopOutcome, setpoint

ROBOT: Final = "bench-motion"
RELEASE_S: Final = 0.01
WAIT_S: Final = 5.0

NOTED: Final[dict[str, list[Any]]] = {"ages_us": [], "stops": []}


class Aimer(Base):
    """Takes the time of sending as its setpoint."""

    level = Setting(0.0, minimum=0.0, maximum=1e9)

    @setpoint(ttl_s=1.0)
    def aim(self, sent_s: Annotated[float, Arg("s", 0, 1e12)]) -> None:
        """Note its age; zero is the SDK's own order to stand still."""
        if sent_s:
            NOTED["ages_us"].append((time.monotonic() - sent_s) * 1e6)

    def at_standstill(self) -> bool:
        """It never moves."""
        return True


class Mover(Robot):
    """One robot with all of it."""

    part = Aimer()

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Note when the order came, then stop (software stop, not safety rated)."""
        NOTED["stops"].append((generation, time.monotonic()))
        return super().on_stop(level, generation)


def driver(url: str) -> None:
    """Serve, and tell what was noted at the end."""
    serve(url, [Mover(ROBOT)])
    print(json.dumps(NOTED), flush=True)


def send_setpoints(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """At a rate, for a while."""
    with robolink.connect(url, name="bench", timeout_s=CONNECT_TIMEOUT_S) as connection:
        wait_online(connection, [ROBOT])
        robot = connection.robot(ROBOT)
        with robot.lease():
            _paced(options, lambda: robot.setpoint("part.aim", sent_s=time.monotonic()))
    return {"sent": options.count}


def _paced(options: argparse.Namespace, send: Any) -> None:
    begun = time.monotonic()
    for number in range(options.count):
        time.sleep(max(0.0, begun + number / options.rate_hz - time.monotonic()))
        send()
    time.sleep(WAIT_S / 10)  # The last one may still be on its way.


def send_raw(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """The same, on a bare DEALER."""
    with zmq.Context() as context, raw_pyzmq.dealer(context, url, raw_pyzmq.CLIENT) as socket:
        time.sleep(WAIT_S / 10)  # Both ends must have reached the ROUTER: it drops what it cannot route.
        seq = 0

        def send() -> None:
            nonlocal seq
            seq += 1
            header = v1.Header(
                major=1, destination=ROBOT, body_type=v1.BODY_TYPE_SETPOINT, seq=seq, ttl_ms=1000
            )
            body = v1.Setpoint(name="part.aim", values=[time.monotonic()])
            socket.send_multipart((header.SerializeToString(), body.SerializeToString()))

        _paced(options, send)
    return {"sent": options.count}


def raw_driver(url: str) -> None:
    """Parse header and body, note the age; the bare end has no thread of its own for it."""

    def receive() -> None:
        with zmq.Context() as context, raw_pyzmq.dealer(context, url, raw_pyzmq.DRIVER) as socket:
            say_ready()
            while True:
                header, body = socket.recv_multipart()
                if v1.Header.FromString(header).body_type == v1.BODY_TYPE_SETPOINT:
                    sent_s = v1.Setpoint.FromString(body).values[0]
                    NOTED["ages_us"].append((time.monotonic() - sent_s) * 1e6)

    threading.Thread(target=receive, daemon=True).start()
    wait_for_signal()
    print(json.dumps(NOTED), flush=True)


def stop(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Software stops (not safety rated), one by one: generation, when it was called, when its verdict came."""
    roles = (v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)
    called = []
    with robolink.connect(url, name="bench-stop", roles=roles, timeout_s=CONNECT_TIMEOUT_S) as connection:
        wait_online(connection, [ROBOT])
        robot = connection.robot(ROBOT)
        for _ in range(options.count):
            begun = time.monotonic()
            result = robot.stop(reason="bench")
            called.append((result.generation, begun, time.monotonic()))
            robot.release()
            time.sleep(RELEASE_S)
    return {"called": called}


def write_twin(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Write a setting and wait until the hub shows it as observed: by `set(wait_s=…)`, or by a watch that is held."""
    with robolink.connect(url, name="bench", timeout_s=CONNECT_TIMEOUT_S) as connection:
        wait_online(connection, [ROBOT])
        robot = connection.robot(ROBOT)
        written = 0.0

        def waited() -> None:
            nonlocal written
            written += 1.0
            robot.twin.set("part.level", written, wait_s=WAIT_S)

        if options.role == "twin-set":
            taken = measure.latency(waited, calls=options.count, warmup=options.warmup)
            return {"p50_us": taken.p50_us, "p99_us": taken.p99_us}
        with robot.twin.watch() as events:

            def watched() -> None:
                nonlocal written
                written += 1.0
                version = robot.twin.set("part.level", written)
                until = time.monotonic() + WAIT_S
                while time.monotonic() < until:
                    event = events.next(WAIT_S)
                    if event is not None and _observed(event) >= version:
                        return
                raise SystemExit("the setting was not observed")

            taken = measure.latency(watched, calls=options.count, warmup=options.warmup)
    return {"p50_us": taken.p50_us, "p99_us": taken.p99_us}


def _observed(event: v1.Event) -> int:
    states = [each for each in event.twin_delta.properties if each.name == "part.level"]
    return max((each.observed.version for each in states), default=-1)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    apps = {
        "setpoints": send_setpoints,
        "raw-setpoints": send_raw,
        "stops": stop,
        "twin-set": write_twin,
        "twin-watch": write_twin,
    }
    drivers = {"driver": driver, "raw-driver": raw_driver}
    parser.add_argument("role", choices=[*apps, *drivers])
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--rate-hz", type=float, default=50.0)
    options = parser.parse_args()
    if options.role in drivers:
        hold_signals()
        end_with_parent()
        drivers[options.role](options.url)
    else:
        end_with_parent()
        print(json.dumps(apps[options.role](options.url, options)), flush=True)


if __name__ == "__main__":
    main()
