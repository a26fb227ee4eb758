"""What only a real API server says: schemas, roles, kubectl, resource versions that are gone. Skipped where there is none."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import robolink
from robolink import v1
from robolink.cloud import Fleet
from robolink.cloud._errors import ApiStatusError
from robolink.cloud._watch import resource_path
from robolink.errors import RejectedError
from robolink_kubeedge import manifests, policy
from tests.cloud.conftest import ROBOT, device, model
from tests.conftest import HubProcess, wait_for
from tests.kubeedge.cluster import Cluster
from tests.kubeedge.site import Site
from tests.kubeedge.testbed import kubeedge, real

pytestmark = pytest.mark.skipif(bool(real.missing()), reason=real.missing() or "here")
ROOT = Path(__file__).parents[3]
REAL = {**real.kinds(), **kubeedge.kinds()}
KIND = {"apiVersion": "devices.kubeedge.io/v1beta1"}


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[real.RealApi]:
    made = real.RealApi(tmp_path)
    yield made
    made.close()


@pytest.fixture(params=REAL)
def loop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    """Below the API server the doubles, or all real."""
    made = REAL[request.param](tmp_path)
    yield made
    made.close()


def has_kubectl() -> bool:
    found = real.programs()
    return found is not None and (found / "kubectl").is_file()


def kubectl(cluster: Cluster, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    found = real.programs()
    assert found is not None
    command = [str(found / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


def place(cluster: real.RealApi) -> None:
    """The small robot of `tests/cloud`, as documents of its own."""
    for kind, document in (("DeviceModel", model()), ("Device", device())):
        cluster.apply(KIND | {"kind": kind} | document)


@pytest.mark.skipif(
    not (real.whole() and has_kubectl()),
    reason="kubectl finds resources by the group list of a whole kube-apiserver; here is none",
)
def test_kubectl_apply_and_patch_move_a_robot(loop: Cluster, hub: HubProcess, tmp_path: Path) -> None:
    site = Site(loop, hub, tmp_path)
    try:
        robot = site.walker()
        found = site.hub.robot(robot.id).describe()
        documents = [
            manifests.device_model(found.sheet, found.sheet_hash, loop.namespace),
            manifests.device(
                robot.id, found.sheet, found.sheet_hash, namespace=loop.namespace, node=loop.node
            ),
        ]
        text = yaml.safe_dump_all(documents)
        for _ in range(2):
            applied = kubectl(loop, "apply", "-f", "-", stdin=text)
            assert applied.returncode == 0, applied.stderr
        assert applied.stdout.count("unchanged") == 2, applied.stdout
        names = [each["name"] for each in documents[1]["spec"]["properties"]]
        patch = [
            {
                "op": "add",
                "path": f"/spec/properties/{names.index('walker.limit')}/desired",
                "value": {"value": "0.75"},
            }
        ]
        patched = kubectl(loop, "patch", "device", robot.id, "--type=json", "-p", yaml.safe_dump(patch))
        assert patched.returncode == 0, patched.stderr
        limit = "walker.limit"
        wait_for(
            lambda: robot.twin.get(limit)[limit].observed.verdict == v1.VERDICT_APPLIED, 30, "the setting"
        )
        _dock(loop, robot.id)
        assert site.ran() == [5]
    finally:
        site.close()


def _dock(cluster: Cluster, robot: str) -> None:
    """`examples/cloud/dock.sh` with the real kubectl."""
    path = f"{real.programs()}:{os.environ['PATH']}"
    command = ["bash", str(ROOT / "examples/cloud/dock.sh"), robot, "walker.walk", "number:5"]
    shown = subprocess.run(
        command,
        env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert shown.returncode == 0, shown.stderr + shown.stdout
    assert shown.stdout.strip().endswith(":SUCCEEDED")


def test_the_schemas_take_generated_manifests_and_refuse_malformed_ones(cluster: real.RealApi) -> None:
    bad: list[dict[str, Any]] = [
        KIND | {"kind": "Device", "metadata": {"name": "Upper_Case"}, "spec": device()["spec"]},
        KIND | {"kind": "Device", "metadata": {"name": "x"}, "spec": {"properties": "none"}},
        KIND
        | {
            "kind": "DeviceModel",
            "metadata": {"name": "x"},
            "spec": {"properties": [{"name": "a", "type": "NUMBER"}]},
        },
    ]
    for document in bad:
        with pytest.raises(ApiStatusError) as caught:
            cluster.apply(document)
        assert caught.value.status == 422, caught.value


def discover(cluster: real.RealApi, hub: HubProcess, *arguments: str) -> list[str]:
    """What `robolink kubeedge discover` says, line by line."""
    command = [sys.executable, "-m", "robolink.cli", "kubeedge", "discover", "--hub", hub.url]
    command += ["--kubeconfig", str(cluster.kubeconfig), "--node", "edge-1", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_discovery_is_dry_by_default_and_a_second_run_changes_nothing(
    cluster: real.RealApi, hub: HubProcess
) -> None:
    place(cluster)
    path = resource_path(cluster.namespace, "devices", "base-1")
    command = [sys.executable, "-m", "robolink_sims.base", "--id", "base-1", "--hub", hub.url]
    with (
        robolink.connect(hub.url, name="test") as site,
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as robot,
    ):
        try:
            wait_for(lambda: [each for each in site.robots() if each.robot == "base-1"], 60, "the robot")
            assert discover(cluster, hub)[-1] == "dry run: 2 create; --write does it"
            with pytest.raises(ApiStatusError):
                cluster.servers.api.get(path)
            assert discover(cluster, hub, "--write")[-1] == "2 create"
            made = cluster.servers.api.get(path)
            assert made["spec"]["nodeName"] == "edge-1"
            # An operator's word stays, and the second run finds nothing to do.
            names = [each["name"] for each in made["spec"]["properties"]]
            at = f"/spec/properties/{names.index('base.max_speed')}/desired"
            cluster.servers.api.patch(path, [{"op": "add", "path": at, "value": {"value": "0.5"}}])
            version = cluster.servers.api.get(path)["metadata"]["resourceVersion"]
            assert discover(cluster, hub, "--write")[-1] == "2 same"
            assert cluster.servers.api.get(path)["metadata"]["resourceVersion"] == version
            # Discovery leaves alone what it did not make.
            theirs = cluster.servers.api.get(resource_path(cluster.namespace, "devices", ROBOT))
            assert "labels" not in theirs["metadata"]
        finally:
            robot.terminate()


@pytest.mark.skipif(
    not real.whole(), reason="roles need the whole kube-apiserver; here is its part for resources"
)
def test_roles_are_the_gate(cluster: real.RealApi) -> None:
    place(cluster)
    for user in ("app", "nobody"):
        cluster.servers.user(user)
    role = yaml.safe_load((ROOT / "examples/cloud/rbac.yaml").read_text())
    role["metadata"]["namespace"] = cluster.namespace
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{cluster.namespace}"
    cluster.servers.create(f"{base}/roles", role)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "app"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "robolink-app"},
        "subjects": [{"kind": "User", "name": "app", "apiGroup": "rbac.authorization.k8s.io"}],
    }
    cluster.servers.create(f"{base}/rolebindings", binding)
    with Fleet(config=cluster.servers.config("app", cluster.namespace)) as fleet:
        assert fleet.robot(ROBOT).twin.set("walker.limit", 0.5) >= 2
    with Fleet(config=cluster.servers.config("nobody", cluster.namespace)) as fleet:
        with pytest.raises(RejectedError, match=r'cannot (list|watch) resource "device') as caught:
            fleet.robots()
        assert caught.value.cause == v1.CAUSE_DENIED


def test_a_patch_whose_test_fails_and_a_version_that_is_gone(cluster: real.RealApi) -> None:
    place(cluster)
    api, path = cluster.servers.api, resource_path(cluster.namespace, "devices", ROBOT)
    for operations in (
        [{"op": "test", "path": "/spec/properties/0/name", "value": "other"}],
        [{"op": "test", "path": "/spec/properties/99/name", "value": "other"}],
        [{"op": "test", "path": "/metadata/generation", "value": 77}],
    ):
        with pytest.raises(ApiStatusError) as caught:
            api.patch(path, operations)
        assert caught.value.status == 422, caught.value
    present = api.get(path)
    assert api.patch(
        path, [{"op": "test", "path": "/metadata/generation", "value": present["metadata"]["generation"]}]
    )
    assert api.patch(
        path, [{"op": "test", "path": "/spec/properties/0", "value": present["spec"]["properties"][0]}]
    )
    # One command by each of two apps, at the same moment: neither is lost, each keeps its place in the list.
    with Fleet(config=cluster.config) as one, Fleet(config=cluster.config) as two:
        one.robot(ROBOT).twin.set("walker.limit", 0.5)
        two.robot(ROBOT).twin.set("walker.note", "x")
        found = {each["name"]: each.get("desired") for each in api.get(path)["spec"]["properties"]}
        assert (found["walker.limit"], found["walker.note"]) == ({"value": "0.5"}, {"value": "x"})


@pytest.mark.skipif(not real.whole(), reason="admission policies need the whole kube-apiserver")
def test_the_admission_policy_keeps_motion_out_of_models_and_desired_values(cluster: real.RealApi) -> None:
    base = "/apis/admissionregistration.k8s.io/v1"
    places = {
        "ValidatingAdmissionPolicy": f"{base}/validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": f"{base}/validatingadmissionpolicybindings",
    }
    made = [
        (f"{places[each['kind']]}/{each['metadata']['name']}", places[each["kind"]], each)
        for each in policy.manifests()
    ]
    for _, place_, document in made:
        cluster.servers.create(place_, document)
    numbers = itertools.count(1)

    def refusal(name: str, unit: str) -> str:
        prop = {"name": name, "type": "DOUBLE", "accessMode": "ReadWrite", "unit": unit}
        spec = {"protocol": "robolink", "properties": [prop]}
        metadata = {"name": f"m-{next(numbers)}"}
        try:
            cluster.apply(KIND | {"kind": "DeviceModel", "metadata": metadata, "spec": spec})
        except ApiStatusError as exc:
            assert exc.status in (403, 422)
            return str(exc)
        return ""

    try:
        # The API server compiles a new policy in its own time.
        told = wait_for(lambda: refusal("base.velocity", "m/s"), 60, "the policy")
        assert "setpoint" in told
        assert refusal("base.max_velocity", "m/s") == ""
        place(cluster)
        path = resource_path(cluster.namespace, "devices", ROBOT)
        names = [each["name"] for each in cluster.servers.api.get(path)["spec"]["properties"]]
        at = f"/spec/properties/{names.index('walker.note')}/desired"
        with pytest.raises(ApiStatusError, match="at most 512") as caught:
            cluster.servers.api.patch(path, [{"op": "add", "path": at, "value": {"value": "two words"}}])
        assert caught.value.status in (403, 422)
        cluster.servers.api.patch(path, [{"op": "add", "path": at, "value": {"value": "one-word"}}])
    finally:
        for path, _, _ in made:
            cluster.servers.api.request("DELETE", path)
