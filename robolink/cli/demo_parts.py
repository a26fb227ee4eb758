"""The demo's child processes: started on free loopback ports in a folder of their own, and always ended.

What has no wheel on this machine is named and left out.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, Self

from robolink.cli.demo_cloud import DemoCloud
from robolink.cli.ports import free_ports
from robolink.client import Hub
from robolink.errors import ConnectionLostError, RobolinkError

START_TIMEOUT_S: Final = 20.0
END_TIMEOUT_S: Final = 5.0
BAD_LINE: Final = ("--corrupt=0.0002", "--drop=0.0001", "--noise=0.0001", "--seed=1")
# Up to 101: the ports of higher ones are those that Linux hands out to anybody.
DOMAINS: Final = range(50, 100)


class Parts:
    """Every process of the demo; a context manager.

    Attributes:
        robots: Ids of the robots that take part.
        left_out: Part and reason.
    """

    def __init__(self, *, quiet: bool) -> None:
        """Nothing runs yet."""
        self.quiet = quiet
        self.folder = Path(tempfile.mkdtemp(prefix="robolink-demo-"))
        self.url = f"tcp://127.0.0.1:{free_ports(4)}"
        self.robots: list[str] = []
        self.left_out: dict[str, str] = {}
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._keep = False
        self._line: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start everything."""
        try:
            self._start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End everything, last started first."""
        children = [child for _name, child in reversed(self._children)]
        for child in children:
            child.send_signal(signal.SIGTERM)
        for child in children:
            try:
                child.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _start_all(self) -> None:
        self.say(f"starting hub and robots; logs in {self.folder}")
        config = self.folder / "hub.toml"
        config.write_text(f'url = "{self.url}"\n[store]\npath = "{self.folder / "store"}"\n')
        self._start("hub", "-m", "robolink.hub", "--config", str(config))
        self._wait_hub()
        self._start("base", "-m", "robolink_sims.base", "--id", "base-1", "--hub", self.url)
        self.robots.append("base-1")
        if importlib.util.find_spec("micropython_unix") is None:
            self.left_out["board-1"] = "no MicroPython for this machine (extra board-sim)"
        else:
            self._start_board()
        if importlib.util.find_spec("rclpy") is None:
            self.left_out["ros-1"] = "no rclpy here: source a ROS 2, or the extra ros2 (Linux x86_64)"
        else:
            self._start_ros()

    def _start_board(self) -> None:
        child = self._start("board", "-m", "robolink_sims.board", "--print-port", read=True)
        assert child.stdout is not None
        port = child.stdout.readline().decode().strip()
        if not port:
            raise RobolinkError(f"the simulated board did not start; see {self.folder / 'board.log'}")
        # Not a good line: some bytes are bent or lost, and it can be cut.
        line = str(self.folder / "line")
        self._line = self._start(
            "line",
            "-m",
            "robolink_sims.serial_line",
            *("--port", line, "--board", port, "--print-port", *BAD_LINE),
            read=True,
        )
        assert self._line.stdout is not None
        self._line.stdout.readline()
        arguments = ("serial", "bridge", "--port", line, "--robot", "board-1", "--hub", self.url)
        self._start("serial", "-m", "robolink.cli", *arguments)
        self.robots.append("board-1")

    def toggle_line(self) -> None:
        """Cut the board's serial line, or make it whole again."""
        if self._line is not None:
            self._line.send_signal(signal.SIGUSR1)

    def _start_ros(self) -> None:
        # A domain of its own, so that no other ROS 2 robot on this machine is driven.
        domain = str(DOMAINS[os.getpid() % len(DOMAINS)])
        self._start("ros-robot", "-m", "robolink_sims.ros2_base", "--domain-id", domain)
        arguments = ("ros2", "bridge", "--robot", "ros-1", "--domain-id", domain, "--hub", self.url)
        self._start("ros2", "-m", "robolink.cli", *arguments)
        self.robots.append("ros-1")

    def start_cloud(self) -> DemoCloud | None:
        """The mapper, and a double of edgecore and cloud for it; None where gRPC is missing."""
        if importlib.util.find_spec("grpc") is None or importlib.util.find_spec("yaml") is None:
            self.left_out["mapper"] = "no grpcio (extra kubeedge)"
            return None
        manifests, config = self.folder / "manifests.yaml", self.folder / "mapper.yaml"
        cloud = DemoCloud(self.folder)
        manifests.write_text(cloud.run("manifest", "--all", "--hub", self.url))
        config.write_text(
            f"grpc_server: {{socket_path: {self.folder}/mapper.sock}}\n"
            f"common: {{edgecore_sock: {self.folder}/dmi.sock}}\nhub: {{url: '{self.url}'}}\n"
        )
        double = ("kubeedge", "double", "--folder", str(self.folder), "--manifests", str(manifests))
        self._start("double", "-m", "robolink.cli", *double)
        self._start("mapper", "-m", "robolink.cli", "kubeedge", "mapper", "--config", str(config), "-v")
        cloud.wait_online(self.robots, START_TIMEOUT_S, self.check)
        return cloud

    def _start(self, name: str, *arguments: str, read: bool = False) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, *arguments], stdout=subprocess.PIPE if read else log, stderr=log
            )
        self._children.append((name, child))
        return child

    def _wait_hub(self) -> None:
        host, port = "127.0.0.1", int(self.url.rpartition(":")[2])
        until = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < until:
            try:
                socket.create_connection((host, port + 1), 0.2).close()
            except OSError:
                self.check()
                time.sleep(0.05)
            else:
                return
        raise ConnectionLostError("the demo's hub did not come up", hint=f"see {self.folder / 'hub.log'}")

    def say(self, line: str) -> None:
        """Progress for people."""
        if not self.quiet:
            print(line, flush=True)

    def check(self) -> None:
        """Every child still runs.

        Raises:
            RobolinkError: One has ended; its log is named.
        """
        for name, child in self._children:
            if child.poll() is not None:
                self.keep_logs()
                log = self.folder / f"{name}.log"
                last = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise RobolinkError(
                    f"{name} ended with {child.returncode}: {' '.join(last)}", hint=f"see {log}"
                )

    def wait_online(self, hub: Hub, timeout_s: float) -> None:
        """Every robot has said hello.

        Raises:
            RobolinkError: One did not in time.
        """
        until = time.monotonic() + timeout_s
        while True:
            online = {each.robot for each in hub.robots() if each.online}
            missing = [robot for robot in self.robots if robot not in online]
            if not missing:
                return
            self.check()
            if time.monotonic() > until:
                self.keep_logs()
                raise RobolinkError(f"{', '.join(missing)} did not come online", hint=f"see {self.folder}")
            time.sleep(0.05)

    def keep_logs(self) -> None:
        """Something went wrong: the logs stay."""
        if not self._keep and not self.quiet:
            print(f"logs are kept in {self.folder}")
        self._keep = True

    def stay(self) -> None:
        """Keep everything up until Ctrl-C, and say what to type next."""
        print("\nEverything stays up until Ctrl-C. In another terminal:")
        for line in (
            "robots",
            "describe base-1",
            "call base-1 base.navigate_to x=2 y=1",
            "stop --all",
            "release --all",
        ):
            print(f"  robolink --hub {self.url} {line}")
        if "mapper" not in self.left_out:
            print(f"  robolink kubeedge cloud status --folder {self.folder} base-1")
            print(f"  robolink kubeedge cloud set --folder {self.folder} base-1 base.max_speed 0.4")
        print("The stop is a software stop, not safety rated.")
        try:
            while True:
                self.check()
                time.sleep(0.5)
        except KeyboardInterrupt:
            print("ending")
