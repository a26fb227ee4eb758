"""All scenarios, in the order of RESULTS.md."""

from __future__ import annotations

from typing import Final

from benchmarks.scenario import Scenario
from benchmarks.scenarios import (
    command,
    edge,
    journal,
    memory,
    ros2,
    serial,
    setpoint,
    startup,
    stop,
    telemetry,
    twin,
)

ALL: Final[dict[str, Scenario]] = {
    each.SCENARIO.name: each.SCENARIO
    for each in (command, setpoint, telemetry, stop, twin, edge, journal, serial, ros2, startup, memory)
}
