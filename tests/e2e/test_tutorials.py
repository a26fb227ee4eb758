"""The tutorials, word for word: a vendor's robot comes to a hub, and a client commands one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.documents import ROOT, Reader, blocks, matches


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["vendor", "client"])
def test_who_types_the_tutorial_sees_what_it_shows(name: str, tmp_path: Path) -> None:
    reader = Reader(ROOT / "docs" / f"tutorial-{name}.md", tmp_path)
    try:
        reader.follow()
    finally:
        reader.close()
    assert len(reader.ran) > 10
    assert not reader.not_done, "every block is a file, a command or what it prints"


@pytest.mark.parametrize("name", ["vendor", "client"])
def test_each_output_stands_behind_its_command(name: str) -> None:
    found = blocks(ROOT / "docs" / f"tutorial-{name}.md")
    for before, block in pairwise(found):
        if block.language == "text":
            assert before.language == "sh", f"line {block.line}: nobody compares this"
            assert block.text.strip("…\n"), f"line {block.line}: says nothing"


@pytest.mark.parametrize(
    ("shown", "said", "same"),
    [
        ("a  b\n", "a    b   \n", True),
        ("a b\n", "a  b\n", False),
        ("took … s\n", "took 0.3 s\n", True),
        ("took … s\n", "took 0.3\ns\n", False),
        ("…\nend\n", "1\n2\nend\n", True),
        ("…\nend\n", "1\nend\nmore\n", False),
        ("(a.c)\n", "(abc)\n", False),
        ("end\n", "", False),
    ],
)
def test_what_is_shown_is_compared(shown: str, said: str, same: bool) -> None:
    assert matches(shown, said) is same
