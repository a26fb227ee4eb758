"""Hours of faults on two links, in the time that the machine needs: `make linksoak`.

Nothing sleeps; a day takes some minutes. It ends at the first thing that is lost, doubled or not healed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.core.link_world import BAD, CLEAN, World


@dataclass
class Told:
    """What a soak has seen."""

    simulated_s: float = 0.0
    resets: int = 0
    faults: int = 0
    messages: int = 0
    images: int = 0
    sessions: int = 0
    longest_heal_s: float = 0.0


def soak(seed: int, simulated_s: float, board: Callable[[World], Any] | None = None) -> Told:
    """So many seconds; from time to time the line is good and everything must be whole. `board`: as World's.

    Raises:
        AssertionError: A rule of World is broken.
    """
    world, told = World(seed, board), Told()
    numbers = world.random
    while world.now < simulated_s:
        for _ in range(numbers.randrange(3, 12)):
            _something(world)
            world.run(numbers.random() * 0.4)
        told.longest_heal_s = max(told.longest_heal_s, world.heal())
    told.simulated_s, told.resets = world.now, world.resets
    told.faults = sum(wire.faults for wire in world.wires.values())
    told.messages = sum(len(owner.got) for owner in world.owners.values())
    told.sessions = world.owners["host"].ups
    told.images = world.transfer
    return told


def _something(world: World) -> None:
    numbers = world.random
    what = numbers.random()
    if what < 0.5:
        for _ in range(numbers.randrange(1, 6)):
            numbers.choice(list(world.owners.values())).say(numbers.random() < 0.3)
    elif what < 0.7:
        world.set_rates(BAD.scaled(numbers.random() * 3))
    elif what < 0.75:
        world.set_rates(CLEAN)
    elif what < 0.85:
        world.reset(numbers.choice(["host", "board"]))
    elif what < 0.9:
        world.stuck(numbers.random() * 0.6)
    elif what < 0.95:
        world.stop()
    else:
        world.send_image()


def main() -> None:
    """Soak and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pieces", type=int, default=48, help="worlds of their own, by seed")
    given = parser.parse_args()
    began, total = time.monotonic(), Told()
    for piece in range(given.pieces):
        told = soak(given.seed * 1000 + piece, given.hours * 3600 / given.pieces)
        for name in ("simulated_s", "resets", "faults", "messages", "images", "sessions"):
            setattr(total, name, getattr(total, name) + getattr(told, name))
        total.longest_heal_s = max(total.longest_heal_s, told.longest_heal_s)
        took_s = time.monotonic() - began
        sys.stdout.write(f"{piece + 1}/{given.pieces}: {total} in {took_s:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
