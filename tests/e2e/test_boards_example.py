"""The board's example, word for word: a simulated Pico from its box to `robolink call`; its wiring table is its profile's."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.documents import ROOT, Reader
from tests.firmware import FIRMWARE

from robolink_board import profile  # type: ignore[import-not-found]  # isort: skip

EXAMPLE = ROOT / "examples" / "boards" / "README.md"
ROVER = FIRMWARE / "profiles" / "pico-rover.json"


@pytest.mark.slow
@pytest.mark.board
@pytest.mark.timeout(300)
def test_who_types_the_example_sees_what_it_shows(tmp_path: Path) -> None:
    pytest.importorskip("robolink_serial.field.cli", reason="robolink board is not here")
    own = json.loads(ROVER.read_text())
    own["components"][0]["track_m"] = 0.18
    (tmp_path / "my-rover.json").write_text(json.dumps(own))
    reader = Reader(EXAMPLE, tmp_path)
    try:
        reader.follow()
    finally:
        reader.close()
    assert len(reader.ran) > 10
    assert not reader.not_done, "every block is a command or what it prints"


def test_wiring_table_is_the_profiles() -> None:
    rows = re.findall(r"^\| (?:GP)?(\w+) \| [^|]+ \| .* \| `([\w.]+)` \|$", EXAMPLE.read_text(), re.MULTILINE)
    told = {place: int(pin) if pin.isdigit() else pin for pin, place in rows}
    pins = {place: pin for place, pin, _ in profile.load(str(ROVER))["pins"]}
    # Both drivers are in one chip: its STBY is told once.
    assert pins.pop("base.right.driver.enable") == pins["base.left.driver.enable"]
    assert told == pins


def test_pins_of_the_picos_edge_are_right() -> None:
    # Along the edge: after each second pair of GPIOs, and before the third, comes GND; beyond 22 other pins lie between.
    edge = {at: at + 1 + (at + 2) // 4 for at in range(16)} | {
        at: at + 5 + (at - 14) // 4 for at in range(16, 23)
    }
    edge |= {26: 31, 27: 32, 28: 34}
    rows = re.findall(r"^\| GP(\d+) \| (\d+) \|", EXAMPLE.read_text(), re.MULTILINE)
    assert rows and all(edge[int(pin)] == int(place) for pin, place in rows)
