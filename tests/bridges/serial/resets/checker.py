"""The promises over a recorded history, and how long healing took. Pure functions; no clock but the records' own.

Records are dicts with `t` (s) and `e`: `send` and `end` of a command `n` (who ordered it), `begin` and `done` (the board's
own word), `reset` of `who`, `running` of `who` (board or bridge), `up` and `down` (the bridge's
session), `quiet` (nothing was sent for a while, and the line stands).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

Record: TypeAlias = dict[str, Any]

SUCCEEDED: Final = "SUCCEEDED"
# What may be said of a command that a reset has hit: it may have run, in part or whole. Anything else says that it has not.
UNKNOWN: Final = ("LOST", "FAILED DISCONNECTED", "FAILED MAX_DURATION", "CANCELED")
BOTH: Final = ("board", "bridge")


def check(records: Iterable[Record]) -> list[str]:
    """Every broken promise, as `rule: what`; none is as it should be."""
    history = sorted(records, key=lambda record: record["t"])
    return [f"{rule.__name__}: {text}" for rule in RULES for text in rule(history)]


def _by_number(history: list[Record], event: str) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = defaultdict(list)
    for record in history:
        if record["e"] == event:
            found[record["n"]].append(record)
    return found


def once(history: list[Record]) -> Iterator[str]:
    """No command runs twice."""
    for number, begins in _by_number(history, "begin").items():
        if len(begins) > 1:
            yield f"command {number} ran {len(begins)} times"


def none_lost(history: list[Record]) -> Iterator[str]:
    """Each command that was sent ends exactly once for the one who sent it."""
    ends = _by_number(history, "end")
    for number in _by_number(history, "send"):
        if len(ends[number]) != 1:
            yield f"command {number} has {len(ends[number])} ends"


def answered(history: list[Record]) -> Iterator[str]:
    """Where nothing is sent and the line stands for a while, nothing stays open."""
    waiting: set[int] = set()
    for record in history:
        if record["e"] == "send":
            waiting.add(record["n"])
        elif record["e"] == "end":
            waiting.discard(record["n"])
        elif record["e"] == "quiet" and waiting:
            yield f"{sorted(waiting)} are open at {record['t']:.3f}, with nothing to wait for"


def true(history: list[Record]) -> Iterator[str]:
    """What is said of a command is what the board did."""
    begins, dones, sends = (_by_number(history, event) for event in ("begin", "done", "send"))
    for number, ends in _by_number(history, "end").items():
        state = ends[0]["state"]
        if state == SUCCEEDED:
            if not dones[number]:
                yield f"command {number} SUCCEEDED, and the board has not done it"
        elif not state.startswith(UNKNOWN) and begins[number]:
            yield f"command {number} is {state}, and the board began it"
    for number in begins:
        if number not in sends:
            yield f"the board ran {number}, which nobody sent"


def undisturbed_succeeds(history: list[Record]) -> Iterator[str]:
    """Once a command that was sent since the last break has succeeded, each later one does, until the next break."""
    since_break: set[int] = set()
    undisturbed: set[int] = set()
    proven = False
    for record in history:
        if record["e"] in ("up", "down", "reset"):
            since_break, undisturbed, proven = set(), set(), False
        elif record["e"] == "send":
            (undisturbed if proven else since_break).add(record["n"])
        elif record["e"] == "end":
            state = record["state"]
            proven = proven or (state == SUCCEEDED and record["n"] in since_break)
            if record["n"] in undisturbed and state != SUCCEEDED:
                yield f"command {record['n']} is {state} though nothing has broken"


def heals(history: list[Record]) -> Iterator[str]:
    """After each reset both sides find each other, unless the next reset came first."""
    for at, _, took in healings(history):
        if took is None:
            yield f"the reset at {at:.3f} was never healed"


RULES: Final = (once, none_lost, answered, true, undisturbed_succeeds, heals)


def healings(history: Iterable[Record]) -> list[tuple[float, str, float | None]]:
    """(when, who was reset, s from both sides running to the session) of each reset; those overtaken by the next are left out."""
    found: list[tuple[float, str, float | None]] = []
    reset: Record | None = None
    running: dict[str, float] = {}
    for record in sorted(history, key=lambda record: record["t"]):
        kind = record["e"]
        if kind == "reset":
            reset = record
            running.pop(record["who"], None)
        elif kind == "running":
            running[record["who"]] = record["t"]
        elif kind == "up" and reset is not None and all(who in running for who in BOTH):
            took = record["t"] - max(*(running[who] for who in BOTH), reset["t"])
            found.append((reset["t"], reset["who"], took))
            reset = None
    if reset is not None:
        found.append((reset["t"], reset["who"], None))
    return found
