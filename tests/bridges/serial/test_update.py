"""Updates of a board that serves: signed images through hub, bridge and link into real MicroPython, tried, kept or given up."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import robolink
from robolink import v1
from robolink.client import GoalHandle, Options
from robolink.errors import CommandFailedError, LeaseError, RejectedError
from robolink_serial.update.image import Image, ImageFile, load_private, make_key, write_image
from robolink_sims.board import BoardSim, firmware_folder
from tests.bridges.serial.conftest import BOARD, ROLES, Bench
from tests.conftest import HubProcess, wait_for

pytestmark = pytest.mark.board
UPDATE = "firmware.update"
LONG_S = 120.0


def program(version: str, **changes: str) -> Image:
    """The firmware as it is, with that version and other texts for some files."""
    folder = firmware_folder() / "robolink_board"
    files = {f"robolink_board/{each.name}": each.read_bytes() for each in sorted(folder.glob("*.py"))}
    for name, text in changes.items():
        files[f"robolink_board/{name}.py"] = text.encode()
    return Image(
        version=version,
        architecture="",
        bytecode=0,
        files=tuple(ImageFile(path=path, data=data) for path, data in files.items()),
    )


@pytest.fixture
def maker(tmp_path: Path) -> Path:
    """A maker's private key; the public one beside it is trusted by the bridge."""
    make_key(tmp_path / "maker")
    return tmp_path / "maker"


@pytest.fixture
def updating(hub: HubProcess, board: BoardSim, maker: Path, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(hub, board, tmp_path)
    made.hub.close()
    made.hub = robolink.connect(hub.url, name="test", roles=(*ROLES, v1.ROLE_MAINTAIN))
    made.robot = made.hub.robot(BOARD)
    made.bridge.more = ["--trust", f"{maker}.pub"]
    try:
        made.bridge.start()
        made.wait_online()
        wait_for(lambda: text(made, "firmware.slot") == "flashed", 20, "what it runs")
        yield made
    finally:
        made.close()


def text(bench: Bench, name: str) -> str:
    return str(bench.robot.twin.get(name)[name].reported.value.string_value)


def written(image: Image, maker: Path) -> str:
    path = maker.parent / f"{image.version}.image"
    write_image(image, load_private(maker), path)
    return str(path)


def begin(bench: Bench, path: str) -> GoalHandle:
    return bench.robot.goal(UPDATE, Options(on_disconnect=v1.ON_DISCONNECT_CONTINUE), image=path)


def test_an_update_while_it_serves_then_back(updating: Bench, maker: Path) -> None:
    with updating.robot.lease():
        goal = begin(updating, written(program("9.1"), maker))
        phases = list(dict.fromkeys(each.phase for each in goal.feedback()))
        assert goal.result(LONG_S).state == v1.COMMAND_STATE_SUCCEEDED
        # Newest only: a short phase may be left out.
        assert "sending" in phases and phases[-1] in ("booting", "trial", "confirming"), phases
        wait_for(lambda: text(updating, "firmware.state") == "CONFIRMED", 20, "the board's word")
        assert text(updating, "firmware.slot") == "a"
        # The new program is what moves now.
        turned = updating.robot.goal("motor.turn_to", position=0.5).result(20)
        assert turned.state == v1.COMMAND_STATE_SUCCEEDED
        updating.robot.goal("firmware.rollback").result(LONG_S)
        wait_for(lambda: text(updating, "firmware.slot") == "flashed", 20, "the flashed program again")


@pytest.mark.parametrize(
    "fault",
    ["import sys\nwhile True:\n    pass\n", "raise RuntimeError('not today')\n"],
    ids=["hangs", "raises"],
)
def test_firmware_that_does_not_come_up_goes_back_by_itself(updating: Bench, maker: Path, fault: str) -> None:
    with updating.robot.lease():
        goal = begin(updating, written(program("9.2", app=fault), maker))
        with pytest.raises(CommandFailedError, match="went back to slot flashed"):
            goal.result(LONG_S)
    wait_for(lambda: text(updating, "firmware.slot") == "flashed", 20, "the flashed program again")
    assert "ROLLED_BACK" in text(updating, "firmware.spare")


def test_a_bad_signature_never_reaches_the_board(updating: Bench, maker: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "stranger")
    image = written(program("9.3"), tmp_path / "stranger")
    with updating.robot.lease(), pytest.raises(CommandFailedError, match="not signed by a key"):
        begin(updating, image).result(LONG_S)
    assert "9.3" not in text(updating, "firmware.spare")
    assert not list(Path(updating.board._flash).glob("slots/*/robolink_board"))


def test_only_who_maintains_may_update(updating: Bench, maker: Path) -> None:
    path = written(program("9.4"), maker)
    with (
        robolink.connect(updating.hub_process.url, name="operator", roles=ROLES) as hub,
        pytest.raises((RejectedError, LeaseError)),
        hub.robot(BOARD).lease(),
    ):
        hub.robot(BOARD).goal(UPDATE, image=path)
    with pytest.raises((RejectedError, LeaseError)):
        updating.robot.goal(UPDATE, image=path)
    assert text(updating, "firmware.slot") == "flashed"


def test_the_bridge_is_killed_in_the_middle_and_the_next_update_goes_on(updating: Bench, maker: Path) -> None:
    path = written(program("9.5"), maker)
    with updating.robot.lease():
        goal = begin(updating, path)
        for each in goal.feedback():
            if each.phase == "sending" and each.progress > 0.3:
                break
        updating.bridge.stop(9)
        updating.bridge.start()
        assert goal.wait(60).state in (v1.COMMAND_STATE_LOST, v1.COMMAND_STATE_FAILED)
        updating.wait_online()
        again = begin(updating, path)
        told = [(each.phase, each.progress) for each in again.feedback()]
        again.result(LONG_S)
        sent = [progress for phase, progress in told if phase == "sending"]
        assert sent and sent[0] > 0.2, "what has come stays at the board"
    wait_for(lambda: text(updating, "firmware.slot") == "a", 20, "the new program")


def test_the_commands_make_an_image_update_and_go_back(updating: Bench, tmp_path: Path) -> None:
    robolink_cli = [sys.executable, str(Path(sysconfig.get_path("scripts")) / "robolink"), "board"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*robolink_cli, *words], capture_output=True, text=True, timeout=LONG_S, cwd=tmp_path
        )

    assert "there already" in run("keygen", "maker").stderr
    made = run("image", "new.image", "--key", "maker", "--version", "9.6")
    assert made.returncode == 0, made.stderr
    hub = ("--hub", updating.hub_process.url)
    done = run("update", BOARD, "new.image", *hub)
    assert done.returncode == 0, done.stderr
    assert "runs slot a 9.6" in done.stderr
    back = run("rollback", BOARD, *hub, "--json")
    assert back.returncode == 0, back.stderr
    wait_for(lambda: text(updating, "firmware.slot") == "flashed", 20, "the flashed program again")
    again = run("rollback", BOARD, *hub)
    assert again.returncode == 1
    assert "nothing else has run before" in again.stderr
