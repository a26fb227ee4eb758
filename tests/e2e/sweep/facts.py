"""A recorded history, sorted by what the rules ask for. Each fact keeps its place in the history (`at`). No rule here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from robolink import v1
from robolink.core.command import TERMINAL
from robolink.core.violation import state_name
from tests.e2e.sweep.history import Record

ENDS: Final = frozenset(int(each) for each in TERMINAL)
REJECTED: Final = int(v1.COMMAND_STATE_REJECTED)
UNKNOWN: Final = int(v1.COMMAND_STATE_UNSPECIFIED)
# Told of a command only once it is accepted.
ALIVE: Final = frozenset(v1.CommandState.values()) - {UNKNOWN, int(v1.COMMAND_STATE_RECEIVED), REJECTED}


def name(state: int) -> str:
    """As people read it."""
    return state_name(state) if state >= 0 else "NO ANSWER"  # type: ignore[arg-type]


class Facts:
    """The history by event, by command and by hub life.

    Attributes:
        all: Every record, with `at`.
        hub_starts: Where each hub life begins.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.all = [record | {"at": at} for at, record in enumerate(records)]
        self._by_event: dict[str, list[Record]] = defaultdict(list)
        for record in self.all:
            self._by_event[record["e"]].append(record)
        self.sends = self._by_id("send")
        self.begins = self._by_id("begin")
        self.ends = self._by_id("end")
        # What was said of another body under the same id says nothing of the command.
        self.updates = {
            command: [each for each in updates if each["cause"] != v1.CAUSE_ID_REUSED]
            for command, updates in self._by_id("update").items()
        }
        self.finals = {each["id"]: each for each in self.of("final")}
        self.asked_at = {each["q"]: each["at"] for each in self.of("ask")}
        self.hub_starts = [each["at"] for each in self.of("start") if each["part"] == "hub"]
        # Which write each version of a setting was, from the answers.
        self.version_of = {(each["name"], each["value"]): each["version"] for each in self.of("write_ack")}

    def of(self, event: str) -> list[Record]:
        """All records of that event."""
        return self._by_event.get(event, [])

    def _by_id(self, event: str) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.of(event):
            found[record["id"]].append(record)
        return dict(found)

    def life_begin(self, at: int) -> int:
        """Where the hub life of that place begins; 0 before the first."""
        return max((each for each in self.hub_starts if each <= at), default=0)

    def life_end(self, at: int) -> int:
        """Where the next hub life begins; until there, what is told is an earlier hub's word."""
        return min((each for each in self.hub_starts if each > at), default=len(self.all))

    def said(self, command: str) -> Iterator[tuple[int, str]]:
        """Each terminal state that anybody was told of it, and by whom it is said."""
        for each in self.updates.get(command, ()):
            if each["state"] in ENDS:
                yield each["state"], each["who"]
        final = self.finals.get(command)
        if final is not None and final["state"] in ENDS:
            yield final["state"], "the last question"
        for kept in self.of("kept"):
            state = kept["commands"].get(command, [UNKNOWN])[0]
            if state in ENDS:
                yield state, "the journal"
