"""All scenarios, in the order of RESULTS.md."""

from __future__ import annotations

from typing import Final

from benchmarks.scenario import Scenario
from benchmarks.scenarios import command

ALL: Final[dict[str, Scenario]] = {each.SCENARIO.name: each.SCENARIO for each in (command,)}
