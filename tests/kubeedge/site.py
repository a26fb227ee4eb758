"""A site under a cluster: hub, robot and mapper as real processes, and a fleet that sees them by the cluster alone."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import robolink
from robolink.client import Hub
from robolink.cloud import Fleet, RobotHandle
from robolink_kubeedge import manifests
from tests.bridges.kubeedge.conftest import ROLES, Mapper
from tests.conftest import HubProcess, wait_for
from tests.kubeedge.cluster import Cluster

ROOT = Path(__file__).parents[2]
WALKER = "walker-1"
# The mapper's default.
RESYNC_S = 60
MODEL_FIRST_S = 1.0


class Site:
    """All of it.

    Attributes:
        ledger: One line for each command that the walker has run.
    """

    def __init__(self, cluster: Cluster, hub: HubProcess, folder: Path) -> None:
        self.cluster, self.hub_process, self.folder = cluster, hub, folder
        self.ledger = folder / "ledger"
        self.ledger.touch()
        self._closing = contextlib.ExitStack()
        self.hub: Hub = self._closing.enter_context(robolink.connect(hub.url, name="test", roles=ROLES))
        self.mapper = Mapper(hub.url, folder, cluster.socket, RESYNC_S)
        self.mapper.start()
        self._closing.callback(lambda: self.mapper.end(signal.SIGKILL))
        self.fleet = self._closing.enter_context(Fleet(config=cluster.config))

    def run_robot(self, module: str, *arguments: str, robot: str = WALKER) -> RobotHandle:
        """A robot's process, its manifests applied, and its handle once the cloud sees it."""
        command = [sys.executable, "-m", module, *arguments]
        with (self.folder / f"{robot}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._closing.callback(process.wait)
        self._closing.callback(process.kill)
        return self.bring(robot)

    def bring(self, robot: str, timeout_s: float = 30.0) -> RobotHandle:
        """Apply a robot's manifests, and wait until it is seen in the cloud."""
        wait_for(lambda: self.online(robot), what=f"{robot} at the hub")
        found = self.hub.robot(robot).describe()
        namespace, node = self.cluster.namespace, self.cluster.node
        self.cluster.apply(manifests.device_model(found.sheet, found.sheet_hash, namespace))
        handle = self.fleet.robot(robot)
        # They go down on ways of their own, and a device that is there before its model stays without it: as the docs say, wait.
        time.sleep(MODEL_FIRST_S)
        self.cluster.apply(
            manifests.device(robot, found.sheet, found.sheet_hash, namespace=namespace, node=node)
        )
        wait_for(lambda: self.seen(handle), timeout_s, what=f"{robot} in the cloud")
        return handle

    def walker(self) -> RobotHandle:
        """A robot that writes down what it runs."""
        return self.run_robot("tests.bridges.kubeedge.cloud_robot", self.hub_process.url, str(self.ledger))

    def online(self, robot: str) -> bool:
        return any(each.robot == robot and each.online for each in self.hub.robots())

    @staticmethod
    def seen(handle: RobotHandle) -> bool:
        """Whether its state and its first twins have come up."""
        try:
            return handle.info().online and handle.twin.get("cmd-status")["cmd-status"].HasField("reported")
        except robolink.errors.RobolinkError:
            return False

    def ran(self) -> list[int]:
        return [int(line) for line in self.ledger.read_text().split()]

    def wait(self, condition: Callable[[], object], timeout_s: float, what: str) -> None:
        wait_for(condition, timeout_s, what)

    def close(self) -> None:
        self._closing.close()
