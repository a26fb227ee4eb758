"""`robolink board` on real MicroPython with the real mpremote: flash, check, list, monitor, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from robolink.cli import main
from robolink_serial.field.tool import broken_in
from robolink_serial.port import Port, PortError
from robolink_sims.board import BoardSim
from tests.conftest import wait_for

# Real littlefs on a small RAM disk, as the board's working directory: statvfs, blocks and a full disk are its own.
SMALL_FLASH = """
import os, vfs
class Ram:
    data = bytearray(512 * %d)
    def readblocks(self, n, buf, off=0):
        at = n * 512 + off
        buf[:] = self.data[at : at + len(buf)]
    def writeblocks(self, n, buf, off=0):
        at = n * 512 + off
        self.data[at : at + len(buf)] = buf
    def ioctl(self, op, arg):
        return len(self.data) // 512 if op == 4 else 512 if op == 5 else 0
_ram = Ram()
vfs.VfsLfs2.mkfs(_ram)
vfs.mount(vfs.VfsLfs2(_ram), "/small")
os.chdir("/small")
with open("log.txt", "w") as _f:
    _f.write("x" * 700)
"""


class Said:
    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> dict:
        return json.loads(self.out)


@pytest.fixture
def here(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Said]:
    """A command line in this process; simulated boards are plugged in below tmp_path/ports."""
    (tmp_path / "ports").mkdir(exist_ok=True)
    monkeypatch.setenv("ROBOLINK_PORTS", str(tmp_path / "ports"))

    def run(*arguments: str) -> Said:
        capfd.readouterr()
        code = main(["board", *arguments])
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def plug(tmp_path: Path) -> Iterator[Callable[..., BoardSim]]:
    """Simulated boards by serial number; `files` is all that is on them, the firmware if left out."""
    made: list[BoardSim] = []
    (tmp_path / "ports").mkdir(exist_ok=True)

    def plugged(serial: str, files: dict[str, str] | None = None) -> BoardSim:
        program = None
        if files is not None:
            program = tmp_path / f"flash-{serial}"
            program.mkdir()
            for name, text in files.items():
                (program / name).write_text(text)
        made.append(BoardSim(program, port=tmp_path / "ports" / serial))
        return made[-1]

    yield plugged
    for each in made:
        each.close()


def test_unboxed_board_is_flashed_and_healthy_and_the_second_time_nothing_is_written(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    plug("pico-1", {})
    first = here("flash", "--json")
    assert first.code == 0, first.err
    written = first.json["written"]
    assert written[-1] == "main.py", "a board that loses power before has no program of two versions"
    assert "robolink_board/link.mpy" in written
    assert not [each for each in written if each.startswith("robolink_board/") and not each.endswith(".mpy")]
    assert first.json["hello"]["model"] == "motor-board"
    checked = here("check", "pico-1", "--json")
    assert (checked.code, checked.json["healthy"]) == (0, True), checked.out
    measured = checked.json["measured"]
    assert measured["files"]["differ"] == 0
    assert measured["files"]["compiled"]
    assert measured["round_trips_ms"]["answered"] == measured["round_trips_ms"]["asked"]
    assert measured["memory_free"] > 0
    second = here("flash", "pico-1", "--json")
    assert (second.json["written"], second.json["removed"]) == ([], [])
    assert second.json["unchanged"] == first.json["unchanged"] + len(written)


def test_only_what_differs_is_written_and_leftovers_go(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    board = plug("pico-1", {})
    assert here("flash").code == 0
    with broken_in(board.port) as repl:
        repl.write("robolink_board/ticks.mpy", b"damaged")
        repl.write("robolink_board/pid.py", b"raise ValueError('an older one that would be imported first')")
        repl.write("robolink_board/old.mpy", b"of a former release")
        repl.write("mine.txt", b"keep me")
    told = here("flash", "--json").json
    assert told["written"] == ["robolink_board/ticks.mpy"]
    assert sorted(told["removed"]) == ["robolink_board/old.mpy", "robolink_board/pid.py"]
    assert told["hello"]["model"] == "motor-board"
    with broken_in(board.port) as repl:
        assert repl.read("mine.txt") == b"keep me"


def test_main_of_somebody_is_not_overwritten_unasked(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    board = plug("pico-1", {"main.py": "print('my own robot')\n"})
    said = here("flash")
    assert said.code == 1
    assert "main.py on the board is not one that robolink wrote: nothing was changed" in said.err
    assert "--keep-main" in said.err
    with broken_in(board.port) as repl:
        assert list(repl.files(())) == ["main.py"]
    assert here("flash", "--dry-run", "--force").code == 0
    assert here("flash", "--force").code == 0


def test_program_that_fails_is_told_with_what_the_board_printed(
    here: Callable[..., Said], plug: Callable[..., BoardSim], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("robolink_serial.field.flash.HELLO_S", 2.0)
    plug("pico-1", {})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "main.py").write_text("import robolink_board\nraise RuntimeError('no such motor')\n")
    said = here("flash", "--program", str(tmp_path / "mine"))
    assert said.code == 1
    assert "RuntimeError: no such motor" in said.err
    assert "does not say HELLO" in said.err


def test_full_filesystem_is_refused_before_anything_is_touched(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    board = plug("pico-1", {"boot.py": SMALL_FLASH % 32})
    said = here("flash")
    assert said.code == 1
    assert "are needed: nothing was changed" in said.err
    assert "log.txt (700 bytes)" in said.err
    with broken_in(board.port) as repl:
        assert list(repl.files(())) == ["log.txt"]


def test_flash_that_fits_littlefs_is_written_to_it(plug: Callable[..., BoardSim]) -> None:
    board = plug("pico-1", {"boot.py": SMALL_FLASH % 64})
    with broken_in(board.port) as repl:
        assert repl.facts().block == 512
        repl.write("a.txt", b"a" * 3000)
        assert repl.files(("a.txt",))["a.txt"][0] == 3000


def test_micropython_without_robolink_gets_clear_words(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    plug("other", {"main.py": "import time\nwhile True:\n    print('blink')\n    time.sleep(0.05)\n"})
    said = here("check", "other")
    assert said.code == 1
    assert "has not said HELLO" in said.out
    assert "blink" in said.out
    assert "robolink board flash" in said.out
    assert "MicroPython 1." in said.out
    (row,) = here("list", "--json").json["boards"]
    assert row["state"] == "silent"
    assert "blink" in row["answers"]


def test_what_does_not_answer_gets_clear_words(here: Callable[..., Said], tmp_path: Path) -> None:
    master, slave = os.openpty()
    (tmp_path / "ports" / "mute").symlink_to(os.ttyname(slave))
    os.close(slave)
    try:
        for command in (("flash", "mute"), ("check", "mute")):
            said = here(*command)
            assert said.code == 1
            words = said.err + said.out
            assert "does not answer as MicroPython does" in words
            assert "BOOTSEL" in words
    finally:
        os.close(master)


def test_list_shows_serial_numbers_and_interrupts_nothing(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    plug("pico-1")
    plug("pico-2", {})
    rows = {each["usb_serial"]: each for each in here("list", "--json").json["boards"]}
    assert rows["pico-1"]["state"] == "robolink"
    assert rows["pico-1"]["answers"].startswith("motor-board 1.0")
    assert rows["pico-2"]["state"] == "micropython"
    assert "MicroPython" in rows["pico-2"]["answers"]
    said = here("check")
    assert said.code == 1
    assert "several boards are plugged in" in said.err
    assert "pico-2 at" in said.err
    assert "no board 'pico-9' is plugged in" in here("flash", "pico-9").err


def test_monitor_decodes_frames_and_keeps_text_apart(
    here: Callable[..., Said], plug: Callable[..., BoardSim]
) -> None:
    plug("pico-1", {})
    assert here("flash").code == 0
    said = here("monitor", "--for", "1.5", "--json", "--only", "readings", "--only", "hello")
    lines = [json.loads(line) for line in said.out.splitlines()]
    readings = [each for each in lines if each.get("kind") == "READINGS"]
    assert readings, said.out
    assert readings[-1]["fields"]["motor.speed"] == 0.0
    assert {each["direction"] for each in lines if each.get("kind") == "HELLO"} == {"from-board", "to-board"}
    assert "frames" in said.err
    assert "no frame of kind 'nonsense'" in here("monitor", "--only", "nonsense").err


def test_port_in_use_names_the_process(here: Callable[..., Said], plug: Callable[..., BoardSim]) -> None:
    board = plug("pico-1")
    code = "import sys, serial, time; p = serial.Serial(sys.argv[1], exclusive=True); print('up', flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", code, board.port], stdout=subprocess.PIPE)
    assert other.stdout is not None
    try:
        assert other.stdout.readline()
        said = here("check", "--hub", "tcp://127.0.0.1:9")
        assert said.code == 1
        assert f"in use by process {other.pid}" in said.err
        assert "end that process first" in said.err
        (row,) = here("list", "--json").json["boards"]
        assert row["state"] == "busy"
    finally:
        other.kill()
        other.wait(10)
        other.stdout.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user for a moment")
def test_no_permission_names_the_group_to_join(tmp_path: Path) -> None:
    master, slave = os.openpty()
    path = os.ttyname(slave)
    dialout = 20
    os.chown(path, 0, dialout)
    Path(path).chmod(0o660)
    os.seteuid(65534)
    try:
        with pytest.raises(PortError) as caught:
            Port(path)
    finally:
        os.seteuid(0)
        os.close(master)
        os.close(slave)
    assert "may not be opened by user nobody" in str(caught.value)
    assert "join group dialout: `sudo usermod -aG dialout nobody`" in str(caught.value)


def test_sim_is_a_board_that_the_other_commands_find(here: Callable[..., Said], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "robolink.cli", "board", "sim", "--name", "sim-9", "--empty"]
    sim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert sim.stdout is not None
    try:
        assert "sim-9 is plugged in" in sim.stdout.readline()
        assert here("flash", "sim-9").code == 0
        assert "there is a board sim-9 already" in here("sim", "--name", "sim-9").err
    finally:
        sim.terminate()
        assert sim.wait(20) == 0
        sim.stdout.close()
    assert not list((tmp_path / "ports").iterdir())
    wait_for(lambda: here("list", "--json").json["boards"] == [])
