"""A real hub with one simulated base for the whole folder, and command lines against it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

import robolink
from robolink.cli import main
from robolink.client import Hub
from tests.conftest import HubProcess, wait_for

BASE = "base-1"
Run = Callable[..., subprocess.CompletedProcess[str]]


def online(client: Hub) -> bool:
    return any(each.online for each in client.robots())


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a hub with one simulated base."""
    folder = tmp_path_factory.mktemp("site")
    hub = HubProcess(folder)
    hub.start()
    with (folder / "base.log").open("wb") as log:
        base = subprocess.Popen(
            [sys.executable, "-m", "robolink_sims.base", "--id", BASE, "--hub", hub.url],
            stdout=log,
            stderr=log,
        )
    with robolink.connect(hub.url, name="test") as client:
        wait_for(lambda: online(client), what="the base")
    yield hub.url
    base.kill()
    base.wait()
    hub.stop()


@pytest.fixture
def run(site: str) -> Run:
    """One command line against it, in a process of its own."""

    def call(*arguments: str, hub: str = site, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "robolink.cli", *arguments]
        environment = os.environ | {"ROBOLINK_HUB": hub}
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=timeout, check=False
        )

    return call


@dataclass(frozen=True)
class Said:
    """What a command line said and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def here(
    site: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """One command line against it, in this process: quicker, for those that neither wait nor handle signals."""
    monkeypatch.setenv("ROBOLINK_HUB", site)

    def call(*arguments: str, hub: str = site) -> Said:
        monkeypatch.setenv("ROBOLINK_HUB", hub)
        capsys.readouterr()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def client(site: str) -> Iterator[Any]:
    """Somebody else at the same hub, with every role."""
    from robolink import v1

    roles = (v1.ROLE_MAINTAIN, v1.ROLE_CONFIGURE, v1.ROLE_OPERATE, v1.ROLE_SAFETY)
    with robolink.connect(site, name="somebody", roles=roles) as hub:
        yield hub
