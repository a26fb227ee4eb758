"""Cases of serial_link.json on the board's link, on real MicroPython and on this Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from robolink.errors import ConfigError
from robolink_sims.board import micropython_executable
from tests.firmware import FIRMWARE
from tests.proto.vectors import FOLDER, load

SCRIPT = Path(__file__).with_name("link_on_board.py")


@pytest.mark.parametrize("python", ["micropython", "cpython"])
def test_cases_on(python: str) -> None:
    executable = Path(sys.executable)
    if python == "micropython":
        try:
            executable = micropython_executable()
        except ConfigError as exc:
            pytest.skip(str(exc))
    shown = subprocess.run(
        [str(executable), str(SCRIPT), str(FIRMWARE), str(FOLDER)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    *differing, last = shown.stdout.splitlines()
    assert not differing, "\n".join(differing)
    boards = [case for case in load("serial_link")["cases"] if case["role"] == "board"]
    assert last.split() == [python, str(len(boards))]
