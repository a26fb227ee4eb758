"""Vectors of sheets, values, setpoints and the twin's texts: what is taken, what is refused and with which cause."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from filled import Filler, fields_of
from google.protobuf.json_format import ParseDict

from robolink import v1
from robolink.core import twincmd
from robolink.core.sheet import check_reading, check_value, scale_setpoint, sheet_hash, validate_sheet
from robolink.core.violation import Violation, cause_name

DOUBLE: Final = "VALUE_TYPE_DOUBLE"
MOTION_NAMES: Final = (
    ("velocity", "m/s"),
    ("wheel_speed", "m/s"),
    ("target_position", "rad"),
    ("joint2_angle", "rad"),
    ("cmd_vel", ""),
)
PARAMETER_NAMES: Final = (
    ("max_speed", "m/s"),
    ("home_position", "m"),
    ("speed", "1"),
    ("velocity_gain", "1"),
    ("angle_limit", "rad"),
)


def verdict(call: Callable[[], object]) -> str:
    """OK, or the name of the cause."""
    try:
        call()
    except Violation as violation:
        return cause_name(violation.cause)
    return "OK"


def small_sheet() -> v1.Sheet:
    """One motor, with one of everything."""
    motor = v1.Component(name="motor", type=v1.COMPONENT_TYPE_MOTOR, description="A motor.")
    motor.methods.add(
        name="turn_to",
        kind=v1.METHOD_KIND_GOAL,
        args=[v1.Field(name="position", type=v1.VALUE_TYPE_DOUBLE, unit="rad", minimum=-100, maximum=100)],
        results=[v1.Field(name="position", type=v1.VALUE_TYPE_DOUBLE, unit="rad")],
        motion=True,
        max_duration_ms=60_000,
        on_disconnect=v1.ON_DISCONNECT_CANCEL,
    )
    setting = v1.Field(name="max_speed", type=v1.VALUE_TYPE_DOUBLE, unit="rad/s", minimum=0, maximum=10)
    motor.properties.add(field=setting, access=v1.ACCESS_READ_WRITE)
    reading = v1.Field(name="speed", type=v1.VALUE_TYPE_DOUBLE, unit="rad/s")
    motor.properties.add(field=reading, access=v1.ACCESS_READ_ONLY)
    motor.streams.add(name="joints", schema="JointState", rate_hz=20)
    motor.setpoints.add(
        name="velocity",
        fields=[v1.Field(name="velocity", type=v1.VALUE_TYPE_DOUBLE, unit="rad/s", minimum=-2, maximum=2)],
        ttl_ms=300,
        minimum_rate_hz=10,
    )
    return v1.Sheet(
        model="motor-board",
        vendor="example",
        version="1.0",
        components=[motor],
        stop_levels=[v1.STOP_LEVEL_SOFT_HOLD],
        on_link_loss=v1.ON_DISCONNECT_CANCEL,
    )


def sheets() -> dict[str, Any]:
    """Hashes, and refusals."""
    tiny = v1.Sheet(model="x", components=[v1.Component(name="c")])
    hashes = []
    for name, sheet in (
        ("smallest", tiny),
        ("one motor", small_sheet()),
        ("nothing, which is no valid sheet", v1.Sheet()),
        ("every field, which is no valid sheet", Filler().fill(v1.Sheet())),
    ):
        assert isinstance(sheet, v1.Sheet)
        data = sheet.SerializeToString(deterministic=True).hex()
        entry = {"name": name, "fields": fields_of(sheet), "bytes": data, "hash": sheet_hash(sheet)}
        hashes.append(entry | ({"filled": True} if name.startswith("every field") else {}))
    return {
        "about": "hashes: sheets with their bytes and hash. checks: sheets and what a hub says of them.",
        "hashes": hashes,
        "checks": sheet_checks(),
    }


def sheet_checks() -> list[dict[str, Any]]:
    """Sheets, one fault each."""
    good = small_sheet()
    changes: list[tuple[str, Callable[[v1.Sheet], object]]] = [
        ("good", lambda s: None),
        ("no component", lambda s: s.ClearField("components")),
        ("65 components", lambda s: s.components.extend(v1.Component(name=f"c{n}") for n in range(64))),
        ("model is no label", lambda s: setattr(s, "model", "Motor_Board")),
        ("component stands twice", lambda s: s.components.append(s.components[0])),
        ("component name in capitals", lambda s: setattr(s.components[0], "name", "Motor")),
        ("method and property of one name", lambda s: setattr(s.components[0].methods[0], "name", "speed")),
        ("method of no kind", lambda s: s.components[0].methods[0].ClearField("kind")),
        ("property of no access", lambda s: s.components[0].properties[1].ClearField("access")),
        ("field of no type", lambda s: s.components[0].methods[0].args[0].ClearField("type")),
        ("limit is not finite", lambda s: setattr(s.components[0].methods[0].args[0], "maximum", math.inf)),
        ("minimum over maximum", lambda s: setattr(s.components[0].methods[0].args[0], "minimum", 200.0)),
        ("unknown stream schema", lambda s: setattr(s.components[0].streams[0], "schema", "Twist")),
        ("setpoint without fields", lambda s: s.components[0].setpoints[0].ClearField("fields")),
        (
            "setpoint that excludes zero",
            lambda s: setattr(s.components[0].setpoints[0].fields[0], "minimum", 1.0),
        ),
        ("setpoint of 10,001 ms", lambda s: setattr(s.components[0].setpoints[0], "ttl_ms", 10_001)),
        ("stop level twice", lambda s: s.stop_levels.append(v1.STOP_LEVEL_SOFT_HOLD)),
        ("unknown policy", lambda s: setattr(s, "on_link_loss", 9)),
        ("default out of its limits", lambda s: add_default(s, 101.0)),
        ("default within", lambda s: add_default(s, 99.0)),
    ]
    changes += mode_changes()
    for name, unit in (*MOTION_NAMES, *PARAMETER_NAMES):
        changes.append((f"setting {name} in {unit or 'no unit'}", setting_named(name, unit)))
    found = []
    for name, change in changes:
        sheet = v1.Sheet()
        sheet.CopyFrom(good)
        change(sheet)
        found.append(
            {"name": name, "fields": fields_of(sheet), "verdict": verdict(lambda s=sheet: validate_sheet(s))}
        )
    return found


def mode_changes() -> list[tuple[str, Callable[[v1.Sheet], object]]]:
    """Modes, and the reading that says which one is on."""

    def changed(
        property_name: str, wanted: str, choices: tuple[str, ...] = ()
    ) -> Callable[[v1.Sheet], object]:
        def change(sheet: v1.Sheet) -> None:
            field = v1.Field(name="mode", type=v1.VALUE_TYPE_STRING, choices=choices)
            sheet.components[0].properties.add(field=field, access=v1.ACCESS_READ_ONLY)
            sheet.components[0].methods[0].modes.append(wanted)
            sheet.mode_property = property_name

        return change

    return [
        ("mode", changed("motor.mode", "auto")),
        ("mode that is a choice", changed("motor.mode", "auto", ("auto", "manual"))),
        ("mode that is no choice", changed("motor.mode", "auto", ("manual",))),
        ("mode without a reading of it", changed("", "auto")),
        ("mode in a reading that is not there", changed("motor.state", "auto")),
        ("mode in a setting", changed("motor.max_speed", "auto")),
        ("mode in a number", changed("motor.speed", "auto")),
    ]


def add_default(sheet: v1.Sheet, value: float) -> None:
    """A default for the goal's argument."""
    sheet.components[0].methods[0].args[0].default_value.double_value = value


def setting_named(name: str, unit: str) -> Callable[[v1.Sheet], object]:
    """A change that adds a number setting."""
    field = v1.Field(name=name, type=v1.VALUE_TYPE_DOUBLE, unit=unit)

    def change(sheet: v1.Sheet) -> None:
        # Of a component of its own, so that no setpoint has its name.
        sheet.components.add(name="other").properties.add(field=field, access=v1.ACCESS_READ_WRITE)

    return change


def values() -> dict[str, Any]:
    """Values against fields, setpoints against limits."""
    return {
        "about": "values: a field, a value, what a setting or argument is answered and what a reading is. setpoints: "
        "fields (name, minimum, maximum), values, and what they are scaled to or the cause of the refusal.",
        "values": value_checks(),
        "setpoints": setpoints(),
    }


def value_checks() -> list[dict[str, Any]]:
    """One line for each rule."""
    number = {"type": DOUBLE, "minimum": -1.0, "maximum": 2.5}
    whole = {"type": "VALUE_TYPE_INT", "minimum": 0.0, "maximum": 10.0}
    text = {"type": "VALUE_TYPE_STRING", "length": 4}
    word = {"type": "VALUE_TYPE_STRING", "choices": ["on", "off"]}
    raw = {"type": "VALUE_TYPE_BYTES", "length": 2}
    vector = {"type": "VALUE_TYPE_VECTOR", "length": 2, "minimum": -1.0, "maximum": 1.0}
    flag = {"type": "VALUE_TYPE_BOOL"}
    cases: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("number", number, {"double_value": 1.5}),
        ("number at its maximum", number, {"double_value": 2.5}),
        ("number over its maximum", number, {"double_value": 2.5000001}),
        ("number under its minimum", number, {"double_value": -1.1}),
        ("number is NaN", number, {"double_value": "NaN"}),
        ("number is infinite", number, {"double_value": "Infinity"}),
        ("number from an integer", number, {"int_value": "2"}),
        ("number from an integer over its maximum", number, {"int_value": "3"}),
        ("number from text", number, {"string_value": "1"}),
        ("number from a boolean", number, {"bool_value": True}),
        ("number from nothing", number, {}),
        ("integer", whole, {"int_value": "10"}),
        ("integer over its maximum", whole, {"int_value": "11"}),
        ("integer from a number", whole, {"double_value": 1.0}),
        ("boolean", flag, {"bool_value": False}),
        ("boolean from an integer", flag, {"int_value": "1"}),
        ("text", text, {"string_value": "abcd"}),
        ("text of five bytes in four letters", text, {"string_value": "abcé"}),
        ("word", word, {"string_value": "on"}),
        ("word that is no choice", word, {"string_value": "ON"}),
        ("bytes", raw, {"bytes_value": "AAE="}),
        ("bytes too long", raw, {"bytes_value": "AAEC"}),
        ("vector", vector, {"vector_value": {"values": [1.0, -1.0]}}),
        ("vector too short", vector, {"vector_value": {"values": [1.0]}}),
        ("vector with an element over", vector, {"vector_value": {"values": [0.0, 1.5]}}),
        ("vector with NaN", vector, {"vector_value": {"values": [0.0, "NaN"]}}),
    ]
    found = []
    for name, spec, value in cases:
        field = ParseDict({"name": "x", **spec}, v1.Field())
        held = ParseDict(value, v1.Value())
        order = verdict(lambda f=field, h=held: check_value("x", f, h))
        reading = verdict(lambda f=field, h=held: check_reading("x", f, h))
        found.append({"name": name, "field": spec, "value": value, "order": order, "reading": reading})
    return found


def setpoints() -> list[dict[str, Any]]:
    """Scaling keeps the direction."""
    base = [["linear_x", -1.0, 1.0], ["angular_z", -2.0, 2.0]]
    free = [["a", None, None], ["b", None, 4.0]]
    ahead = [["linear_x", 0.0, 1.0], ["angular_z", -2.0, 2.0]]
    cases: list[tuple[str, list[list[Any]], list[float]]] = [
        ("within", base, [0.5, -1.0]),
        ("zero", base, [0.0, 0.0]),
        ("one over", base, [2.0, 1.0]),
        ("both over, the further one counts", base, [2.0, 8.0]),
        ("one under", base, [-4.0, 1.0]),
        ("no limit and one limit", free, [1000.0, 8.0]),
        ("a direction that is not there", ahead, [-0.5, 1.0]),
        ("NaN", base, [math.nan, 0.0]),
        ("infinite", base, [0.0, math.inf]),
        ("too few", base, [0.5]),
        ("too many", base, [0.5, 0.5, 0.5]),
    ]
    found = []
    for name, limits, given in cases:
        info = v1.SetpointInfo(name="v")
        for field, low, high in limits:
            info.fields.append(v1.Field(name=field, type=v1.VALUE_TYPE_DOUBLE, minimum=low, maximum=high))
        entry: dict[str, Any] = {"name": name, "fields": limits, "values": [_json_number(x) for x in given]}
        try:
            scaled, changed = scale_setpoint(info, given)
            entry |= {"scaled": list(scaled), "changed": changed}
        except Violation as violation:
            entry["cause"] = cause_name(violation.cause)
        found.append(entry)
    return found


def _json_number(number: float) -> float | str:
    return (
        number if math.isfinite(number) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(number, "NaN")
    )


def twin_commands() -> dict[str, Any]:
    """The text of `cmd`, and `cmd-status`."""
    return {
        "about": "good and bad: texts of `cmd`. bind: arguments by the sheet's types (values in protobuf's JSON), null: "
        "refused. ids: command ids. status: `cmd-status` after each verdict.",
        "good": good_texts(),
        "bad": [{"name": name, "text": text} for name, text in bad_texts()],
        "bind": bound(),
        "ids": [
            {
                "name": f"{robot}/{each}",
                "robot": robot,
                "id": each,
                "bytes": twincmd.command_id(robot, each).hex(),
            }
            for robot, each in (("turtle-1", "a1"), ("turtle-2", "a1"), ("turtle-1", "A1"))
        ],
        "status": statuses(),
    }


def good_texts() -> list[dict[str, Any]]:
    """Texts with what they mean."""
    cases = [
        ("goal", "a1/wheels.navigate_to/x:1.5,y:-2/1700000000000/30000"),
        ("default ttl", "a1/wheels.navigate_to/x:1.5/1700000000000"),
        ("no arguments", "a1/wheels.reset//1700000000000/5000"),
        ("cancel", "b.2_x-/cancel/id:a1/1700000000000/1000"),
        ("release", "c3/release/generation:4/1700000000000/0"),
        ("vector and coded text", "d4/arm.move/path:1@2@3,note:#aGVsbG8gd29ybGQ/1700000000000/600000"),
        ("an empty argument", "e5/arm.say/text:/1700000000000/1"),
        ("longest id", "x" * 40 + "/a.b//0/0"),
        ("512 characters", "a/a.b/c:" + "x" * 500 + "/0/0"),
    ]
    found = []
    for name, text in cases:
        command = twincmd.decode(text)
        found.append(
            {
                "name": name,
                "text": text,
                "id": command.id,
                "method": command.method,
                "args": [list(pair) for pair in command.args],
                "issued_ms": command.issued_ms,
                "ttl_ms": command.ttl_ms,
            }
        )
    return found


def bad_texts() -> list[tuple[str, str]]:
    """Texts that are no command."""
    return [
        ("513 characters", "a/a.b/c:" + "x" * 501 + "/0/0"),
        ("blank", "a 1/a.b//0/0"),
        ("not ASCII", "é/a.b//0/0"),
        ("three parts", "a/a.b/0"),
        ("six parts", "a/a.b//0/0/0"),
        ("no id", "/a.b//0/0"),
        ("id of 41", "x" * 41 + "/a.b//0/0"),
        ("colon in the id", "a:1/a.b//0/0"),
        ("method without a component", "a/navigate//0/0"),
        ("method in capitals", "a/Wheels.go//0/0"),
        ("method of three parts", "a/a.b.c//0/0"),
        ("argument without a value", "a/a.b/x/0/0"),
        ("argument twice", "a/a.b/x:1,x:2/0/0"),
        ("argument in capitals", "a/a.b/X:1/0/0"),
        ("comma at the end", "a/a.b/x:1,/0/0"),
        ("time is negative", "a/a.b//-1/0"),
        ("time with a point", "a/a.b//1.5/0"),
        ("no time", "a/a.b//"),
        ("ttl too long", "a/a.b//0/600001"),
        ("empty ttl", "a/a.b//0/"),
    ]


def bound() -> list[dict[str, Any]]:
    """Texts of arguments by type."""
    cases = [
        (kind, text)
        for kind, texts in {
            "BOOL": ("true", "false", "1", "0", "True", "yes", ""),
            "INT": ("0", "-7", "12345678901234567", "1.0", "+1", "1_000", "", "0x1"),
            "DOUBLE": ("1.5", "-2", ".5", "3.", "1e-7", "1e22", "nan", "inf", "1e999", "+1", "1e", ""),
            "VECTOR": ("1@2@3", "1@", "", "1@@2", "1@nan", "@"),
            "STRING": ("abc", "#aGVsbG8gd29ybGQ", "#", "", "#_w", "#a", "#a=b"),
            "BYTES": ("abc", "#AP8", "#"),
        }.items()
        for text in texts
    ]
    found = []
    for kind, text in cases:
        field = v1.Field(name="x", type=f"VALUE_TYPE_{kind}")  # type: ignore[arg-type]
        command = twincmd.TwinCommand(id="a", method="a.b", args=(("x", text),), issued_ms=0)
        try:
            value: Any = fields_of(twincmd.bind(command, v1.Method(args=[field]))[0].value)
        except ValueError:
            value = None
        found.append({"name": f"{kind} {text}", "type": f"VALUE_TYPE_{kind}", "text": text, "value": value})
    return found


def statuses() -> list[dict[str, Any]]:
    """The last four, newest last, one entry for an id."""
    steps = [
        ("a", "ACCEPTED", ""),
        ("a", "RUNNING", ""),
        ("b", "REJECTED", "LATCHED"),
        ("a", "SUCCEEDED", ""),
        ("c", "EXPIRED", "TOO_LATE"),
        ("d", "RUNNING", ""),
        ("e", "RUNNING", ""),
        ("a", "FAILED", "LIMIT"),
    ]
    found, text = [], ""
    for at, (twin_id, state, cause) in enumerate(steps):
        text = twincmd.Status.push(text, twin_id, state, cause)
        found.append({"name": f"step {at}", "id": twin_id, "state": state, "cause": cause, "text": text})
    return found
