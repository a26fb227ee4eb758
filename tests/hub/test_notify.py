"""A hub under a service manager: READY after its lanes are bound, a watchdog fed by its loop, STOPPING at its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from robolink.cli.ports import free_ports
from robolink.hub.notify import Notifier

START_TIMEOUT_S = 20.0


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The manager's end, at `tmp_path / "notify"`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(str(tmp_path / "notify"))
        made.settimeout(START_TIMEOUT_S)
        yield made


def test_a_real_hub_says_ready_alive_and_stopping(manager: socket.socket, tmp_path: Path) -> None:
    port = free_ports(4)
    config = tmp_path / "hub.toml"
    config.write_text(f'url = "tcp://127.0.0.1:{port}"\n[store]\npath = "{tmp_path / "store"}"\n')
    environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
    command = [sys.executable, "-m", "robolink.hub", "--config", str(config)]
    with (tmp_path / "log").open("wb") as log:
        hub = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        ready = manager.recv(4096).decode().splitlines()
        # No second try: whoever is told READY may connect.
        for offset in range(4):
            socket.create_connection(("127.0.0.1", port + offset), 5.0).close()
        assert ready == ["READY=1", f"STATUS=hub 'robolink' serves tcp://127.0.0.1:{port}"]
        assert [manager.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3
        hub.send_signal(signal.SIGTERM)
        while (word := manager.recv(4096)) == b"WATCHDOG=1":
            pass
        assert word == b"STOPPING=1"
        assert hub.wait(START_TIMEOUT_S) == 0
    finally:
        hub.kill()
        hub.wait()


def test_a_hub_that_fails_to_start_never_says_ready(manager: socket.socket, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        ended = subprocess.run(
            [sys.executable, "-m", "robolink.hub", "--url", url],
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")},
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(4096)


def test_the_watchdog_is_fed_twice_a_period_and_by_turns_alone(
    manager: socket.socket, tmp_path: Path
) -> None:
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": "2000000",
        "WATCHDOG_PID": str(os.getpid()),
        "OTHER": "stays",
    }
    notifier = Notifier(environment)
    assert environment == {"OTHER": "stays"}, "no child may speak for the hub"
    assert notifier.watchdog_s == 2.0
    for now in (10.0, 10.5, 10.9, 11.0, 11.5, 13.0):
        notifier.turn(now)
    notifier.stopping()
    notifier.close()
    notifier.stopping()
    assert [manager.recv(99) for _ in range(4)] == [b"WATCHDOG=1"] * 3 + [b"STOPPING=1"]
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(99)


def test_a_watchdog_that_is_another_process_is_not_ours(manager: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier(
        {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    )
    notifier.turn(1.0)
    notifier.close()
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(99)


@pytest.mark.skipif(sys.platform != "linux", reason="abstract socket names are Linux's")
def test_an_abstract_socket_is_reached() -> None:
    name = f"robolink-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": f"@{name}"})
        notifier.ready("well")
        notifier.close()
        assert manager.recv(99) == b"READY=1\nSTATUS=well"


def test_a_deaf_manager_hinders_nothing_and_is_counted(tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notifier.ready("well")
    notifier.stopping()
    notifier.close()
    assert sum(notifier.counters.values()) == 2
    silent = Notifier({})
    silent.ready("well")
    assert not silent.counters
