"""README's two programs, word for word: the vendor's robot runs, and the client's lines drive it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import robolink
from tests.conftest import HubProcess, wait_for
from tests.e2e.documents import ROOT, programs

MOTOR = '''
import time


class Motor:
    """Runs at the speed it is told."""

    def __init__(self):
        self._speed, self._metres, self._at = 0.0, 0.0, time.monotonic()

    def speed(self, metres_per_s):
        self._metres, self._at = self.odometer(), time.monotonic()
        self._speed = metres_per_s

    def odometer(self):
        return self._metres + self._speed * (time.monotonic() - self._at)

    def measured_speed(self):
        return self._speed


motor = Motor()
'''


def test_the_vendors_robot_is_under_30_lines_and_the_client_drives_it(
    hub: HubProcess, tmp_path: Path
) -> None:
    vendor, client = programs(ROOT / "README.md")
    lines = [
        line for line in vendor.splitlines() if line.strip() and not line.startswith(("from ", "import "))
    ]
    assert len(lines) < 30
    (tmp_path / "my_motor.py").write_text(MOTOR)
    (tmp_path / "carrier.py").write_text(vendor)
    (tmp_path / "client.py").write_text(client)
    environment = os.environ | {"ROBOLINK_HUB": hub.url}
    with (tmp_path / "carrier.log").open("wb") as log:
        robot = subprocess.Popen(
            [sys.executable, "carrier.py"], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
    try:
        with robolink.connect(hub.url) as watching:
            wait_for(lambda: any(each.online for each in watching.robots()), what="the carrier")
            done = subprocess.run(
                [sys.executable, "client.py"],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            progress = [float(line) for line in done.stdout.splitlines()]
            assert progress == sorted(progress)
            assert progress
            assert watching.robots()[0].authority.stop.latched, "the client's last line is a stop"
            reported = watching.robot("carrier-1").twin.get("wheels.distance")["wheels.distance"].reported
            assert reported.value.double_value > 1.5
    finally:
        robot.kill()
        robot.wait()
