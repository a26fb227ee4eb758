"""Twins: one meaning of version, replayed settings, stops that no write lowers; each rule of write and report."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.sheet import HUB_PROPERTIES, SheetIndex, Violation
from robolink.core.twin import STOP_ORDER, RobotTwin
from robolink.core.values import from_value, to_value, type_of

APPLIED, REJECTED = v1.VERDICT_APPLIED, v1.VERDICT_REJECTED
GOOD, STALE, BAD = v1.QUALITY_GOOD, v1.QUALITY_STALE, v1.QUALITY_BAD
NAME, READING = "base.limit", "base.distance"
WORDS = st.sampled_from(STOP_ORDER)
LIKE_KUBEEDGE = re.compile(r"[a-zA-Z0-9-_.,:/@#]{0,512}")


def index(**settings: v1.Field) -> SheetIndex:
    """A base with one reading and these settings (one by default)."""
    fields = settings or {"limit": v1.Field(type=v1.VALUE_TYPE_DOUBLE, minimum=0, maximum=2)}
    component = v1.Component(name="base")
    component.properties.add(
        field=v1.Field(name="distance", type=v1.VALUE_TYPE_DOUBLE), access=v1.ACCESS_READ_ONLY
    )
    for name, field in fields.items():
        prop = component.properties.add(field=field, access=v1.ACCESS_READ_WRITE)
        prop.field.name = name
    return SheetIndex(v1.Sheet(model="m", components=[component]))


def number(maximum: float = 2) -> v1.Field:
    return v1.Field(type=v1.VALUE_TYPE_DOUBLE, maximum=maximum)


@pytest.fixture
def twin() -> RobotTwin:
    made = RobotTwin("r1")
    made.declare(index())
    return made


def state(twin: RobotTwin, name: str = NAME) -> v1.PropertyState:
    return twin.snapshot((name,)).properties[0]


def observed(version: int, verdict: v1.Verdict = APPLIED, name: str = NAME, **more: Any) -> v1.PropertyState:
    return v1.PropertyState(name=name, observed=v1.Observed(version=version, verdict=verdict, **more))


def reported(value: Any, name: str = READING, **more: Any) -> v1.PropertyState:
    message = v1.Value() if value is None else to_value(value)
    return v1.PropertyState(name=name, reported=v1.Reported(value=message, **more))


def rejected(twin: RobotTwin, name: str = NAME, cause: v1.Cause = v1.CAUSE_LIMIT) -> None:
    version = state(twin, name).desired.version
    assert twin.report(observed(version, REJECTED, name, cause=cause), 1) is not None


def refusal(twin: RobotTwin, name: str, value: Any, if_version: int | None = None) -> Violation:
    before = twin.snapshot()
    with pytest.raises(Violation) as caught:
        twin.write(name, v1.Value() if value is None else to_value(value), if_version)
    assert twin.snapshot() == before, "a refused write changes nothing"
    assert len(caught.value.text) < 300
    return caught.value


def orders(found: list[tuple[str, v1.Desired]]) -> dict[str, int]:
    return {name: desired.version for name, desired in found}


# Writes.


def test_each_write_is_the_next_version(twin: RobotTwin) -> None:
    assert not state(twin).HasField("desired")
    for version, value in enumerate((0.5, 0.5, 1.0), 1):
        desired = twin.write(NAME, to_value(value))
        assert (desired.version, from_value(desired.value)) == (version, value)
        assert state(twin).desired == desired


def test_an_integer_is_kept_as_the_double_it_is_written_for(twin: RobotTwin) -> None:
    assert type_of(twin.write(NAME, to_value(1)).value) == v1.VALUE_TYPE_DOUBLE


def test_what_write_returns_is_the_callers_own(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0)).version = 77
    twin.orders_for_new_session()[0][1].version = 77
    twin.snapshot().properties[1].desired.version = 77
    assert state(twin).desired.version == 1


@pytest.mark.parametrize(
    ("name", "value", "cause", "words"),
    [
        (NAME, 2.5, v1.CAUSE_LIMIT, "r1: base.limit = 2.5 is over the maximum of 2.0"),
        (NAME, math.nan, v1.CAUSE_INVALID, "not a finite"),
        (NAME, "fast", v1.CAUSE_INVALID, "a number"),
        (NAME, None, v1.CAUSE_INVALID, "got None"),
        (READING, 1.0, v1.CAUSE_UNSUPPORTED, "r1: base.distance is a reading"),
        ("cmd-status", "x", v1.CAUSE_UNSUPPORTED, "is a reading"),
        ("setting-errors", "x", v1.CAUSE_UNSUPPORTED, "is a reading"),
        ("base.none", 1.0, v1.CAUSE_UNSUPPORTED, "r1 has no property 'base.none'"),
        ("x" * 60_000, 1.0, v1.CAUSE_UNSUPPORTED, "has no property"),
        ("stop", "MAYBE", v1.CAUSE_INVALID, "'MAYBE' is none of"),
        ("stop", "STOP_LEVEL_CUT", v1.CAUSE_INVALID, "none of"),
        ("stop", 3, v1.CAUSE_INVALID, "a string"),
        ("cmd", "x" * 513, v1.CAUSE_LIMIT, "513 bytes"),
        ("cmd", 1, v1.CAUSE_INVALID, "a string"),
    ],
)
def test_each_refusal_of_a_write(twin: RobotTwin, name: str, value: Any, cause: v1.Cause, words: str) -> None:
    violation = refusal(twin, name, value)
    assert violation.cause == cause
    assert words in violation.text


def test_a_twin_without_a_sheet_has_the_hubs_own_alone() -> None:
    twin = RobotTwin("r1")
    assert [each.name for each in twin.snapshot().properties] == list(HUB_PROPERTIES)
    assert refusal(twin, NAME, 1.0).cause == v1.CAUSE_UNSUPPORTED
    assert twin.write("stop", to_value("CUT")).version == 1
    assert twin.pending() == twin.orders_for_new_session() == []


@given(writes=st.lists(st.none() | st.integers(0, 6), max_size=12))
def test_conflict_if_and_only_if_the_version_is_stale(writes: list[int | None]) -> None:
    twin = RobotTwin("r1")
    twin.declare(index())
    present = 0
    for if_version in writes:
        if if_version in (None, present):
            present += 1
            assert twin.write(NAME, to_value(1.0), if_version).version == present
        else:
            violation = refusal(twin, NAME, 1.0, if_version)
            assert (violation.cause, violation.version) == (v1.CAUSE_CONFLICT, present)
            assert violation.text == f"r1: base.limit is at version {present}, not {if_version}"


# Stops.


@given(words=st.lists(st.tuples(WORDS, st.none() | st.integers(0, 3)) | st.none(), max_size=12))
def test_a_stop_is_raised_by_writes_and_lowered_by_a_release_alone(words: list[Any]) -> None:
    twin = RobotTwin("r1")
    present, version = "", 0
    for step in words:
        if step is None:
            assert twin.clear_stop() is bool(present)
            version, present = version + bool(present), ""
        elif STOP_ORDER.index(step[0]) > STOP_ORDER.index(present):
            # Also with a stale if_version: stopping needs no leave.
            present, version = step[0], version + 1
            assert twin.write("stop", to_value(step[0]), step[1]).version == version
        elif step[1] in (None, version):
            desired = twin.write("stop", to_value(step[0]), step[1])
            assert (desired.version, from_value(desired.value) or "") == (version, present)
        else:
            assert refusal(twin, "stop", step[0], step[1]).cause == v1.CAUSE_CONFLICT
        desired = state(twin, "stop").desired
        assert (desired.version, desired.value.string_value) == (version, present)


def test_an_odd_word_in_the_store_hinders_no_stop() -> None:
    twin = RobotTwin("r1")
    twin.load(v1.PropertyState(name="stop", desired=v1.Desired(value=to_value("HALT"), version=4)))
    assert twin.write("stop", to_value("SOFT_HOLD")).version == 5


# Orders to the driver.


def test_a_new_session_hears_of_all_and_the_same_one_of_what_it_has_not_observed(twin: RobotTwin) -> None:
    twin.declare(index(limit=number(), gain=number()))
    twin.write(NAME, to_value(1.0))
    twin.write("base.gain", to_value(1.0))
    twin.write("stop", to_value("CUT"))
    twin.write("cmd", to_value("a/base.go//1"))
    assert orders(twin.pending()) == {NAME: 1, "base.gain": 1}
    twin.report(observed(1), 1)
    assert orders(twin.pending()) == {"base.gain": 1}
    assert orders(twin.orders_for_new_session()) == {NAME: 1, "base.gain": 1}
    twin.write(NAME, to_value(1.1))
    assert orders(twin.pending()) == {NAME: 2, "base.gain": 1}


def test_a_rejected_setting_waits_for_a_new_version_session_or_sheet(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0))
    rejected(twin)
    assert twin.pending() == []
    assert from_value(state(twin).desired.value) == 1.0
    assert orders(twin.orders_for_new_session()) == {NAME: 1}
    twin.declare(index())
    assert twin.pending() == [], "the same sheet again is no new one"
    twin.declare(index(limit=v1.Field(type=v1.VALUE_TYPE_DOUBLE, minimum=0, maximum=2), other=number()))
    assert orders(twin.pending()) == {NAME: 1}
    rejected_again = observed(1, REJECTED, cause=v1.CAUSE_LIMIT)
    twin.report(rejected_again, 1)
    assert twin.pending() == []
    assert orders([(NAME, twin.write(NAME, to_value(1.0)))]) == orders(twin.pending()) == {NAME: 2}


def test_a_setting_whose_property_is_another_is_ordered_again(twin: RobotTwin) -> None:
    twin.declare(index(limit=number(), gain=number()))
    for name in (NAME, "base.gain"):
        twin.write(name, to_value(1.0))
        twin.report(observed(1, name=name), 1)
    twin.declare(index(limit=number(5), gain=number()))
    assert orders(twin.pending()) == {NAME: 1}
    twin.report(observed(1), 1)
    assert twin.pending() == []


def test_settings_without_a_property_are_kept_apart_and_come_back(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.5))
    twin.report(observed(1), 1)
    before = state(twin)
    twin.declare(index(gain=number()))
    assert twin.apart == (NAME,)
    assert orders(twin.orders_for_new_session()) == {}
    assert not twin.snapshot((NAME,)).properties
    assert refusal(twin, NAME, 1.0).cause == v1.CAUSE_UNSUPPORTED
    twin.declare(index())
    assert twin.apart == ("base.gain",)
    assert state(twin) == before
    assert orders(twin.pending()) == {NAME: 1}


def test_a_setting_that_became_a_reading_is_ordered_no_more(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0))
    rejected(twin)
    sheet = v1.Sheet()
    sheet.CopyFrom(index().sheet)
    sheet.components[0].properties[1].access = v1.ACCESS_READ_ONLY
    twin.declare(SheetIndex(sheet))
    assert twin.orders_for_new_session() == twin.pending() == []
    assert twin.setting_errors() == ""


# Reports.


def test_a_value_is_a_new_version_only_if_it_is_another(twin: RobotTwin) -> None:
    delta = twin.report(reported(1.0), 50)
    expected = v1.Reported(value=to_value(1.0), version=1, time_ns=50, quality=GOOD)
    assert delta == v1.PropertyState(name=READING, reported=expected)
    assert twin.report(reported(1.0, time_ns=60), 70) is None
    assert state(twin, READING).reported.time_ns == 60
    delta = twin.report(reported(1.0, quality=BAD), 80)
    assert delta is not None
    assert (delta.reported.version, delta.reported.quality) == (1, BAD)
    delta = twin.report(reported(2.0), 90)
    assert delta is not None
    assert (delta.reported.version, delta.reported.quality) == (2, GOOD)


def test_nan_is_no_news_each_time_and_zero_is_news_at_first(twin: RobotTwin) -> None:
    assert twin.report(reported(math.nan), 1) is not None
    assert twin.report(reported(math.nan), 2) is None
    assert state(twin, READING).reported.version == 1
    assert twin.report(reported(0, name=NAME), 1) is not None


def test_no_value_changes_the_quality_alone(twin: RobotTwin) -> None:
    assert twin.report(reported(None, quality=BAD), 1) is None
    twin.report(reported(1.0), 2)
    delta = twin.report(reported(None, quality=BAD), 3)
    assert delta is not None
    assert delta.reported == v1.Reported(value=to_value(1.0), version=1, time_ns=3, quality=BAD)


def test_what_is_left_out_of_reports_is_counted(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0))
    twin.write(NAME, to_value(1.1))
    twin.report(observed(2), 1)
    before = twin.snapshot()
    assert twin.report(reported("x"), 1) is None
    assert twin.report(reported(1.0, name="base.none"), 1) is None
    assert twin.report(observed(1), 1) is None
    assert twin.report(observed(0), 1) is None
    assert twin.report(observed(3), 1) is None
    assert twin.report(observed(1, name=READING), 1) is None
    for name in HUB_PROPERTIES:
        assert twin.report_by_driver(reported("x", name=name), 1) is None
    assert twin.snapshot() == before
    assert twin.counters == {
        "reported_wrong_type": 1,
        "report_of_unknown_property": 1,
        "observed_version_older": 2,
        "observed_version_ahead": 2,
        "report_of_hub_property": 4,
    }
    assert twin.report_by_driver(reported(1.0), 1) is not None


def test_a_verdict_may_change_at_the_same_version(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0))
    rejected(twin)
    assert twin.report(observed(1, REJECTED, cause=v1.CAUSE_LIMIT), 1) is None
    delta = twin.report(observed(1), 1)
    assert delta is not None
    assert delta.observed.verdict == APPLIED
    assert twin.setting_errors() == ""


def test_stale_readings_are_good_again_when_they_are_reported(twin: RobotTwin) -> None:
    twin.report(reported(1.0), 1)
    twin.set_reading("cmd-status", to_value("a:SUCCEEDED"), 1)
    twin.mark_stale()
    assert state(twin, READING).reported.quality == STALE
    assert state(twin, "cmd-status").reported.quality == GOOD
    assert not state(twin).HasField("reported")
    delta = twin.report(reported(1.0), 2)
    assert delta is not None
    assert (delta.reported.quality, delta.reported.version) == (GOOD, 1)


def test_readings_of_the_hub(twin: RobotTwin) -> None:
    delta = twin.set_reading("setting-errors", to_value("x"), 7)
    assert delta is not None
    assert (delta.reported.version, delta.reported.time_ns) == (1, 7)
    with pytest.raises(ValueError, match="not the hub's"):
        twin.set_reading(READING, to_value(1.0), 7)


@pytest.mark.parametrize("count", [0, 1, 2, 9, 20, 21, 22, 23, 24, 300])
def test_setting_errors_fit_a_twins_text(count: int) -> None:
    twin = RobotTwin("r1")
    names = [f"gain_{i:03}" for i in range(count + 1)]
    twin.declare(index(**{name: number() for name in names}))
    for name in names:
        twin.write(f"base.{name}", to_value(1.0))
    for name in names[:count]:
        rejected(twin, f"base.{name}", v1.CAUSE_MODE)
    entries = twin.setting_errors().split(",") if count else []
    assert LIKE_KUBEEDGE.fullmatch(twin.setting_errors())
    assert entries[:20] == [f"base.{name}:1:MODE" for name in names[: min(count, 20)]]
    listed = [each for each in entries if each.startswith("base.")]
    assert (len(listed) == count) if count <= 24 else entries[-1] == f"more:{count - len(listed)}"
    assert all(len(f"{','.join(listed)},") + 20 > 512 - 20 for _ in [0] if len(listed) < count)
    if count:
        twin.write(f"base.{names[0]}", to_value(1.0))
        assert f"base.{names[0]}:" not in twin.setting_errors(), "a new version is another question"


def test_a_cause_of_a_later_minor_is_shown_as_a_number(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0))
    twin.report(observed(1, REJECTED, cause=99), 1)
    assert twin.setting_errors() == "base.limit:1:99"


# The store.


def test_a_kept_state_is_taken_as_it_is_before_or_after_the_sheet() -> None:
    kept = v1.PropertyState(name=NAME, desired=v1.Desired(value=to_value(1.0), version=7))
    early, late = RobotTwin("r1"), RobotTwin("r1")
    early.load(kept)
    early.declare(index())
    late.declare(index())
    late.load(kept)
    kept.desired.version = 99
    for twin in (early, late):
        assert orders(twin.pending()) == {NAME: 7}
        assert twin.write(NAME, to_value(1.0), 7).version == 8
        assert not twin.apart


def test_a_rolled_back_write_never_was(twin: RobotTwin) -> None:
    twin.write(NAME, to_value(1.0))
    before = state(twin)
    twin.write(NAME, to_value(1.1))
    twin.load(before)
    assert state(twin) == before
    assert twin.write(NAME, to_value(1.2), 1).version == 2


def test_a_state_that_is_reported_for_ever_does_not_grow() -> None:
    """A message that is overwritten in place keeps what it held before: each report makes a new one."""
    twin = RobotTwin("r")
    field = v1.Field(name="x", type=v1.VALUE_TYPE_DOUBLE)
    component = v1.Component(name="b", properties=[v1.Property(field=field, access=v1.ACCESS_READ_ONLY)])
    twin.declare(SheetIndex(v1.Sheet(model="m", components=[component])))
    for count in range(1, 200):
        before = twin._states["b.x"]
        reported = v1.Reported(value=v1.Value(double_value=count), time_ns=count)
        twin.report(v1.PropertyState(name="b.x", reported=reported), count)
        assert twin._states["b.x"] is not before
    assert twin._states["b.x"].reported.value.double_value == 199
