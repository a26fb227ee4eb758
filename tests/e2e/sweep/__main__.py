"""The long sweep: `python -m tests.e2e.sweep --seeds 0-499`, `--seed 17 --keep` for one of them, by hand.

Prints how far it is and each seed that breaks a promise, with the command that plays it again. What a seed determines is
its plan; how the processes interleave is up to the machine, so a replay is the same plan, not the same microsecond.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.e2e.sweep.nursery import Nursery
from tests.e2e.sweep.run import Verdict, run_seed


def sweep(
    seeds: Iterable[int], folder: Path, *, jobs: int, without: Iterable[str] = (), keep: bool = False
) -> Generator[Verdict]:
    """Verdicts as they come; leaving off early ends what has begun."""
    without, ending = tuple(without), threading.Event()
    nursery = Nursery()
    pool = ThreadPoolExecutor(jobs)
    try:
        waiting = [
            pool.submit(
                run_seed, nursery, seed, folder / f"seed{seed}", ending=ending, without=without, keep=keep
            )
            for seed in seeds
        ]
        for done in as_completed(waiting):
            yield done.result()
    finally:
        ending.set()
        pool.shutdown(cancel_futures=True)
        nursery.close()


def numbers(text: str) -> list[int]:
    """`3`, `0-499`, `1,5,10-19`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def figures(verdicts: Iterable[Verdict]) -> str:
    """What was played and how it ended, in two lines."""
    verdicts = list(verdicts)
    states: Counter[str] = sum((each.states for each in verdicts), Counter())
    blows: Counter[str] = sum((each.blows for each in verdicts), Counter())
    ran, records = sum(each.executions for each in verdicts), sum(each.records for each in verdicts)
    return (
        f"{len(verdicts)} seeds, {blows.total()} kills and freezes ({_list(blows)}), {records} records\n"
        f"{states.total()} commands ({_list(states)}), {ran} executions, "
        f"{sum(bool(each.broken) for each in verdicts)} seeds with a broken promise"
    )


def _list(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())


def main() -> int:
    """0: every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.sweep", description=__doc__)
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--seeds", type=numbers, help="e.g. 0-499")
    chosen.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="seeds at a time")
    parser.add_argument(
        "--keep", action="store_true", help="keep every history, not only those of failing seeds"
    )
    parser.add_argument("--folder", type=Path, help="where; else a new temporary one")
    parser.add_argument(
        "--without", default="", help="rules to take out, see faults.py: the sweep must find it"
    )
    options = parser.parse_args()
    seeds = options.seeds if options.seed is None else [options.seed]
    folder = options.folder or Path(tempfile.mkdtemp(prefix="robolink-sweep-"))
    without = [each for each in options.without.split(",") if each]
    verdicts: list[Verdict] = []
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    playing = sweep(seeds, folder, jobs=options.jobs, without=without, keep=options.keep)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(playing):
        for verdict in playing:
            verdicts.append(verdict)
            _show(verdict, len(verdicts), len(seeds), begun, folder)
    failing = sorted(each.seed for each in verdicts if each.broken)
    say(f"{figures(verdicts)}\n{time.monotonic() - begun:.0f} s")
    for seed in failing:
        say(f"seed {seed}: python -m tests.e2e.sweep --seed {seed} --keep")
    if failing or options.keep:
        say(f"histories: {folder}")
    return 1 if failing or len(verdicts) < len(seeds) else 0


def say(text: str, end: str = "\n") -> None:
    """To whoever started it."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def _show(verdict: Verdict, done: int, total: int, begun: float, folder: Path) -> None:
    for line in verdict.broken:
        say(f"seed {verdict.seed}: {line}")
    if verdict.broken:
        say(f"seed {verdict.seed}: {folder / f'seed{verdict.seed}' / 'history.jsonl'}")
    if sys.stdout.isatty() or done % 25 == 0:
        end = "\r" if sys.stdout.isatty() else "\n"
        say(f"{done} of {total} seeds, {time.monotonic() - begun:.0f} s", end)


if __name__ == "__main__":
    raise SystemExit(main())
