"""Resets of board and bridge by turns, with everything real. `make resets` plays a thousand, and tells how long healing took."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bridges.serial.resets.checker import check, healings
from tests.bridges.serial.resets.site import Site, available

RESETS = 24


@pytest.mark.board
@pytest.mark.slow
@pytest.mark.skipif(not available(), reason="the MicroPython port is not here (extra board-sim)")
def test_resets_at_random_moments_heal_and_no_command_is_lost_or_run_twice(tmp_path: Path) -> None:
    with Site(tmp_path / "site", seed=4) as site:
        site.play(RESETS)
    records = site.reader.records
    assert check(records) == []
    resets = [each["who"] for each in records if each["e"] == "reset"]
    assert resets == ["board", "bridge"] * (RESETS // 2)
    # One that the next reset overtakes has no healing of its own.
    assert len(healings(records)) > RESETS // 2
    assert site.states()["SUCCEEDED"] >= RESETS // 2
