"""WORKED.md is what its script writes, and its conversation is this hub's: broker and safety desk, without sockets."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header
from robolink.hub.broker import Broker
from robolink.hub.config import HubConfig
from robolink.hub.safety import SafetyDesk
from robolink.store import Journal
from tests.proto.vectors import ROOT

WORKED = runpy.run_path(str(ROOT / "proto" / "worked.py"))
STEPS: list[Any] = WORKED["messages"]()
HUB, CLIENT = "hub", "client"
# What the hub says: receiver, lane, header, body.
Said = tuple[str, str, v1.Header, Message]


def test_page_is_what_the_script_writes(tmp_path: Path) -> None:
    WORKED["main"]([str(tmp_path / "page.md")])
    committed = (ROOT / "proto" / "WORKED.md").read_text("utf-8")
    assert (tmp_path / "page.md").read_text("utf-8") == committed, "run proto/worked.py"


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.number}")
def test_parts_are_the_whole(step: Any) -> None:
    for data, message in zip(step.frames, (step.header, step.body), strict=True):
        parts = WORKED["parts"](data, message.DESCRIPTOR)
        assert b"".join(part.data for part in parts) == data


class Hub:
    """Both desks of one hub, and their answers."""

    TOKEN = "token"

    def __init__(self, folder: Path) -> None:
        config = HubConfig()
        self.journal = Journal(folder / "journal.sqlite")
        self.broker = Broker(config, self.journal, 1)
        self.broker.site.session_id = STEPS[3].body.hub_session_id
        self.safety = SafetyDesk(
            {}, hub_token=self.TOKEN, timeouts=config.timeouts.message(), hub_name=config.name
        )
        self.safety._session_id = STEPS[1].body.hub_session_id
        self._own = Sender(7)
        self._to_safety(v1.Hello(kind=v1.PEER_KIND_HUB, major=1, name=self.TOKEN), 1)
        self.take(1)

    def _to_safety(self, body: Message, now_ns: int, correlation_id: bytes = b"") -> None:
        frames = self._own.encode(body, sent_ns=now_ns, correlation_id=correlation_id)
        self.safety.receive(b"control", frames, now_ns, None)

    def hear(self, sender: str, lane: str, frames: list[bytes], now_ns: int) -> None:
        if lane == "safety":
            self.safety.receive(sender.encode(), frames, now_ns, None)
        else:
            self.broker.receive(sender.encode(), frames, now_ns, wall_ms=None, key=None)

    def take(self, now_ns: int) -> Iterator[Said]:
        """Everything that is said now, also because of what both desks say to each other."""
        said: list[Said] = []
        while True:
            turn = self.safety.take_turn()
            safety = [*turn.urgent, *turn.later]
            for identity, frames in safety:
                header = decode_header(frames[0])
                body = decode_body(header, frames[1])
                if identity != b"control":
                    said.append((identity.decode(), "safety", header, body))
                elif isinstance(body, v1.Authority):
                    self.broker.site.now_ns = now_ns
                    self.broker.safety_news(body)
                    self._to_safety(v1.BeatReply(), now_ns, header.message_id)
            control = self.broker.take_turn()
            self.journal.commit(control.batch)
            for send in control.sends:
                header = decode_header(send.frames[0])
                body = decode_body(header, send.frames[1])
                said.append((send.identity.decode(), "control", header, body))
            if not safety and not control.sends:
                return iter(said)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(tmp_path)
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
        said = list(hub.take(now_ns))
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
