"""`lease` between two people, `trace`, `call --check` and `audit`: the pure parts alone, then against a real hub."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

import robolink
from robolink import v1
from robolink.cli.audit import BEGINNING, breaks
from robolink.cli.check import beyond_lease
from robolink.cli.trace import view
from robolink.client import Hub
from robolink.errors import RejectedError
from tests.cli.conftest import BASE, Said
from tests.cli.terminal import Terminal
from tests.conftest import wait_for

LIMIT_S = 30.0


def holder(client: Hub) -> str:
    return ", ".join(each.owner for each in client.robots()[0].authority.leases)


@pytest.fixture
def held(site: str, client: Hub) -> Iterator[Terminal]:
    """Somebody at a terminal holds the base."""
    terminal = Terminal(site, "lease", BASE)
    wait_for(lambda: holder(client) == "robolink-cli" and "is yours" in terminal.text, LIMIT_S, "the lease")
    yield terminal
    terminal.close()
    wait_for(lambda: not holder(client), LIMIT_S, "no lease is left")


def ended(terminal: Terminal) -> int | None:
    wait_for(lambda: terminal.ended() is not None, LIMIT_S, "its end")
    return terminal.ended()


def test_a_lease_is_held_until_ctrl_c(held: Terminal, here: Callable[..., Said]) -> None:
    listed = here("lease", "--list")
    assert BASE in listed.out
    assert "robolink-cli" in listed.out
    assert json.loads(here("lease", "--list", "--json").out)["leases"][0]["component"] == ""
    refused = here("lease", BASE, "--for", "0")
    assert refused.code == 1
    assert "robolink-cli" in refused.err
    held.type(b"\x03")
    assert ended(held) == 0
    assert "given back" in held.text
    assert "no lease is held" in here("lease", "--list").out


def asking(site: str, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "robolink.cli", "lease", BASE, *options]
    environment = os.environ | {"ROBOLINK_HUB": site, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_who_asks_is_shown_and_yes_gives_it(site: str, held: Terminal) -> None:
    with asking(site, "--request", "60", "--reason", "my turn", "--for", "0") as other:
        wait_for(lambda: "my turn" in held.text, LIMIT_S, "the question")
        held.type(b"y")
        out, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    assert f"held: {BASE}" in out
    assert ended(held) == 0
    assert "given to who asked" in held.text


def test_no_keeps_it_and_says_so(site: str, held: Terminal, client: Hub) -> None:
    with asking(site, "--request", "60", "--reason", "my turn") as other:
        wait_for(lambda: "give it to robolink-cli? y/n" in held.text, LIMIT_S, "the question")
        held.type(b"n")
        _, err = other.communicate(timeout=60)
    assert other.returncode == 1
    assert "declined" in err
    assert holder(client) == "robolink-cli"
    wait_for(lambda: held.text.rstrip().endswith("Ctrl-C gives it back"), LIMIT_S, "the question is gone")
    held.type(b"\x03")
    assert ended(held) == 0


def test_taken_it_says_by_whom_and_why(site: str, held: Terminal, here: Callable[..., Said]) -> None:
    with asking(site, "--take", "--reason", "it burns") as other:
        assert ended(held) == 1
        assert "it burns" in held.text
        other.send_signal(signal.SIGINT)
        _, err = other.communicate(timeout=60)
    assert other.returncode == 0, err
    records = json.loads(here("audit", "--json").out)["records"]
    assert any(each["what"] == "lease-take" and "it burns" in each["text"] for each in records)


def test_json_lines_of_a_lease(here: Callable[..., Said]) -> None:
    said = here("lease", f"{BASE}/base", "--for", "0", "--json")
    events = [json.loads(line) for line in said.out.splitlines()]
    assert [each["event"] for each in events] == ["held", "released"]
    assert events[0]["lease"] == f"{BASE}/base"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (BASE, "--list"),
        (BASE, "--take"),
        (BASE, "--request", "5"),
        (BASE, "--take", "--request", "5", "--reason", "x"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(here: Callable[..., Said], arguments: tuple[str, ...]) -> None:
    assert here("lease", *arguments).code == 2


def test_hops_have_times_since_the_first_and_the_one_before() -> None:
    hops = [
        v1.Hop(where="client", what="sent", time_ns=1_000_000_000),
        v1.Hop(where="hub", what="ACCEPTED", time_ns=1_002_500_000),
        v1.Hop(where="driver", what="RUNNING", time_ns=1_002_000_000),
    ]
    found = view(v1.Trace(command_id=b"\x01" * 16, robot="r", method="base.go", owner="bob", hops=hops))
    assert [each["since_first_ms"] for each in found["hops"]] == [0.0, 2.5, 2.0]
    assert [each["delta_ms"] for each in found["hops"]] == [0.0, 2.5, -0.5], (
        "clocks differ a little: told as it is"
    )
    assert view(v1.Trace())["hops"] == []


def test_the_way_of_a_real_command(here: Callable[..., Said], client: Hub) -> None:
    base = client.robot(BASE)
    goal = base.goal("base.pose")
    goal.result(30)
    command_id = goal.id.hex()
    table = here("trace", command_id)
    assert table.code == 0, table.err
    assert all(
        word in table.out for word in ("base.pose", "somebody", "client", "hub", "driver", "SUCCEEDED")
    )
    hops = json.loads(here("trace", command_id, "--json").out)["hops"]
    assert hops[0]["where"] == "client"
    assert hops[0]["since_first_ms"] == 0.0
    assert here("trace", "ab" * 16).code == 1
    assert "command_retention_s" in here("trace", "ab" * 16).err
    for text in ("abcd", "no hex at all"):
        said = here("trace", text)
        assert said.code == 2
        assert "hex digits" in said.err


def test_a_dry_run_says_what_the_hub_would_and_moves_nothing(here: Callable[..., Said], client: Hub) -> None:
    go = ("call", BASE, "base.navigate_to", "x=0.2", "y=0", "--check")
    before = client.robot(BASE).call("base.pose")
    said = here(*go)
    assert (said.code, said.err) == (0, "")
    assert "would be accepted" in said.out
    assert not client.robots()[0].authority.leases
    limit = here("call", BASE, "base.navigate_to", "x=999", "y=0", "--check", "--json")
    document = json.loads(limit.out)
    assert limit.code == 1
    assert (document["accepted"], document["cause"]) == (False, "LIMIT")
    assert document["hint"]
    with client.robot(BASE).lease("base"):
        busy = here(*go)
    assert busy.code == 1
    assert "somebody" in busy.out
    client.stop([BASE])
    try:
        latched = here(*go)
        assert latched.code == 1
        assert "LATCHED" in latched.out
        assert f"robolink release {BASE}" in latched.out
    finally:
        client.release([BASE])
    assert client.robot(BASE).call("base.pose") == before


def test_beyond_a_lease_only_what_is_in_the_way_counts() -> None:
    def cause(leases: list[v1.LeaseHolder], live: list[v1.LiveCommand], preempt: bool = False) -> int:
        info = v1.RobotInfo(robot="r", authority=v1.Authority(leases=leases), live=live)
        return beyond_lease(info, "base.go", preempt=preempt).cause

    assert cause([], []) == 0
    assert cause([v1.LeaseHolder(owner="bob")], []) == v1.CAUSE_BUSY
    assert cause([v1.LeaseHolder(component="base", owner="bob")], []) == v1.CAUSE_BUSY
    assert cause([v1.LeaseHolder(component="arm", owner="bob")], []) == 0
    running = [v1.LiveCommand(method="base.turn", owner="bob")]
    assert cause([], running) == v1.CAUSE_BUSY
    assert cause([], running, preempt=True) == 0
    assert cause([], [v1.LiveCommand(method="arm.turn")]) == 0


def chain(count: int) -> list[v1.AuditRecord]:
    records, before = [], BEGINNING
    for seq in range(1, count + 1):
        record = v1.AuditRecord(seq=seq, who="bob", what="stop", robot="r")
        record.hash = hashlib.sha256(before + record.SerializeToString(deterministic=True)).digest()
        before = record.hash
        records.append(record)
    return records


def test_a_changed_or_missing_record_breaks_the_chain() -> None:
    assert breaks([]) == []
    assert breaks(chain(4)) == []
    assert breaks(chain(4)[2:]) == [], "the newest are whole in themselves"
    changed = chain(4)
    changed[1].who = "eve"
    assert breaks(changed) == [2]
    first = chain(4)
    first[0].who = "eve"
    assert breaks(first) == [1]
    gone = chain(4)
    del gone[2]
    assert breaks(gone) == [4]


def test_the_audit_of_a_real_hub_is_whole(here: Callable[..., Said], site: str, client: Hub) -> None:
    client.stop([BASE], reason="for the record")
    client.release([BASE])
    said = here("audit")
    assert said.code == 0, said.err
    assert "for the record" in said.out
    assert "chain of hashes is whole" in said.out
    records = json.loads(here("audit", "--json").out)["records"]
    newest = records[-1]["seq"]
    assert f"no record after {newest}" in here("audit", "--after", str(newest)).out
    observer = robolink.connect(site, name="guest", roles=(v1.ROLE_OBSERVE,))
    with observer as guest, pytest.raises(RejectedError):
        guest.audit()
