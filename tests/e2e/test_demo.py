"""`robolink demo` as a newcomer runs it: every part that this machine can have, every verdict as expected."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys

import pytest

BOARD = importlib.util.find_spec("micropython_unix") is not None
ROS2 = importlib.util.find_spec("rclpy") is not None


@pytest.mark.slow
def test_each_verdict_is_the_expected_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "robolink.cli", "demo", "--json"],
        capture_output=True,
        text=True,
        timeout=115,
        check=False,
    )
    result = json.loads(done.stdout)
    assert done.returncode == 0, result
    assert result["passed"] is True
    assert set(result["left_out"]) == {
        part for part, there in (("board-1", BOARD), ("ros-1", ROS2)) if not there
    }
    steps = {each["name"]: each["got"] for each in result["steps"]}
    assert steps["base-1: go to a pose"] == "SUCCEEDED"
    assert steps["cloud: a setting of base-1"] == "OBSERVED"
    assert steps["cloud: command base-1"] == "SUCCEEDED"
    assert steps["all: software stop, not safety rated"] == "STOPPED"
    assert steps["all: release, and nothing moves"] == "STILL"
    assert ("board-1: turn the motor" in steps) is BOARD
    assert ("ros-1: drive 0.4 m" in steps) is ROS2


@pytest.mark.slow
def test_stay_says_what_to_type_next_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "robolink.cli", "demo", "--stay"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    ) as demo:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "software stop, not safety rated." in line:
                break
        typed = next((line.split() for line in lines if line.startswith("  robolink --hub")), [])
        assert typed, "".join(lines)
        done = subprocess.run(
            [sys.executable, "-m", "robolink.cli", *typed[1:]],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "base-1" in done.stdout
        os.killpg(demo.pid, signal.SIGINT)  # As a terminal does it: to every process of the group.
        demo.stdout.read()
        assert demo.wait(20) == 0
