"""`examples/cloud`: the web back end as a process with a kubeconfig, and the kubectl way with a stand-in for kubectl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from robolink.core import twincmd
from tests.cloud.conftest import ROBOT
from tests.cloud.edge import Edge
from tests.cloud.fake_api import FakeApi
from tests.conftest import wait_for

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "cloud"


@pytest.fixture
def url(api: FakeApi, tmp_path: Path) -> Iterator[str]:
    """The back end's, with a kubeconfig for the fake API server."""
    document = {
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": api.url}}],
        "users": [{"name": "app", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "app"}}],
    }
    (tmp_path / "config").write_text(json.dumps(document))
    command = [sys.executable, str(EXAMPLES / "dock.py"), "--port", "0"]
    command += ["--method", "walker.walk", "--dock", "number=7"]
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "config")}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline().strip()
    yield line.removesuffix("/robots")
    process.kill()
    process.wait(10)


def ask(url: str, path: str, method: str = "GET") -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, method=method), timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.load(exc)


def test_the_back_end_sends_a_robot_to_its_dock(
    url: str, api: FakeApi, make_edge: Callable[..., Edge]
) -> None:
    edge = make_edge("RUNNING")
    assert ask(url, "/robots") == (200, [{"robot": ROBOT, "online": True}])
    status, sent = ask(url, f"/robots/{ROBOT}/dock", "POST")
    assert (status, sent["dock"]) == (200, "COMMAND_STATE_RUNNING"), sent
    command = twincmd.decode(api.desired(ROBOT, "cmd"))
    assert (command.method, command.args) == ("walker.walk", (("number", "7.0"),))
    api.report(ROBOT, "ok", cmd_status=("", f"{command.id}:SUCCEEDED"))
    wait_for(
        lambda: ask(url, f"/robots/{ROBOT}")[1]["dock"] == "COMMAND_STATE_SUCCEEDED",
        what="the robot's arrival",
    )
    edge.verdict = "REJECTED:LATCHED"
    status, refused = ask(url, f"/robots/{ROBOT}/dock", "POST")
    assert (status, refused["cause"]) == (409, "CAUSE_LATCHED")
    status, stopped = ask(url, f"/robots/{ROBOT}/stop", "POST")
    assert (status, stopped["stop"]) == (200, "STOP_VERDICT_STOPPING")
    assert ask(url, "/robots/nobody/dock", "POST")[0] == ask(url, "/nothing")[0] == 404


@pytest.mark.parametrize(("verdict", "code"), [("SUCCEEDED", 0), ("REJECTED:LATCHED", 2)])
def test_the_kubectl_way(
    api: FakeApi, tmp_path: Path, make_edge: Callable[..., Edge], verdict: str, code: int
) -> None:
    make_edge(verdict)
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/cloud/fake_kubectl.py" "$@"\n')
    kubectl.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "FAKE_API": api.url}
    command = ["bash", str(EXAMPLES / "dock.sh"), ROBOT, "walker.walk", "number:3"]
    shown = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert shown.returncode == code, shown.stderr
    assert shown.stdout.strip().endswith(f":{verdict}")
    assert twincmd.decode(api.desired(ROBOT, "cmd")).args == (("number", "3"),)


def test_the_role_lets_an_app_do_what_the_sdk_does(api: FakeApi) -> None:
    role = yaml.safe_load((EXAMPLES / "rbac.yaml").read_text())
    allowed = {
        (verb, resource) for rule in role["rules"] for verb in rule["verbs"] for resource in rule["resources"]
    }
    used = {(verb, f"device{each}") for verb in ("list", "watch") for each in ("s", "models", "statuses")}
    assert used | {("get", "devices"), ("patch", "devices")} <= allowed
    assert ("patch", "devicestatuses") not in allowed
