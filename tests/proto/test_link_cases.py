"""Cases of serial_link.json on the Python link: as a board, and as a host."""

from __future__ import annotations

import sys
from typing import Any

from tests.proto.vectors import FOLDER, cases, load

sys.path.insert(0, str(FOLDER))
from link_peer import LinkPeer  # beside the vectors, not a package
from link_player import differences, play

Vector = dict[str, Any]


@cases("serial_link", "cases")
def test_case(vector: Vector) -> None:
    assert differences(vector, play(vector, LinkPeer(vector))) == []


def test_they_cover_what_the_standard_asks_for() -> None:
    found = load("serial_link")["cases"]
    assert {need for case in found for need in case["needs"]} == {"fragments", "time", "report", "bulk"}
    assert {case["role"] for case in found} == {"board", "host"}
    sent = {frame.get("kind") for case in found for step in case["steps"] for frame in step["out"]}
    assert {17, 24, 32, 34, 35, 36, 37, 38, 51, 52} <= sent
    heard = [event for case in found for step in case["steps"] for event in step["events"]]
    assert {name for event in heard for name in event} == {"up", "down", "message", "bulk", "progress"}


def test_a_difference_is_told() -> None:
    (vector,) = [case for case in load("serial_link")["cases"] if case["name"].startswith("window full")]
    told = play(vector, LinkPeer(vector))
    told[2]["out"].append({"kind": 17})
    (words,) = differences(vector, told)
    assert words.startswith("window full: four go, the rest waits: at 40 ms: out: ")
