"""A hub, a robot and a mapper, each a process of its own, below a double of edgecore in this one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import robolink
from robolink import v1
from robolink.cli.ports import free_ports
from robolink.client import Hub
from robolink.core import twincmd
from robolink.core.command import TERMINAL
from robolink.core.violation import state_name
from robolink_kubeedge import manifests
from robolink_kubeedge.double import EdgecoreDouble
from tests.conftest import HubProcess, wait_for

ROOT = Path(__file__).parents[3]
ROBOT = "walker-1"
MOSQUITTO = shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))
ROLES = (v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)


class Mapper:
    """`robolink kubeedge mapper` in a process of its own."""

    def __init__(self, hub: str, folder: Path, edgecore: Path, resync_s: float = 3600) -> None:
        self.folder = folder
        self.config = folder / "mapper.yaml"
        self.config.write_text(
            f"grpc_server: {{socket_path: {folder}/mapper.sock}}\n"
            f"common: {{edgecore_sock: {edgecore}}}\nhub: {{url: '{hub}'}}\nlimits: {{resync_s: {resync_s}}}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "robolink.cli",
            "kubeedge",
            "mapper",
            "--config",
            str(self.config),
            "-v",
        ]
        with (self.folder / "mapper.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(15)


class Bench:
    """All of it, and what tests ask of it."""

    def __init__(self, hub: HubProcess, folder: Path) -> None:
        self.hub_process, self.folder, self.ledger = hub, folder, folder / "ledger"
        self.ledger.touch()
        self._robot: subprocess.Popen[bytes] | None = None
        self.mapper = Mapper(hub.url, folder, folder / "dmi.sock")
        self.double = EdgecoreDouble(folder / "dmi.sock")
        self.start_robot()
        self.hub: Hub = robolink.connect(hub.url, name="test", roles=ROLES)
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        self.robot = self.hub.robot(ROBOT)
        wait_for(self.online, what="the robot at the hub")
        self.double.start()
        found = self.robot.describe()
        self.model = manifests.device_model(found.sheet, found.sheet_hash)
        self.device = manifests.device(ROBOT, found.sheet, found.sheet_hash)
        self.double.apply(self.model)
        self.double.apply(self.device)
        self.mapper.start()
        self.wait_state("ok")

    def start_robot(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.bridges.kubeedge.cloud_robot",
            self.hub_process.url,
            str(self.ledger),
        ]
        with (self.folder / "robot.log").open("ab") as log:
            self._robot = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def kill_robot(self) -> None:
        assert self._robot is not None
        self._robot.kill()
        self._robot.wait()

    def online(self) -> bool:
        return any(each.robot == ROBOT and each.online for each in self.hub.robots())

    # The cloud.

    def patch(self, name: str, value: str) -> None:
        self.double.patch_desired(ROBOT, name, value)

    def reported(self, name: str) -> tuple[str, str]:
        return self.double.reported(ROBOT, name)

    def wait_state(self, state: str) -> None:
        assert self.double.wait(lambda: self.double.status(ROBOT)["state"] == state, 20), self.double.status(
            ROBOT
        )

    def wait_observed(self, name: str, text: str) -> None:
        assert self.double.wait(lambda: self.reported(name)[0] == text, 20), (
            self.reported(name),
            self.double.log,
        )

    def cmd(self, twin_id: str, method: str, *, age_s: float = 0.0, **args: Any) -> str:
        issued_ms = int((time.time() - age_s) * 1000)
        return twincmd.make(twin_id, method, args, issued_ms=issued_ms, ttl_ms=30_000)

    def verdict(self, twin_id: str, *states: str) -> tuple[str, str]:
        """State and cause of a twin command, once it is in one of these states (any terminal one by default)."""
        wanted = states or {state_name(state) for state in TERMINAL}

        def there() -> bool:
            return twincmd.Status.parse(self.reported("cmd-status")[1]).get(twin_id, ("",))[0] in wanted

        assert self.double.wait(there, 20), (self.reported("cmd-status"), self.double.log[-5:])
        return twincmd.Status.parse(self.reported("cmd-status")[1])[twin_id]

    def ran(self) -> list[int]:
        return [int(line) for line in self.ledger.read_text().split()]

    def close(self) -> None:
        self.mapper.end(signal.SIGKILL)
        self.double.stop()
        self.hub.close()
        self.kill_robot()


@pytest.fixture
def bench(hub: HubProcess, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(hub, tmp_path)
    yield made
    made.close()


class Broker:
    """A mosquitto on loopback."""

    def __init__(self, folder: Path) -> None:
        if MOSQUITTO is None:
            pytest.skip("mosquitto is not installed: apt-get install mosquitto")
        self.port = free_ports(1)
        self.config = folder / "mosquitto.conf"
        self.config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self.start()

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, what="the broker")

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.stop()


def with_parts(bench: Bench, extra: str) -> None:
    bench.mapper.end(signal.SIGKILL)
    bench.mapper.config.write_text(bench.mapper.config.read_text() + extra)
    bench.mapper.start()
