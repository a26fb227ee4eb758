"""Kills, resets, noise and thieves of the port: the board stops by itself, and everything heals by itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

from robolink import v1
from tests.bridges.serial.conftest import BOARD, Bench, Bridge, Console, wait_turned
from tests.conftest import wait_for

STREAM = """
import sys, time, robolink
with robolink.connect(sys.argv[1], name="app") as hub:
    robot = hub.robot(sys.argv[2])
    with robot.lease():
        while True:
            robot.setpoint("motor.velocity", velocity=1.5)
            time.sleep(0.05)
"""


def mpremote(port: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sysconfig.get_path("scripts")) / "mpremote"
    command = [sys.executable, str(program), "connect", port, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def stream_of_an_app(bench: Bench) -> subprocess.Popen[bytes]:
    app = subprocess.Popen([sys.executable, "-c", STREAM, bench.hub_process.url, BOARD])
    bench.wait_moving()
    return app


def told_to_stand_still(console: Console) -> bool:
    speeds = console.speeds()
    return bool(speeds) and speeds[-1][1] == 0.0


def test_board_stops_by_itself_when_its_bridge_is_killed(witness_bench: Bench) -> None:
    bench = witness_bench
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=90.0)
        bench.wait_moving()
        bench.bridge.stop(signal.SIGKILL)
        console = Console(bench.board.port)
        wait_for(lambda: told_to_stand_still(console), 10, "the board's own standstill")
        began = [at for at, speed in console.speeds() if speed > 1.0]
        assert began, "it was still turning when its bridge died"
        console.close()
        bench.bridge.start()
        bench.wait_online()
        bench.wait_still()
        assert goal.wait(20).state in (
            v1.COMMAND_STATE_LOST,
            v1.COMMAND_STATE_FAILED,
            v1.COMMAND_STATE_CANCELED,
        )
        wait_turned(bench.robot, 0.0)


def test_board_stops_by_itself_when_the_app_that_streams_is_killed(bench: Bench) -> None:
    app = stream_of_an_app(bench)
    app.kill()
    app.wait(10)
    bench.wait_still()
    assert bench.online()


def test_board_stops_when_bridge_is_killed_while_an_app_streams_on(witness_bench: Bench) -> None:
    bench = witness_bench
    app = stream_of_an_app(bench)
    bench.bridge.stop(signal.SIGKILL)
    console = Console(bench.board.port)
    wait_for(lambda: told_to_stand_still(console), 10, "the board's own standstill")
    console.close()
    app.kill()
    app.wait(10)


def test_heals_after_a_reset_of_the_board_and_applies_settings_again(bench: Bench) -> None:
    bench.robot.twin.set("motor.max_speed", 3.0, wait_s=5)
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=90.0)
        bench.wait_moving()
        bench.board.reset()
        ended = goal.wait(20)
        assert ended.state == v1.COMMAND_STATE_FAILED
        assert "reset" in ended.text
    bench.wait_online()
    wait_for(lambda: bench.reading("motor.position") == 0.0, what="a board that begins anew")
    wait_for(
        lambda: bench.reading("motor.max_speed") == 3.0, what="the setting in the board that has forgotten it"
    )
    assert bench.reading("motor.speed") == 0.0


def test_latch_reaches_a_board_that_was_reset(bench: Bench) -> None:
    bench.robot.stop()
    bench.board.reset()
    wait_for(lambda: b"session" in bench.bridge.log.read_bytes().split(b"answers")[-1], what="a session")
    assert bench.robot.release().cause == v1.CAUSE_UNSPECIFIED
    with bench.robot.lease():
        wait_turned(bench.robot, what="motion after the release")


def test_port_that_vanishes_is_a_robot_that_does_not_answer(bench: Bench) -> None:
    bench.board.kill()
    wait_for(lambda: not bench.online(), what="offline")
    result = bench.robot.stop()
    assert result.verdict == v1.STOP_VERDICT_UNREACHABLE, "a stop that nobody could hear is not called a stop"
    bench.board.power_on()
    bench.wait_online()
    released = bench.robot.release()
    assert released.cause == v1.CAUSE_UNSPECIFIED


def test_heals_after_a_restart_of_the_hub(bench: Bench) -> None:
    bench.hub_process.kill()
    bench.hub_process.start()
    bench.wait_online()
    with bench.robot.lease():
        wait_turned(bench.robot, 0.5)


def test_noise_on_the_line_disturbs_no_goal(witness_bench: Bench) -> None:
    # Towards the host there is text all the time (the witness); towards the board it is random bytes.
    bench, noise = witness_bench, random.Random(11)
    line = os.open(bench.board.port, os.O_WRONLY | os.O_NOCTTY)
    with bench.robot.lease():
        goal = bench.robot.goal("motor.turn_to", position=1.5)

        def ended() -> bool:
            # All but the one byte that means something on a port shared with a REPL.
            os.write(line, noise.randbytes(noise.randrange(1, 60)).replace(b"\x03", b"\x7e"))
            return goal.state == v1.COMMAND_STATE_SUCCEEDED

        wait_for(ended, 20, "the goal")
    os.close(line)


def test_mpremote_breaks_in_and_the_bridge_takes_over_again(bench: Bench) -> None:
    bench.bridge.stop()
    shown = mpremote(bench.board.port, "exec", "import sys; print(sys.implementation.name)")
    assert shown.stdout == "micropython\n", shown.stderr
    listed = mpremote(bench.board.port, "fs", "ls")
    assert "main.py" in listed.stdout
    # The board now sits in its REPL: the bridge sees the prompt and starts main.py.
    bench.bridge.start()
    bench.wait_online()
    with bench.robot.lease():
        wait_turned(bench.robot, 0.5)


def test_ctrl_c_makes_a_turning_motor_safe(witness_bench: Bench) -> None:
    bench = witness_bench
    app = stream_of_an_app(bench)
    line = os.open(bench.board.port, os.O_WRONLY | os.O_NOCTTY)
    os.write(line, b"\x03")
    os.close(line)
    wait_for(lambda: b"outputs are safe" in bench.bridge.log.read_bytes(), what="the board's last words")
    app.kill()
    app.wait(10)
    # The bridge finds the prompt by itself, and nothing moves by that.
    wait_for(lambda: bench.reading("motor.speed") == 0.0, 20, "a board that begins anew")
    bench.wait_online()


def test_busy_port_is_refused_and_the_owner_named(bench: Bench, tmp_path: Path) -> None:
    second = Bridge(bench.board.port, bench.hub_process.url, tmp_path / "second.log")
    second.start()
    assert second.process is not None
    assert second.process.wait(20) == 1
    said = second.log.read_text()
    assert bench.bridge.process is not None
    assert f"in use by process {bench.bridge.process.pid}" in said
    assert "one port has one owner" in said
    assert "Traceback" not in said
    assert bench.online()


def test_missing_port_is_an_error_in_one_line(tmp_path: Path) -> None:
    bridge = Bridge(str(tmp_path / "no-port"), "tcp://127.0.0.1:9", tmp_path / "log")
    bridge.start()
    assert bridge.process is not None
    assert bridge.process.wait(20) == 1
    assert "is not there (plug the board in" in bridge.log.read_text()
