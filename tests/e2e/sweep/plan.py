"""From a seed to a plan: what each client does in which order, and who is killed when. Pure; the same each time."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

ROBOT: Final = "walker"
COMPONENTS: Final = ("legs", "arm")
SETTINGS: Final = ("legs.gain", "arm.gain")
# The robot refuses a gain from here on.
REFUSED_GAIN: Final = 900_000.0
MOTION: Final = frozenset({"push", "walk"})
GOALS: Final = frozenset({"walk", "think"})

# How often a script holds each kind of act.
_WEIGHTS: Final = {
    "count": 20,
    "think": 6,
    "push": 14,
    "walk": 16,
    "cancel": 6,
    "again": 7,
    "reuse": 3,
    "rogue": 6,
    "lease": 5,
    "give": 2,
    "stop": 3,
    "release": 2,
    "write": 9,
    "ask": 4,
    "look": 2,
    "cmd": 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing that a client does, `wait_ms` after the one before."""

    index: int
    kind: str
    wait_ms: int
    says: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blow:
    """One blow: these parts are hit at once.

    Attributes:
        parts: `hub` (its control process), `safety` (its safety process), `site` (both), `driver`, `client0` …
        how: `kill` (-9) or `freeze` (SIGSTOP; goes on after `back_ms`).
        events: After so many more records of the history; None: see `ms`.
        ms: After so long, from the last blow's end on.
        back_ms: When it is started again; 0: at once.
        again_ms: Not None: it is killed once more, so long after it was started again.
    """

    parts: tuple[str, ...]
    how: str
    events: int | None
    ms: int
    back_ms: int
    again_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything about one seed that can be determined."""

    seed: int
    scripts: tuple[tuple[Act, ...], ...]
    blows: tuple[Blow, ...]


def command_id(seed: int, client: int, index: int) -> bytes:
    """The id of the command that this act sends."""
    return hashlib.blake2b(f"{seed}/{client}/{index}".encode(), digest_size=16).digest()


def number_of(client: int, index: int) -> int:
    """The argument by which an execution is known again."""
    return client * 1000 + index


def plan_of(seed: int) -> Plan:
    """The plan of that seed."""
    chance = random.Random(seed)
    clients = chance.choices((1, 2, 3), (2, 5, 2))[0]
    scripts = [_script(chance, client, clients, chance.randrange(12, 36)) for client in range(clients)]
    blows = tuple(_blow(chance, clients) for _ in range(chance.choices((1, 2, 3, 4), (2, 4, 3, 1))[0]))
    return Plan(seed=seed, scripts=tuple(map(tuple, scripts)), blows=blows)


def _script(chance: random.Random, client: int, clients: int, length: int) -> list[Act]:
    home = COMPONENTS[client % 2]
    acts = [Act(index=0, kind="lease", wait_ms=0, says={"component": home})]
    release_at = None
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    while len(acts) < length:
        index = len(acts)
        kind = chance.choices(kinds, weights)[0]
        if release_at is not None and index >= release_at:
            kind, release_at = "release", None
        if kind == "stop" and chance.random() < 0.9:
            release_at = index + chance.randrange(1, 5)
        sent = [each.index for each in acts if each.kind in ("count", "push", "walk", "think")]
        if kind in ("again", "reuse") and not sent:
            kind = "count"
        says = _SAYS.get(kind, _nothing)(chance, home, client, index)
        if kind in ("again", "reuse"):
            says["of"] = chance.choice(sent[-4:])
        if kind in ("cancel", "ask"):
            says |= {"client": chance.randrange(clients), "of": max(0, index - chance.randrange(1, 6))}
        wait_ms = chance.choice((0, 0, 1, 5, 10, 20, 40, 80, 150))
        acts.append(Act(index=index, kind=kind, wait_ms=wait_ms, says=says))
    return acts


def _nothing(chance: random.Random, home: str, client: int, index: int) -> dict[str, Any]:
    return {}


def _order(kind: str) -> Callable[[random.Random, str, int, int], dict[str, Any]]:
    def says(chance: random.Random, home: str, client: int, index: int) -> dict[str, Any]:
        component = home if chance.random() < 0.85 else chance.choice(COMPONENTS)
        return {
            "method": f"{component}.{kind}",
            "number": number_of(client, index),
            "ms": chance.choice((0, 1, 5, 20, 60))
            if kind != "walk"
            else chance.choice((5, 30, 100, 300, 900)),
            "ttl_ms": chance.choice((150, 600, 3000, 3000)),
            "preempt": chance.random() < 0.4,
            "on_disconnect": chance.choice((0, 0, 1, 3)),
        }

    return says


def _rogue(chance: random.Random, home: str, client: int, index: int) -> dict[str, Any]:
    kind = chance.choice(sorted(MOTION))
    return _order(kind)(chance, home, client, index) | {"how": chance.choice(("bare", "stolen", "older"))}


def _lease(chance: random.Random, home: str, client: int, index: int) -> dict[str, Any]:
    component = home if chance.random() < 0.7 else chance.choice((*COMPONENTS, ""))
    return {"component": component, "how": chance.choice(("", "", "", "ask", "take"))}


def _write(chance: random.Random, home: str, client: int, index: int) -> dict[str, Any]:
    # Each value is written once in a seed: it tells which write it was.
    value = float(number_of(client, index)) + (REFUSED_GAIN if chance.random() < 0.15 else 0.0)
    how = chance.choice(("plain", "plain", "right", "right", "stale"))
    return {"name": chance.choice(SETTINGS), "value": value, "how": how}


def _cmd(chance: random.Random, home: str, client: int, index: int) -> dict[str, Any]:
    says = _order(chance.choice(("count", "push", "walk", "think")))(chance, home, client, index)
    return says | {"twice": chance.random() < 0.3}


_SAYS: Final[dict[str, Callable[[random.Random, str, int, int], dict[str, Any]]]] = {
    **{kind: _order(kind) for kind in ("count", "push", "walk", "think")},
    "rogue": _rogue,
    "lease": _lease,
    "give": _lease,
    "write": _write,
    "cmd": _cmd,
}


def _blow(chance: random.Random, clients: int) -> Blow:
    some_client = f"client{chance.randrange(clients)}"
    parts: tuple[str, ...] = chance.choices(
        (
            ("hub",),
            ("site",),
            ("safety",),
            ("driver",),
            (some_client,),
            ("site", "driver"),
            ("hub", some_client),
            ("driver", some_client),
            ("site", "driver", some_client),
        ),
        (8, 8, 3, 12, 6, 3, 2, 2, 1),
    )[0]
    how = "kill"
    if parts in (("driver",), ("hub",), (some_client,)) and chance.random() < 0.35:
        how = "freeze"
    late = chance.random() < 0.35
    # A driver that is silent for longer than the hub waits for it comes back to commands that are LOST.
    back_ms = chance.randrange(100, 1800)
    if how == "freeze" and parts == ("driver",) and chance.random() < 0.6:
        back_ms = chance.randrange(1600, 2600)
    return Blow(
        parts=parts,
        how=how,
        events=chance.randrange(1, 120) if chance.random() < 0.7 else None,
        ms=chance.randrange(0, 1500),
        back_ms=back_ms if late or how == "freeze" else 0,
        again_ms=chance.randrange(0, 1200) if how == "kill" and chance.random() < 0.2 else None,
    )
