"""One port, one owner: `robolink board` asks a running bridge for its port, under a maintain lease, and it gets it back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from robolink import v1
from robolink.errors import RejectedError
from robolink_serial.port import port_holder
from robolink_sims.board import BoardSim
from tests.bridges.serial.conftest import BOARD, Bench, turned
from tests.conftest import HubProcess, wait_for

HAND_OVER = "port.hand_over"


def command(bench: Bench, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "robolink.cli", "--hub", bench.hub_process.url, "board", *arguments]


def run(bench: Bench, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(bench, *arguments), capture_output=True, text=True, timeout=60)


def turns(bench: Bench) -> bool:
    if not bench.online():
        return False
    with bench.robot.lease():
        return turned(bench.robot)


def test_exec_hands_the_port_over_runs_mpremote_and_the_link_heals(bench: Bench) -> None:
    said = run(bench, "exec", bench.board.port, "import sys; print(sys.implementation.name)")
    assert said.returncode == 0, said.stderr
    assert said.stdout == "micropython\n"
    assert f"{BOARD}: taken back, the board answers" in said.stderr
    wait_for(lambda: turns(bench), 60, "a turn")
    failed = run(bench, "exec", bench.board.port, "--mpremote", "exec", "raise ValueError('on the board')")
    assert failed.returncode == 1
    assert "ValueError: on the board" in failed.stdout + failed.stderr
    wait_for(lambda: turns(bench), 60, "a turn")


def test_check_and_flash_through_the_bridge(bench: Bench) -> None:
    flashed = run(bench, "flash", bench.board.port, "--force", "--json")
    assert flashed.returncode == 0, flashed.stderr
    told = json.loads(flashed.stdout)
    assert "robolink_board/link.mpy" in told["written"]
    assert "robolink_board/link.py" in told["removed"]
    assert told["hello"]["bridge"] == BOARD
    checked = run(bench, "check", bench.board.port, "--json")
    assert json.loads(checked.stdout)["healthy"], checked.stdout
    wait_for(lambda: turns(bench), 60, "a turn")


def test_needs_the_lease_and_an_idle_board(bench: Bench) -> None:
    with pytest.raises(RejectedError, match="maintain"):
        bench.robot.goal(HAND_OVER)
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=90.0)
        bench.wait_moving()
        said = run(bench, "exec", bench.board.port, "print(1)")
        assert said.returncode == 1
        assert "test" in said.stderr, "the owner of the lease is named"
        assert goal.state == v1.COMMAND_STATE_RUNNING
        goal.cancel()
        goal.wait(10)
    assert bench.online()


def test_port_comes_back_when_the_command_line_is_killed(bench: Bench) -> None:
    # The unix port takes no Ctrl-C while its raw REPL runs code, as real boards do: what runs must end by itself.
    tool = subprocess.Popen(
        command(bench, "exec", bench.board.port, "print('in'); import time; time.sleep(8)"),
        stdout=subprocess.PIPE,
    )
    assert tool.stdout is not None
    assert tool.stdout.readline() == b"in\n"
    with pytest.raises(RejectedError):
        bench.robot.lease().acquire()
    tool.send_signal(signal.SIGKILL)
    tool.wait(10)
    tool.stdout.close()

    def lease_is_free() -> bool:
        try:
            return turns(bench)
        except RejectedError:
            return False

    wait_for(lease_is_free, 60, "motion after the owner's death")


def test_stopped_robot_is_handed_over_and_stays_stopped(bench: Bench) -> None:
    bench.robot.stop()
    said = run(bench, "exec", bench.board.port, "print(2)")
    assert said.stdout == "2\n", said.stderr
    bench.wait_online()
    with bench.robot.lease(), pytest.raises(RejectedError, match="LATCHED"):
        bench.robot.goal("motor.turn_to", position=0.1)


def test_without_its_hub_a_bridge_is_not_robbed_of_its_port(bench: Bench) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "robolink.cli", "board", "exec", "--hub", "tcp://127.0.0.1:9", bench.board.port, "print(1)"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.returncode == 1
    assert "hands a port over through its hub" in said.stderr
    assert bench.bridge.process is not None
    assert f"process {bench.bridge.process.pid}" in said.stderr
    assert bench.online()


def test_board_without_a_program_is_lent_so_that_it_can_be_given_one(hub: HubProcess, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with BoardSim(tmp_path / "empty") as board:
        bench = Bench(hub, board, tmp_path)
        try:
            bench.bridge.start()
            assert bench.bridge.process is not None
            bridge = f"process {bench.bridge.process.pid} "
            wait_for(lambda: bridge in port_holder(board.port), 30, "the bridge at its port")
            wait_for(lambda: lent(bench), 60, "a flashed board")
            bench.wait_online()
            wait_for(lambda: turns(bench), 60, "a turn")
        finally:
            bench.close()


def lent(bench: Bench) -> bool:
    """Flash as soon as the bridge has given up waiting: until then the port is in use."""
    said = run(bench, "flash", bench.board.port, "--json")
    assert said.returncode == 0 or "in use" in said.stderr, said.stderr
    return said.returncode == 0
