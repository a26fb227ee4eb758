"""`robolink hub backup | restore` beside a real hub: taken while it runs, put back only when it does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zmq

from robolink import v1
from robolink.cli.ports import free_ports
from tests.conftest import HubProcess
from tests.hub.peers import RawClient, RawDriver


def robolink(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "robolink.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def authority(hub: HubProcess, context: zmq.Context[Any]) -> tuple[v1.Authority, int]:
    """What the hub says of r1, and its lease epoch."""
    client = RawClient(context, hub, "viewer")
    reply = client.hello()
    return client.reply(v1.Robots, v1.RobotsQuery()).robots[0].authority, reply.lease_epoch


def test_backup_of_a_running_hub_and_restore_of_an_ended_one(
    hub: HubProcess,
    driver: RawDriver,
    make_client: Callable[..., RawClient],
    context: zmq.Context[Any],
    tmp_path: Path,
) -> None:
    file = tmp_path / "hub.tar"
    before, epoch = authority(hub, context)
    assert not before.stop.latched
    done = robolink("hub", "backup", "--config", hub.config, "--to", file)
    assert done.returncode == 0, done.stderr
    assert "journal.sqlite, stops.sqlite" in done.stdout

    # Stopped after the backup: that must not be undone.
    stop = v1.Stop(robots=["r1"], level=v1.STOP_LEVEL_SOFT_HOLD)
    make_client("anna").safety.reply(v1.StopReply, stop)
    refused = robolink("hub", "restore", "--config", hub.config, "--from", file)
    assert refused.returncode == 1
    assert hub.process is not None
    assert f"in use by process {hub.process.pid}" in refused.stderr
    assert "stop it first" in refused.stderr

    hub.stop()
    done = robolink("hub", "restore", "--config", hub.config, "--from", file)
    assert done.returncode == 0, done.stderr
    assert "not safety rated): r1; start the hub" in done.stdout
    hub.start()
    after, new_epoch = authority(hub, context)
    assert after.stop.latched
    assert after.stop.generation == before.stop.generation + 1
    assert new_epoch > epoch + 1


def test_two_hubs_never_share_a_store(hub: HubProcess, tmp_path: Path) -> None:
    config = tmp_path / "second.toml"
    config.write_text(hub.config.read_text().replace(hub.url, f"tcp://127.0.0.1:{free_ports(4)}"))
    ended = robolink("hub", "--config", config)
    assert ended.returncode == 1
    assert hub.process is not None
    assert f"in use by process {hub.process.pid}" in ended.stderr
    hub.kill()
    hub.start()  # kill -9 leaves no lock behind
