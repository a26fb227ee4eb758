"""WORKED.md is what its script writes, and its conversation is this hub's: broker and safety desk, without sockets."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from robolink import v1
from tests.proto.hub import Hub, Said
from tests.proto.vectors import ROOT

WORKED = runpy.run_path(str(ROOT / "proto" / "worked.py"))
STEPS: list[Any] = WORKED["messages"]()
HUB = "hub"


def test_page_is_what_the_script_writes(tmp_path: Path) -> None:
    WORKED["main"]([str(tmp_path / "page.md")])
    committed = (ROOT / "proto" / "WORKED.md").read_text("utf-8")
    assert (tmp_path / "page.md").read_text("utf-8") == committed, "run proto/worked.py"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.number}")
def test_parts_are_the_whole(step: Any) -> None:
    for data, message in zip(step.frames, (step.header, step.body), strict=True):
        parts = WORKED["parts"](data, message.DESCRIPTOR)
        assert b"".join(part.data for part in parts) == data


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path)
    made.broker.site.session_id = STEPS[3].body.hub_session_id
    made.safety._session_id = STEPS[1].body.hub_session_id
    yield made
    made.journal.close()


def what(said: Said) -> tuple[Any, ...]:
    """What is compared: everything but the hub's own ids and the instant of sending."""
    receiver, lane, header, body = said
    kept = v1.Header()
    kept.CopyFrom(header)
    for name in ("message_id", "seq", "sent_ns", "received_ns", "source"):
        kept.ClearField(name)
    if isinstance(body, v1.Command):
        assert header.source == "my-app"
        assert header.sent_ns
    else:
        kept.ClearField("session_id")
    return receiver, lane, type(body).__name__, str(kept), str(body)


def blocks() -> Iterator[tuple[Any, list[Any]]]:
    """Each message of a peer with what the hub says before the next one."""
    at = 0
    while at < len(STEPS):
        end = at + 1
        while end < len(STEPS) and STEPS[end].sender == HUB:
            end += 1
        yield STEPS[at], STEPS[at + 1 : end]
        at = end


def test_the_hub_says_the_same(hub: Hub) -> None:
    orders: dict[bytes, bytes] = {}
    for step, answers in blocks():
        assert step.sender != HUB
        header = step.header
        header.correlation_id = orders.get(header.correlation_id, header.correlation_id)
        now_ns = max([each.header.sent_ns for each in answers] or [header.sent_ns])
        # States carry the time at which the hub kept them.
        times = {each.body.time_ns for each in answers if isinstance(each.body, v1.CommandUpdate)}
        now_ns = times.pop() if times else now_ns
        hub.hear(step.sender, step.lane, [header.SerializeToString(), step.frames[1]], now_ns)
        said = hub.take(now_ns)
        expected = [(each.receiver, each.lane, each.header, each.body) for each in answers]
        for place in {(each[0], each[1]) for each in [*said, *expected]}:
            ours, pages = (
                [what(each) for each in them if (each[0], each[1]) == place] for them in (said, expected)
            )
            assert ours == pages, f"after step {step.number}"
        for receiver, _, told, body in said:
            if isinstance(body, v1.StopOrder):
                page = next(each for each in answers if isinstance(each.body, v1.StopOrder))
                assert receiver == page.receiver
                orders[page.header.message_id] = told.message_id
