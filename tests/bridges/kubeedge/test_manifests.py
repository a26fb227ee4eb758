"""Manifests from sheets: valid by KubeEdge's own schemas, the same ones each time, and nothing that moves by a desired value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from robolink import v1
from robolink.errors import ConfigError
from robolink_kubeedge import manifests, push_rules
from robolink_ros2.config import mobile_base
from robolink_ros2.describe import robot_sheet
from robolink_sims.base import SimBase

CRDS = Path(__file__).parents[4] / "shared" / "data" / "kubeedge-crds"
HASH = "0123456789abcdef"
ROS_BASE = mobile_base("ros-base", cmd_vel="cmd_vel", odom="odom", battery="battery_state")
SHEETS = [SimBase("base-1").sheet, robot_sheet(ROS_BASE, lambda _type: object).sheet]


def everything() -> v1.Sheet:
    """One property of each type."""
    component = v1.Component(name="all")
    for kind in list(v1.ValueType.values())[1:]:
        field = v1.Field(
            name=f"p{kind}", type=kind, minimum=-1, maximum=1e6, unit="m", description="What it is"
        )
        component.properties.add(field=field, access=v1.ACCESS_READ_WRITE)
    return v1.Sheet(model="a" * 63, vendor="Señor Robots & Co.", components=[component])


def schema(kind: str) -> dict[str, Any]:
    """The v1beta1 schema of a resource, as the API server would apply it."""
    path = CRDS / f"devices_v1beta1_{kind.lower()}.yaml"
    if not path.exists():
        pytest.skip("KubeEdge's CRDs are not beside this checkout: shared/data/kubeedge-crds")
    versions = yaml.safe_load(path.read_text())["spec"]["versions"]
    found: dict[str, Any] = next(each for each in versions if each["name"] == "v1beta1")["schema"][
        "openAPIV3Schema"
    ]
    return _closed(found)


def _closed(node: dict[str, Any]) -> dict[str, Any]:
    """An API server prunes what a schema does not name; here that is a fault."""
    node = dict(node)
    if "properties" in node:
        node["properties"] = {key: _closed(each) for key, each in node["properties"].items()}
        if node.get("type") == "object" and not node.get("x-kubernetes-preserve-unknown-fields"):
            node["additionalProperties"] = False
    if isinstance(node.get("items"), dict):
        node["items"] = _closed(node["items"])
    return node


def check(document: dict[str, Any]) -> None:
    body = {key: value for key, value in document.items() if key != "metadata"}
    jsonschema.validate(body, schema(document["kind"]))


@pytest.mark.parametrize("sheet", [*SHEETS, everything()])
def test_the_real_schemas_accept_them(sheet: v1.Sheet) -> None:
    check(manifests.device_model(sheet, HASH))
    check(manifests.device("robot-1", sheet, HASH, node="edge-1"))


def test_the_schemas_can_refuse() -> None:
    model = manifests.device_model(SHEETS[0], HASH)
    model["spec"]["properties"][0]["accessMode"] = "WriteOnly"
    with pytest.raises(jsonschema.ValidationError):
        check(model)
    device = manifests.device("robot-1", SHEETS[0], HASH)
    device["spec"]["odd"] = []
    with pytest.raises(jsonschema.ValidationError):
        check(device)


@pytest.mark.parametrize("sheet", [*SHEETS, everything()])
def test_a_second_run_changes_nothing_and_names_are_valid(sheet: v1.Sheet) -> None:
    again = v1.Sheet.FromString(sheet.SerializeToString())
    for make in (manifests.device_model, lambda s, h: manifests.device("robot-1", s, h)):
        assert json.dumps(make(sheet, HASH)) == json.dumps(make(again, HASH))
    name = manifests.model_name(sheet, HASH)
    assert len(name) <= 63
    assert name.endswith("-01234567")
    for label in manifests.device("robot-1", sheet, HASH)["metadata"]["labels"].values():
        assert len(label) <= 63
        assert label.replace("-", "").replace(".", "").replace("_", "").isalnum()


PUSH = """
"base.dist*": {mqtt: {address: "tcp://127.0.0.1:1883", topic: "robots/{robot}/{property}", qos: 1}}
"base.*": {http: {hostName: "http://127.0.0.1", port: 80, requestPath: "/in"}, reportCycle: 500}
"stop-*": {otel: {endpointURL: "http://127.0.0.1:4318/v1/metrics"}}
"""


def test_push_methods_where_they_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "push.yaml").write_text(PUSH)
    device = manifests.device("robot-1", SHEETS[0], HASH, push=push_rules.load(tmp_path / "push.yaml"))
    found = {each["name"]: each for each in device["spec"]["properties"]}
    assert found["base.distance"]["pushMethod"] == {
        "mqtt": {
            "address": "tcp://127.0.0.1:1883",
            "topic": "robots/robot-1/base.distance",
            "qos": 1,
            "retained": False,
        }
    }
    assert found["base.max_speed"]["reportCycle"] == 500
    assert found["base.max_speed"]["pushMethod"]["http"]["port"] == 80
    assert set(found["stop-generation"]["pushMethod"]) == {"otel"}
    assert "pushMethod" not in found["cmd"]
    check(device)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: {dbMethod: {redis: {}}}", "dbMethod is not served"),
        ("a: {}", "exactly one"),
        ("a: {mqtt: {address: x, topic: y, qos: 3}}", "a.mqtt.qos"),
        ("a: {http: {port: 1}}", "a.http.hostName"),
        ("[1]", "dictionary"),
        ("{", "no YAML"),
    ],
)
def test_a_wrong_push_rule_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "push.yaml").write_text(text)
    with pytest.raises(ConfigError, match=says):
        push_rules.load(tmp_path / "push.yaml")


def test_config_data_is_of_flat_strings_alone() -> None:
    device = manifests.device("robot-1", everything(), HASH)
    configs = [device["spec"]["protocol"]["configData"]]
    configs += [each["visitors"]["configData"] for each in device["spec"]["properties"]]
    for config in configs:
        assert config
        assert "data" not in config
        assert all(isinstance(value, str) for value in config.values())


def test_types_units_limits_and_access_are_the_sheets() -> None:
    model = manifests.device_model(SHEETS[0], HASH)
    found = {each["name"]: each for each in model["spec"]["properties"]}
    speed = found["base.max_speed"]
    assert (speed["type"], speed["accessMode"], speed["unit"]) == ("DOUBLE", "ReadWrite", "m/s")
    assert (speed["minimum"], speed["maximum"]) == ("0.05", "1.5")
    assert found["base.distance"]["accessMode"] == "ReadOnly"
    assert "not safety rated" in found["stop"]["description"]


@pytest.mark.parametrize("sheet", SHEETS)
def test_motion_is_no_property_and_nothing_is_desired_by_itself(sheet: v1.Sheet) -> None:
    model, device = manifests.device_model(sheet, HASH), manifests.device("robot-1", sheet, HASH)
    setpoints = {f"{c.name}.{each.name}" for c in sheet.components for each in c.setpoints}
    assert setpoints
    assert not setpoints & {each["name"] for each in device["spec"]["properties"]}
    assert not any("desired" in each for each in device["spec"]["properties"])
    methods = {each["name"]: each["propertyNames"] for each in device["spec"]["methods"]}
    assert methods.keys() == {"set"} | {
        f"{c.name}.{each.name}" for c in sheet.components for each in c.methods
    }
    writable = {each["name"] for each in model["spec"]["properties"] if each["accessMode"] == "ReadWrite"}
    assert set(methods["set"]) | {"cmd", "stop", "sync"} == writable
