"""Sheets: each rule of a sheet broken once, settings that would order motion, ids, hash and index."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink import v1
from robolink.core import sheet as rules
from robolink.core.sheet import (
    SheetIndex,
    Violation,
    sheet_hash,
    validate_robot_id,
    validate_sheet,
)
from robolink.core.values import to_value

DOUBLE, INT, VECTOR = v1.VALUE_TYPE_DOUBLE, v1.VALUE_TYPE_INT, v1.VALUE_TYPE_VECTOR
STRING, BYTES, BOOL = v1.VALUE_TYPE_STRING, v1.VALUE_TYPE_BYTES, v1.VALUE_TYPE_BOOL
GO = v1.Method(
    name="go",
    kind=v1.METHOD_KIND_GOAL,
    motion=True,
    args=[
        v1.Field(name="x", type=DOUBLE, unit="m", minimum=-50, maximum=50),
        v1.Field(name="laps", type=INT, minimum=1, maximum=9, default_value=to_value(1)),
        v1.Field(name="gait", type=STRING, choices=["walk", "trot"], default_value=to_value("walk")),
    ],
)


def good() -> v1.Sheet:
    return v1.Sheet(
        model="carrier",
        stop_levels=[v1.STOP_LEVEL_SOFT_HOLD, v1.STOP_LEVEL_CUT],
        on_link_loss=v1.ON_DISCONNECT_HOLD,
        components=[
            v1.Component(
                name="base",
                methods=[GO],
                properties=[
                    v1.Property(
                        field=v1.Field(name="max_speed", type=DOUBLE, unit="m/s", minimum=0, maximum=1.5),
                        access=v1.ACCESS_READ_WRITE,
                    ),
                    v1.Property(
                        field=v1.Field(name="speed", type=DOUBLE, unit="m/s"), access=v1.ACCESS_READ_ONLY
                    ),
                ],
                streams=[v1.StreamInfo(name="odometry", schema="Odometry", rate_hz=20)],
                setpoints=[
                    v1.SetpointInfo(
                        name="velocity",
                        fields=[v1.Field(name="vx", type=DOUBLE, minimum=-1, maximum=1)],
                        ttl_ms=300,
                    )
                ],
            ),
            v1.Component(name="arm"),
        ],
    )


def refusal(call: Callable[[], object]) -> tuple[v1.Cause, str]:
    with pytest.raises(Violation) as caught:
        call()
    assert len(caught.value.text) < 500, "a text for people"
    return caught.value.cause, caught.value.text


def test_a_good_sheet_is_good() -> None:
    validate_sheet(good())


def base(sheet: v1.Sheet) -> v1.Component:
    return sheet.components[0]


def args(sheet: v1.Sheet) -> Any:
    return base(sheet).methods[0].args


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: setattr(s, "model", ""), "model ''"),
        (lambda s: setattr(s, "model", "Carrier"), "model 'Carrier'"),
        (lambda s: setattr(s, "model", "a" * 64), "DNS-1123"),
        (lambda s: setattr(s, "model", "-a"), "DNS-1123"),
        (lambda s: setattr(s, "model", "x" * 100_000), "DNS-1123"),
        (lambda s: s.ClearField("components"), "0 components"),
        (lambda s: s.components.extend(v1.Component(name=f"c{i}") for i in range(99)), "101 components"),
        (lambda s: setattr(s, "description", "x" * rules.MAX_SHEET_BYTES), "the limit is 131072"),
        (lambda s: s.components.add(name="base"), "component base stands twice"),
        (lambda s: s.components.add(name="Base"), "'Base'"),
        (lambda s: s.components.add(name="a.b"), "'a.b'"),
        (lambda s: s.components.add(name="a" * 49), "at most 48"),
        (lambda s: s.stop_levels.append(v1.STOP_LEVEL_CUT), "stands twice"),
        (lambda s: s.stop_levels.append(v1.STOP_LEVEL_UNSPECIFIED), "stop levels"),
        (lambda s: s.stop_levels.append(77), "77"),
        (lambda s: s.stop_levels.extend([3] * 100_000), "stop levels"),
        (lambda s: setattr(s, "on_link_loss", 77), "on_link_loss = 77"),
        (lambda s: setattr(base(s).methods[0], "on_disconnect", 77), "base.go: on_disconnect = 77"),
        (lambda s: setattr(base(s).methods[0], "kind", 0), "base.go is neither"),
        (lambda s: base(s).methods.add(name="go", kind=1), "go stands twice"),
        (lambda s: base(s).methods.add(name="max_speed", kind=1), "max_speed stands twice"),
        (lambda s: base(s).methods[0].results.add(name="x"), "base.go.x has no type"),
        (lambda s: base(s).streams.add(name="odometry", schema="Odometry"), "odometry stands twice"),
        (lambda s: base(s).streams.add(name="o", schema="odometry"), "schema 'odometry' is unknown"),
        (lambda s: base(s).streams.add(name="o", schema="Values", rate_hz=math.nan), "rate_hz = nan"),
        (lambda s: base(s).streams.add(name="o", schema="Values", rate_hz=-1), "rate_hz = -1"),
        (lambda s: base(s).streams.add(name="o", schema="Values", rate_hz=math.inf), "rate_hz = inf"),
        (lambda s: setattr(base(s).properties[0], "access", 0), "base.max_speed has no access"),
        (lambda s: setattr(base(s).properties[0], "access", 9), "base.max_speed has no access"),
        (lambda s: base(s).setpoints.append(base(s).setpoints[0]), "velocity stands twice"),
        (lambda s: base(s).setpoints[0].ClearField("fields"), "one or more DOUBLE"),
        (lambda s: setattr(base(s).setpoints[0].fields[0], "type", INT), "one or more DOUBLE"),
        (lambda s: setattr(base(s).setpoints[0].fields[0], "minimum", 0.5), "zero must be"),
        (lambda s: setattr(base(s).setpoints[0].fields[0], "maximum", -0.5), "zero must be"),
        (lambda s: setattr(base(s).setpoints[0], "ttl_ms", 10_001), "ttl_ms = 10001"),
        (lambda s: setattr(base(s).setpoints[0], "minimum_rate_hz", -1), "minimum_rate_hz = -1"),
        (lambda s: setattr(base(s).setpoints[0], "minimum_rate_hz", math.nan), "minimum_rate_hz = nan"),
        (lambda s: args(s).add(name="x", type=DOUBLE), "field x stands twice"),
        (lambda s: args(s).add(name="1x", type=DOUBLE), "'1x'"),
        (lambda s: args(s).add(name="y"), "base.go.y has no type"),
        (lambda s: args(s).add(name="y", type=77), "base.go.y has no type"),
        (lambda s: args(s).add(name="y", type=DOUBLE, unit="m" * 33), "unit"),
        (lambda s: args(s).add(name="y", type=DOUBLE, minimum=math.nan), "finite"),
        (lambda s: args(s).add(name="y", type=DOUBLE, maximum=math.inf), "finite"),
        (
            lambda s: args(s).add(name="y", type=DOUBLE, minimum=2, maximum=1),
            "minimum 2.0 is over maximum 1.0",
        ),
        (lambda s: args(s).add(name="y", type=BOOL, minimum=0), "no minimum"),
        (lambda s: args(s).add(name="y", type=STRING, maximum=0), "no minimum"),
        (lambda s: args(s).add(name="y", type=DOUBLE, length=1), "length 1 is over 0"),
        (lambda s: args(s).add(name="y", type=STRING, length=4097), "length 4097"),
        (lambda s: args(s).add(name="y", type=BYTES, length=65537), "length 65537"),
        (lambda s: args(s).add(name="y", type=VECTOR, length=4097), "length 4097"),
        (lambda s: args(s).add(name="y", type=INT, choices=["1"]), "no choices"),
        (lambda s: args(s).add(name="y", type=STRING, choices=["a", "a"]), "choice stands twice"),
        (lambda s: args(s).add(name="y", type=INT, default_value=to_value("1")), "default of base.go.y"),
        (lambda s: args(s).add(name="y", type=INT, maximum=1, default_value=to_value(2)), "over the maximum"),
        (lambda s: args(s).add(name="y", type=INT, default_value=v1.Value()), "default of base.go.y"),
    ],
)
def test_each_rule_of_a_sheet(change: Callable[[v1.Sheet], object], words: str) -> None:
    sheet = good()
    change(sheet)
    cause, text = refusal(lambda: validate_sheet(sheet))
    assert cause == v1.CAUSE_INVALID
    assert words in text


@pytest.mark.parametrize(
    ("name", "unit", "kind", "refused"),
    [
        ("velocity", "m/s", DOUBLE, True),
        ("velocity", "", VECTOR, True),
        ("cmd_vel", "", VECTOR, True),
        ("linear_velocity_x", "m/s", DOUBLE, True),
        ("target_speed", "rad/s", INT, True),
        ("wheel2_speed", "rad/s", DOUBLE, True),
        ("speed", "m/s", DOUBLE, True),
        ("goal_position", "rad", DOUBLE, True),
        ("angle", "rad", DOUBLE, True),
        ("drive", "", DOUBLE, True),  # has the name of a setpoint of its component
        ("max_speed", "m/s", DOUBLE, False),
        ("speed_limit", "m/s", DOUBLE, False),
        ("cruise_speed", "m/s", DOUBLE, False),
        ("max_velocity", "rad/s", DOUBLE, False),
        ("speed", "1", DOUBLE, False),  # of a fan
        ("home_position", "rad", DOUBLE, False),
        ("velocity_source", "", STRING, False),
        ("velocity", "", STRING, False),
        ("wheel_base", "m", DOUBLE, False),
        ("y", "m", DOUBLE, False),
    ],
)
def test_a_setting_never_orders_motion(name: str, unit: str, kind: v1.ValueType, refused: bool) -> None:
    prop = v1.Property(field=v1.Field(name=name, unit=unit, type=kind), access=v1.ACCESS_READ_WRITE)
    drive = v1.SetpointInfo(name="drive", fields=[v1.Field(name="v", type=DOUBLE)])
    component = v1.Component(name="base", properties=[prop], setpoints=[drive])
    sheet = v1.Sheet(model="m", components=[component])
    if refused:
        cause, text = refusal(lambda: validate_sheet(sheet))
        assert (cause, text.partition(":")[0]) == (v1.CAUSE_INVALID, f"base.{name}")
    else:
        validate_sheet(sheet)
    # What is measured may have any name.
    sheet.components[0].properties[0].access = v1.ACCESS_READ_ONLY
    validate_sheet(sheet)


@given(data=st.binary(max_size=200))
def test_any_sheet_is_good_or_refused(data: bytes) -> None:
    try:
        sheet = v1.Sheet.FromString(data)
    except Exception:  # noqa: BLE001 - protobuf's own error; what it lets through is ours
        return
    try:
        validate_sheet(sheet)
    except Violation as violation:
        assert violation.cause == v1.CAUSE_INVALID
        return
    SheetIndex(sheet)


def test_the_hash_is_of_the_content() -> None:
    assert sheet_hash(good()) == sheet_hash(v1.Sheet.FromString(good().SerializeToString()))
    other = good()
    base(other).properties[0].field.maximum = 1.6
    assert sheet_hash(other) != sheet_hash(good())
    assert sheet_hash(v1.Sheet(model="m")) == "941a7eed57627fa6"


@pytest.mark.parametrize("robot", ["a", "r2-d2", "0", "a" * 63])
def test_robot_ids(robot: str) -> None:
    validate_robot_id(robot)


@pytest.mark.parametrize(
    "robot", ["", "A", "-a", "a-", "a.b", "a_b", "a/b", "a" * 64, "a\n", "é", "x" * 100_000]
)
def test_what_is_no_robot_id(robot: str) -> None:
    assert refusal(lambda: validate_robot_id(robot))[0] == v1.CAUSE_INVALID


def test_index_finds_by_name() -> None:
    index = SheetIndex(good())
    assert index.component("arm") == v1.Component(name="arm")
    assert index.method("base.go") == GO
    assert index.property("base.max_speed") == base(good()).properties[0]
    assert list(index.properties()) == ["base.max_speed", "base.speed"]
    assert index.setpoint("base", "velocity") == base(good()).setpoints[0]
    assert index.stream("base", "odometry") == base(good()).streams[0]
    assert index.component("leg") is index.method("arm.go") is index.property("base.go") is None
    assert index.setpoint("arm", "velocity") is index.stream("base", "velocity") is None
