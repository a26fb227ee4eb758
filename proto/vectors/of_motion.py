"""Vectors of the rules of motion: command states, lease tokens, the stop latch, clocks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from robolink import v1
from robolink.core.clock import ClockSync, ticks_diff_ms
from robolink.core.command import TERMINAL, TRANSITIONS, Writer, may_follow
from robolink.core.lease import token_of
from robolink.core.stop import StopLatch
from robolink.core.violation import Violation, cause_name, state_name

U31 = 1 << 31


def commands() -> dict[str, Any]:
    """Every state after every state."""
    moves = [
        {
            "name": f"{state_name(before)} {state_name(after)} {writer.value}",
            "from": state_name(before),
            "to": state_name(after),
            "writer": writer.value,
            "allowed": may_follow(before, after, writer),
        }
        for before, after, writer in itertools.product(TRANSITIONS, TRANSITIONS, Writer)
        if before != after
    ]
    ends = [{"name": state_name(state), "terminal": state in TERMINAL} for state in TRANSITIONS]
    return {
        "about": "moves: whether `writer` may write `to` after `from`; a driver's outcome after ACCEPTED implies RUNNING. "
        "states: which are terminal.",
        "moves": moves,
        "states": ends,
    }


def authority() -> dict[str, Any]:
    """Tokens and latches."""
    return {
        "about": "tokens: (epoch, sequence) a against b: -1 lower, 0 same, 1 higher. latches: a latch from `start` through "
        "`steps`, each with the cause (OK: taken) and the latch after it; times are site time, 0: not told; `merge` is the "
        "hub's at a hello. "
        "driver_merges: what a driver makes of the hub's state, and whether it must stop now; `moving`: something runs.",
        "tokens": tokens(),
        "latches": latches(),
        "driver_merges": driver_merges(),
    }


def tokens() -> list[dict[str, Any]]:
    """Epoch first, as unsigned numbers, without wrapping."""
    pairs = [
        ((1, 1), (1, 1)),
        ((1, 1), (1, 2)),
        ((1, 9), (2, 1)),
        ((2, 1), (1, 9)),
        ((0, 0), (1, 0)),
        ((1, U31), (1, U31 - 1)),
        ((1, 2**32 - 1), (2, 0)),
        ((2**32 - 1, 0), (0, 2**32 - 1)),
    ]
    found = []
    for a, b in pairs:
        left = token_of(v1.LeaseToken(epoch=a[0], sequence=a[1]))
        right = token_of(v1.LeaseToken(epoch=b[0], sequence=b[1]))
        compared = (left > right) - (left < right)
        found.append({"name": f"{a} against {b}", "a": list(a), "b": list(b), "compared": compared})
    return found


def state_of(generation: int, level: str = "") -> dict[str, Any]:
    """A stop state; without a level it is not latched."""
    return {"generation": generation, "latched": bool(level), "level": level}


def latch_at(state: dict[str, Any]) -> StopLatch:
    """A latch of that state."""
    latch = StopLatch("turtle-1")
    latch.load(message_of(state))
    return latch


def message_of(state: dict[str, Any]) -> v1.StopState:
    """As a message."""
    level = v1.StopLevel.Value(f"STOP_LEVEL_{state['level']}") if state["level"] else 0
    return v1.StopState(generation=state["generation"], latched=state["latched"], level=level)  # type: ignore[arg-type]


def shown(latch: StopLatch) -> dict[str, Any]:
    """The latch as it stands in a vector."""
    level = v1.StopLevel.Name(latch.level).removeprefix("STOP_LEVEL_") if latch.latched else ""  # type: ignore[arg-type]
    return state_of(latch.generation, level)


def latches() -> list[dict[str, Any]]:
    """Sequences of what happens to one latch."""
    hold, cut = {"do": "stop", "level": "SOFT_HOLD"}, {"do": "stop", "level": "CUT"}

    def release(n: int, at_ns: int = 0) -> dict[str, Any]:
        return {"do": "release", "generation": n, "at_ns": at_ns}

    def check(n: int, sent_ns: int = 0) -> dict[str, Any]:
        return {"do": "check", "generation": n, "sent_ns": sent_ns}

    def merge(*state: Any) -> dict[str, Any]:
        return {"do": "merge", "state": state_of(*state)}

    cases = [
        ("stop, release, order", state_of(0), [check(0), hold, check(0), check(1), release(1), check(1)]),
        ("what was ordered before never runs", state_of(4), [hold, release(5), check(4), check(5)]),
        (
            "sent before the release",
            state_of(4),
            [hold, release(5, 1000), *(check(5, n) for n in (999, 1000, 1001))],
        ),
        ("a second stop is a stop", state_of(4, "SOFT_HOLD"), [hold, release(5), release(6)]),
        ("the stronger level stays", state_of(0), [hold, cut, hold, release(3), hold]),
        ("a release of another generation", state_of(7, "CUT"), [release(6), release(8), release(7)]),
        ("a release of what is not latched", state_of(7), [release(7), release(6)]),
        ("a sender that knows more", state_of(3), [check(4), hold, check(4), check(5)]),
        ("hello with a larger generation", state_of(3), [merge(5, "CUT"), check(5), release(5)]),
        ("hello with a larger one, released", state_of(3, "CUT"), [merge(5), check(3), check(5)]),
        ("hello with the same generation", state_of(3, "CUT"), [merge(3), release(3)]),
        ("hello with the same, latched there", state_of(3), [merge(3, "CUT"), check(3)]),
        ("hello with a smaller one", state_of(3), [merge(2, "CUT"), check(3)]),
        ("hello of a driver that kept nothing", state_of(3, "SOFT_HOLD"), [merge(0), check(3)]),
        ("the largest believable generation", state_of(0), [merge(U31, "CUT"), release(U31)]),
        ("an unbelievable generation", state_of(1), [merge(U31 + 1, "CUT"), merge(2**32 - 1), check(1)]),
    ]
    return [{"name": name, "start": start, "steps": walked(start, steps)} for name, start, steps in cases]


def walked(start: dict[str, Any], steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each step with its cause and the latch after it."""
    latch = latch_at(start)
    return [step | {"cause": done(latch, step), "after": shown(latch)} for step in steps]


def done(latch: StopLatch, step: dict[str, Any]) -> str:
    """Do one step; the cause."""
    calls: dict[str, Callable[[], object]] = {
        "stop": lambda: latch.raise_stop(v1.StopLevel.Value(f"STOP_LEVEL_{step['level']}"), reason="", by=""),
        "release": lambda: latch.release(step["generation"], at_ns=step["at_ns"]),
        "check": lambda: latch.check(step["generation"], step["sent_ns"]),
        "merge": lambda: latch.merge(message_of(step["state"])),
    }
    try:
        calls[step["do"]]()
    except Violation as violation:
        return cause_name(violation.cause)
    return "OK"


def driver_merges() -> list[dict[str, Any]]:
    """Written by hand from section 11: own state, the hub's, whether something moves, the state after it, stop now."""
    cases = [
        ("both new", state_of(0), state_of(0), True, state_of(0), False),
        ("hub newer and latched", state_of(1), state_of(2, "CUT"), False, state_of(2, "CUT"), True),
        ("hub newer, released, nothing moves", state_of(1), state_of(2), False, state_of(2), False),
        ("hub newer, released, something moves", state_of(1), state_of(2), True, state_of(2), True),
        ("same, hub latched", state_of(2), state_of(2, "CUT"), False, state_of(2, "CUT"), True),
        ("same, both latched", state_of(2, "CUT"), state_of(2, "CUT"), False, state_of(2, "CUT"), False),
        ("same, hub released", state_of(2, "CUT"), state_of(2), False, state_of(2), False),
        ("hub older", state_of(3, "CUT"), state_of(2), False, state_of(3, "CUT"), False),
        ("hub older and latched", state_of(3), state_of(2, "CUT"), False, state_of(3), False),
        ("driver started anew", state_of(0), state_of(9, "CUT"), False, state_of(9, "CUT"), True),
    ]
    keys = ("name", "driver", "hub", "moving", "after", "stop")
    return [dict(zip(keys, case, strict=True)) for case in cases]


def clock() -> dict[str, Any]:
    """Samples and the offset they give, and counters that wrap."""
    plain = [1_000, 5_600, 5_700, 1_300]
    cases = [
        ("one sample", [plain]),
        (
            "the shortest round trip is believed",
            [plain, [2_000, 6_540, 6_560, 2_100], [3_000, 7_700, 7_800, 3_400]],
        ),
        ("an odd sum is rounded down", [[0, 10, 10, 1], [0, -10, -10, 1]]),
        ("a site clock behind ours", [[9_000_000_000, 1_000, 2_000, 9_000_003_000]]),
        ("a negative round trip is thrown away", [plain, [5_000, 9_000, 9_900, 5_100]]),
        ("a reply before its request is thrown away", [plain, [5_000, 9_600, 9_500, 5_400]]),
        ("of the same round trip the lower offset", [[0, 105, 110, 15], [100, 204, 209, 115]]),
        (
            "the best of the last 16 only",
            [[0, 50, 50, 2], *([n, n + 70, n + 70, n + 40] for n in range(100, 116))],
        ),
        ("nothing", [[5_000, 9_000, 9_900, 5_100]]),
    ]
    offsets = []
    for name, samples in cases:
        sync = ClockSync()
        for sent, received, replied, got in samples:
            sync.add(sent_ns=sent, received_ns=received, replied_ns=replied, got_ns=got)
        result = {"synced": sync.synced, "offset_ns": sync.offset_ns, "error_ns": sync.error_ns}
        offsets.append({"name": name, "samples": samples, **result})
    pairs = [(5, 3), (3, 5), (3, 2**32 - 2), (2**32 - 2, 3), (2**31 - 1, 0), (2**31, 0), (0, 2**31), (7, 7)]
    ticks = [
        {
            "name": f"{later} after {earlier}",
            "later": later,
            "earlier": earlier,
            "ms": ticks_diff_ms(later, earlier),
        }
        for later, earlier in pairs
    ]
    return {
        "about": "offsets: samples [t1, s2, s3, t4] in the order they came (ns) and what is believed after them. ticks: "
        "differences of u32 milliseconds that wrap.",
        "offsets": offsets,
        "ticks": ticks,
    }
