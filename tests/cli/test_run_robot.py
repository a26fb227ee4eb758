"""`robolink run`: robots of installed packages by name, and any class by module:Class, on a real hub."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

import robolink
from tests.conftest import HubProcess, wait_for

RUN = [sys.executable, "-m", "robolink.cli", "run"]


def test_installed_robots_are_listed() -> None:
    done = subprocess.run([*RUN, "--json"], capture_output=True, text=True, timeout=60, check=True)
    assert {each["name"]: each["robot"] for each in json.loads(done.stdout)}["sim-base"] == (
        "robolink_sims.base:SimBase"
    )


@pytest.mark.parametrize("target", ["sim-base", "robolink_sims.base:SimBase"])
def test_a_robot_is_served_by_name_and_by_class_until_it_is_interrupted(hub: HubProcess, target: str) -> None:
    process = subprocess.Popen([*RUN, "--hub", hub.url, target, "--id", "base-9", "--speed-up", "5"])
    try:
        with robolink.connect(hub.url) as client:
            wait_for(
                lambda: [each.robot for each in client.robots() if each.online] == ["base-9"],
                what="it online",
            )
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nobody", "no installed robot is called 'nobody'"),
        ("no.such.module:Robot", "cannot load"),
        ("robolink_sims.base:Nobody", "cannot load"),
        ("math:sqrt", "is no robot"),
    ],
)
def test_what_is_no_robot_is_told_with_a_hint(target: str, words: str) -> None:
    done = subprocess.run([*RUN, target], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and words in done.stderr and "(" in done.stderr
