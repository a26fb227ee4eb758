"""The SDK over real HTTP against a fake API server: watches, conflicts, refusals, both homes of reports, both faces."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from robolink import v1
from robolink.cloud import AsyncFleet, Fleet, KubeConfig, Options
from robolink.cloud._http import KubeApi, _is_closed
from robolink.cloud._watch import resource_path
from robolink.core import twincmd
from robolink.errors import (
    CommandFailedError,
    ConfigError,
    ConnectionLostError,
    DeadlineExceededError,
    LeaseError,
    RejectedError,
    RemoteProtocolError,
    SettingRejectedError,
    TwinConflictError,
)
from tests.cloud.conftest import ROBOT, device
from tests.cloud.edge import Edge
from tests.cloud.fake_api import FakeApi
from tests.conftest import wait_for


def double(state: v1.PropertyState) -> float:
    return state.reported.value.double_value


def test_twins_are_read_with_types_and_followed_by_watch(api: FakeApi, fleet: Fleet) -> None:
    robot = fleet.robot(ROBOT)
    api.report(
        ROBOT, "ok", walker__limit=("0.50", "0.5"), walker__count=("", "7"), walker__note=("", "#YSBi")
    )
    wait_for(lambda: double(robot.twin.get("walker.limit")["walker.limit"]) == 0.5, what="the report")
    twin = robot.twin.get()
    assert twin["walker.count"].reported.value.int_value == 7
    assert twin["walker.note"].reported.value.string_value == "a b"
    assert twin["walker.limit"].reported.quality == v1.QUALITY_GOOD
    assert [each.online for each in fleet.robots()] == [True]
    assert robot.methods() == {"walker.walk": "Walk."}
    with robot.twin.watch() as changes:
        first = [changes.next(5), changes.next(5)]
        assert [each.WhichOneof("kind") for each in first if each] == ["robot", "twin_delta"]
        api.report(ROBOT, "offline", walker__count=("", "8"))
        away, delta = changes.next(5), changes.next(5)
        assert away and delta and not away.robot.online
        counts = {each.name: each for each in delta.twin_delta.properties}
        assert counts["walker.count"].reported.value.int_value == 8
        assert counts["walker.count"].reported.quality == v1.QUALITY_STALE
    before = len(api.requests)
    assert robot.twin.get("walker.count")["walker.count"].reported.value.int_value == 8
    assert len(api.requests) == before, "reading asks nobody: it watches"


def test_reports_in_the_device_itself_are_read_too(api: FakeApi, config: KubeConfig) -> None:
    api.delete("devicestatuses", ROBOT)
    api.absent.add("devicestatuses")
    api.report(ROBOT, "ok", old=True, walker__limit=("0.5", "0.5"))
    with Fleet(config=config) as fleet:
        assert double(fleet.robot(ROBOT).twin.get()["walker.limit"]) == 0.5
        assert fleet.robots()[0].online
        assert fleet.faults == {}, "that is no fault"


def test_a_setting_goes_down_and_comes_back(
    api: FakeApi, fleet: Fleet, make_edge: Callable[[], Edge]
) -> None:
    make_edge()
    twin = fleet.robot(ROBOT).twin
    version = twin.set("walker.limit", 0.75, wait_s=10)
    state = twin.get("walker.limit")["walker.limit"]
    assert (state.observed.verdict, state.observed.version) == (v1.VERDICT_APPLIED, state.desired.version)
    assert twin.set("walker.limit", 1, if_version=version, wait_s=10) > version
    with pytest.raises(TwinConflictError):
        twin.set("walker.limit", 1.5, if_version=version)
    with pytest.raises(RejectedError, match="not within"):
        twin.set("walker.limit", 3.0)


def test_a_setting_that_nobody_observes_is_late_and_one_that_is_refused_says_why(
    api: FakeApi, fleet: Fleet
) -> None:
    twin = fleet.robot(ROBOT).twin
    with pytest.raises(DeadlineExceededError, match=r"walker\.limit"):
        twin.set("walker.limit", 1.0, wait_s=0.05)
    api.report(ROBOT, "unhealthy", setting_errors=("", "walker.limit:LIMIT"), sync=("9/walker.limit", ""))
    with pytest.raises(SettingRejectedError) as caught:
        twin.set("walker.limit", 1.25, wait_s=10)
    assert caught.value.cause == v1.CAUSE_LIMIT


def test_two_apps_write_to_one_robot_and_neither_loses_anything(
    api: FakeApi, config: KubeConfig, make_edge: Callable[[], Edge]
) -> None:
    make_edge()
    others = iter(range(3))

    def second_writer(_robot: str, operations: list[Any]) -> None:
        # Between what the app saw and what it writes: a note, and a command that is long over.
        if "walker.walk" in str(operations) and (number := next(others, None)) is not None:
            api.wish(ROBOT, "walker.note", f"note-{number}")
            api.wish(ROBOT, "cmd", twincmd.make(f"o{number}", "walker.walk", {}, 1, 1))

    with Fleet(config=config) as one, Fleet(config=config) as two:
        one.robots()
        two.robots()
        api.before_patch = second_writer
        one.robot(ROBOT).twin.set("walker.limit", 0.5, wait_s=10)
        ended = [each.robot(ROBOT).call("walker.walk", number=1) for each in (one, two, one, two)]
        assert {each.state for each in ended} == {v1.COMMAND_STATE_SUCCEEDED}
        assert one.counters.get("conflicts", 0) + two.counters.get("conflicts", 0) >= 1
    assert api.desired(ROBOT, "walker.limit") == "0.5"
    assert api.desired(ROBOT, "walker.note") == "note-2"


def test_a_watch_that_is_behind_takes_no_answer_back(
    api: FakeApi, fleet: Fleet, make_edge: Callable[[], Edge]
) -> None:
    fleet.robots()
    wait_for(lambda: api.streams == 3, what="the watches")
    api.held = {"devices"}
    api.wish(ROBOT, "walker.note", "another's")
    made = fleet._core.set(ROBOT, "walker.limit", 0.5, None)
    version = made.taken.result(10)
    assert version == api.get("devices", ROBOT)["metadata"]["generation"]
    api.release()  # First comes the Device as it was before our write.
    make_edge()
    assert made.applied.result(10) == version


def test_goals_calls_and_their_errors(api: FakeApi, fleet: Fleet, make_edge: Callable[[str], Edge]) -> None:
    robot = fleet.robot(ROBOT)
    edge = make_edge("RUNNING")
    goal = robot.goal("walker.walk", Options(ttl_s=20, twin_id="g1"), number=1)
    assert (goal.state, goal.twin_id) == (v1.COMMAND_STATE_RUNNING, "g1")
    assert goal.id == twincmd.command_id(ROBOT, "g1")
    with pytest.raises(DeadlineExceededError, match=r"the end of walker\.walk"):
        goal.result(0.05)
    with goal.feedback() as states:
        api.report(ROBOT, "ok", cmd_status=("", "g1:SUCCEEDED"))
        assert [each.state for each in states] == [v1.COMMAND_STATE_RUNNING, v1.COMMAND_STATE_SUCCEEDED]
    assert goal.result(5).robot == ROBOT
    for verdict, kind in (
        ("FAILED:DRIVER_ERROR", CommandFailedError),
        ("REJECTED:NO_LEASE", LeaseError),
        ("REJECTED:LATCHED", RejectedError),
        ("EXPIRED:TOO_LATE", CommandFailedError),
    ):
        edge.verdict = verdict
        with pytest.raises(kind, match=verdict.partition(":")[2]):
            robot.call("walker.walk", number=1)


def test_stop_and_release(api: FakeApi, fleet: Fleet, make_edge: Callable[[], Edge]) -> None:
    robot = fleet.robot(ROBOT)
    unheard = fleet.stop([ROBOT], wait_s=0.05)
    assert [each.verdict for each in unheard] == [v1.STOP_VERDICT_UNREACHABLE]
    assert api.desired(ROBOT, "stop") == "SOFT_HOLD", "written all the same"
    make_edge()
    assert robot.stop().generation >= 1
    assert robot.info().authority.stop.latched
    wait_for(lambda: api.desired(ROBOT, "stop") == "", what="the wish taken back")
    robot.release()
    wait_for(lambda: not robot.info().authority.stop.latched, what="the release")
    refused = fleet.stop(["nobody", ROBOT])
    assert [each.verdict for each in refused] == [v1.STOP_VERDICT_REFUSED, v1.STOP_VERDICT_STOPPING]


def test_a_watch_that_is_cut_or_too_old_goes_on(api: FakeApi, fleet: Fleet) -> None:
    twin = fleet.robot(ROBOT).twin
    twin.get()
    wait_for(lambda: api.streams == 3, what="the watches")
    api.cut()
    api.report(ROBOT, "ok", walker__count=("", "1"))
    wait_for(
        lambda: twin.get()["walker.count"].reported.value.int_value == 1, what="the report after the cut"
    )
    api.put("devices", device("walker-2"))
    wait_for(lambda: len(fleet.robots()) == 2, what="the other robot")
    api.delete("devices", "walker-2")
    api.forget()
    wait_for(lambda: len(fleet.robots()) == 1, what="the list after Gone")
    wait_for(lambda: fleet.counters.get("devices_gone", 0) >= 1 or fleet.counters["devices_lists"] >= 1)
    api.report(ROBOT, "ok", walker__count=("", "2"))
    wait_for(lambda: twin.get()["walker.count"].reported.value.int_value == 2, what="the report after Gone")


def test_an_object_that_nobody_foresaw_ends_no_watch(api: FakeApi, fleet: Fleet) -> None:
    fleet.robots()
    wait_for(lambda: api.streams == 3, what="the watches")
    with fleet.watch():
        api.put("devices", {"metadata": {"name": "odd"}, "spec": {"properties": [{"no": "name"}]}})
        wait_for(lambda: fleet.counters.get("devices_failures"), what="the failure")
        api.put("devices", device("walker-2"))
        wait_for(lambda: len(fleet.robots()) == 3, what="the other robot")
        assert fleet.faults == {}


def test_many_devices_come_in_pages(api: FakeApi, config: KubeConfig) -> None:
    for number in range(501):
        api.put("devices", device(f"r{number:03}"))
    with Fleet(config=config) as fleet:
        assert len(fleet.robots()) == 502
    assert sum("continue=" in path for _, path in api.requests) == 1


def test_refusals_of_rbac_say_which_rule_is_missing(api: FakeApi, config: KubeConfig) -> None:
    api.forbidden.add(("patch", "devices"))
    with Fleet(config=config) as fleet:
        with pytest.raises(RejectedError, match=r'resources: \["devices"\], verbs: \["patch"\]') as caught:
            fleet.robot(ROBOT).twin.set("walker.limit", 0.5)
        assert caught.value.cause == v1.CAUSE_DENIED
        assert fleet.stop()[0].verdict == v1.STOP_VERDICT_REFUSED
    api.forbidden = {("list", "devicestatuses")}
    with Fleet(config=config) as fleet:
        with pytest.raises(RejectedError, match="devicestatuses is forbidden"):
            fleet.robots()
        assert set(fleet.faults) == {"devicestatuses"}


def test_faults_of_the_server_are_told(
    api: FakeApi, config: KubeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.token = "secret"
    with Fleet(config=config) as fleet, pytest.raises(ConfigError, match="does not know who we are"):
        fleet.robots()
    with Fleet(config=KubeConfig(server=api.url, token=lambda: "secret")) as fleet:
        assert fleet.robots()
    api.token = ""
    api.absent.add("devices")
    with Fleet(config=config) as fleet, pytest.raises(ConfigError, match="CRDs"):
        fleet.robots()
    api.absent.clear()
    api.refuse = [503, 429, 500]
    with Fleet(config=config) as fleet:
        assert fleet.robots(), "it asks again"
    monkeypatch.setattr("robolink.cloud._blocking.READY_S", 0.3)
    with Fleet(config=KubeConfig(server="http://127.0.0.1:9")) as fleet, pytest.raises(ConnectionLostError):
        fleet.robots()
    with pytest.raises(ConfigError, match="no address"):
        Fleet(config=KubeConfig(server="ftp://somewhere"))


def test_an_answer_that_is_lost_is_found_again(
    api: FakeApi, fleet: Fleet, make_edge: Callable[[], Edge]
) -> None:
    fleet.robots()
    api.lose_answers = 1
    make_edge()
    update = fleet.robot(ROBOT).call("walker.walk", Options(twin_id="once"), number=1)
    assert update.state == v1.COMMAND_STATE_SUCCEEDED
    texts = {twincmd.decode(api.desired(ROBOT, "cmd")).id}
    assert texts == {"once"}


def test_a_write_is_not_repeated_unseen_and_an_idle_connection_that_was_closed_is_no_fault(
    api: FakeApi, config: KubeConfig
) -> None:
    kube, path = KubeApi(config), resource_path("default", "devices", ROBOT)
    kube.get(path)
    api.lose_answers = 1
    with pytest.raises(ConnectionLostError):
        kube.patch(path, [])
    assert [method for method, _ in api.requests] == ["GET", "PATCH"]
    api.close_idle = True
    kube.get(path)
    idle = kube._local.connection.sock
    wait_for(lambda: _is_closed(idle), what="the server's end")
    assert kube.patch(path, [])["metadata"]["name"] == ROBOT
    kube.get(path)
    kube.close()


def test_unknown_robots_and_a_closed_fleet(config: KubeConfig) -> None:
    fleet = Fleet(config=config)
    for ask in (
        lambda: fleet.robot("nobody").twin.get(),
        lambda: fleet.robot("nobody").twin.get("x"),
        lambda: fleet.robot("nobody").twin.set("x", 1),
    ):
        with pytest.raises(RejectedError, match="nobody") as caught:
            ask()
        assert caught.value.cause == v1.CAUSE_UNKNOWN_ROBOT
    with pytest.raises(RejectedError) as caught:
        fleet.robot(ROBOT).twin.get("x")
    assert caught.value.cause == v1.CAUSE_UNSUPPORTED
    fleet.close()
    with pytest.raises(ConnectionLostError, match="closed"):
        fleet.robot(ROBOT).twin.set("walker.limit", 1.0)


async def test_the_asyncio_face_does_the_same(
    api: FakeApi, config: KubeConfig, make_edge: Callable[[], Edge]
) -> None:
    make_edge()
    async with AsyncFleet(config=config) as fleet:
        robot = fleet.robot(ROBOT)
        assert (await fleet.robots())[0].robot == ROBOT
        assert await robot.methods()
        await robot.twin.set("walker.limit", 0.5, wait_s=10)
        assert double((await robot.twin.get("walker.limit"))["walker.limit"]) == 0.5
        with pytest.raises(DeadlineExceededError):
            await robot.twin.set("walker.note", "x", wait_s=0.05)
        assert (await robot.call("walker.walk", number=1)).state == v1.COMMAND_STATE_SUCCEEDED
        goal = await robot.goal("walker.walk", number=2)
        assert [each.state async for each in goal.feedback()] == [v1.COMMAND_STATE_SUCCEEDED]
        assert (await goal.result()).state == goal.state == (await goal.wait()).state
        assert (await goal.cancel()).state == v1.COMMAND_STATE_SUCCEEDED
        assert (await robot.stop()).generation
        assert (await robot.release()).robot == ROBOT
        assert (await fleet.stop(["nobody"]))[0].verdict == v1.STOP_VERDICT_REFUSED
        async with await robot.twin.watch() as changes:
            async for event in changes:
                assert event.robot.robot == ROBOT
                break
        watched = asyncio.create_task(anext(aiter(await fleet.watch())))
        assert (await watched).robot.robot == ROBOT
        assert fleet.counters["patches"] >= 5 and fleet.faults == {}


# Where the API server is, and who we are.


def test_a_kubeconfig_is_read_as_kubectl_reads_it(
    api: FakeApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = f"print('{json.dumps({'status': {'token': 'secret'}})}')"
    (tmp_path / "token").write_text("secret\n")
    users = [
        {"name": "plain", "user": {"token": "secret"}},
        {"name": "file", "user": {"tokenFile": "token"}},
        {"name": "login", "user": {"exec": {"command": sys.executable, "args": ["-c", login]}}},
        {"name": "broken", "user": {"exec": {"command": "no-such-program"}}},
    ]
    document = {
        "current-context": "plain",
        "clusters": [{"name": "here", "cluster": {"server": f"{api.url}/"}}],
        "users": users,
        "contexts": [
            {
                "name": each["name"],
                "context": {"cluster": "here", "user": each["name"], "namespace": "default"},
            }
            for each in users
        ],
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(document))  # JSON is YAML.
    monkeypatch.setenv("KUBECONFIG", str(path))
    api.token = "secret"
    for context in ("", "file", "login"):
        with Fleet(config=KubeConfig.load(context)) as fleet:
            assert fleet.robots(), context
    with (
        Fleet(config=KubeConfig.from_file(context="broken")) as fleet,
        pytest.raises(ConfigError, match="no-such-program"),
    ):
        fleet.robots()
    for text, words in (("{", "no usable"), ("[]", "no usable"), ("{}", "no usable")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=words):
            KubeConfig.load()
    with pytest.raises(ConfigError, match="no kubeconfig"):
        KubeConfig.from_file(tmp_path / "nowhere")


def test_certificates_come_from_data_and_a_pods_account_from_its_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no service account"):
        KubeConfig.in_cluster(tmp_path, {})
    with pytest.raises(ConfigError, match="no service account"):
        KubeConfig.in_cluster(tmp_path, {"KUBERNETES_SERVICE_HOST": "h", "KUBERNETES_SERVICE_PORT": "1"})
    document = {
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": "https://h",
                    "certificate-authority-data": base64.b64encode(b"no certificate").decode(),
                },
            }
        ],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(document))
    with pytest.raises(ConfigError, match="no usable kubeconfig"):
        KubeConfig.from_file(tmp_path / "config")


def test_an_answer_that_is_no_json_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from robolink.cloud import _http

    with pytest.raises(RemoteProtocolError, match="no JSON"):
        _http._parse(b"<html>", "/apis")
    assert "404 page not found" in str(_http.status_of(_http._parse_error(b"404 page not found\n"), 404))
