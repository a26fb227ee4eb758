"""Bad input at the hub's door: a clear error each, counted, and the hub goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core import twincmd
from robolink.core.envelope import MAX_BODY_BYTES
from robolink.errors import ConfigError
from robolink.hub.config import load
from tests.conftest import HubProcess, wait_for
from tests.hub.peers import SHEET, RawClient, RawDriver, RawPeer

BINARY = st.lists(st.binary(max_size=200), min_size=1, max_size=4)


def alive(client: RawClient) -> None:
    assert client.reply(v1.BeatReply, v1.Beat())


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([b"junk"], "1 frames"),
        ([b"junk", b""], "not a Robolink header"),
        ([b"x" * 600, b""], "over the limit of 512"),
        ([v1.Header(major=9, message_id=b"m" * 16).SerializeToString(), b""], "major version 9"),
        ([v1.Header(major=1, message_id=b"m").SerializeToString(), b""], "message_id"),
        ([v1.Header(major=1, message_id=b"m" * 16, body_type=99).SerializeToString(), b""], "body type 99"),  # type: ignore[arg-type]
        (
            [v1.Header(major=1, message_id=b"m" * 16, body_type=16).SerializeToString(), b"\xff"],
            "not a Command",
        ),
        ([v1.Header(major=1, message_id=b"m" * 16, body_type=16).SerializeToString(), b""], "empty"),
        (
            [
                v1.Header(major=1, message_id=b"m" * 16, body_type=16).SerializeToString(),
                b"x" * (MAX_BODY_BYTES + 1),
            ],
            "over the limit",
        ),
        ([v1.Header(major=1, message_id=b"m" * 16, body_type=2).SerializeToString(), b""], "not for the hub"),
    ],
)
def test_malformed_messages(client: RawClient, frames: list[bytes], words: str) -> None:
    client.socket.send_multipart(frames)
    error = client.expect(v1.Error)[1]
    assert words in error.text
    assert any(name.startswith("refused_") and count for name, count in client.counters().items())
    alive(client)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=BINARY)
def test_any_frames_on_both_lanes_leave_the_hub_standing(client: RawClient, frames: list[bytes]) -> None:
    client.socket.send_multipart(frames)
    client.safety.socket.send_multipart(frames)
    alive(client)
    assert client.safety.reply(v1.BeatReply, v1.Beat())


def test_a_peer_without_hello_is_told_so(context: zmq.Context[Any], hub: HubProcess) -> None:
    stranger = RawPeer(context, hub.url)
    error = stranger.reply(v1.Error, v1.RobotsQuery())
    assert error.cause == v1.CAUSE_NO_HELLO
    assert error.hint


def test_roles_are_kept(driver: RawDriver, make_client: Callable[..., RawClient]) -> None:
    observer = make_client("olaf", roles=(v1.ROLE_OBSERVE,))
    update = observer.update(observer.command("base.ping"))
    assert update.cause == v1.CAUSE_DENIED
    lease = v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot="r1")
    assert observer.reply(v1.Error, lease).cause == v1.CAUSE_DENIED
    assert observer.safety.reply(v1.Error, v1.Stop()).cause == v1.CAUSE_DENIED
    later_minor = make_client("odd", roles=(99,))
    assert later_minor.update(later_minor.command("base.ping")).cause == v1.CAUSE_DENIED
    operator = make_client("otto", roles=(v1.ROLE_OPERATE,))
    assert operator.safety.reply(v1.StopReply, v1.Stop(robots=["nobody"]))
    assert operator.safety.reply(v1.Error, v1.Release()).cause == v1.CAUSE_DENIED
    write = v1.TwinWrite(robot="r1", name="base.max_speed", value=v1.Value(double_value=1))
    assert operator.reply(v1.Error, write).cause == v1.CAUSE_DENIED


def test_two_drivers_with_one_id(
    driver: RawDriver, client: RawClient, context: zmq.Context[Any], hub: HubProcess
) -> None:
    second = RawDriver(context, hub)
    hello = v1.Hello(kind=v1.PEER_KIND_DRIVER, major=1, name="second")
    hello.robots.add(robot="r1").sheet.CopyFrom(SHEET)
    error = second.reply(v1.Error, hello)
    assert error.cause == v1.CAUSE_ROBOT_TAKEN
    assert "'driver'" in error.text
    assert client.counters()["robot_taken"] == 1
    command = client.command("base.ping")
    assert driver.expect(v1.Command)[0].message_id == command
    # The first one dies: the second is let in on a later try.
    driver.socket.close()

    wait_for(lambda: not client.reply(v1.Robots, v1.RobotsQuery()).robots[0].online, what="offline")
    assert second.reply(v1.HelloReply, hello)


@pytest.mark.parametrize(
    ("robot", "change", "words"),
    [
        ("Not_A_Label", lambda _sheet: None, "DNS-1123"),
        ("r2", lambda sheet: sheet.components.add(name="base"), "base"),
        ("r2", lambda sheet: setattr(sheet, "model", ""), "model"),
        ("r2", lambda sheet: setattr(sheet.components[0].methods[0].args[0], "minimum", 9), "minimum 9"),
    ],
)
def test_bad_sheets(
    client: RawClient, context: zmq.Context[Any], hub: HubProcess, robot: str, change: Any, words: str
) -> None:
    sheet = v1.Sheet()
    sheet.CopyFrom(SHEET)
    change(sheet)
    peer = RawPeer(context, hub.url)
    hello = v1.Hello(
        kind=v1.PEER_KIND_DRIVER, major=1, name="bad", robots=[v1.RobotHello(robot=robot, sheet=sheet)]
    )
    error = peer.reply(v1.Error, hello)
    assert error.cause == v1.CAUSE_INVALID
    assert words in error.text
    assert [each.robot for each in client.reply(v1.Robots, v1.RobotsQuery()).robots] == ["r1"]


def test_setpoints_without_authority_are_counted_and_go_nowhere(driver: RawDriver, client: RawClient) -> None:
    for _ in range(20):
        client.send(v1.Setpoint(name="velocity", values=[1.0]), destination="r1/base", ttl_ms=300)
    error = client.expect(v1.Error)[1]
    assert error.cause == v1.CAUSE_NO_LEASE
    assert client.counters()["setpoint_no_lease"] == 20
    client.acquire()
    client.send(
        v1.Setpoint(name="velocity", values=[2.0]), destination="r1/base", ttl_ms=300, lease=client.lease
    )
    assert driver.expect(v1.Setpoint)[1].values == [2.0]


def test_a_full_store_answers_storage_and_the_hub_goes_on(
    make_hub: Callable[..., HubProcess], context: zmq.Context[Any]
) -> None:
    hub = make_hub()
    hub.stop()
    # A store of 40 pages is nearly full from its tables alone: SQLite itself refuses, as on a full disk.
    hub.config.write_text(hub.config.read_text() + "max_bytes = 163840\n")
    hub.start()
    driver, client = RawDriver(context, hub), RawClient(context, hub)
    driver.hello()
    client.hello()
    causes = set()
    for _ in range(400):
        command = client.send(
            v1.Command(method="base.ping", claimed_by="x" * 3000), destination="r1", ttl_ms=5000
        )
        update = client.update(command)
        causes.add(update.cause)
        if update.state == v1.COMMAND_STATE_REJECTED:
            break
    assert update.cause == v1.CAUSE_STORAGE
    assert "full" in update.text
    assert client.counters()["storage_failed"] >= 1
    # It was never passed on, and stopping still works.
    assert all(h.message_id != command for h, _ in driver.got)
    results = client.safety.reply(v1.StopReply, v1.Stop(robots=["nobody"])).results
    assert results[0].verdict == v1.STOP_VERDICT_UNREACHABLE


def test_a_twin_command_that_cannot_be_kept_is_told_and_runs_once_there_is_room(
    make_hub: Callable[..., HubProcess], context: zmq.Context[Any]
) -> None:
    hub = make_hub()
    hub.stop()
    roomy = hub.config.read_text()
    hub.config.write_text(roomy + "max_bytes = 163840\n")
    hub.start()
    driver, client = RawDriver(context, hub), RawClient(context, hub)
    driver.hello()
    client.hello()
    update = v1.CommandUpdate()
    while update.cause != v1.CAUSE_STORAGE:
        command = v1.Command(method="base.ping", claimed_by="x" * 3000)
        update = client.update(client.send(command, destination="r1", ttl_ms=5000))
    # Nearly full: now and then a small row still finds room.
    for number in range(2000):
        driver.send(v1.Beat())
        text = twincmd.make(f"c{number}", "base.ping", {}, issued_ms=int(time.time() * 1000), ttl_ms=600_000)
        write = v1.TwinWrite(robot="r1", name="cmd", value=v1.Value(string_value=text))
        message_id = client.send(write)
        reply = client.expect(v1.TwinWriteReply)[1]
        if reply.cause:
            break
    assert reply.cause == v1.CAUSE_STORAGE
    # Asked again, the same answer: nobody is told that it was written.
    client.send(write, message_id=message_id)
    again = client.expect(v1.TwinWriteReply, lambda h, _b: h.correlation_id == message_id)[1]
    assert again.cause == v1.CAUSE_STORAGE
    command_id = twincmd.command_id("r1", f"c{number}")
    assert all(h.message_id != command_id for h, _ in driver.got)
    hub.stop()
    hub.config.write_text(roomy)
    hub.start()
    driver, client = RawDriver(context, hub), RawClient(context, hub)
    driver.hello()
    client.hello()
    assert not client.reply(v1.TwinWriteReply, write).cause
    assert driver.expect(v1.Command, lambda h, _b: h.message_id == command_id)


def run_hub(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "robolink.hub", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_busy_port_is_a_clear_error(hub: HubProcess, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(f'url = "{hub.url}"\n[store]\npath = "{tmp_path / "other"}"\n')
    ended = run_hub("--config", str(other))
    assert ended.returncode == 1
    assert "cannot bind the control lane" in ended.stderr
    assert "another hub" in ended.stderr


def test_off_loopback_needs_keys() -> None:
    ended = run_hub("--url", "tcp://0.0.0.0:5570")
    assert ended.returncode == 2
    assert "refusing to bind" in ended.stderr
    assert "CURVE" in ended.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("url = 3", "url"),
        ("nonsense = 1", "nonsense"),
        ("[timeouts]\nbeat_ms = 1", "timeouts.beat_ms"),
        ("[timeouts]\npeer_lost_ms = 600", "twice beat_ms"),
        ("[store]\ndurability = 'maybe'", "durability"),
        ("= 1", "not TOML"),
        ("[curve]\nsecret_key_file = 'k'\npeers = [{name = 'a', public_key = 'short'}]", "public_key"),
    ],
)
def test_configuration_faults_name_the_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "hub.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load(path)


def test_the_hub_stops_rather_than_serve_without_its_safety_process(hub: HubProcess) -> None:
    assert hub.process is not None
    children = Path(f"/proc/{hub.process.pid}/task/{hub.process.pid}/children")
    if not children.exists():
        listed = subprocess.run(
            ["pgrep", "-P", str(hub.process.pid)], capture_output=True, text=True, check=True
        ).stdout
    else:
        listed = children.read_text()
    os.kill(int(listed.split()[0]), signal.SIGKILL)
    assert hub.process.wait(10) == 1
    assert "safety process ended" in hub.log.read_text()
