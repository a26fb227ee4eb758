"""Plain values and the schema's: exact inverses, and ValueError for all that is no value."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.values import (
    INT_LIMIT,
    Plain,
    from_value,
    named,
    to_value,
    to_values,
    type_of,
    values_to_dict,
)

FLOATS = st.floats(allow_nan=False)
PLAIN: st.SearchStrategy[Plain] = st.one_of(
    st.booleans(),
    st.integers(-INT_LIMIT, INT_LIMIT - 1),
    FLOATS,
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.lists(FLOATS).map(tuple),
)
ANYTHING = st.recursive(
    st.none() | st.complex_numbers() | st.integers() | st.text() | st.floats() | st.binary() | st.dates(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner) | st.sets(st.integers())
    ),
    max_leaves=5,
)


@given(plain=PLAIN)
def test_a_value_comes_back_as_it_was(plain: Plain) -> None:
    sent = v1.Value.FromString(to_value(plain).SerializeToString())
    back = from_value(sent)
    assert type(back) is type(plain)
    assert back == plain


@given(values=st.dictionaries(st.text("abc_", min_size=1), PLAIN))
def test_a_mapping_comes_back_as_it_was(values: dict[str, Plain]) -> None:
    assert values_to_dict(to_values(values)) == values
    assert values_to_dict(named(values)) == values
    assert list(values_to_dict(named(values))) == list(values)


@given(thing=ANYTHING)
def test_anything_is_a_value_or_a_value_error(thing: Any) -> None:
    try:
        assert type_of(to_value(thing)) != v1.VALUE_TYPE_UNSPECIFIED
    except ValueError as exc:
        assert str(exc)


@given(data=st.binary())
def test_any_bytes_are_a_plain_value_or_none(data: bytes) -> None:
    try:
        value = v1.Value.FromString(data)
    except Exception:  # noqa: BLE001 - protobuf's own error; what it lets through is ours
        return
    plain = from_value(value)
    assert (plain is None) == (type_of(value) == v1.VALUE_TYPE_UNSPECIFIED)
    if plain is not None:
        assert to_value(plain).WhichOneof("kind") == value.WhichOneof("kind")


@pytest.mark.parametrize(
    ("given_", "plain"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int16(-3), -3),
        (np.uint64(7), 7),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.array([1, 2]), (1.0, 2.0)),
        (np.array([0.5], dtype=np.float32), (0.5,)),
        ([1, 2.5], (1.0, 2.5)),
        ((), ()),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (v1.ROLE_SAFETY, 5),
        (Fraction(1, 4), 0.25),
    ],
)
def test_numbers_of_others_are_taken(given_: Any, plain: Plain) -> None:
    back = from_value(to_value(given_))
    assert back == plain
    assert type(back) is type(plain)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        1j,
        INT_LIMIT,
        -INT_LIMIT - 1,
        np.uint64(INT_LIMIT),
        Fraction(10**400),
        [10**400],
        ["1", "2"],
        [True],
        [[1.0]],
        np.array([[1.0]]),
        np.array(["a"]),
        {1.0, 2.0},
        {"a": 1},
        iter([1.0]),
        object(),
        "\ud800",
    ],
    ids=repr,
)
def test_what_is_no_value_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        to_value(wrong)


def test_nan_is_a_value_here_and_the_sheets_to_refuse() -> None:
    back = from_value(to_value(math.nan))
    assert isinstance(back, float)
    assert math.isnan(back)


def test_an_error_names_the_key() -> None:
    with pytest.raises(ValueError, match="speed: complex"):
        named({"ok": 1, "speed": 1j})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="5 is no name"):
        to_values({5: 1})  # type: ignore[dict-item]


def test_names_without_a_value_are_left_out() -> None:
    assert values_to_dict([v1.NamedValue(name="a"), *named({"b": False})]) == {"b": False}


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (True, v1.VALUE_TYPE_BOOL),
        (1, v1.VALUE_TYPE_INT),
        (1.0, v1.VALUE_TYPE_DOUBLE),
        ("1", v1.VALUE_TYPE_STRING),
        (b"1", v1.VALUE_TYPE_BYTES),
        ((1.0,), v1.VALUE_TYPE_VECTOR),
    ],
)
def test_types(plain: Plain, kind: v1.ValueType) -> None:
    assert type_of(to_value(plain)) == kind


def test_an_empty_value_has_no_type() -> None:
    assert type_of(v1.Value()) == v1.VALUE_TYPE_UNSPECIFIED
    assert from_value(v1.Value()) is None
