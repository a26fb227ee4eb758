"""The path on Robolink as its users have it: client SDK, hub with its checks and journal, vendor SDK with a trivial robot.

Public names only, but for the hub's own `main`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Iterable
from typing import Any, Final

import robolink
from benchmarks import measure
from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink.hub.__main__ import main as hub_main
from robolink.robot import Base, Driver, Robot, command

# A robot for each phase: the driver keeps 10,000 commands of a robot for ten minutes, and refuses more.
PHASES: Final = ("bench-single", "bench-many")
MAX_CALLS: Final = 10_000
CONNECT_TIMEOUT_S: Final = 20.0
PING: Final = "part.ping"


class Part(Base):
    """A component that only answers."""

    @command(motion=False)
    def ping(self) -> None:
        """Do nothing."""


class Bench(Robot):
    """A robot that only answers."""

    part = Part()


def hub(config: str) -> None:
    """`python -m robolink.hub`, with as many open files as it may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    raise SystemExit(hub_main(["--config", config, "--log-level", "WARNING"]))


def serve(url: str, robots: Iterable[Robot]) -> None:
    """Serve these robots until a signal."""
    robots = list(robots)
    serving = Driver(url, name="bench")
    for robot in robots:
        serving.add(robot)
    with serving:
        if not serving.wait_connected(CONNECT_TIMEOUT_S):
            raise SystemExit(f"the hub does not take the driver: {serving.error}")
        say_ready()
        wait_for_signal()
    for robot in robots:
        robot.close()


def blocking(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the blocking face: alone, and in threads."""
    with robolink.connect(url, name="bench", timeout_s=CONNECT_TIMEOUT_S) as connection:
        wait_online(connection, PHASES)
        single, many = (connection.robot(name) for name in PHASES)
        one_by_one = measure.latency(lambda: single.call(PING), calls=options.calls, warmup=options.warmup)
        measure.in_threads(lambda: many.call(PING), calls=options.warmup, outstanding=options.outstanding)
        rate = measure.in_threads(
            lambda: many.call(PING), calls=options.throughput_calls, outstanding=options.outstanding
        )
        resent = sum(each.value for each in connection.status().counters if each.name == "command_resent")
    return {"p50_us": one_by_one.p50_us, "p99_us": one_by_one.p99_us, "per_s": rate, "resent": resent}


def wait_online(connection: robolink.client.Hub, robots: Iterable[str]) -> None:
    """Until the hub offers them all."""
    until, wanted = time.monotonic() + CONNECT_TIMEOUT_S, set(robots)
    while {each.robot for each in connection.robots() if each.online} < wanted:
        if time.monotonic() > until:
            raise SystemExit("the robots are not online")
        time.sleep(0.05)


async def in_asyncio(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the asyncio face: alone, and in tasks."""
    async with robolink.connect_async(url, name="bench", timeout_s=CONNECT_TIMEOUT_S) as connection:
        single, many = (connection.robot(name) for name in PHASES)
        taken = await measure.awaited(lambda: single.call(PING), calls=options.calls, warmup=options.warmup)
        for calls in (options.warmup, options.throughput_calls):
            rate = await measure.in_tasks(
                lambda: many.call(PING), calls=calls, outstanding=options.outstanding
            )
        counters = (await connection.status()).counters
        resent = sum(each.value for each in counters if each.name == "command_resent")
    return {"p50_us": taken.p50_us, "p99_us": taken.p99_us, "per_s": rate, "resent": resent}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["hub", "driver", "blocking", "asyncio"])
    parser.add_argument("--url", default="")
    parser.add_argument("--config", default="", help="the hub's")
    measure.add_sizes(parser)
    options = parser.parse_args()
    if options.role == "driver":
        hold_signals()
    end_with_parent()
    if options.role == "hub":
        hub(options.config)
    elif options.role == "driver":
        serve(options.url, [Bench(name) for name in PHASES])
    elif options.role == "blocking":
        print(json.dumps(blocking(options.url, options)), flush=True)
    else:
        print(json.dumps(asyncio.run(in_asyncio(options.url, options))), flush=True)


if __name__ == "__main__":
    main()
