"""Findings with a verdict each, as `why` and `doctor` show them: what was looked at, how it is, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from robolink.cli.output import Cell, print_table


class Level(StrEnum):
    """How a finding is meant."""

    OK = "ok"
    # Worth knowing; nothing is in the way.
    NOTE = "note"
    # In the way.
    FAULT = "fault"


STYLES: Final = {Level.OK: "green", Level.NOTE: "yellow", Level.FAULT: "bold red"}
WORDS: Final = {Level.OK: "ok", Level.NOTE: "note", Level.FAULT: "NO"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line.

    Attributes:
        what: One word or two: "link", "stop latch".
        text: How it is, with values and units.
        hint: What to do; empty where there is nothing to do.
    """

    what: str
    level: Level
    text: str
    hint: str = ""

    def view(self) -> dict[str, str]:
        """For JSON."""
        return {"what": self.what, "level": self.level.value, "text": self.text, "hint": self.hint}


def first_fault(findings: Iterable[Finding]) -> Finding | None:
    """What to look at first; None if nothing is in the way."""
    return next((each for each in findings if each.level is Level.FAULT), None)


def print_findings(findings: Iterable[Finding]) -> None:
    """A table of them."""
    print_table(("what", "verdict", "how it is", "what to do"), map(_row, findings))


def _row(finding: Finding) -> tuple[Cell, ...]:
    style = STYLES[finding.level]
    shown: Cell = finding.text if finding.level is Level.OK else (finding.text, style)
    return finding.what, (WORDS[finding.level], style), shown, finding.hint
