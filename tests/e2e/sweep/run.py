"""One seed, from the first process to the verdict: start, play the kills, come to rest, ask everything, check.

What is a promise and what is not stands in checker.py; here is only the order of things.
"""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robolink import v1
from robolink.core.values import named
from robolink.core.violation import state_name
from robolink.errors import RobolinkError
from tests.e2e.sweep import checker
from tests.e2e.sweep.history import Follower, Record, read
from tests.e2e.sweep.nursery import Nursery
from tests.e2e.sweep.parts import Part, SiteParts
from tests.e2e.sweep.peer import Peer
from tests.e2e.sweep.plan import ROBOT, SETTINGS, Blow, command_id, plan_of

TICK_S: Final = 0.004
SEED_S: Final = 200.0
REST_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a seed came to.

    Attributes:
        broken: A line for each broken promise.
        states: How its commands ended.
        blows: How often each part was hit.
    """

    seed: int
    broken: list[str]
    states: Counter[str]
    blows: Counter[str]
    executions: int
    records: int


class AbandonedError(Exception):
    """Nobody wants to know this seed's verdict any more."""


class Conductor:
    """Plays the plan's blows on a running site.

    Args:
        ending: Set when nobody wants to know any more.
    """

    def __init__(self, site: SiteParts, blows: Iterable[Blow], ending: threading.Event) -> None:
        self._ending = ending
        self._site, self._blows = site, list(blows)
        self._follower = Follower(site.path)
        self._due: list[tuple[float, str, Part]] = []
        # Clients that have played all of their script, in their present life.
        self._done: set[str] = set()
        self._mark, self._mark_s = 0, time.monotonic()
        self.ups: set[str] = set()

    def play(self, until: float) -> bool:
        """Until every blow has fallen and every client is done; False if that does not come."""
        while time.monotonic() < until:
            if self._ending.is_set():
                raise AbandonedError
            self._read()
            self._carry_out()
            if not self._due:
                # A hub whose safety process does not come up in time, on a machine that is busy, gives up.
                self._site.supervise("hub")
            clients = {each for each in self._site.parts if each.startswith("client")}
            if not self._blows and not self._due and clients <= self._done:
                return True
            # With nothing left to interrupt, what remains of the plan falls now.
            if self._blows and self._waited(self._blows[0], idle=clients <= self._done):
                self._strike(self._blows.pop(0))
            time.sleep(TICK_S)
        return False

    def _read(self) -> None:
        for record in self._follower.new():
            if record["e"] in ("done", "gave_up"):
                self._done.add(record["who"])
            elif record["e"] == "up":
                self._done.discard(record["who"])
            if record["e"] == "act" and not self._mark:
                # The first blow counts from the first act on: before it there is nothing to hit.
                self._mark, self._mark_s = self._follower.count, time.monotonic()

    def _waited(self, blow: Blow, *, idle: bool) -> bool:
        if not self._mark or self._due:
            return False
        if idle:
            return True
        if blow.events is not None:
            return self._follower.count >= self._mark + blow.events
        return time.monotonic() >= self._mark_s + blow.ms / 1e3

    def _strike(self, blow: Blow) -> None:
        now = time.monotonic()
        for name in blow.parts:
            if blow.how == "freeze":
                part = self._site.parts[name]
                self._site.history.note("freeze", part=name)
                part.signal(signal.SIGSTOP)
                self._due.append((now + blow.back_ms / 1e3, "thaw", part))
            else:
                part = self._kill(name)
                self._due.append((now + blow.back_ms / 1e3, "start", part))
                if blow.again_ms is not None:
                    again_s = now + (blow.back_ms + blow.again_ms) / 1e3
                    self._due += [(again_s, f"kill {name}", part), (again_s, "start", part)]
        self._due.sort(key=lambda each: each[0])

    def _kill(self, name: str) -> Part:
        part = self._site.kill(name)
        self._done.discard(part.name)
        return part

    def _carry_out(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            _, what, part = self._due.pop(0)
            if what == "start":
                part.start()
            elif what == "thaw":
                self._site.history.note("thaw", part=part.name)
                part.signal(signal.SIGCONT)
            else:
                self._kill(what.removeprefix("kill "))
            self._mark, self._mark_s = self._follower.count, time.monotonic()


def run_seed(
    nursery: Nursery,
    seed: int,
    folder: Path,
    *,
    ending: threading.Event,
    without: Iterable[str] = (),
    keep: bool = False,
) -> Verdict:
    """Play one seed and check its history; the folder is removed if it kept every promise and `keep` is false.

    Raises:
        AbandonedError: `ending` was set before its last blow; it says nothing.
    """
    folder.mkdir(parents=True)
    plan = plan_of(seed)
    site = SiteParts(nursery, seed, len(plan.scripts), folder, tuple(without))
    try:
        site.history.note("seed", seed=seed, without=list(without))
        site.start()
        if not Conductor(site, plan.blows, ending).play(time.monotonic() + SEED_S):
            site.history.note("stuck")
        for name, part in site.parts.items():
            if name.startswith("client"):
                part.end()
        site.supervise("hub")
        _judge(site, seed)
        site.kill("site")
    finally:
        site.close()
    records = read(site.path)
    broken = checker.check(records)
    (folder / "broken.txt").write_text("".join(f"{each}\n" for each in broken))
    if not broken and not keep:
        shutil.rmtree(folder)
    return Verdict(
        seed=seed,
        broken=broken,
        states=Counter(state_name(each["state"]) for each in records if each["e"] == "final"),
        blows=Counter(each["part"] for each in records if each["e"] in ("kill", "freeze")),
        executions=sum(each["e"] == "begin" for each in records),
        records=len(records),
    )


def _judge(site: SiteParts, seed: int) -> None:
    """Ask for the state of everything, by one who had no part in it."""
    history = site.history
    peer = Peer(site.url, history, lambda _command, _state: None)
    try:
        peer.connect(REST_S)
        ids = dict.fromkeys(each["id"] for each in read(site.path) if each["e"] == "send")
        for each in ids:
            found = peer.outcome(peer.ask(bytes.fromhex(each)))
            late = found.late_outcome.state if found is not None and found.HasField("late_outcome") else 0
            history.note("final", id=each, state=found.state if found is not None else -1, late=late)
        _twin_at_rest(peer, site)
        peer.outcome(peer.look("final"))
        _move_again(peer, site, seed)
    except (RobolinkError, TimeoutError) as exc:
        history.note("stuck", why=str(exc))
    finally:
        peer.close()


def _twin_at_rest(peer: Peer, site: SiteParts) -> None:
    until = time.monotonic() + REST_S
    while True:
        twin: dict[str, Any] = peer.outcome(peer.core.twin_get(ROBOT, SETTINGS)) or {}
        behind = [each.name for each in twin.values() if each.observed.version < each.desired.version]
        if (twin and not behind) or time.monotonic() > until:
            break
        time.sleep(0.05)
    for each in twin.values():
        if each.HasField("desired"):
            site.history.note(
                "twin",
                name=each.name,
                version=each.desired.version,
                value=each.desired.value.double_value,
                observed=each.observed.version,
                verdict=each.observed.verdict,
            )


def _move_again(peer: Peer, site: SiteParts, seed: int) -> None:
    """Release, take the lease, move: possible after whatever has been."""
    state, until, tries = -1, time.monotonic() + REST_S, 0
    while state != v1.COMMAND_STATE_SUCCEEDED and time.monotonic() < until:
        tries += 1
        peer.await_robot(1.0)
        peer.outcome(peer.look(f"rest{tries}"))
        peer.outcome(peer.release(tries))
        peer.outcome(peer.lease(""))
        body = v1.Command(method="legs.push", args=named({"number": 900_000 + tries, "ms": 0}), preempt=True)
        command = command_id(seed, 999, tries)
        note: Record = {
            "method": "legs.push",
            "number": 900_000 + tries,
            "motion": True,
            "how": "",
            "life": 0,
        }
        following = peer.send(command, body, 2000, note, bare=False, token=None, older=False)
        while following and peer.follows(command.hex()) and time.monotonic() < until:
            time.sleep(0.01)
        found = peer.outcome(peer.ask(command))
        state = found.state if found is not None else -1
        site.history.note("final", id=command.hex(), state=state, late=0)
    site.history.note("moved", state=int(state), tries=tries)
