"""Fixtures that every room shares: a real hub process on loopback, and waiting for a condition."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from robolink.cli.ports import free_ports

# Every ROS 2 process that a test starts stays on this machine, whichever test comes first.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

TESTS = Path(__file__).parent
START_TIMEOUT_S = 60.0
# Where many real programs run beside each other, none of them ours alone: rclpy's discovery, a board's watchdog, edgecore.
MANY_PROGRAMS = ("bridges/ros2", "bridges/serial", "kubeedge", "e2e")

# A shell that runs us in the background lets us and all our children ignore SIGINT; here Ctrl-C is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A machine that stalls breaks deadlines that are real time: such a test runs once more, and is told as RERUN."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix().startswith(MANY_PROGRAMS):
            item.add_marker(pytest.mark.flaky(reruns=1))


def wait_for(condition: Callable[[], Any], timeout_s: float = 60.0, what: str = "the condition") -> Any:
    """Poll until the condition is true; its value. Fails the test after the timeout."""
    until = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            pytest.fail(f"{what} did not come within {timeout_s} s (last: {value!r})")
        time.sleep(0.01)


class HubProcess:
    """A real `robolink hub` in a process of its own."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.folder = folder
        self.port = free_ports(4)
        self.url = f"tcp://127.0.0.1:{self.port}"
        self.config = folder / "hub.toml"
        self.config.write_text(f'url = "{self.url}"\n{extra}\n[store]\npath = "{folder / "store"}"\n')
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "hub.log"

    def start(self) -> None:
        """Start and wait until its lanes are bound."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "robolink.hub", "--config", str(self.config)], stdout=log, stderr=log
            )
        wait_for(self._answers, START_TIMEOUT_S, "the hub")

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            pytest.fail(f"the hub ended with {self.process.returncode}: {self.log.read_text()[-2000:]}")
        try:
            # The safety lane is bound last.
            socket.create_connection(("127.0.0.1", self.port + 1), 0.2).close()
            socket.create_connection(("127.0.0.1", self.port), 0.2).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    def restart(self) -> None:
        """End (if it runs) and start again on the same store and ports."""
        self.stop()
        self.start()


@pytest.fixture
def make_hub(tmp_path: Path) -> Iterator[Callable[..., HubProcess]]:
    """Starts hubs with extra top-level TOML; ends them with the test."""
    hubs: list[HubProcess] = []

    def make(extra: str = "") -> HubProcess:
        folder = tmp_path / f"hub{len(hubs)}"
        folder.mkdir()
        hub = HubProcess(folder, extra)
        hub.start()
        hubs.append(hub)
        return hub

    yield make
    for hub in hubs:
        hub.stop()
        if os.environ.get("ROBOLINK_SHOW_HUB_LOG"):
            sys.stderr.write(hub.log.read_text())


@pytest.fixture
def hub(make_hub: Callable[..., HubProcess]) -> HubProcess:
    """One running hub with defaults."""
    return make_hub()
