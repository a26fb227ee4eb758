"""`doctor` finds each fault and says its cure; and no error of the project is shown without a hint."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from robolink import errors, v1
from robolink.cli import checks, doctor, main
from robolink.cli.hints import BY_CAUSE, hint, with_hint
from robolink.cli.verdicts import Finding, Level
from robolink.client import Hub
from robolink.core.violation import cause_name
from tests.cli.conftest import BASE, Said
from tests.conftest import free_ports

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.RobolinkError)
    and kind not in (errors.FrameTooLongError, errors.CommandFailedError, errors.TwinConflictError)
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_error_has_a_hint(kind: type[errors.RobolinkError]) -> None:
    assert hint(kind("it went wrong"))
    assert hint(kind("it went wrong", hint="do this")) == "do this" or kind is errors.LeaseError


@pytest.mark.parametrize("cause", [each for each in v1.Cause.values() if each], ids=cause_name)
def test_every_cause_has_a_hint_that_names_the_robot(cause: int) -> None:
    assert cause in BY_CAUSE
    said = with_hint(errors.RejectedError("it was refused", robot="base-9", cause=cause))
    assert said.startswith("it was refused (")
    assert "{" not in said
    assert "ROBOT" not in said
    if "{robot}" in BY_CAUSE[cause]:
        assert "base-9" in said


def test_where_a_program_would_be_told_otherwise_the_command_line_has_its_own_words() -> None:
    lease = errors.LeaseError("no lease", robot="base-9", hint="with robot.lease(): …")
    assert "robolink why base-9" in hint(lease)
    latched = errors.RejectedError("latched", robot="b", cause=v1.CAUSE_LATCHED, hint="release ROBOT")
    assert "robolink release b" in hint(latched)
    told = errors.RejectedError("denied", robot="b", cause=v1.CAUSE_DENIED, hint="ask alice")
    assert hint(told) == "ask alice", "what the hub says of this very case is better than our table"


def test_the_hint_reaches_the_terminal(here: Callable[..., Said], client: Hub) -> None:
    with client.robot(BASE).lease("base"):
        said = here("call", BASE, "base.navigate_to", "x=0", "y=0")
    assert said.code == 1
    assert f"robolink why {BASE}" in said.err
    assert said.err.count("\n") == 1


def level(findings: list[Finding], what: str) -> Level:
    return next(each.level for each in findings if each.what == what)


def test_counters_that_lose_data_are_faults_and_ordinary_ones_are_silent() -> None:
    def found(**counted: int) -> list[Finding]:
        return list(checks.counters(v1.Counter(name=name, value=value) for name, value in counted.items()))

    assert found(command_resent=5, rejected_latched=3, notices=9)[0].level is Level.OK
    assert found(storage_failed=1)[0].level is Level.FAULT
    assert found(storage_failed=0)[0].level is Level.OK
    (unsent,) = found(unsent_event=2)
    assert unsent.level is Level.NOTE
    assert unsent.hint
    assert found(setpoint_replaced=7)[0].text.startswith("nothing"), "a newer setpoint is no loss"
    assert found(setpoint_no_lease=7)[0].level is Level.NOTE


def test_every_counter_that_is_told_has_a_cure() -> None:
    assert all(cure for _, level, _, cure in checks.COUNTERS if level is not Level.OK)


def test_keys() -> None:
    both = {"ROBOLINK_SECRET_KEY_FILE": "k", "ROBOLINK_HUB_PUBLIC_KEY": "p"}

    def keys(host: str, environment: dict[str, str], others: bool | None = False) -> Level:
        return checks.keys(host, environment, readable_by_others=others).level

    assert keys("127.0.0.1", {}) is Level.OK
    assert keys("10.0.0.1", {}) is Level.FAULT
    assert keys("", {}) is Level.OK, "a list of hubs names the hub, and its keys"
    assert keys("10.0.0.1", both) is Level.OK
    assert keys("10.0.0.1", both, True) is Level.NOTE
    assert keys("10.0.0.1", both, None) is Level.FAULT
    for name in both:
        assert keys("127.0.0.1", {name: "x"}) is Level.FAULT


def test_robots_clock_roles_versions() -> None:
    link = v1.LinkState(stoppable=False, round_trip_us=900_000, dropped=3)
    deaf = v1.RobotInfo(robot="deaf", online=True, link=link)
    found = list(checks.robots([deaf, v1.RobotInfo(robot="gone")]))
    assert [each.level for each in found if each.what == "deaf"] == [
        Level.FAULT, Level.FAULT, Level.NOTE, Level.NOTE,
    ]  # fmt: skip
    assert level(found, "gone") is Level.NOTE
    assert found[-1].text == "1 of 2 online"
    assert checks.clock(None).level is Level.FAULT
    assert checks.clock(0.2).level is Level.NOTE
    assert checks.roles(v1.HelloReply(roles=[v1.ROLE_OBSERVE])).level is Level.NOTE
    assert checks.roles(v1.HelloReply(roles=[v1.ROLE_OPERATE, v1.ROLE_SAFETY])).level is Level.OK
    assert checks.versions(v1.HelloReply(major=1, minor=0), (1, 1), "x").level is Level.NOTE
    assert checks.wall_clock(0.0, True).level is Level.NOTE
    assert checks.wall_clock(2e9, False).level is Level.NOTE
    assert checks.wall_clock(2e9, None).level is Level.OK
    missing = list(checks.extras({"serial": [], "ros2": ["rclpy"]}))
    assert missing[0].text == "installed: serial"
    assert "robolink[ros2]" in missing[1].hint


def test_the_extras_are_read_from_the_installed_package() -> None:
    found = doctor.missing_by_extra()
    assert {"serial", "kubeedge", "ros2"} <= set(found)
    assert found["serial"] == []
    assert "dev" not in found


def test_a_healthy_site(here: Callable[..., Said]) -> None:
    said = here("doctor", "--json")
    assert said.code == 0, said.out
    document = json.loads(said.out)
    levels = {each["what"]: each["level"] for each in document["findings"]}
    for what in ("control lane", "safety lane", "telemetry lane", "versions", "clock", "roles", "keys"):
        assert levels[what] in ("ok", "note"), document
    assert document["healthy"]
    assert "no faults" in here("doctor").out


def test_without_a_hub_it_says_what_is_missing(here: Callable[..., Said]) -> None:
    said = here("doctor", hub=f"tcp://127.0.0.1:{free_ports(4)}")
    assert said.code == 1
    assert "robolink hub" in said.out
    assert "takes no connection" in said.out
    assert said.err == ""


def test_a_key_file_that_others_read_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "me.key_secret"
    file.write_text("no key")
    file.chmod(0o644)
    monkeypatch.setenv("ROBOLINK_SECRET_KEY_FILE", str(file))
    monkeypatch.setenv("ROBOLINK_HUB_PUBLIC_KEY", "x" * 40)
    assert main(["doctor", "--hub", f"tcp://127.0.0.1:{free_ports(4)}"]) == 1
    assert "chmod 600" in capsys.readouterr().out
