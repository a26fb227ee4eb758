"""Diagnostics of a robot: the newest of each name, and the worst of them. Nothing of ROS 2 is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# diagnostic_msgs/DiagnosticStatus levels.
LEVELS: Final = ("ok", "warning", "error", "stale")


def states_of(message: Any) -> dict[str, tuple[str, str]]:
    """diagnostic_msgs/DiagnosticArray: level and words by name."""
    found = {}
    for each in message.status:
        level = each.level[0] if isinstance(each.level, bytes) else int(each.level)
        found[each.name] = (LEVELS[min(level, len(LEVELS) - 1)], each.message)
    return found


# A diagnostic of a name that is silent so long is stale; after that, whoever told it is gone for good.
SILENT_S: Final = 10.0
GONE_S: Final = 60.0
MAX_NAMES: Final = 256


class Diagnostics:
    """The newest diagnostic of each name. The time is given: monotonic s.

    Attributes:
        dropped: Names for which there was no place.
    """

    def __init__(self) -> None:
        """Nothing was heard."""
        self.dropped = 0
        self._states: dict[str, tuple[tuple[str, str], float]] = {}
        self._heard = False

    def hear(self, states: Mapping[str, tuple[str, str]], now: float) -> None:
        """What one message tells."""
        self._heard = self._heard or bool(states)
        for name, state in states.items():
            if name in self._states or len(self._states) < MAX_NAMES:
                self._states[name] = (state, now)
            else:
                self.dropped += 1

    def worst(self, now: float) -> tuple[str, str]:
        """The worst level, and who says so; a name that fell silent is stale for a while, and then forgotten."""
        self._states = {name: each for name, each in self._states.items() if now - each[1] < GONE_S}
        if self._heard and not self._states:
            return "stale", f"no diagnostics for {GONE_S:g} s"
        silent = ("stale", f"silent for {SILENT_S:g} s")
        return worst(
            {name: state if now - at < SILENT_S else silent for name, (state, at) in self._states.items()}
        )


def worst(states: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """The worst level, and who says so."""
    order = sorted(states, key=lambda name: LEVELS.index(states[name][0]), reverse=True)
    bad = [f"{name}: {states[name][1] or states[name][0]}" for name in order if states[name][0] != "ok"]
    return (states[order[0]][0] if order else "ok"), "; ".join(bad)[:512]
