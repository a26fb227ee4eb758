"""Leases, the stop latch, setpoints' lives and the clock: moving needs authority, stopping needs none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from robolink import v1
from robolink.core.clock import ClockSync, ticks_diff_ms
from robolink.core.deadman import SetpointWatch
from robolink.core.lease import LeaseTable
from robolink.core.stop import StopLatch
from robolink.core.violation import Violation

S = 1_000_000_000


def cause_of(call: object) -> int:
    assert callable(call)
    with pytest.raises(Violation) as caught:
        call()
    return caught.value.cause


class LeaseMachine(RuleBasedStateMachine):
    """Two sessions and two components: nobody ever holds what another one holds."""

    sessions = st.sampled_from([1, 2, 3])
    components = st.sampled_from(["", "base", "arm"])

    def __init__(self) -> None:
        super().__init__()
        self.table = LeaseTable(epoch=4, stale_ns=3 * S)
        self.now = 0
        self.tokens: list[tuple[int, tuple[int, int]]] = []

    @rule(session=sessions, component=components)
    def acquire(self, session: int, component: str) -> None:
        try:
            lease = self.table.acquire(
                "r", component, owner=f"s{session}", session_id=session, now_ns=self.now
            )
        except Violation as violation:
            assert violation.cause == v1.CAUSE_BUSY
            return
        assert all(lease.token > token for _, token in self.tokens)
        self.tokens.append((session, lease.token))

    @rule(pick=st.integers(0, 50))
    def renew_or_release(self, pick: int) -> None:
        if self.tokens:
            session, token = self.tokens[pick % len(self.tokens)]
            action = self.table.release if pick % 2 else None
            try:
                if action:
                    action("r", token, session_id=session)
                else:
                    self.table.renew("r", token, session_id=session, now_ns=self.now)
            except Violation as violation:
                assert violation.cause in (v1.CAUSE_NO_LEASE, v1.CAUSE_OLDER_LEASE)

    @rule(step=st.integers(0, 4 * S))
    def time(self, step: int) -> None:
        self.now += step
        self.table.expire(self.now)

    @invariant()
    def no_overlap(self) -> None:
        holders = self.table.holders("r")
        for one in holders:
            assert self.now - one.renewed_ns <= self.table.stale_ns
            for other in holders:
                if one is not other and one.session_id != other.session_id:
                    assert one.component != "" and other.component != "" and one.component != other.component

    @invariant()
    def check_agrees(self) -> None:
        for session, token in self.tokens:
            held = [each for each in self.table.holders("r") if each.token == token]
            for component in ("base", "arm"):
                allowed = bool(held) and held[0].covers(component) and held[0].session_id == session
                try:
                    self.table.check("r", component, token, session_id=session)
                    assert allowed
                except Violation:
                    assert not allowed


TestLeases = LeaseMachine.TestCase


def test_a_stolen_token_is_no_lease() -> None:
    table = LeaseTable(epoch=1)
    lease = table.acquire("r", "", owner="anna", session_id=1, now_ns=0)
    assert cause_of(lambda: table.check("r", "base", lease.token, session_id=2)) == v1.CAUSE_NO_LEASE


def test_refusal_names_the_owner() -> None:
    table = LeaseTable(epoch=1)
    table.acquire("r", "", owner="anna", session_id=1, now_ns=0)
    with pytest.raises(Violation, match="anna"):
        table.check("r", "base", (0, 0), session_id=2)


def test_an_older_epoch_is_older_whatever_its_sequence() -> None:
    table = LeaseTable(epoch=2)
    table.acquire("r", "", owner="anna", session_id=1, now_ns=0)
    assert cause_of(lambda: table.check("r", "base", (1, 999), session_id=2)) == v1.CAUSE_OLDER_LEASE


def test_a_lost_store_goes_above_what_drivers_have_seen() -> None:
    table = LeaseTable(epoch=1)
    assert table.raise_epoch(7)
    assert table.epoch == 8
    assert not table.raise_epoch(8)


class TestStop:
    def test_second_stop_is_a_stop_of_its_own(self) -> None:
        latch = StopLatch("r")
        latch.raise_stop(v1.STOP_LEVEL_SOFT_HOLD, reason="", by="a")
        latch.raise_stop(v1.STOP_LEVEL_SOFT_HOLD, reason="", by="a")
        assert latch.generation == 2

    def test_a_weaker_stop_never_lowers_the_level(self) -> None:
        latch = StopLatch("r")
        latch.raise_stop(v1.STOP_LEVEL_CUT, reason="", by="a")
        latch.raise_stop(v1.STOP_LEVEL_SOFT_HOLD, reason="", by="b")
        assert latch.level == v1.STOP_LEVEL_CUT

    def test_release_names_the_newest_generation(self) -> None:
        latch = StopLatch("r")
        latch.raise_stop(1, reason="", by="a")
        latch.raise_stop(1, reason="", by="b")
        assert cause_of(lambda: latch.release(1)) == v1.CAUSE_CONFLICT
        latch.release(2)
        assert not latch.latched

    def test_the_larger_generation_wins_at_hello(self) -> None:
        latch = StopLatch("r", generation=3)
        assert not latch.merge(v1.StopState(generation=3, latched=True))
        assert latch.merge(v1.StopState(generation=4, latched=True, level=v1.STOP_LEVEL_CUT))
        assert (latch.generation, latch.latched) == (4, True)

    @given(st.lists(st.sampled_from(["stop", "release"]), max_size=20), st.integers(0, 25))
    def test_nothing_ordered_before_a_stop_passes_after_it(self, events: list[str], ordered_at: int) -> None:
        latch = StopLatch("r")
        generation = None
        stopped_since = False
        for index, event in enumerate(events):
            if index == ordered_at:
                generation, stopped_since = latch.generation, False
            if event == "stop":
                latch.raise_stop(1, reason="", by="x")
                stopped_since = True
            else:
                latch.release(latch.generation)
        if generation is not None and stopped_since:
            assert cause_of(lambda: latch.check(generation)) == v1.CAUSE_LATCHED


class TestSetpoints:
    def test_dies_by_its_ttl_and_is_named_once(self) -> None:
        watch = SetpointWatch("r")
        assert watch.accept(
            "base", "v", token=(1, 1), sent_ns=1, age_s=0.1, ttl_s=0.3, now=10.0
        ) == pytest.approx(0.2)
        assert watch.next_timer() == pytest.approx(10.2)
        assert watch.handle_timer(10.1) == []
        assert watch.handle_timer(10.2) == [("base", "v")]
        assert watch.next_timer() is None
        assert watch.handle_timer(99.0) == []

    def test_old_late_and_foreign_ones_are_refused_and_counted(self) -> None:
        watch = SetpointWatch("r")
        watch.accept("base", "v", token=(1, 2), sent_ns=100, age_s=0, ttl_s=0.3, now=1.0)

        def again(token: tuple[int, int], sent_ns: int, age_s: float) -> object:
            return lambda: watch.accept(
                "base", "v", token=token, sent_ns=sent_ns, age_s=age_s, ttl_s=0.3, now=1.0
            )

        assert cause_of(again((1, 1), 200, 0)) == v1.CAUSE_OLDER_LEASE
        assert cause_of(again((1, 2), 100, 0)) == v1.CAUSE_TOO_LATE
        assert cause_of(again((1, 2), 200, 0.3)) == v1.CAUSE_TOO_LATE
        assert watch.counters == {"setpoint_older_lease": 1, "setpoint_too_late": 2}

    @given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.2)), max_size=30))
    def test_never_armed_beyond_the_last_ttl(self, arrivals: list[tuple[float, float]]) -> None:
        watch, now, last = SetpointWatch("r"), 0.0, None
        for index, (gap, age) in enumerate(arrivals):
            now += gap
            watch.handle_timer(now)
            watch.accept("base", "v", token=(1, 1), sent_ns=index + 1, age_s=age, ttl_s=0.3, now=now)
            last = now + 0.3 - age
        if last is not None:
            timer = watch.next_timer()
            assert timer is not None and timer <= last + 1e-9
            watch.handle_timer(last + 1e-9)
            assert watch.next_timer() is None


class TestClock:
    @given(
        offset=st.integers(-(10**15), 10**15),
        trips=st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=40),
    )
    def test_error_is_at_most_half_the_best_round_trip(
        self, offset: int, trips: list[tuple[int, int]]
    ) -> None:
        clock, now = ClockSync(), 10**16
        for there, back in trips:
            received = now + there + offset
            clock.add(sent_ns=now, received_ns=received, replied_ns=received, got_ns=now + there + back)
            now += 10**8
        assert abs(clock.offset_ns - offset) <= clock.error_ns + 1
        assert clock.to_local(clock.to_site(now)) == now

    def test_contradicting_stamps_are_no_sample(self) -> None:
        clock = ClockSync()
        clock.add(sent_ns=100, received_ns=50, replied_ns=40, got_ns=110)
        clock.add(sent_ns=100, received_ns=50, replied_ns=90, got_ns=110)
        assert not clock.synced

    @given(st.integers(0, 2**32 - 1), st.integers(0, 2**31 - 1))
    def test_millisecond_counters_wrap(self, start: int, passed: int) -> None:
        assert ticks_diff_ms((start + passed) % 2**32, start) == passed
