"""Commands as a twin's text: exact inverses within KubeEdge's characters, typed by the sheet, strict on the rest."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.age import MAX_TTL_MS
from robolink.core.sheet import typed_args
from robolink.core.twincmd import (
    MAX_CHARACTERS,
    Status,
    TwinCommand,
    bind,
    command_id,
    decode,
    encode,
    make,
)
from robolink.core.values import Plain, named, type_of, values_to_dict

KUBEEDGE = re.compile(r"[a-zA-Z0-9-_.,:/@#]{1,512}")
TWIN_IDS = st.from_regex(r"[a-zA-Z0-9\-_.]{1,40}", fullmatch=True)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,7}", fullmatch=True)
METHODS = st.from_regex(r"cancel|release|[a-z][a-z0-9_]{0,7}\.[a-z][a-z0-9_]{0,7}", fullmatch=True)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
PLAIN: st.SearchStrategy[Plain] = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    FINITE,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.binary(max_size=12),
    st.lists(FINITE, max_size=3).map(tuple),
)
COMMANDS = st.builds(
    TwinCommand,
    id=TWIN_IDS,
    method=METHODS,
    args=st.dictionaries(NAMES, st.from_regex(r"[a-zA-Z0-9\-_.:@#]{0,20}", fullmatch=True), max_size=4).map(
        lambda args: tuple(args.items())
    ),
    issued_ms=st.integers(0, 10**15 - 1),
    ttl_ms=st.integers(0, MAX_TTL_MS),
)
ONE = TwinCommand(id="a", method="base.go", issued_ms=1)


def method_of(values: dict[str, Plain]) -> v1.Method:
    return v1.Method(
        name="go", args=[v1.Field(name=each.name, type=type_of(each.value)) for each in named(values)]
    )


@given(command=COMMANDS)
def test_a_command_comes_back_as_it_was(command: TwinCommand) -> None:
    text = encode(command)
    assert KUBEEDGE.fullmatch(text)
    assert decode(text) == command


@given(values=st.dictionaries(NAMES, PLAIN, max_size=3))
def test_arguments_come_back_typed_by_the_sheet(values: dict[str, Plain]) -> None:
    text = make("id-1", "base.go", values, 1_700_000_000_000)
    assert KUBEEDGE.fullmatch(text)
    bound = bind(decode(text), method_of(values))
    assert values_to_dict(bound) == values
    assert typed_args(method_of(values), bound) == values


@given(text=st.text() | st.text("ab09-_.,:/@#") | st.text("a/.:,19", min_size=8))
def test_any_text_is_a_command_or_a_value_error(text: str) -> None:
    try:
        command = decode(text)
    except ValueError as exc:
        assert str(exc)
        return
    assert decode(encode(command)) == command


@given(
    args=st.dictionaries(NAMES, st.text(max_size=20) | st.text("0123456789.-eE@#_", max_size=20), max_size=3),
    kinds=st.lists(st.integers(1, 6), min_size=3, max_size=3),
)
def test_any_argument_text_binds_or_is_a_value_error(args: dict[str, str], kinds: list[v1.ValueType]) -> None:
    fields = [v1.Field(name=name, type=kind) for name, kind in zip(args, kinds, strict=False)]
    command = TwinCommand(id="a", method="base.go", args=tuple(args.items()), issued_ms=1)
    try:
        bound = bind(command, v1.Method(name="go", args=fields))
    except ValueError as exc:
        assert "base.go: " in str(exc)
        return
    assert [type_of(each.value) for each in bound] == [field.type for field in fields]
    for plain in values_to_dict(bound).values():
        for number in plain if isinstance(plain, tuple) else [plain]:
            assert not isinstance(number, float) or math.isfinite(number)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "ID/METHOD"),
        ("a/base.go/1", "ID/METHOD"),
        ("a/base.go//1/2/3", "ID/METHOD"),
        ("/base.go//1", "id"),
        ("a" * 41 + "/base.go//1", "id"),
        ("a,b/base.go//1", "id"),
        ("a/go//1", "no method"),
        ("a/base.Go//1", "no method"),
        ("a/cancel.//1", "no method"),
        ("a/base.go//1.5", "whole milliseconds"),
        ("a/base.go//-1", "whole milliseconds"),
        ("a/base.go//1/", "whole milliseconds"),
        (f"a/base.go//{10**15}", "whole milliseconds"),
        (f"a/base.go//1/{MAX_TTL_MS + 1}", "over the limit"),
        ("a/base.go/x/1", "NAME:VALUE"),
        ("a/base.go/x:1,/1", "NAME:VALUE"),
        ("a/base.go/X:1/1", "NAME:VALUE"),
        ("a/base.go/x:1,x:2/1", "stands twice"),
        ("a/base.go/x:1 /1", "only the characters"),
        ("a/base.go/x:1+2/1", "only the characters"),
        ("a/base.go//1\n", "only the characters"),
        ("a/base.go//\u0661", "only the characters"),
        ("a" * (MAX_CHARACTERS + 1), "513 characters"),
    ],
)
def test_faults_are_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        decode(text)


def test_a_time_to_live_left_out_is_half_a_minute() -> None:
    assert decode("a/base.go//1") == ONE
    assert decode("a/base.go/x:/1/7") == TwinCommand(
        id="a", method="base.go", args=(("x", ""),), issued_ms=1, ttl_ms=7
    )


@pytest.mark.parametrize(
    "command",
    [
        TwinCommand(id="a/b", method="base.go", issued_ms=1),
        TwinCommand(id="a", method="base.go", args=(("x", "1,y:2"),), issued_ms=1),
        TwinCommand(id="a", method="base.go", args=(("x", "1/2"),), issued_ms=1),
        TwinCommand(id="a", method="base.go", args=(("x:y", "1"),), issued_ms=1),
        TwinCommand(id="a", method="base.go", args=(("x", "1"), ("x", "1")), issued_ms=1),
        TwinCommand(id="a", method="base.go", issued_ms=-1),
        TwinCommand(id="a", method="base.go", issued_ms=1, ttl_ms=MAX_TTL_MS + 1),
    ],
    ids=str,
)
def test_what_does_not_come_back_is_not_encoded(command: TwinCommand) -> None:
    with pytest.raises(ValueError):
        encode(command)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e22, "1e22"),
        (1e-7, "1e-07"),
        (100000.0, "100000.0"),
        (-0.5, "-0.5"),
        (np.float64(0.25), "0.25"),
        (True, "true"),
        (2, "2"),
        ("kitchen", "kitchen"),
        ("", ""),
        ("two words", "#dHdvIHdvcmRz"),
        ("#x", "#I3g"),
        (b"\xff", "#_w"),
        (b"", "#"),
        ((1.0, -2.5), "1.0@-2.5"),
        ((1.0,), "1.0@"),
        ((), ""),
    ],
)
def test_values_as_text(value: Plain, text: str) -> None:
    assert make("a", "base.go", {"x": value}, issued_ms=1, ttl_ms=5) == f"a/base.go/x:{text}/1/5"


@pytest.mark.parametrize("value", [math.nan, math.inf, (0.0, math.nan), None, 2**63, "\ud800"])
def test_what_no_text_stands_for_is_refused(value: Plain) -> None:
    with pytest.raises(ValueError, match="x: "):
        make("a", "base.go", {"x": value}, 1)


def test_a_command_too_long_for_a_twin_is_refused() -> None:
    with pytest.raises(ValueError, match="over the limit of 512"):
        make("a", "base.go", {"x": b"x" * 400}, 1)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (v1.VALUE_TYPE_BOOL, "yes"),
        (v1.VALUE_TYPE_BOOL, ""),
        (v1.VALUE_TYPE_INT, "1_000"),
        (v1.VALUE_TYPE_INT, "1.0"),
        (v1.VALUE_TYPE_INT, ""),
        (v1.VALUE_TYPE_INT, str(2**63)),
        (v1.VALUE_TYPE_DOUBLE, "nan"),
        (v1.VALUE_TYPE_DOUBLE, "inf"),
        (v1.VALUE_TYPE_DOUBLE, "1e999"),
        (v1.VALUE_TYPE_DOUBLE, "1_0"),
        (v1.VALUE_TYPE_DOUBLE, "."),
        (v1.VALUE_TYPE_DOUBLE, ""),
        (v1.VALUE_TYPE_DOUBLE, "1@2"),
        (v1.VALUE_TYPE_VECTOR, "1@@2"),
        (v1.VALUE_TYPE_VECTOR, "@"),
        (v1.VALUE_TYPE_VECTOR, "1@nan"),
        (v1.VALUE_TYPE_STRING, "#_w"),  # no UTF-8
        (v1.VALUE_TYPE_STRING, "#a"),
        (v1.VALUE_TYPE_BYTES, "#a.b"),
    ],
)
def test_a_text_of_another_type_is_refused_by_name(kind: v1.ValueType, text: str) -> None:
    command = TwinCommand(id="a", method="base.go", args=(("x", text),), issued_ms=1)
    word = v1.ValueType.Name(kind).removeprefix("VALUE_TYPE_")
    with pytest.raises(ValueError, match=re.escape(f"base.go: x:{text} is no {word}")):
        bind(command, v1.Method(name="go", args=[v1.Field(name="x", type=kind)]))


def test_an_argument_that_the_sheet_does_not_have_is_left_to_its_check() -> None:
    command = TwinCommand(id="a", method="base.go", args=(("y", "1"),), issued_ms=1)
    assert values_to_dict(bind(command, v1.Method(name="go"))) == {"y": "1"}
    odd = TwinCommand(id="a", method="base.go", args=(("y", "#a"),), issued_ms=1)
    with pytest.raises(ValueError, match="y:#a"):
        bind(odd, v1.Method(name="go"))


@given(one=st.tuples(NAMES, TWIN_IDS), other=st.tuples(NAMES, TWIN_IDS))
def test_a_command_id_stands_for_robot_and_twin_id(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert len(command_id(*one)) == 16
    assert (command_id(*one) == command_id(*other)) == (one == other)


def test_the_command_id_is_the_same_for_ever() -> None:
    # A changed id would run a command again that a former version has run.
    assert command_id("turtle-1", "ab12").hex() == "6290c90ca119cff22cfa7517d08942f0"


@given(
    verdicts=st.lists(
        st.tuples(
            TWIN_IDS, st.sampled_from(["ACCEPTED", "SUCCEEDED", "REJECTED"]), st.sampled_from(["", "LATCHED"])
        ),
        min_size=1,
    )
)
def test_the_status_keeps_the_last_four(verdicts: list[tuple[str, str, str]]) -> None:
    text, expected = "", dict[str, tuple[str, str]]()
    for twin_id, state, cause in verdicts:
        text = Status.push(text, twin_id, state, cause)
        expected[twin_id] = (state, cause)
        for oldest in list(expected)[:-4]:
            del expected[oldest]
        assert KUBEEDGE.fullmatch(text)
        assert list(Status.parse(text).items()) == list(expected.items())


def test_the_status_of_an_id_is_updated_in_its_place() -> None:
    text = Status.push(Status.push("", "a", "RUNNING"), "b", "REJECTED", "LATCHED")
    assert Status.push(text, "a", "SUCCEEDED") == "a:SUCCEEDED,b:REJECTED:LATCHED"
    assert Status.push("a:X,b:X,c:X,d:X,e:X", "f", "X") == "c:X,d:X,e:X,f:X"
