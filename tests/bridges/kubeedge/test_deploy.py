"""Deployment files: valid by Kubernetes' own schemas, safe by default, and consistent with the mapper they start."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from robolink_kubeedge import config

FOLDER = Path(config.__file__).parent / "deploy"
FILES = sorted(FOLDER.glob("*.yaml"))
RESOURCES = [each for path in FILES for each in yaml.safe_load_all(path.read_text())]
DOCKERFILE = (FOLDER / "Dockerfile").read_text()
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "ENTRYPOINT", "CMD"}


def pods() -> list[dict[str, Any]]:
    found = []
    for each in RESOURCES:
        spec = each.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            found.append(spec["template"]["spec"])
    return found


@pytest.mark.parametrize("version", ["1.30", "1.32", "1.34"])
def test_each_is_valid_by_the_schemas_of_several_releases(version: str) -> None:
    assert len(FILES) == 4
    for each in RESOURCES:
        kubernetes_validate.validate(each, version, strict=True)


def test_the_schemas_can_refuse() -> None:
    wrong = yaml.safe_load((FOLDER / "mapper-deployment.yaml").read_text())
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.32", strict=True)


def test_pods_take_no_more_rights_than_they_need() -> None:
    assert len(pods()) == 3
    for pod in pods():
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
        for container in pod["containers"]:
            security = container["securityContext"]
            assert not security["allowPrivilegeEscalation"]
            assert security["readOnlyRootFilesystem"]
            assert security["capabilities"]["drop"] == ["ALL"]
            mounted = {each["name"] for each in container.get("volumeMounts", ())}
            assert mounted == {each["name"] for each in pod.get("volumes", ())}


def test_the_config_map_is_a_configuration_of_the_mapper(tmp_path: Path) -> None:
    (made,) = [each for each in RESOURCES if each["kind"] == "ConfigMap"]
    text = made["data"]["config.yaml"]
    for lines in (text, re.sub(r"# (event_bus|metaserver)", r"\1", text)):
        (tmp_path / "config.yaml").write_text(lines)
        found = config.load(tmp_path / "config.yaml")
        assert found.common.edgecore_sock.startswith("/etc/kubeedge/")
    for pod in [each for each in pods() if each.get("hostNetwork")]:
        probe = pod["containers"][0]["livenessProbe"]["httpGet"]
        assert probe["port"] == found.common.http_port
        mounts = {each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        assert str(Path(found.rest.token_file).parent) in mounts
        assert str(Path(found.grpc_server.socket_path).parent) in mounts


def test_two_mappers_never_run_on_one_node_while_one_is_renewed() -> None:
    kinds = {each["kind"]: each for each in RESOURCES}
    assert kinds["Deployment"]["spec"]["strategy"]["type"] == "Recreate"
    assert kinds["DaemonSet"]["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"] == 0


def test_roles_name_what_exists_and_the_mapper_needs_none() -> None:
    rules = [rule for each in RESOURCES if each["kind"] == "ClusterRole" for rule in each["rules"]]
    assert {name for rule in rules for name in rule["resources"]} <= {
        "devices",
        "devicemodels",
        "devicestatuses",
    }
    assert not any("*" in rule["verbs"] or "delete" in rule["verbs"] for rule in rules)
    bound = {each["roleRef"]["name"] for each in RESOURCES if each["kind"] == "RoleBinding"}
    assert bound <= {each["metadata"]["name"] for each in RESOURCES if each["kind"] == "ClusterRole"}
    assert all(not pod.get("automountServiceAccountToken", True) for pod in pods() if pod.get("hostNetwork"))


def test_the_dockerfile_is_one_and_starts_what_there_is() -> None:
    lines = [each for each in DOCKERFILE.splitlines() if each and not each.startswith("#")]
    assert {each.split()[0] for each in lines} == INSTRUCTIONS
    stages = re.findall(r"^FROM (\S+)(?: AS (\w+))?$", DOCKERFILE, re.MULTILINE)
    assert stages == [("python:3.12-slim", "build"), ("python:3.12-slim", "")]
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) == {"build"}
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
    assert yaml.safe_load(entry) == ["robolink", "kubeedge"]
    commands = {pod["containers"][0]["args"][0] for pod in pods()}
    from robolink_kubeedge.cli import app

    assert commands <= {each.callback.__name__ for each in app.registered_commands if each.callback}
