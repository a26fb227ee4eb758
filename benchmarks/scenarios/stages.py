"""Where the time of one call goes: marks of three traced processes on one clock, cut into stages. It judges nothing.

The processes share CLOCK_MONOTONIC, so a stage may begin in one and end in another.
"""

from __future__ import annotations

import itertools
import json
import statistics
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.processes import Children, scratch
from benchmarks.scenario import Bench
from benchmarks.scenarios.common import start_hub

Marks = Sequence[tuple[int, str]]

SIZES: Final = {"calls": 2000, "warmup": 400, "throughput_calls": 1, "outstanding": 1}
TIMEOUT_S: Final = 120.0
# Each stage ends at this mark: the process, the mark, which of its kind within the call (-1: the last one).
STAGES: Final = (
    ("client: check, encode, hand to the I/O thread, which wakes", "blocking", "send<", 0),
    ("client: send", "blocking", "send>", 0),
    ("wire to the hub", "hub", "drain<", 0),
    ("hub: read, parse, all checks, answers encoded", "hub", "drain>", 0),
    ("hub: the command is kept (one SQLite commit)", "hub", "commit>", 0),
    ("hub: ACCEPTED and the command are sent", "hub", "send>", 1),
    ("wire to the driver", "driver", "drain<", 0),
    (
        "driver: read, parse, checks again, a thread for the vendor's code wakes and runs it",
        "driver",
        "finish<",
        0,
    ),
    ("driver: outcome to the I/O thread, which wakes and encodes", "driver", "send<", -1),
    ("driver: send", "driver", "send>", -1),
    ("wire to the hub", "hub", "drain<", 1),
    ("hub: read, parse, rules, answers encoded", "hub", "drain>", 1),
    ("hub: the outcome is kept (one SQLite commit)", "hub", "commit>", 1),
    ("hub: outcome and acknowledgement are sent", "hub", "send>", 3),
    ("wire to the client", "blocking", "drain<", -1),
    ("client: read, parse, the caller's thread wakes and decodes", "blocking", "call>", 0),
)


def explain() -> dict[str, Any]:
    """One more run, one call at a time, taken apart."""
    with (
        scratch("robolink-stages-") as folder,
        Children(folder) as children,
    ):
        name = str(folder)
        bench = Bench(SIZES, folder, children)
        url = start_hub(bench, module="ends.traced_stack", before=[name])
        children.start("driver", "ends.traced_stack", [name, "driver", "--url", url])
        arguments = [name, "blocking", "--url", url, *bench.arguments(*SIZES)]
        children.result("blocking", "ends.traced_stack", arguments, TIMEOUT_S)
        children.child("blocking").wait(TIMEOUT_S)
        for each in ("driver", "hub"):
            children.child(each).terminate()
            children.child(each).wait(TIMEOUT_S)
        marks = {
            each: json.loads((folder / f"{each}.json").read_text()) for each in ("blocking", "driver", "hub")
        }
    return taken_apart(marks)


def taken_apart(marks: Mapping[str, Marks]) -> dict[str, Any]:
    """The median of each stage over the calls that nothing else (a beat) fell into."""
    rows = []
    begins = [at for at, label in marks["blocking"] if label == "call<"]
    for begin, end in itertools.pairwise(begins):
        row = _call(marks, begin, end)
        if row is not None:
            rows.append(row)
    if not rows:
        return {"unit": "us", "of": "", "top": [], "error": "no call could be taken apart"}
    whole = statistics.median(sum(row) for row in rows)
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    top = [
        {"function": stage[0], "self": value, "total": value / whole}
        for stage, value in zip(STAGES, medians, strict=True)
    ]
    return {
        "unit": "us",
        "of": f"{len(rows)} calls of the blocking client",
        "top": top,
        "whole": whole,
        "error": "",
    }


def _call(marks: Mapping[str, Marks], begin: int, end: int) -> list[float] | None:
    found: dict[tuple[str, str], list[int]] = {}
    for process, noted in marks.items():
        first = bisect_left(noted, begin, key=lambda each: each[0])
        for at, label in noted[first:]:
            if at >= end:
                break
            found.setdefault((process, label), []).append(at)
    if len(found.get(("hub", "send>"), ())) != 4 or len(found.get(("hub", "drain<"), ())) != 2:
        return None
    row, before = [], begin
    for _, process, label, number in STAGES:
        times = found.get((process, label), [])
        if len(times) <= max(number, 0):
            return None
        row.append((times[number] - before) / 1e3)
        before = times[number]
    return row if min(row) >= 0 else None
