"""Limiter and report queue in injected time: urgent first, one call for many twins, the first report said twice, nothing lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from robolink_kubeedge.limiter import BACK_OFF_MAX_S, Limiter, TokenBucket
from robolink_kubeedge.reports import Priority, ReportQueue, StateReport, TwinReport, TwinText

A, B = ("default", "a"), ("default", "b")


def text(name: str, reported: str = "1", observed: str = "") -> TwinText:
    return TwinText(name, observed, reported)


def take(queue: ReportQueue, now: float, allowed: Priority = Priority.REFRESH) -> TwinReport | StateReport:
    report = queue.next(now, allowed)
    assert report is not None
    queue.sent(report, now)
    return report


@given(st.lists(st.floats(0, 5), max_size=300))
def test_never_more_calls_than_rate_and_burst_allow(waits: list[float]) -> None:
    bucket, now, taken = TokenBucket(), 0.0, 0
    for wait in waits:
        now += wait
        while bucket.take(now):
            taken += 1
        assert taken <= 100 + now


def test_a_refusal_by_edgecore_empties_the_bucket_and_backs_off_by_doubling() -> None:
    limiter = Limiter()
    waits = []
    now = 0.0
    for _ in range(8):
        limiter.refused(now)
        waits.append(limiter.ready_at(now) - now)
        now = limiter.ready_at(now)
    assert waits[:3] == [1.0, 2.0, 4.0]
    assert waits[-1] == BACK_OFF_MAX_S
    limiter.accepted()
    limiter.take(now)
    assert limiter.ready_at(now + 1.0) <= now + 1.0


def test_what_is_not_urgent_leaves_tokens_for_what_is() -> None:
    limiter = Limiter()
    for _ in range(60):
        limiter.take(0.0)
    assert limiter.ready_at(0.0) == 0.0
    assert limiter.ready_at(0.0, 0.1) == 0.0
    assert limiter.ready_at(0.0, 0.5) == pytest.approx(11.0)


def test_twins_of_a_device_share_a_call_and_the_first_report_is_said_twice() -> None:
    queue = ReportQueue(repeat_s=2.0, interval_s=1.0)
    for name in ("x", "y", "z"):
        assert queue.put(A, text(name), Priority.CHANGE, 0.0)
    first = take(queue, 0.0)
    assert isinstance(first, TwinReport)
    assert [each.name for each in first.twins] == ["x", "y", "z"]
    assert queue.next(1.9) is None
    again = take(queue, 2.0)
    assert isinstance(again, TwinReport)
    assert again.twins == first.twins
    assert queue.next(100.0) is None
    assert not queue.put(A, text("x"), Priority.CHANGE, 100.0), "the same text is no news"


def test_urgent_goes_first_and_does_not_wait_for_the_interval() -> None:
    queue = ReportQueue()
    queue.put(A, text("x"), Priority.CHANGE, 0.0)
    take(queue, 0.0)
    queue.put(A, text("x", "2"), Priority.CHANGE, 0.1)
    assert queue.next(0.1) is None, "gathered"
    queue.put(B, text("x"), Priority.CHANGE, 0.1)
    queue.put(A, text("cmd-status"), Priority.COMMAND, 0.1)
    urgent = take(queue, 0.1, Priority.COMMAND)
    assert isinstance(urgent, TwinReport)
    assert urgent.device == A
    assert {each.name for each in urgent.twins} == {"x", "cmd-status"}, "what waits goes along"
    assert take(queue, 0.1).device == B


def test_only_what_the_limiter_allows() -> None:
    queue = ReportQueue()
    queue.put(A, text("x"), Priority.CHANGE, 0.0)
    assert queue.next(0.0, Priority.COMMAND) is None
    assert queue.next(0.0, Priority.CHANGE) is not None


def test_the_newest_text_wins_while_a_report_is_on_its_way() -> None:
    queue = ReportQueue()
    queue.put(A, text("x", "1"), Priority.CHANGE, 0.0)
    report = queue.next(0.0)
    assert report is not None
    queue.put(A, text("x", "2"), Priority.CHANGE, 0.1)
    queue.failed(report, 0.2)
    newest = take(queue, 0.2)
    assert isinstance(newest, TwinReport)
    assert newest.twins[0].reported == "2"


def test_states_go_in_calls_of_their_own_and_twice_at_first() -> None:
    queue = ReportQueue()
    queue.put_state(A, "ok", 0.0)
    assert take(queue, 0.0) == StateReport(device=A, state="ok", priority=Priority.CHANGE)
    assert isinstance(take(queue, 2.0), StateReport)
    queue.put_state(A, "ok", 3.0)
    assert queue.next(3.0) is None


def test_everything_is_said_again_after_edgecore_was_away_and_after_the_refresh_period() -> None:
    queue = ReportQueue(refresh_s=50.0)
    queue.put(A, text("x"), Priority.CHANGE, 0.0)
    take(queue, 0.0)
    take(queue, 2.0)
    queue.again(5.0)
    assert take(queue, 5.0).priority == Priority.CHANGE
    assert queue.next(54.0) is None
    assert take(queue, 55.0).priority == Priority.REFRESH


def test_a_removed_device_or_property_is_not_reported() -> None:
    queue = ReportQueue()
    queue.put(A, text("x"), Priority.CHANGE, 0.0)
    queue.put(B, text("x"), Priority.CHANGE, 0.0)
    queue.drop(A)
    queue.keep_only(B, ["y"])
    assert queue.next(0.0) is None
    assert queue.waiting() == 0


class Reports(RuleBasedStateMachine):
    """Puts, sends and failures in any order: what waits is said at last, and the newest text is the last one said."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = ReportQueue(refresh_s=1e9)
        self.now = 0.0
        self.newest: dict[tuple[tuple[str, str], str], str] = {}
        self.said: dict[tuple[tuple[str, str], str], list[str]] = {}

    @rule(
        device=st.sampled_from([A, B]), name=st.sampled_from("xy"), value=st.sampled_from("123"),
        priority=st.sampled_from(Priority),
    )  # fmt: skip
    def put(self, device: tuple[str, str], name: str, value: str, priority: Priority) -> None:
        self.queue.put(device, text(name, value), priority, self.now)
        self.newest[device, name] = value

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(arrives=st.booleans())
    def send(self, arrives: bool) -> None:
        report = self.queue.next(self.now)
        if report is None:
            return
        if not arrives:
            self.queue.failed(report, self.now)
            return
        assert isinstance(report, TwinReport)
        self.queue.sent(report, self.now)
        for each in report.twins:
            self.said.setdefault((report.device, each.name), []).append(each.reported)

    def teardown(self) -> None:
        for _ in range(20):
            self.now += 10.0
            self.send(arrives=True)
        for key, value in self.newest.items():
            assert len(self.said[key]) >= 2, "the first report of a property is lost on its way"
            assert self.said[key][-1] == value
        assert self.queue.waiting() == 0


TestReports = Reports.TestCase
