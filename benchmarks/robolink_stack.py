"""The path on Robolink as its users have it: client SDK, hub with its checks and journal, vendor SDK with a trivial command.

Public names only. `--profile FILE` writes a cProfile of every thread of this process that ends before it.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import robolink
from benchmarks import measure
from benchmarks.processes import end_with_parent, hold_signals, say_ready, wait_for_signal
from robolink.hub.__main__ import main as hub_main
from robolink.robot import Base, Driver, Robot, command

# A robot for each phase: the hub and the driver keep 10,000 commands of a robot for ten minutes, and refuse more.
PHASES: Final = ("bench-single", "bench-threads", "bench-tasks")
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
    """`python -m robolink.hub`."""
    raise SystemExit(hub_main(["--config", config, "--log-level", "WARNING"]))


def driver(url: str) -> None:
    """Serve a robot for each phase."""
    serving = Driver(url, name="bench")
    robots = [Bench(name) for name in PHASES]
    for robot in robots:
        serving.add(robot)
    with serving:
        if not serving.wait_connected(CONNECT_TIMEOUT_S):
            raise SystemExit(f"the hub does not take the driver: {serving.error}")
        say_ready()
        wait_for_signal()
    for robot in robots:
        robot.close()


def client(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure: the blocking face alone and in threads, then the asyncio face."""
    with robolink.connect(url, name="bench", timeout_s=CONNECT_TIMEOUT_S) as connection:
        _wait_online(connection)
        single, threads, _tasks = (connection.robot(name) for name in PHASES)
        one_by_one = measure.latency(lambda: single.call(PING), calls=options.calls, warmup=options.warmup)
        measure.in_threads(lambda: threads.call(PING), calls=options.warmup, outstanding=options.outstanding)
        rate = measure.in_threads(
            lambda: threads.call(PING), calls=options.throughput_calls, outstanding=options.outstanding
        )
        tasks_rate = asyncio.run(_tasks_rate(url, options))
        hub_counted = {each.name: each.value for each in connection.status().counters}
        counted = dict(connection.counters)
    return {
        "p50_us": one_by_one.p50_us,
        "p99_us": one_by_one.p99_us,
        "per_s": rate,
        "tasks_per_s": tasks_rate,
        "counted": {"hub": hub_counted, "client": counted},
    }


def _wait_online(connection: Any) -> None:
    until = time.monotonic() + CONNECT_TIMEOUT_S
    while {each.robot for each in connection.robots() if each.online} < set(PHASES):
        if time.monotonic() > until:
            raise SystemExit("the robots are not online")
        time.sleep(0.05)


async def _tasks_rate(url: str, options: argparse.Namespace) -> float:
    async with robolink.connect_async(url, name="bench-tasks") as connection:
        robot = connection.robot(PHASES[2])
        await measure.in_tasks(
            lambda: robot.call(PING), calls=options.warmup, outstanding=options.outstanding
        )
        return await measure.in_tasks(
            lambda: robot.call(PING), calls=options.throughput_calls, outstanding=options.outstanding
        )


def profiled(run: Callable[[], None], file: str) -> None:
    """Run under cProfile, threads included: each new thread swaps this hook for a profile of its own."""
    profiles = [cProfile.Profile()]

    def in_new_thread(*_: object) -> None:
        mine = cProfile.Profile()
        profiles.append(mine)
        mine.enable()

    threading.setprofile(in_new_thread)
    try:
        profiles[0].runcall(run)
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
        _dump(profiles, file)


def _dump(profiles: list[cProfile.Profile], file: str) -> None:
    total = pstats.Stats(profiles[0])
    for each in profiles[1:]:
        each.create_stats()
        if each.stats:  # type: ignore[attr-defined]
            total.add(each)
    total.dump_stats(file)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["hub", "driver", "client"])
    parser.add_argument("--url", default="")
    parser.add_argument("--config", default="", help="the hub's")
    parser.add_argument("--profile", default="", metavar="FILE")
    for name in ("calls", "warmup", "throughput-calls", "outstanding"):
        parser.add_argument(f"--{name}", type=int, default=0)
    options = parser.parse_args()
    if options.role == "driver":
        hold_signals()
    end_with_parent()

    def run() -> None:
        if options.role == "hub":
            hub(options.config)
        elif options.role == "driver":
            driver(options.url)
        else:
            print(json.dumps(client(options.url, options)), flush=True)

    if options.profile:
        profiled(run, options.profile)
    else:
        run()


if __name__ == "__main__":
    main()
