"""CURVE: a hub with keys lets in the keys it knows, as what its configuration says they are, and nobody else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.errors import ConfigError, ConnectionLostError, RejectedError
from robolink.transports import curve
from robolink.transports.lanes import Keys
from tests.conftest import HubProcess, wait_for

NAMES = ("hub", "app", "viewer", "base", "stranger")


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, Path]:
    """Key files by name."""
    folder = tmp_path / "keys"
    command = [sys.executable, "-m", "robolink.transports.curve", str(folder), *NAMES]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return {name: folder / f"{name}.key_secret" for name in NAMES}


@pytest.fixture
def public(keys: dict[str, Path]) -> dict[str, str]:
    return {name: curve.load_keys(path).public for name, path in keys.items()}


@pytest.fixture
def secure(make_hub: Callable[..., HubProcess], keys: dict[str, Path], public: dict[str, str]) -> HubProcess:
    peers = ", ".join(
        f'{{name = "{name}", public_key = "{public[name]}", kind = "{kind}", roles = {roles}}}'
        for name, kind, roles in (
            ("app", "client", '["configure"]'),
            ("viewer", "client", '["observe"]'),
            ("base", "driver", "[]"),
        )
    )
    return make_hub(f'curve = {{secret_key_file = "{keys["hub"]}", peers = [{peers}]}}')


def pair(keys: dict[str, Path], public: dict[str, str], name: str) -> Keys:
    return curve.load_keys(keys[name], hub_public=public["hub"])


def test_known_keys_are_what_the_hub_says_they_are(
    secure: HubProcess, keys: dict[str, Path], public: dict[str, str], tmp_path: Path
) -> None:
    environment = os.environ | {
        "ROBOLINK_SECRET_KEY_FILE": str(keys["base"]),
        "ROBOLINK_HUB_PUBLIC_KEY": public["hub"],
        "ROBOLINK_HUB": secure.url,
    }
    command = [sys.executable, "-m", "robolink_sims.base", "--id", "base-1"]
    with (tmp_path / "base.log").open("wb") as log:
        base = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        with robolink.connect(secure.url, name="i-say-so", keys=pair(keys, public, "app")) as hub:
            wait_for(lambda: any(each.online for each in hub.robots()), what="the base")
            robot = hub.robot("base-1")
            with robot.lease(), robot.stream("base.odometry") as odometry:
                assert (
                    robot.goal("base.navigate_to", x=0.2, y=0.0).wait(20).state == v1.COMMAND_STATE_SUCCEEDED
                )
                assert odometry.next(5) is not None
            assert robot.stop().verdict == v1.STOP_VERDICT_STOPPED
            with pytest.raises(RejectedError, match="safety"):
                robot.release()
        # A key's roles are its ceiling, whatever is claimed.
        roles = (v1.ROLE_MAINTAIN, v1.ROLE_SAFETY)
        with robolink.connect(secure.url, roles=roles, keys=pair(keys, public, "viewer")) as hub:
            assert hub.robots()[0].authority.stop.latched
            with pytest.raises(RejectedError, match="viewer has observe"):
                hub.robot("base-1").twin.set("base.max_speed", 0.5)
        environment["ROBOLINK_SECRET_KEY_FILE"] = str(keys["app"])
        command = [sys.executable, "-m", "robolink.cli", "robots"]
        shown = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        assert "base-1" in shown.stdout
    finally:
        base.terminate()
        base.wait(10)


def test_strangers_and_plain_peers_are_not_heard(
    secure: HubProcess, keys: dict[str, Path], public: dict[str, str]
) -> None:
    for pair_or_none in (None, pair(keys, public, "stranger")):
        with pytest.raises(ConnectionLostError, match="no hub answers"):
            robolink.connect(secure.url, keys=pair_or_none, timeout_s=1.5)
    # A hub that only claims to be it: its public key is another's.
    wrong = curve.load_keys(keys["app"], hub_public=public["viewer"])
    with pytest.raises(ConnectionLostError):
        robolink.connect(secure.url, keys=wrong, timeout_s=1.5)


def test_half_a_key_is_named(monkeypatch: pytest.MonkeyPatch, keys: dict[str, Path]) -> None:
    monkeypatch.setenv("ROBOLINK_SECRET_KEY_FILE", str(keys["app"]))
    with pytest.raises(ConfigError, match="ROBOLINK_HUB_PUBLIC_KEY is not set"):
        robolink.connect("tcp://127.0.0.1:1")
