"""From a cloud's desired value to a robot and back: hub, robot and mapper are real processes, edgecore is a double."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from tests.bridges.kubeedge.conftest import ROBOT, Bench
from tests.conftest import wait_for

LIMIT = "walker.limit"


def test_a_setting_goes_down_and_is_observed_in_the_clouds_own_words(bench: Bench) -> None:
    bench.patch(LIMIT, "0.750")
    bench.wait_observed(LIMIT, "0.750")
    assert bench.reported(LIMIT)[1] == "0.75"
    assert bench.robot.twin.get(LIMIT)[LIMIT].desired.value.double_value == 0.75
    # Out of the sheet's limits: the hub says no. Within them: the robot says no. Both are seen in the cloud.
    for text, error in (("9", f"{LIMIT}:LIMIT"), ("1.5", ":LIMIT"), ("fast", f"{LIMIT}:INVALID")):
        bench.patch(LIMIT, text)
        assert bench.double.wait(lambda error=error: error in bench.reported("setting-errors")[1], 20)
        assert bench.reported(LIMIT)[0] != text
        bench.wait_state("unhealthy")
    bench.patch(LIMIT, "1")
    bench.wait_observed(LIMIT, "1")
    bench.wait_state("ok")
    assert bench.robot.twin.get(LIMIT)[LIMIT].desired.value.double_value == 1.0
    assert bench.double.counters["panics"] == bench.double.counters["charset"] == 0


def test_a_text_that_edgecore_would_drop_arrives_encoded(bench: Bench) -> None:
    bench.robot.twin.set("walker.note", 'said "hello world"', wait_s=5)
    assert bench.double.wait(lambda: bench.reported("walker.note")[1] == "#c2FpZCAiaGVsbG8gd29ybGQi", 20)
    bench.patch("walker.note", "#YSBi")
    bench.wait_observed("walker.note", "#YSBi")
    assert bench.robot.twin.get("walker.note")["walker.note"].desired.value.string_value == "a b"
    assert bench.double.counters["charset"] == 0


def test_a_command_runs_once_whatever_is_delivered_again(bench: Bench) -> None:
    bench.patch("cmd", bench.cmd("a1", "walker.count", number=1))
    assert bench.verdict("a1") == ("SUCCEEDED", "")
    bench.mapper.end(signal.SIGKILL)
    bench.mapper.start()  # It registers, and gets `cmd` with its old text.
    bench.patch(LIMIT, "0.6")  # A full update, `cmd` in it.
    bench.wait_observed(LIMIT, "0.6")
    bench.double.stop()
    bench.double.start()
    bench.patch("cmd", bench.cmd("a2", "walker.count", number=2))
    assert bench.verdict("a2") == ("SUCCEEDED", "")
    bench.hub_process.restart()
    wait_for(bench.online, what="the robot at the new hub")
    bench.patch("cmd", bench.cmd("a3", "walker.count", number=3))
    assert bench.verdict("a3") == ("SUCCEEDED", "")
    assert bench.ran() == [1, 2, 3]


def test_a_goal_goes_on_while_the_mapper_is_killed_and_restarted(bench: Bench) -> None:
    bench.patch("cmd", bench.cmd("g1", "walker.walk", number=7, seconds=3.0))
    bench.verdict("g1", "RUNNING")
    bench.mapper.end(signal.SIGKILL)
    bench.mapper.start()
    assert bench.verdict("g1") == ("SUCCEEDED", "")
    assert bench.ran() == [7]


def test_a_command_that_comes_too_late_expires_and_a_bad_one_is_refused(bench: Bench) -> None:
    bench.patch("cmd", bench.cmd("old", "walker.count", age_s=40, number=1))
    assert bench.verdict("old") == ("EXPIRED", "TOO_LATE")
    bench.patch("cmd", bench.cmd("who", "walker.fly"))
    assert bench.verdict("who") == ("REJECTED", "UNSUPPORTED")
    bench.patch("cmd", bench.cmd("bad", "walker.count", number="x"))
    assert bench.verdict("bad") == ("REJECTED", "INVALID")
    bench.patch("cmd", "no/command")
    assert bench.double.wait(lambda: "cmd:INVALID" in bench.reported("setting-errors")[1], 20)
    assert bench.ran() == []


def test_against_a_local_owner_the_twin_is_refused(bench: Bench) -> None:
    with bench.robot.lease():
        bench.patch("cmd", bench.cmd("a1", "walker.walk", number=1))
        assert bench.verdict("a1") == ("REJECTED", "NO_LEASE")
    assert bench.ran() == []


def test_cancel_by_twin(bench: Bench) -> None:
    bench.patch("cmd", bench.cmd("g1", "walker.walk", number=1, seconds=20.0))
    bench.verdict("g1", "RUNNING")
    bench.patch("cmd", bench.cmd("c1", "cancel", id="g1"))
    assert bench.verdict("g1") == ("CANCELED", "")
    assert bench.verdict("c1") == ("SUCCEEDED", "")


def test_a_stop_is_raised_never_lowered_and_released_by_a_command(bench: Bench) -> None:
    bench.patch("cmd", bench.cmd("g1", "walker.walk", number=1, seconds=20.0))
    bench.verdict("g1", "RUNNING")
    bench.patch("stop", "SOFT_HOLD")
    assert bench.verdict("g1") == ("STOPPED", "LATCHED")
    bench.wait_observed("stop", "SOFT_HOLD")
    assert bench.double.wait(lambda: bench.reported("stop-generation")[1] == "1", 20)
    # Taken back in the cloud, delivered again by restarts: the robot stays stopped.
    bench.patch("stop", "")
    bench.mapper.end(signal.SIGKILL)
    bench.mapper.start()
    bench.patch("cmd", bench.cmd("g2", "walker.walk", number=2))
    assert bench.verdict("g2") == ("REJECTED", "LATCHED")
    bench.patch("cmd", bench.cmd("r0", "release", generation=0))
    assert bench.verdict("r0")[0] == "REJECTED"
    assert bench.hub.robots()[0].authority.stop.latched
    bench.patch("cmd", bench.cmd("r1", "release", generation=1))
    assert bench.verdict("r1") == ("SUCCEEDED", "")
    wait_for(lambda: not bench.hub.robots()[0].authority.stop.latched, what="the release")
    bench.patch("cmd", bench.cmd("g3", "walker.walk", number=3))
    assert bench.verdict("g3") == ("SUCCEEDED", "")
    assert bench.ran() == [1, 3], "what was ordered before or during the stop never ran"
    # The same level once more, after it was cleared: a stop like the first.
    bench.patch("stop", "SOFT_HOLD")
    assert bench.double.wait(lambda: bench.reported("stop-generation")[1] == "2", 20)
    bench.patch("stop", "")
    bench.robot.release()
    bench.patch("stop", "SOFT_HOLD")
    assert bench.double.wait(lambda: bench.reported("stop-generation")[1] == "3", 20)


def test_states_of_robot_and_hub_are_seen_in_the_cloud(bench: Bench) -> None:
    bench.kill_robot()
    bench.wait_state("offline")
    bench.start_robot()
    bench.wait_state("ok")
    bench.hub_process.kill()
    bench.wait_state("unknown")
    bench.patch(LIMIT, "0.4")  # Kept by the mapper until there is a hub again.
    bench.hub_process.start()
    bench.wait_observed(LIMIT, "0.4")
    bench.wait_state("ok")


def test_devices_come_and_go_and_an_update_of_an_unknown_one_is_a_registration(bench: Bench) -> None:
    assert bench.double.mapper_device(ROBOT).name == ROBOT
    bench.double.delete(ROBOT)
    assert [name for name, _ in bench.double.calls[-2:]] == ["RemoveDeviceModel", "RemoveDevice"]
    bench.double.apply(bench.model)
    assert bench.double.counters["models_lost"] == 1, "applied again at once"
    bench.double.pause(1.0)
    bench.double.apply(bench.model)
    bench.double.apply(bench.device)
    bench.wait_state("ok")
    assert bench.double.mapper_device(ROBOT).name == ROBOT
    # A mapper that never heard of the device gets UpdateDevice for it.
    bench.double.delete(ROBOT)
    bench.double.pause(1.0)
    bench.double.apply(bench.model)
    bench.mapper.end()
    bench.double.log.clear()
    bench.double.apply(bench.device)
    assert any("RegisterDevice" in each for each in bench.double.log), "nobody was there to be told"
    bench.mapper.start()
    bench.wait_state("ok")

    def names() -> set[str]:
        return {each.property_name for each in bench.double.mapper_device(ROBOT).status.twins}

    wait_for(lambda: {"cmd-status", LIMIT} <= names(), what="the robot's twins")
    # A list in configData: the device is in the cloud, and never comes to the mapper.
    spec = bench.device["spec"] | {
        "protocol": {"protocolName": "robolink", "configData": {"robots": [ROBOT]}}
    }
    bench.double.apply(bench.device | {"metadata": {"name": "nobody"}, "spec": spec})
    with pytest.raises(grpc.RpcError) as caught:
        bench.double.mapper_device("nobody")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_edgecores_restart_and_a_broken_link(bench: Bench) -> None:
    bench.double.link_down()
    bench.patch(LIMIT, "0.3")
    bench.double.link_up()
    assert bench.robot.twin.get(LIMIT)[LIMIT].desired.version == 0, "nothing told the mapper"
    bench.double.stop()
    before = bench.double.counters["registrations"]
    bench.double.start()
    bench.wait_observed(LIMIT, "0.3")
    assert bench.double.counters["registrations"] > before


def test_faults_at_the_command_line_are_told(bench: Bench, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "robolink.cli", "kubeedge", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    second = run("mapper", "--config", str(bench.mapper.config))
    assert second.returncode == 2
    assert "another mapper serves" in second.stderr
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("common: {protokoll: x}\n")
    told = run("mapper", "--config", str(wrong))
    assert told.returncode == 2
    assert "common.protokoll" in told.stderr
    listed = run("manifest", "--all", "--json", "--hub", bench.hub_process.url)
    assert [part in listed.stdout for part in ("DeviceModel", ROBOT)] == [True, True]
    assert run("manifest", "--hub", bench.hub_process.url).returncode == 2
    nobody = run("cloud", "status", "--folder", str(tmp_path), ROBOT)
    assert nobody.returncode == 3
    assert "robolink kubeedge double" in nobody.stderr
    assert bench.mapper.end() == 0
