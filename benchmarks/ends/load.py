"""Load on a Robolink hub: calls without a pause, so many outstanding, until a signal; and the robots that answer them."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import time
from typing import Final

import robolink
from benchmarks.ends.robolink_stack import CONNECT_TIMEOUT_S, MAX_CALLS, PING, Bench, serve
from benchmarks.processes import end_with_parent, hold_signals, say_ready

# Each task calls a robot of its own: a driver keeps a limited number of a robot's commands.
ROBOT: Final = "load-{}"


async def calls(url: str, outstanding: int) -> dict[str, float]:
    """Call until SIGTERM; how many a second."""
    ending, busy = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ending.set)
    done = 0
    async with robolink.connect_async(url, name="load", timeout_s=CONNECT_TIMEOUT_S) as connection:

        async def caller(number: int) -> None:
            nonlocal done
            robot = connection.robot(ROBOT.format(number))
            for _ in range(MAX_CALLS):
                if ending.is_set():
                    return
                await robot.call(PING)
                done += 1
                if done >= outstanding:
                    busy.set()

        begun = time.perf_counter()
        tasks = [asyncio.create_task(caller(number)) for number in range(outstanding)]
        await busy.wait()
        say_ready()
        await asyncio.gather(*tasks)
        return {"calls": done, "per_s": done / (time.perf_counter() - begun)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("role", choices=["driver", "client"])
    parser.add_argument("--url", required=True)
    parser.add_argument("--outstanding", type=int, default=64)
    options = parser.parse_args()
    if options.role == "driver":
        hold_signals()
        end_with_parent()
        serve(options.url, [Bench(ROBOT.format(number)) for number in range(options.outstanding)])
    else:
        end_with_parent()
        print(json.dumps(asyncio.run(calls(options.url, options.outstanding))), flush=True)


if __name__ == "__main__":
    main()
