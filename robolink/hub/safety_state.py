"""What the safety lane keeps while it works, and what it believes of who comes in. The rules of stopping are safety.py's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from robolink import v1
from robolink.core.envelope import MAJOR
from robolink.core.sheet import validate_robot_id
from robolink.core.stop import MAX_GENERATION
from robolink.core.violation import Violation

_VERDICTS: Final = frozenset(v1.StopVerdict.values()) - {v1.STOP_VERDICT_UNSPECIFIED}


@dataclass(slots=True, kw_only=True)
class SafetyPeer:
    """One connected peer of this lane."""

    identity: bytes
    kind: int
    name: str
    roles: frozenset[int]
    session_id: int
    seen_ns: int
    robots: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class PendingStop:
    """A stop whose verdicts are not all in."""

    identity: bytes
    message_id: bytes
    received_ns: int
    deadline_ns: int
    results: dict[str, v1.StopResult]
    waiting: dict[bytes, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class PendingRelease:
    """A release that the control lane has not all heard of."""

    identity: bytes
    message_id: bytes
    received_ns: int
    deadline_ns: int
    reply: v1.ReleaseReply
    waiting: set[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyLimits:
    """Peers and robots that this lane keeps."""

    peers: int = 4096
    robots: int = 4096


@dataclass(slots=True)
class SafetyTurn:
    """What one message wants done, in this order: send `urgent`, keep `save`, send `later`."""

    urgent: list[tuple[bytes, list[bytes]]] = field(default_factory=list)
    save: dict[str, v1.StopState] = field(default_factory=dict)
    later: list[tuple[bytes, list[bytes]]] = field(default_factory=list)


def check_hello(
    body: v1.Hello, *, new: bool, peers: int, latches: Collection[str], limits: SafetyLimits
) -> None:
    """Whether a hello may come in; it has changed nothing yet.

    Raises:
        Violation: INVALID, VERSION, BUSY.
    """
    if body.kind not in (v1.PEER_KIND_CLIENT, v1.PEER_KIND_DRIVER, v1.PEER_KIND_HUB):
        raise Violation(v1.CAUSE_INVALID, "a hello on the safety lane is a client's or a driver's")
    if body.robots and body.kind == v1.PEER_KIND_CLIENT:
        raise Violation(v1.CAUSE_INVALID, "only a driver serves robots")
    if body.major != MAJOR:
        raise Violation(v1.CAUSE_VERSION, f"the peer speaks major version {body.major}, this hub {MAJOR}")
    if new and peers >= limits.peers:
        raise Violation(v1.CAUSE_BUSY, f"this hub has its {limits.peers} peers (limits.peers)")
    for each in body.robots:
        validate_robot_id(each.robot)
        if each.stop.generation > MAX_GENERATION:
            raise Violation(
                v1.CAUSE_INVALID,
                f"{each.robot}: stop generation {each.stop.generation} is not believable",
            )
    unknown = {each.robot for each in body.robots}.difference(latches)
    if len(latches) + len(unknown) > limits.robots:
        raise Violation(v1.CAUSE_BUSY, f"this hub has its {limits.robots} robots (limits.robots)")


def believable(result: v1.StopResult, counters: Counter[str]) -> None:
    """A verdict that this version does not know says nothing of a standstill; nor does a time that is none."""
    if result.verdict not in _VERDICTS:
        result.text = f"its driver's verdict {result.verdict} is not known here; {result.text}"
        result.verdict = v1.STOP_VERDICT_STOPPING
        counters["safety_verdict_unknown"] += 1
    if result.HasField("standstill_ms") and not 0 <= result.standstill_ms < math.inf:
        result.ClearField("standstill_ms")
        counters["safety_standstill_unknown"] += 1
