"""What a shell is offered: commands of ours and of packages, and from the hub robots, methods, arguments, properties."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from robolink.cli.complete import TIMEOUT_VARIABLE
from robolink.client import Hub
from tests.cli.conftest import BASE
from tests.conftest import free_ports, wait_for

Offer = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def offer(site: str) -> Offer:
    """What bash is offered for the last word of a line, as its completion function asks."""

    def ask(line: str, hub: str = site, timeout_s: str = "20") -> tuple[int, list[str], str]:
        words = line.split(" ")
        environment = os.environ | {
            "ROBOLINK_HUB": hub,
            TIMEOUT_VARIABLE: timeout_s,
            "_ROBOLINK_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-m", "robolink.cli"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.split(), done.stderr

    return ask


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("robolink wat", ["watch"]),
        ("robolink serial br", ["bridge"]),
        ("robolink why ", [BASE]),
        ("robolink stop b", [BASE]),
        ("robolink stop z", []),
        (f"robolink call {BASE} base.n", ["base.navigate_to"]),
        (f"robolink call {BASE} base.navigate_to x=1 ", ["theta=", "y="]),
        (f"robolink twin set {BASE} base.max", ["base.max_speed"]),
        (f"robolink drive {BASE} ", ["base.velocity"]),
        ("robolink call nobody ", []),
    ],
)
def test_bash_is_offered(offer: Offer, line: str, offered: list[str]) -> None:
    assert offer(line) == (0, offered, "")


def test_without_a_hub_nothing_is_offered_and_nothing_said(offer: Offer) -> None:
    assert offer("robolink why ", hub=f"tcp://127.0.0.1:{free_ports(4)}", timeout_s="0.2") == (0, [], "")
    assert offer("robolink why ", hub="no url") == (0, [], "")


def test_commands_that_run_are_offered_by_id(offer: Offer, client: Hub) -> None:
    base = client.robot(BASE)
    with base.lease("base"):
        goal = base.goal("base.navigate_to", x=40.0, y=40.0)
        try:
            wait_for(lambda: offer("robolink trace ")[1] == [goal.id.hex()], 60, "its id")
        finally:
            goal.cancel()
            goal.wait(20)


def test_a_shell_can_be_given_the_script() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "robolink.cli", "--show-completion"],
        capture_output=True,
        text=True,
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    shown = subprocess.run(
        [sys.executable, "-m", "robolink.cli"],
        capture_output=True,
        text=True,
        env=os.environ | {"_ROBOLINK_COMPLETE": "source_bash"},
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0
    assert "complete" in shown.stdout
