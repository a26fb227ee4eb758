"""Values, arguments and setpoints against a sheet: each rule broken once, setpoints scaled with their direction kept."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.sheet import (
    Violation,
    check_args,
    check_reading,
    check_value,
    scale_setpoint,
    typed_args,
)
from robolink.core.values import from_value, named, to_value, type_of
from tests.core.test_sheet import BOOL, BYTES, DOUBLE, GO, INT, STRING, VECTOR, refusal

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(["x", "laps", "gait", "", "y"])
VALUES = st.one_of(
    st.floats(), st.integers(-(2**63), 2**63 - 1), st.text("walktro"), st.booleans(), st.binary(max_size=3)
).map(to_value) | st.just(v1.Value())
LIMITS = st.tuples(st.none() | FINITE, st.none() | FINITE).filter(
    lambda pair: None in pair or pair[0] <= pair[1]  # type: ignore[operator]
)


@pytest.mark.parametrize(
    ("field", "value", "cause", "words"),
    [
        (v1.Field(type=DOUBLE), 1.0, 0, ""),
        (v1.Field(type=DOUBLE, minimum=1, maximum=1), 1, 0, ""),
        (
            v1.Field(type=DOUBLE, unit="m", maximum=50),
            60.0,
            "LIMIT",
            "v = 60.0 m is over the maximum of 50.0 m",
        ),
        (v1.Field(type=DOUBLE, unit="1", minimum=0), -1, "LIMIT", "v = -1 is under the minimum of 0.0"),
        (v1.Field(type=DOUBLE), math.nan, "INVALID", "not a finite"),
        (v1.Field(type=DOUBLE), -math.inf, "INVALID", "not a finite"),
        (v1.Field(type=DOUBLE), True, "INVALID", "must be a number, got True"),
        (v1.Field(type=DOUBLE), "1", "INVALID", "must be a number, got '1'"),
        (v1.Field(type=INT), 1.0, "INVALID", "must be an integer, got 1.0"),
        (v1.Field(type=INT, maximum=2**53), 2**53 + 1, "LIMIT", "over the maximum"),
        (v1.Field(type=BOOL), False, 0, ""),
        (v1.Field(type=BOOL), 0, "INVALID", "a boolean"),
        (v1.Field(type=STRING), "x" * 4096, 0, ""),
        (v1.Field(type=STRING), "x" * 4097, "LIMIT", "4097 bytes, the limit is 4096"),
        (v1.Field(type=STRING, length=2), "é", 0, ""),
        (v1.Field(type=STRING, length=2), "éa", "LIMIT", "3 bytes"),
        (v1.Field(type=STRING, choices=["a", "b"]), "c", "INVALID", "'c' is none of 'a, b'"),
        (v1.Field(type=STRING), b"x", "INVALID", "a string"),
        (v1.Field(type=BYTES, length=2), b"xyz", "LIMIT", "3 bytes, the limit is 2"),
        (v1.Field(type=BYTES), b"x" * 65537, "LIMIT", "65537"),
        (v1.Field(type=DOUBLE), b"x" * 65537, "INVALID", "got b'xxx"),
        (v1.Field(type=VECTOR, length=2), (1.0, 2.0), 0, ""),
        (v1.Field(type=VECTOR, length=2), (1.0,), "INVALID", "1 elements, not 2"),
        (v1.Field(type=VECTOR), (0.0,) * 4097, "LIMIT", "4097 elements"),
        (v1.Field(type=VECTOR), (0.0, math.nan), "INVALID", "holds nan"),
        (v1.Field(type=VECTOR, maximum=1), (0.0, 2.0), "LIMIT", "over the maximum"),
        (v1.Field(type=VECTOR), 1.0, "INVALID", "a vector"),
        (v1.Field(type=77), 1.0, "INVALID", "of a type known here"),
        (v1.Field(type=DOUBLE), None, "INVALID", "got None"),
        (v1.Field(type=0), None, 0, ""),
    ],
)
def test_each_rule_of_a_value(field: v1.Field, value: Any, cause: Any, words: str) -> None:
    message = v1.Value() if value is None else to_value(value)
    if not cause:
        assert from_value(check_value("v", field, message)) == value
        return
    found, text = refusal(lambda: check_value("v", field, message))
    assert v1.Cause.Name(found) == f"CAUSE_{cause}"
    assert words in text
    assert text.startswith("v ")


def test_an_integer_for_a_double_comes_back_as_one() -> None:
    assert type_of(check_value("v", v1.Field(type=DOUBLE), to_value(3))) == DOUBLE
    assert type_of(check_value("v", v1.Field(type=INT), to_value(3))) == INT
    assert type_of(check_reading("v", v1.Field(type=DOUBLE), to_value(3))) == DOUBLE


def test_a_reading_may_be_outside_its_limits_but_not_of_another_type() -> None:
    field = v1.Field(type=DOUBLE, minimum=0, maximum=1)
    assert from_value(check_reading("v", field, to_value(7.0))) == 7.0
    assert math.isnan(check_reading("v", field, to_value(math.nan)).double_value)
    assert refusal(lambda: check_reading("v", field, to_value("7")))[0] == v1.CAUSE_INVALID
    long = to_value("x" * 4097)
    assert refusal(lambda: check_reading("v", v1.Field(type=STRING), long))[0] == v1.CAUSE_LIMIT


# Arguments.


@pytest.mark.parametrize(
    ("given_", "cause", "text"),
    [
        ({"x": 60.0}, "LIMIT", "base.go: x = 60.0 m is over the maximum of 50.0 m"),
        ({}, "INVALID", "base.go: argument x is missing"),
        ({"x": 1.0, "y": 2.0}, "INVALID", "base.go has no argument 'y', but 'x, laps, gait'"),
        ({"x": 1.0, "laps": 1.5}, "INVALID", "base.go: laps must be an integer, got 1.5"),
        ({"x": 1.0, "gait": "fly"}, "INVALID", "base.go: gait = 'fly' is none of 'walk, trot'"),
    ],
)
def test_each_rule_of_arguments(given_: dict[str, Any], cause: str, text: str) -> None:
    found = refusal(lambda: check_args("base.go", GO, named(given_)))
    assert found == (v1.Cause.Value(f"CAUSE_{cause}"), text)


def test_an_argument_twice_or_without_a_value_is_refused() -> None:
    twice = named({"x": 1.0}) * 2
    assert refusal(lambda: check_args("base.go", GO, twice))[1] == "base.go: an argument stands twice"
    empty = [v1.NamedValue(name="x", value=to_value(1.0)), v1.NamedValue(name="laps")]
    assert "laps must be" in refusal(lambda: check_args("base.go", GO, empty))[1]
    none = v1.Method(name="ping")
    assert refusal(lambda: check_args("base.ping", none, named({"x": 1.0})))[1].endswith("but none")


def test_typed_arguments_have_defaults_and_floats() -> None:
    typed = typed_args(GO, named({"x": 2, "laps": 3}))
    assert typed == {"x": 2.0, "laps": 3, "gait": "walk"}
    assert type(typed["x"]) is float
    assert type(typed["laps"]) is int
    assert typed_args(v1.Method(args=[v1.Field(name="x", type=DOUBLE)]), []) == {}


@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_any_arguments_are_typed_or_refused(pairs: list[tuple[str, v1.Value]]) -> None:
    arguments = [v1.NamedValue(name=name, value=value) for name, value in pairs]
    try:
        check_args("base.go", GO, arguments)
    except Violation as violation:
        assert violation.cause in (v1.CAUSE_INVALID, v1.CAUSE_LIMIT)
        assert violation.text.startswith("base.go")
        return
    typed = typed_args(GO, arguments)
    assert list(typed) == ["x", "laps", "gait"]
    x, laps = typed["x"], typed["laps"]
    assert isinstance(x, float)
    assert isinstance(laps, int)
    assert -50 <= x <= 50
    assert 1 <= laps <= 9
    assert typed["gait"] in ("walk", "trot")


# Setpoints.


def setpoint(*limits: tuple[float | None, float | None]) -> v1.SetpointInfo:
    fields = [v1.Field(name=f"f{i}", type=DOUBLE, minimum=a, maximum=b) for i, (a, b) in enumerate(limits)]
    return v1.SetpointInfo(name="velocity", fields=fields)


# A quotient of subnormal numbers tells no factor.
NORMAL = st.floats(-1e60, 1e60).filter(lambda value: value == 0 or abs(value) > 1e-60)
SPANS = st.tuples(st.none() | NORMAL, st.none() | NORMAL).filter(
    lambda pair: None in pair or pair[0] <= pair[1]  # type: ignore[operator]
)


@given(parts=st.lists(st.tuples(SPANS, NORMAL), min_size=1, max_size=4))
def test_a_scaled_setpoint_is_within_limits_and_parallel(
    parts: list[tuple[tuple[float | None, float | None], float]],
) -> None:
    info, values = setpoint(*(limits for limits, _ in parts)), [value for _, value in parts]
    scaled, was_scaled = scale_setpoint(info, values)
    inside = True
    for (low, high), value, result in zip((limits for limits, _ in parts), values, scaled, strict=True):
        low, high = (
            min(low if low is not None else -math.inf, 0),
            max(high if high is not None else math.inf, 0),
        )
        inside = inside and low <= value <= high
        assert low <= result <= high
        assert result == 0 or (result > 0) == (value > 0), "no element turns round"
        assert abs(result) <= abs(value)
    assert was_scaled is not inside
    if inside:
        assert scaled == tuple(values)
        return
    # One factor for all: that of the element that shrank most explains every other.
    factor = min(abs(r) / abs(v) for r, v in zip(scaled, values, strict=True) if v)
    for value, result in zip(values, scaled, strict=True):
        assert math.isclose(abs(result), abs(value) * factor, rel_tol=1e-9, abs_tol=1e-300)


@pytest.mark.parametrize(
    ("limits", "values", "scaled"),
    [
        ([(-1, 1), (-2, 2)], (2.0, 1.0), (1.0, 0.5)),
        ([(-1, 1), (-2, 2)], (-2.0, 8.0), (-0.5, 2.0)),
        ([(0, 1), (-2, 2)], (-0.5, 1.0), (0.0, 0.0)),  # forward only: it does not turn instead
        ([(0.2, 1)], (-1.0,), (0.0,)),  # limits without zero never turn a direction round
        ([(-1, -0.2)], (1.0,), (0.0,)),
        ([(None, 1)], (4,), (1.0,)),
    ],
)
def test_setpoints_are_scaled_as_a_vector(limits: Any, values: Any, scaled: Any) -> None:
    result = scale_setpoint(setpoint(*limits), values)
    assert result == (scaled, True)
    assert all(math.copysign(1, each) == 1 for each in result[0] if each == 0)


@pytest.mark.parametrize(
    ("limits", "values"), [([(0.2, 1)], (0.1,)), ([(0.2, 1)], (0,)), ([(None, None)], (9,))]
)
def test_setpoints_within_limits_are_left_alone(limits: Any, values: Any) -> None:
    result = scale_setpoint(setpoint(*limits), values)
    assert result == (tuple(values), False)
    assert all(type(each) is float for each in result[0])


@pytest.mark.parametrize("values", [(), (1.0, 2.0), (math.nan,), (math.inf,), (-math.inf,)])
def test_bad_setpoints_are_refused(values: tuple[float, ...]) -> None:
    cause, text = refusal(lambda: scale_setpoint(setpoint((-1, 1)), values))
    assert cause == v1.CAUSE_INVALID
    assert text.startswith("velocity")
