"""The command line as a person or script uses it: a real hub, a real simulated base, each command a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BASE, Run
from tests.conftest import free_ports, wait_for


def document(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def test_robots_and_describe(run: Run) -> None:
    table = run("robots")
    assert table.returncode == 0
    assert table.stdout.split()[:2] == ["ROBOT", "MODEL"]
    assert BASE in table.stdout
    listed = document(run("robots", "--json"))
    assert [each["robot"] for each in listed["robots"]] == [BASE] if isinstance(listed, dict) else listed
    sheet = run("describe", BASE)
    assert all(
        word in sheet.stdout for word in ("base.navigate_to", "base.max_speed", "m/s", "base.velocity")
    )
    assert document(run("describe", BASE, "--json"))


def test_a_goal_is_followed_to_its_verdict(run: Run) -> None:
    done = run("call", BASE, "base.navigate_to", "x=0.3", "y=0")
    assert done.returncode == 0, done.stderr
    assert "SUCCEEDED" in done.stdout + done.stderr
    assert "%" in done.stderr, "feedback"
    lines = [
        json.loads(line)
        for line in run("call", BASE, "base.navigate_to", "x=0", "y=0", "--json").stdout.splitlines()
    ]
    assert {each["event"] for each in lines[:-1]} == {"feedback"}
    assert lines[-1]["state"] == "SUCCEEDED"
    assert "theta" in run("call", BASE, "base.pose").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("call", BASE, "base.navigate_to", "x=999", "y=0"), 1, "LIMIT"),
        (("call", BASE, "base.navigate_to", "x=nan", "y=0"), 1, "finite"),
        (("call", BASE, "base.fly"), 2, "base.navigate_to"),
        (("call", BASE, "base.navigate_to", "x=here", "y=0"), 2, "x"),
        (("call", BASE, "base.navigate_to", "x"), 2, "NAME=VALUE"),
        (("call", "nobody", "base.pose"), 1, "nobody"),
        (("twin", "set", BASE, "base.max_speed", "99"), 1, "1.5"),
        (("twin", "get", BASE, "base.nothing"), 1, "base.nothing"),
        (("stop",), 2, "--all"),
        (("fly",), 2, "fly"),
    ],
)
def test_exit_codes_and_words(run: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = run(*arguments)
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (code, True, False), (
        done.stderr
    )


def test_without_a_hub_it_says_so(run: Run) -> None:
    url = f"tcp://127.0.0.1:{free_ports(4)}"
    for arguments in (("robots",), ("call", BASE, "base.pose"), ("stop", "--all")):
        done = run(*arguments, hub=url)
        assert done.returncode == 3, done.stderr
        assert url.rpartition(":")[2][:4] in done.stderr
        assert "Traceback" not in done.stderr


def test_twin_get_set_and_conflict(run: Run) -> None:
    done = run("twin", "set", BASE, "base.max_speed", "0.9", "--wait", "5", "--json")
    assert done.returncode == 0, done.stderr
    version = document(done)["version"]
    assert "0.9" in run("twin", "get", BASE, "base.max_speed").stdout
    stale = run("twin", "set", BASE, "base.max_speed", "0.8", "--if-version", str(version - 1))
    assert stale.returncode == 1
    assert str(version) in stale.stderr
    assert document(run("twin", "get", BASE, "--json"))


def test_twin_watch_shows_changes_until_interrupted(site: str, run: Run) -> None:
    command = [sys.executable, "-m", "robolink.cli", "twin", "watch", BASE, "--json"]
    environment = os.environ | {"ROBOLINK_HUB": site}
    lines: list[dict[str, Any]] = []

    def values() -> list[Any]:
        return [
            each["reported"]["value"]
            for each in lines
            if each["name"] == "base.max_speed" and each["reported"]
        ]

    watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    stdout = watching.stdout
    assert stdout is not None
    reader = threading.Thread(target=lambda: lines.extend(json.loads(line) for line in stdout))
    reader.start()
    try:
        wait_for(values, what="the whole twin")
        assert run("twin", "set", BASE, "base.max_speed", "0.7").returncode == 0
        wait_for(lambda: 0.7 in values(), what="the change")
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) in (0, 130)
    finally:
        watching.kill()
        watching.wait()
        reader.join(10)
        stdout.close()


def test_stop_and_release(run: Run) -> None:
    stopped = run("stop", BASE, "--reason", "test", "--json")
    assert stopped.returncode == 0, stopped.stderr
    assert "STOPPED" in stopped.stdout
    refused = run("call", BASE, "base.navigate_to", "x=0.2", "y=0")
    assert refused.returncode == 1
    assert "LATCHED" in refused.stderr
    assert "release" in refused.stderr, "what to do next"
    assert "SOFT_HOLD" in run("robots").stdout
    assert run("release", "--all").returncode == 0
    assert run("call", BASE, "base.navigate_to", "x=0.2", "y=0").returncode == 0


def test_an_interrupted_goal_is_cancelled_and_its_verdict_awaited(site: str) -> None:
    command = [sys.executable, "-m", "robolink.cli", "call", BASE, "base.navigate_to", "x=40", "y=40"]
    environment = os.environ | {"ROBOLINK_HUB": site, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as calling:
        assert calling.stderr is not None
        assert "%" in calling.stderr.readline()
        calling.send_signal(signal.SIGINT)
        out, err = calling.communicate(timeout=20)
    assert calling.returncode == 1
    assert "CANCELED" in out + err


def test_help_names_every_command_and_bridges_add_theirs(run: Run) -> None:
    shown = run("--help").stdout
    for name in (
        "hub",
        "robots",
        "describe",
        "twin",
        "call",
        "stop",
        "release",
        "demo",
        "serial",
        "ros2",
        "kubeedge",
    ):
        assert name in shown
    for name in ("serial", "ros2", "kubeedge"):
        assert run(name, "--help").returncode == 0
    assert "not safety rated" in run("stop", "--help").stdout


def test_a_hub_off_loopback_is_refused_at_the_command_line(run: Run, tmp_path: Path) -> None:
    done = run("hub", "--url", "tcp://0.0.0.0:5570")
    assert done.returncode == 2
    assert "curve" in done.stderr.lower()
