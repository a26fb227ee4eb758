"""Texts of twins: what is encoded always passes edgecore's filter, and comes back as it was."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core import twintext
from robolink.core.values import from_value, to_value, type_of

# Edgecore's own filter, written once more: the code's may not judge itself.
PASSES = re.compile(r"[a-zA-Z0-9\-_.,:/@#]{0,512}")
PLAIN = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=600)
    | st.binary(max_size=600)
    | st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60).map(tuple)
)


@given(PLAIN)
def test_each_value_passes_and_comes_back_unless_it_says_that_it_is_lost(plain: object) -> None:
    value = to_value(plain)  # type: ignore[arg-type]
    text, marked, lost = twintext.encode(value)
    assert PASSES.fullmatch(text)
    assert not lost or (marked and text.startswith("#long:"))
    if not lost and text:
        assert twintext.decode(text, type_of(value)) == from_value(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (0.5, "0.5"),
        (1e22, "1e22"),
        (-3, "-3"),
        ((1.0, 2.5), "1.0,2.5"),
        ("plain-text", "plain-text"),
        ("with space", "#d2l0aCBzcGFjZQ"),
        ("#mark", "#I21hcms"),
        (b"\x00\xff", "#AP8"),
    ],
)
def test_examples(value: object, text: str) -> None:
    assert twintext.encode(to_value(value)).text == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fast", v1.VALUE_TYPE_DOUBLE),
        ("1.5", v1.VALUE_TYPE_INT),
        ("yes", v1.VALUE_TYPE_BOOL),
        ("1,,2", v1.VALUE_TYPE_VECTOR),
        ("#a", v1.VALUE_TYPE_BYTES),
        ("#_w", v1.VALUE_TYPE_STRING),
        ("#long:900:0123456789abcdef", v1.VALUE_TYPE_STRING),
    ],
)
def test_what_is_of_no_such_type_is_refused(text: str, kind: v1.ValueType) -> None:
    with pytest.raises(ValueError, match="is no"):
        twintext.decode(text, kind)


@pytest.mark.parametrize("text", ["nan", "inf", "1_000", " 1"])
def test_what_only_python_takes_for_a_number_is_refused(text: str) -> None:
    for kind in (v1.VALUE_TYPE_DOUBLE, v1.VALUE_TYPE_INT, v1.VALUE_TYPE_VECTOR):
        with pytest.raises(ValueError, match="is no"):
            twintext.decode(text, kind)


def test_a_reading_that_is_not_finite_still_passes() -> None:
    assert PASSES.fullmatch(twintext.encode(to_value(math.inf)).text)
