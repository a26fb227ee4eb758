"""kill -9 of hub, driver and clients at random points of a workload: no promise breaks, and the checker would see it.

The long sweep is a command of its own: `make kills SEEDS=0-499`. Here some of its seeds run, and then each of the faults
that `sweep/faults.py` puts in on purpose until the checker has found it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

import pytest

from tests.e2e.sweep.__main__ import figures, sweep
from tests.e2e.sweep.faults import FAULTS
from tests.e2e.sweep.plan import plan_of

SEEDS = int(os.environ.get("ROBOLINK_KILL_SEEDS", "30"))
FIRST = int(os.environ.get("ROBOLINK_SEED", "0"))
JOBS = 2 * (os.cpu_count() or 1)
# How many seeds a fault may stay hidden.
HIDDEN_SEEDS = 40

# Which promises a fault must be seen to break; others may break with it.
BREAKS = {
    "forgotten_ids": {"once"},
    "no_journal": {"kept before told"},
    "told_before_kept": {"kept before told"},
    "last_outcome_wins": {"one end", "no way back"},
    "no_lease": {"sender has lease"},
    "latch_in_memory": {"latch survives"},
    "no_latch": {"still while latched", "newest generation"},
    "settings_once": {"settings converge"},
    "versions_in_memory": {"versions stay"},
}


def silent_driver(seed: int) -> bool:
    """Whether the driver is frozen for longer than a hub waits for it: then outcomes come late."""
    first = plan_of(seed).blows[0]
    return first.how == "freeze" and first.parts == ("driver",) and first.back_ms > 1500


# Where a fault shows only after something rare, seeds with it.
SHOWN_BY = {"last_outcome_wins": silent_driver}


def test_a_seed_is_one_plan() -> None:
    assert plan_of(17) == plan_of(17)
    assert plan_of(17) != plan_of(18)
    struck = {(part, blow.how) for seed in range(200) for blow in plan_of(seed).blows for part in blow.parts}
    assert {("hub", "kill"), ("safety", "kill"), ("site", "kill"), ("driver", "kill")} <= struck
    assert {("client0", "kill"), ("driver", "freeze"), ("hub", "freeze")} <= struck


@pytest.mark.slow
@pytest.mark.timeout(60 + 20 * SEEDS)
def test_no_promise_breaks(tmp_path: Path) -> None:
    verdicts = list(sweep(range(FIRST, FIRST + SEEDS), tmp_path, jobs=JOBS))
    print(f"\n{figures(verdicts)}")  # noqa: T201  # the sweep's own report
    broken = [f"seed {each.seed}: {line}" for each in verdicts for line in each.broken]
    seeds = sorted({each.seed for each in verdicts if each.broken})
    replays = [f"python -m tests.e2e.sweep --seed {seed} --keep" for seed in seeds]
    assert not broken, "\n".join([*broken, *replays])
    assert sum(each.executions for each in verdicts) > SEEDS
    assert sum(each.blows.total() for each in verdicts) >= SEEDS


def test_every_fault_is_looked_for() -> None:
    assert BREAKS.keys() == FAULTS.keys()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bug_put_in_on_purpose_is_found(fault: str, tmp_path: Path) -> None:
    seen: set[str] = set()
    shown_by = SHOWN_BY.get(fault, lambda _seed: True)
    seeds = list(itertools.islice(filter(shown_by, itertools.count()), HIDDEN_SEEDS))
    with contextlib.closing(sweep(seeds, tmp_path, jobs=JOBS, without=[fault])) as verdicts:
        for verdict in verdicts:
            seen |= {line.partition(":")[0] for line in verdict.broken}
            if seen & BREAKS[fault]:
                return
    pytest.fail(f"{fault} was not found in {HIDDEN_SEEDS} seeds; only this was seen: {sorted(seen)}")
