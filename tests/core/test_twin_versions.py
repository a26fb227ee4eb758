"""Twins as a state machine: versions only grow, and what is pending is a part of what is desired, in any order of events."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from robolink import v1
from robolink.core.sheet import Violation
from robolink.core.twin import RobotTwin
from robolink.core.values import to_value
from tests.core.test_twin import (
    APPLIED,
    NAME,
    READING,
    REJECTED,
    index,
    number,
    observed,
    orders,
    reported,
    state,
)


class Versions(RuleBasedStateMachine):
    """Writers, a driver and sheets in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.twin = RobotTwin("r1")
        self.twin.declare(index())
        self.seen: dict[str, tuple[int, int, int]] = {}

    @rule(value=st.sampled_from([0.5, 1.0]), if_version=st.none() | st.integers(0, 4))
    def write(self, value: float, if_version: int | None) -> None:
        try:
            self.twin.write(NAME, to_value(value), if_version)
        except Violation as violation:
            assert violation.cause in (v1.CAUSE_CONFLICT, v1.CAUSE_UNSUPPORTED)

    @rule(
        name=st.sampled_from([NAME, READING, "stop"]),
        version=st.integers(0, 6),
        verdict=st.sampled_from([APPLIED, REJECTED]),
        value=st.none() | st.sampled_from([0.5, 1, math.nan, "x"]),
    )
    def report(self, name: str, version: int, verdict: v1.Verdict, value: Any) -> None:
        said = observed(version, verdict, name)
        said.reported.CopyFrom(reported(value).reported)
        before = self.twin.snapshot((name,))
        delta = self.twin.report_by_driver(said, 1)
        after = self.twin.snapshot((name,))
        for each in (*before.properties, *after.properties):
            each.reported.time_ns = 0
        assert (delta is not None) == (before != after), "a delta if and only if something changed"

    @rule(there=st.booleans(), maximum=st.integers(2, 3))
    def sheet(self, there: bool, maximum: int) -> None:
        self.twin.declare(index(limit=number(maximum)) if there else index(gain=number()))

    @rule()
    def away(self) -> None:
        self.twin.mark_stale()

    @invariant()
    def versions_only_grow_and_none_is_ahead(self) -> None:
        for each in self.twin.snapshot().properties:
            versions = (each.desired.version, each.observed.version, each.reported.version)
            assert versions[1] <= versions[0]
            assert all(a >= b for a, b in zip(versions, self.seen.get(each.name, (0, 0, 0)), strict=True))
            self.seen[each.name] = versions

    @invariant()
    def pending_is_a_part_of_what_is_desired(self) -> None:
        everything = orders(self.twin.orders_for_new_session())
        assert everything.items() >= orders(self.twin.pending()).items()
        for name, version in everything.items():
            behind = state(self.twin, name).observed.version < version
            assert not behind or name in orders(self.twin.pending())


TestVersions = Versions.TestCase
