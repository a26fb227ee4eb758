"""Hub or robot with rules taken out, to see that the sweep finds it: `… faults RULE,RULE hub|walker|safety ARGUMENTS`.

Each fault is one rule of the standard that a careless change could lose. Nothing but the sweep's tests starts this.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from robolink.core.command import CommandTable
from robolink.core.lease import LeaseTable
from robolink.core.stop import StopLatch
from robolink.core.twin import RobotTwin
from robolink.hub import __main__ as hub_main
from robolink.hub import safety_process, server
from robolink.robot._ledger import Ledger
from robolink.robot._served import Served
from robolink.store import Batch, StopStore
from tests.e2e.sweep import walker


def forgotten_ids() -> None:
    """Hub and driver forget which ids they have had: a resend is a new command."""
    CommandTable.seen = lambda self, *_: None  # type: ignore[method-assign]
    Ledger.get = lambda self, command_id: (  # type: ignore[method-assign]
        found if (found := self._entries.get(command_id)) is not None and not found.terminal else None
    )


def no_journal() -> None:
    """ACCEPTED is told, and the command is in no journal."""
    Batch.command = lambda self, record: None  # type: ignore[method-assign]


def told_before_kept() -> None:
    """Answers leave before the commit."""
    finish = server.HubServer._finish_turn

    def told_first(self: server.HubServer) -> None:
        turn = self.broker.take_turn()
        self._send(turn.sends)
        turn.sends.clear()
        if turn.batch:
            time.sleep(0.03)  # A slow disk.
        self.broker.site.turn = turn
        finish(self)

    server.HubServer._finish_turn = told_first  # type: ignore[method-assign]


def last_outcome_wins() -> None:
    """Another outcome, later, replaces the first."""
    advance = CommandTable.advance

    def overwrite(self: CommandTable, record: Any, state: Any, writer: Any, **more: Any) -> bool:
        if record.terminal and state != record.state:
            record.state, record.cause, record.text = state, more.get("cause", 0), more.get("text", "")
            return True
        return advance(self, record, state, writer, **more)

    CommandTable.advance = overwrite  # type: ignore[method-assign]


def no_lease() -> None:
    """Everybody may move everything."""
    LeaseTable.check = lambda self, *_, **more: None  # type: ignore[assignment,method-assign]


def latch_in_memory() -> None:
    """The stop latch is on no disk."""
    StopStore.save = lambda self, states: None  # type: ignore[method-assign]


def no_latch() -> None:
    """Neither hub nor driver minds latch or generation."""
    StopLatch.check = lambda self, *_: None  # type: ignore[method-assign]
    Served.may_move = lambda self, *_, stoppable: None  # type: ignore[method-assign]


def settings_once() -> None:
    """A driver that was restarted is not told what is desired."""
    RobotTwin.orders_for_new_session = lambda self: []  # type: ignore[method-assign]


def versions_in_memory() -> None:
    """Versions of settings are in no journal."""
    Batch.property = lambda self, robot, state: None  # type: ignore[method-assign]


FAULTS: Final[dict[str, Callable[[], None]]] = {
    each.__name__: each
    for each in (
        forgotten_ids,
        no_journal,
        told_before_kept,
        last_outcome_wins,
        no_lease,
        latch_in_memory,
        no_latch,
        settings_once,
        versions_in_memory,
    )
}


class _Subprocess:
    """`subprocess` as the hub sees it: its safety process gets the same faults."""

    PIPE, TimeoutExpired = subprocess.PIPE, subprocess.TimeoutExpired

    def __init__(self, rules: str) -> None:
        self._rules = rules

    def Popen(self, arguments: list[str], **more: Any) -> Any:  # noqa: N802  # the name it stands for
        assert arguments[1:] == ["-m", "robolink.hub.safety_process"]
        call = [arguments[0], "-m", "tests.e2e.sweep.faults", self._rules, "safety"]
        return subprocess.Popen(call, **more)


def main(arguments: list[str]) -> int | None:
    """Take the rules out, then be that process."""
    rules, what, *rest = arguments
    for rule in rules.split(","):
        FAULTS[rule]()
    if what == "hub":
        server.subprocess = _Subprocess(rules)  # type: ignore[assignment]
        return hub_main.main(rest)
    if what == "safety":
        return safety_process.main()
    walker.main(rest)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
