"""The long run: `python -m tests.bridges.serial.resets --resets 1000`. Prints how long healing took, and every broken promise.

Times are of this machine: a run beside other work tells of that work.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.bridges.serial.resets.checker import check, healings
from tests.bridges.serial.resets.site import Site

HEAL_S: Final = 1.0


def say(text: str) -> None:
    """To whoever started it."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """0: every promise was kept, and each healing took at most HEAL_S."""
    parser = argparse.ArgumentParser(prog="python -m tests.bridges.serial.resets", description=__doc__)
    parser.add_argument("--resets", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where histories and logs go; else a new temporary one")
    parser.add_argument("--json", action="store_true", help="the figures as one line, no more")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="robolink-resets-"))
    begun = time.monotonic()

    def told(number: int) -> None:
        if number % 50 == 0 and not options.json:
            say(f"{number} of {options.resets} resets, {time.monotonic() - begun:.0f} s")

    with Site(folder, options.seed) as site:
        site.play(options.resets, told)
    records, states = site.reader.records, site.states()
    broken = check(records)
    took = [seconds for _, _, seconds in healings(records) if seconds is not None]
    late = sum(seconds > HEAL_S for seconds in took)
    figures = {
        "resets": options.resets,
        "healed": len(took),
        "p50_ms": statistics.median(took) * 1e3,
        "p99_ms": sorted(took)[int(len(took) * 0.99)] * 1e3,
        "max_ms": max(took) * 1e3,
        "late": late,
        "commands": states.total(),
        "states": dict(states.most_common()),
        "broken": len(broken),
        "seconds": time.monotonic() - begun,
    }
    if options.json:
        say(json.dumps(figures))
        return 0
    say(
        f"{options.resets} resets in {figures['seconds']:.0f} s, {len(took)} healed before the next: "
        f"p50 {figures['p50_ms']:.0f} ms, p99 {figures['p99_ms']:.0f} ms, max {figures['max_ms']:.0f} ms, "
        f"{late} over {HEAL_S:g} s"
    )
    say(f"{states.total()} commands: " + ", ".join(f"{n} {state}" for state, n in states.most_common()))
    for text in broken:
        say(f"BROKEN {text}")
    say(f"{len(broken)} broken promises; histories: {folder / 'history'}")
    return 1 if broken or late else 0


if __name__ == "__main__":
    raise SystemExit(main())
