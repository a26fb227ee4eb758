"""A board on its port: real mpremote, Ctrl-C while it drives, a program that hangs, a watchdog that must spare the REPL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import tty
from pathlib import Path

import pytest

from robolink.errors import ConfigError
from robolink_sims.board import BoardSim, fill_flash
from tests.conftest import wait_for
from tests.firmware import FIRMWARE

pytestmark = pytest.mark.board
WHEELS = (
    "from world import world; print([world.wire(at).part() for at in (12, 17, 13)], world.parts[0].speed)"
)
# The first program drives by itself, as a bug might; the second hangs in its 50th tick, but only in its first life.
DRIVES = """
base = [part for part in board.components if part.name == "base"][0]
base._velocity((0.25, 0.0))
base.safe = lambda: None
"""
HANGS = """
import os
from robolink_board import hardware
print("came up by %s" % hardware.reset_cause())
if "hung" not in os.listdir():
    ticks, step = [], board.step

    def hanging(now):
        ticks.append(now)
        step(now)
        if len(ticks) == 50:
            open("hung", "w").close()
            while True:
                pass

    board.step = hanging
"""


def program(folder: Path, text: str, **watchdog: int) -> Path:
    """The firmware with more lines before it runs, as a rover."""
    fill_flash(folder, profile="pico-rover")
    main = (folder / "main.py").read_text()
    before, found, after = main.partition("\napp.run(")
    (folder / "main.py").write_text(before + "\n" + text + found + after)
    profile = json.loads((folder / "profile.json").read_text())
    profile["watchdog"] = watchdog
    (folder / "profile.json").write_text(json.dumps(profile))
    return folder


def mpremote_command(port: str, *arguments: str) -> list[str]:
    return [str(Path(sysconfig.get_path("scripts")) / "mpremote"), "connect", port, *arguments]


def mpremote(port: str, *arguments: str, cwd: Path | None = None) -> str:
    command = mpremote_command(port, *arguments)
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Listener:
    """Reads the port, and may type into it."""

    def __init__(self, port: str) -> None:
        self.fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.heard = b""

    def hears(self, words: bytes) -> bool:
        try:
            self.heard += os.read(self.fd, 65536)
        except BlockingIOError:
            pass
        return words in self.heard

    def close(self) -> None:
        os.close(self.fd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "flash"


def test_ctrl_c_puts_outputs_off_before_anything_else(folder: Path) -> None:
    with BoardSim(program(folder, DRIVES)) as board:
        line = Listener(board.port)
        wait_for(lambda: line.hears(b"\x7e"), what="frames")
        os.write(line.fd, b"\x03")
        wait_for(lambda: line.hears(b"outputs are safe"), what="its last words")
        line.close()
        # Without a soft reset: the same chip, after its program has ended.
        shown = mpremote(board.port, "resume", "exec", WHEELS)
        assert shown.startswith("[1.0, 1.0, "), shown  # both brake at once, on no ramp
        assert mpremote(board.port, "resume", "exec", WHEELS).split("] ")[1] == "0.0\n"


def test_program_that_hangs_is_reset_by_the_chip(folder: Path) -> None:
    with BoardSim(program(folder, HANGS, hardware_ms=1000)) as board:
        line = Listener(board.port)
        wait_for(lambda: line.hears(b"came up by power on"), what="its first life")
        wait_for(lambda: line.hears(b"came up by watchdog"), 20, what="its second life")
        line.heard = b""
        wait_for(lambda: line.hears(b"\x7e"), what="frames again")
        line.close()


LONG = "import time; time.sleep(2.5); print('still here')"


def test_watchdog_spares_who_works_in_the_repl(folder: Path) -> None:
    with BoardSim(program(folder, "", hardware_ms=1000)) as board:
        line = Listener(board.port)
        wait_for(lambda: line.hears(b"\x7e"), what="frames")
        line.close()
        assert mpremote(board.port, "exec", LONG) == "still here\n"


def test_without_boot_py_it_would_not(folder: Path, tmp_path: Path) -> None:
    cause = 'from robolink_board import hardware\nprint("by %s" % hardware.reset_cause())'
    program(folder, cause, hardware_ms=1000)
    (folder / "boot.py").unlink()
    with BoardSim(folder) as board:
        line = Listener(board.port)
        wait_for(lambda: line.hears(b"\x7e"), what="frames")
        line.close()
        said = tmp_path / "said"
        with said.open("wb") as file:
            working = subprocess.Popen(mpremote_command(board.port, "exec", LONG), stdout=file, stderr=file)
        # What comes into its session is the board's next life.
        wait_for(lambda: b"by watchdog" in said.read_bytes(), 20, what="a reset")
        working.kill()
        working.wait(10)


def test_machine_reset_is_a_hard_one(folder: Path) -> None:
    text = 'import machine\nprint("by %d" % machine.reset_cause())\nif machine.reset_cause() == 1: machine.reset()'
    with BoardSim(program(folder, text)) as board:
        line = Listener(board.port)
        wait_for(lambda: line.hears(b"by 2\r\n") or line.hears(b"by 2\n"), what="its second life")
        assert b"soft reboot" not in line.heard
        line.close()


def test_mip_installs_the_package_without_a_network(tmp_path: Path) -> None:
    flash, source = tmp_path / "empty", tmp_path / "source"
    flash.mkdir()
    shutil.copytree(FIRMWARE, source)
    with BoardSim(flash) as board:
        mpremote(board.port, "mip", "install", "--target", "lib", "./package.json", cwd=source)
        for name in ("main.py", "boot.py", "profiles/pico-rover.json"):
            target = "profile.json" if "/" in name else name
            mpremote(board.port, "resume", "fs", "cp", name, f":{target}", cwd=source)
        board.reset()
        line = Listener(board.port)
        wait_for(lambda: line.hears(b"\x7e~ "), what="a HELLO")
        line.close()


def test_profile_that_is_none_is_said_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no profile mars-rover") as caught:
        fill_flash(tmp_path / "flash", profile="mars-rover")
    assert "pico-rover" in str(caught.value.hint)
