"""A hub, a real rclpy robot and the bridge, each a process of its own, and an observer process that only listens."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import pytest

import robolink
from robolink import v1
from robolink.client import TERMINAL, GoalHandle, Hub
from robolink_sims.ros2_base import Ros2BaseSim
from tests.conftest import HubProcess, wait_for

ROBOT = "ros-1"
ROLES = (v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)
# One domain a test, apart from those of other people on this machine. Over 101 their ports are those that Linux hands out.
DOMAINS = (1 + number % 100 for number in itertools.count(os.getpid()))
HERE = Path(__file__).parent
MAPPING, OBSERVER = HERE / "robot.yaml", HERE / "observer.py"
WIRE_TYPES, INTERFACES = HERE / "wire_types.py", HERE / "interfaces"

# Set where wheels for this machine exist: what is missing then fails, and is not silently skipped.
MUST = os.environ.get("ROBOLINK_PEERS_MUST", "") == "1"

if importlib.util.find_spec("rclpy") is None:
    if MUST:
        raise pytest.UsageError("ROBOLINK_PEERS_MUST is set, and there is no rclpy (extra ros2)")
    collect_ignore = [
        "test_cancel.py",
        "test_expose.py",
        "test_exposed.py",
        "test_interop.py",
        "test_bridge.py",
        "test_kills.py",
        "test_mapping.py",
        "test_node.py",
        "test_parts.py",
        "test_rules.py",
        "test_usual_actions.py",
        "test_wire_types.py",
    ]


def go_without(why: str) -> NoReturn:
    """The test skips, or fails where nothing may be missing."""
    (pytest.fail if MUST else pytest.skip)(why)


def peer(variable: str, what: str) -> str:
    """The interpreter of another environment."""
    return os.environ.get(variable, "") or go_without(f"{variable} names no interpreter with {what}")


def to_build_with() -> str:
    """What wire_types.py needs and is not there, or ""."""
    lacking = [each for each in ("gcc", "g++") if shutil.which(each) is None]
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        lacking.append("Python.h")
    modules = ("em", "lark", "rosidl_adapter", "rosidl_generator_py")
    lacking += [each for each in modules if not importlib.util.find_spec(each)]
    return ", ".join(lacking)


@pytest.fixture(scope="session")
def wire_types(pytestconfig: pytest.Config) -> Path:
    """Where nav2_msgs, control_msgs and tf2_msgs of our own build lie; for PYTHONPATH. Built once for each of its sources."""
    if lacking := to_build_with():
        go_without(f"nav2_msgs and control_msgs cannot be built without {lacking}")
    sources = [WIRE_TYPES, *(each for each in sorted(INTERFACES.rglob("*")) if each.is_file())]
    generators = [metadata.version(each) for each in ("rosidl_generator_c", "rosidl_generator_py")]
    made_by = " ".join((sys.prefix, sys.version, *generators))
    digest = hashlib.sha256(made_by.encode())
    for each in sources:
        digest.update(each.relative_to(HERE).as_posix().encode() + each.read_bytes())
    folder = pytestconfig.cache.mkdir("wire_types")
    built = folder / digest.hexdigest()[:16]
    if not built.exists():
        making = folder / str(os.getpid())
        shutil.rmtree(making, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, str(WIRE_TYPES), str(making)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"nav2_msgs and control_msgs cannot be built: {done.stdout[-4000:]}"
        making.rename(built)
    return built


class Bridge:
    """`robolink ros2 bridge` in a process of its own."""

    def __init__(self, hub: str, domain: int, log: Path, *arguments: str) -> None:
        self.hub, self.domain, self.log = hub, domain, log
        self.arguments = arguments or ("--robot", ROBOT)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [
            "ros2",
            "bridge",
            *self.arguments,
            "--hub",
            self.hub,
            "--domain-id",
            str(self.domain),
            "-v",
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "robolink.cli", *arguments], stdout=log, stderr=log
            )

    def end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)


class Observer:
    """Measures the robot's speed in ROS 2 itself: shares no code with the bridge."""

    def __init__(self, domain: int) -> None:
        command = [sys.executable, str(OBSERVER), str(domain)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.at, self.speed = 0.0, 0.0
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.at, self.speed = time.monotonic(), float(line)

    def fresh(self) -> bool:
        return time.monotonic() - self.at < 0.5

    def moving(self) -> bool:
        return self.fresh() and abs(self.speed) > 0.1

    def still(self) -> bool:
        return self.fresh() and abs(self.speed) < 1e-3

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join(5)
        assert self._process.stdout is not None
        self._process.stdout.close()


class Bench:
    """All of it, and what tests ask of it."""

    def __init__(self, hub: HubProcess, folder: Path, *arguments: str, navigator: str = "") -> None:
        self.hub_process, self.domain = hub, next(DOMAINS)
        self.sim = Ros2BaseSim(self.domain)
        # The module of what drives it, in a process of its own.
        self.navigator = Ros2BaseSim(self.domain, module=navigator) if navigator else None
        self.observer = Observer(self.domain)
        self.bridge = Bridge(hub.url, self.domain, folder / "bridge.log", *arguments)
        self.bridge.start()
        self.hub: Hub = robolink.connect(hub.url, name="test", roles=ROLES)
        self.robot = self.hub.robot(ROBOT)
        try:
            self.wait_online()
        except BaseException:
            self.close()
            raise

    def online(self) -> bool:
        return any(each.robot == ROBOT and each.online for each in self.hub.robots())

    def wait_online(self) -> None:
        wait_for(self.online, 60, "the ROS robot at the hub")

    def underway(self, method: str, **arguments: float) -> GoalHandle:
        """A goal that moves the robot; one that ends before it does is sent again.

        Where this machine stalls for as long as makes a server count as lost, the bridge ends a goal, and rightly so.
        """
        ends: list[str] = []
        goal = self.robot.goal(method, **arguments)
        until = time.monotonic() + 60.0
        while not self.observer.moving():
            if goal.state in TERMINAL:
                ends.append(goal.wait(10).text)
                goal = self.robot.goal(method, **arguments)
            if time.monotonic() > until:
                log = self.bridge.log.read_text()[-2000:]
                pytest.fail(f"{method} moves nothing in 60 s; its ends: {ends}; the bridge's log: {log}")
            time.sleep(0.03)
        return goal

    def stream(self, seconds: float = 60.0, speed: float = 0.4) -> None:
        """Setpoints until the robot moves."""
        until = time.monotonic() + seconds
        while not self.observer.moving():
            assert time.monotonic() < until, "it never moved"
            self.robot.setpoint("base.velocity", linear_x=speed)
            time.sleep(0.03)

    def close(self) -> None:
        self.hub.close()
        self.bridge.end()
        self.observer.close()
        self.sim.close()
        if self.navigator is not None:
            self.navigator.close()


@pytest.fixture
def bench(hub: HubProcess, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(hub, tmp_path)
    yield made
    made.close()


@pytest.fixture
def mapped(hub: HubProcess, tmp_path: Path) -> Iterator[Bench]:
    """A robot from a mapping file, with its navigator in a process of its own."""
    made = Bench(hub, tmp_path, "--config", str(MAPPING), navigator="robolink_sims.ros2_navigator")
    yield made
    made.close()
