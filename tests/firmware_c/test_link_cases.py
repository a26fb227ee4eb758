"""The link cases that every implementation plays, on the C link: here under sanitizers, and on an emulated Cortex-M3."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from robolink import v1
from robolink.core.frame import Frame
from robolink.errors import RemoteProtocolError
from tests.firmware_c.peer import Peer, Refused
from tests.proto.test_link_cases import differences, play
from tests.proto.vectors import load

CASES = [case for case in load("serial_link")["cases"] if case["role"] == "board"]
NUMBERS = {"open_bulk": "o", "end_bulk": "e", "stop_state": "p"}


class LinkOnPeer:
    """A link alone on a peer, as link_player.py asks for one."""

    def __init__(self, peer: Peer, case: dict[str, Any]) -> None:
        self.peer = peer
        peer.ask("L", struct.pack("<I", case["random_seed"]))

    def receive(self, data: bytes, ms: int) -> None:
        for at in range(0, len(data), 1024):
            self.peer.ask("r", struct.pack("<I", ms) + data[at : at + 1024])

    def poll(self, ms: int) -> bytes:
        return self.peer.ask("s", struct.pack("<I", ms))

    def decode(self, stuffed: bytes, seed: int) -> tuple[int, int, int, bytes] | None:
        try:
            frame = Frame.from_stuffed(stuffed, seed)
        except RemoteProtocolError:
            return None
        return frame.kind, frame.seq, frame.ack, frame.body

    def hello(self, body: bytes) -> dict[str, Any]:
        message = v1.SerialHello.FromString(body)
        return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}

    def _heard(self) -> list[list[str]]:
        return [line.split(" ") for line in self.peer.ask("v").decode().splitlines()]

    def events(self) -> list[Any]:
        found: list[Any] = []
        for name, *rest in self._heard():
            if name == "up":
                found.append({"up": rest[0] == "1"})
            elif name == "down":
                found.append({"down": True})
            elif name == "message":
                found.append({"message": [int(rest[0]), rest[1]]})
            else:
                found.append({"bulk": [int(rest[0]), int(rest[1]), rest[2]]})
        return found

    def call(self, name: str, arguments: list[Any], ms: int) -> Any:
        if name == "send":
            try:
                self.peer.ask("b", bytes((arguments[0],)) + bytes.fromhex(arguments[1]))
            except Refused:
                return False
            return True
        if name == "site":
            waiting = self._heard()
            assert not waiting
            self.peer.ask("k", b"t" + struct.pack("<I", ms))
            told = self._heard()
            return [int(each) for each in told[0][1:]] if told else None
        numbers = struct.pack(f"<{len(arguments)}I", *(int(each) for each in arguments))
        self.peer.ask("k", NUMBERS[name].encode() + numbers)
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(peer: Peer, case: dict[str, Any]) -> None:
    assert differences(case, play(case, LinkOnPeer(peer, case))) == []


def test_they_are_played_whole() -> None:
    assert len(CASES) > 50
    assert {need for case in CASES for need in case["needs"]} == {"fragments", "time", "report", "bulk"}
