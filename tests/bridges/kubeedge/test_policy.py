"""The admission policy says of motion what the core says, in Kubernetes' schema and in CEL that runs."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core.motion_words import refuse_motion
from robolink.core.violation import Violation
from robolink_kubeedge import manifests, policy
from robolink_sims.base import SimBase

SHEET = SimBase("base-1").sheet
WORDS = [
    *[
        "velocity",
        "vel",
        "twist",
        "speed",
        "position",
        "pos",
        "angle",
        "pose",
        "cmd",
        "target",
        "linear",
        "x",
        "y",
        "wheel",
        "joint",
        "servo",
    ],
    *["max", "limit", "home", "gain", "velocityx", "axle1", "x2", "vel3"],
]
UNITS = ["m/s", "rad/s", "m", "rad", "1", "", "s", "%"]
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("_".join)


def core_refuses(name: str, unit: str) -> bool:
    field = v1.Field(name=name, type=v1.VALUE_TYPE_DOUBLE, unit=unit)
    try:
        refuse_motion(v1.Component(name="base"), v1.Property(field=field, access=v1.ACCESS_READ_WRITE))
    except Violation:
        return True
    return False


@settings(deadline=None)
@given(NAMES, st.sampled_from(UNITS))
def test_a_models_property_is_judged_as_the_core_judges_a_setting(name: str, unit: str) -> None:
    full = f"base.{name}"
    only = re.search(policy.ONLY_MOTION, full) is not None
    ours = only and any(
        re.search(policy.has_word(words), full) and unit in units for words, units in policy.MOTION.items()
    )
    assert bool(ours) == core_refuses(name, unit)


def test_the_manifests_are_valid_kubernetes() -> None:
    for each in policy.manifests():
        kubernetes_validate.validate(each, "1.32", strict=True)
    made = policy.manifests()[0]
    made["spec"]["validation"] = made["spec"].pop("validations")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(made, "1.32", strict=True)


def judged(document: dict[str, Any]) -> list[str]:
    """Messages of the validations that refuse it, by a CEL of its own."""
    celpy = pytest.importorskip("celpy")
    environment = celpy.Environment()
    activation = {
        "object": celpy.json_to_cel(document),
        "request": celpy.json_to_cel({"kind": {"kind": document["kind"]}}),
    }
    refused = []
    for each in policy.manifests()[0]["spec"]["validations"]:
        program = environment.program(environment.compile(each["expression"]))
        if not program.evaluate(activation):
            refused.append(each["message"])
    return refused


def model(name: str, unit: str = "", access: str = "ReadWrite") -> dict[str, Any]:
    prop = {"name": name, "type": "DOUBLE", "accessMode": access} | ({"unit": unit} if unit else {})
    return {"kind": "DeviceModel", "spec": {"protocol": "robolink", "properties": [prop]}}


def device(name: str, value: str, protocol: str = "robolink") -> dict[str, Any]:
    prop = {"name": name, "desired": {"value": value}}
    return {"kind": "Device", "spec": {"protocol": {"protocolName": protocol}, "properties": [prop]}}


@pytest.mark.parametrize(
    ("document", "refused"),
    [
        (manifests.device_model(SHEET, "0" * 16), False),
        (manifests.device("base-1", SHEET, "0" * 16), False),
        (model("base.velocity", "m/s"), True),
        (model("base.velocity", "m/s", "ReadOnly"), False),
        (model("base.max_velocity", "m/s"), False),
        (model("servo.angle", "rad"), True),
        (model("servo.angle", "%"), False),
        (device("base.velocity", "1.0"), True),
        (device("base.cmd_vel", "1.0,0.0"), True),
        (device("base.velocity", ""), False),
        (device("base.velocity", "1.0", "modbus"), False),
        (device("base.max_speed", "0.4"), False),
        (device("base.max_speed", "0.4 m/s"), True),
        (device("base.note", "x" * 513), True),
        (device("cmd", "go-1/base.dock//1795610449005/30000"), False),
        ({"kind": "Device", "spec": {}}, False),
        ({"kind": "DeviceModel", "spec": {}}, False),
    ],
)
def test_the_expressions_run_and_refuse_motion_alone(document: dict[str, Any], refused: bool) -> None:
    assert bool(judged(document)) == refused
