"""The processes of one site: started, killed, frozen; and what a dead hub has left on its disk. It decides nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from robolink.cli.ports import free_ports
from robolink.store import Journal, StopStore
from tests.e2e.sweep.history import History
from tests.e2e.sweep.nursery import Nursery
from tests.e2e.sweep.plan import ROBOT

END_S: Final = 30.0
# Short, so that a seed takes seconds; every one of them is a key of the hub's configuration.
TIMEOUTS: Final = """
[timeouts]
beat_ms = 150
peer_lost_ms = 600
lease_renew_ms = 300
lease_stale_ms = 900
driver_return_ms = 700
stop_answer_ms = 400
"""

_PORTS_GIVEN: Final[set[int]] = set()
_PORTS_LOCK: Final = threading.Lock()


def own_ports() -> int:
    """Four ports that no other seed of this sweep gets: a hub that is away for a moment keeps its own."""
    with _PORTS_LOCK:
        while True:
            first = free_ports(4)
            if not _PORTS_GIVEN & set(range(first, first + 4)):
                _PORTS_GIVEN.update(range(first, first + 4))
                return first


class Part:
    """One process with its children, in a group of its own."""

    def __init__(self, nursery: Nursery, name: str, call: list[str], folder: Path, history: History) -> None:
        self.name, self._nursery, self._call, self._history = name, nursery, call, history
        self._log = folder / f"{name}.log"
        self.pid = 0
        self.starts = 0

    def start(self) -> None:
        """Start it; it finds the others by itself."""
        self.starts += 1
        self._history.note("start", part=self.name, life=self.starts)
        self.pid = self._nursery.start(self._call[0], self._call[1:], self._log)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return self.pid > 0

    def _group(self) -> list[int]:
        """Every process of its group."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat") if self.pid else ():
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # It has just ended.
            if int(fields[2]) == self.pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
        return found

    def signal(self, number: int, pid: int = 0) -> None:
        """To the process, or to a child of it; one that has ended is not minded."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid or self.pid, number)

    def kill(self, *, child: bool = False, group: bool = False) -> None:
        """kill -9: of the process, of its child alone, or of both at once; returns when the group is gone."""
        self._history.note("kill", part=self.name, child=child, group=group)
        victims = [each for each in self._group() if each != self.pid] if child or group else []
        if not child or not victims:
            victims.append(self.pid)
        for each in victims:
            self.signal(signal.SIGKILL, each)
        self.wait()
        self._history.note("dead", part=self.name)

    def wait(self) -> None:
        """Until it and its children are gone; after a time they are killed, which is noted."""
        until = time.monotonic() + END_S
        while left := self._group():
            if time.monotonic() > until:
                self._history.note("would_not_end", part=self.name)
                until += END_S
                for each in left:
                    self.signal(signal.SIGKILL, each)
            time.sleep(0.005)

    def end(self) -> None:
        """SIGTERM, and wait."""
        if self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self.wait()

    def destroy(self) -> None:
        """Nothing of it is left."""
        for each in self._group():
            self.signal(signal.SIGKILL, each)
        self.wait()


class Store:
    """What a hub keeps, read from copies, so that the hub finds it as its killed forerunner left it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(self) -> dict[str, Any]:
        """Commands (id: state, late outcome), desired versions and values, the stop latch."""
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary) / "store"
            if not self.folder.exists():
                return {"commands": {}, "versions": {}, "stop": None}
            shutil.copytree(self.folder, copy)
            journal, stops = Journal(copy / "journal.sqlite"), StopStore(copy / "stops.sqlite")
            try:
                return {
                    "commands": {
                        each.id.hex(): [int(each.state), int(each.late.state) if each.late else 0]
                        for each in journal.commands()
                    },
                    "versions": _versions(journal),
                    "stop": _stop(stops),
                }
            finally:
                journal.close()
                stops.close()


def _versions(journal: Journal) -> dict[str, list[Any]]:
    return {
        state.name: [state.desired.version, state.desired.value.double_value]
        for robot, state in journal.properties()
        if robot == ROBOT and state.HasField("desired")
    }


def _stop(stops: StopStore) -> list[Any] | None:
    for robot, state in stops.load():
        if robot == ROBOT:
            return [state.generation, state.latched]
    return None


class SiteParts:
    """Hub, driver and clients of one seed.

    Args:
        nursery: Starts them.
        without: Names of rules that are taken out of hub and driver (see `faults.py`).
    """

    def __init__(
        self, nursery: Nursery, seed: int, clients: int, folder: Path, without: Iterable[str]
    ) -> None:
        self._nursery = nursery
        self.folder, self.path = folder, folder / "history.jsonl"
        self.history = History(self.path, "runner")
        self.url = f"tcp://127.0.0.1:{own_ports()}"
        config = folder / "hub.toml"
        config.write_text(f'url = "{self.url}"\n{TIMEOUTS}\n[store]\npath = "{folder / "store"}"\n')
        hub, walker = ["robolink.hub.__main__"], ["tests.e2e.sweep.walker"]
        if without:
            fault = ["tests.e2e.sweep.faults", ",".join(without)]
            hub, walker = [*fault, "hub"], [*fault, "walker"]
        self.parts = {
            "hub": self._part("hub", [*hub, "--config", str(config)]),
            "driver": self._part("driver", [*walker, self.url, str(self.path)]),
        }
        for client in range(clients):
            name, module = f"client{client}", "tests.e2e.sweep.workload"
            self.parts[name] = self._part(name, [module, self.url, str(self.path), str(seed), str(client)])
        self.store = Store(folder / "store")

    def _part(self, name: str, arguments: list[str]) -> Part:
        return Part(self._nursery, name, arguments, self.folder, self.history)

    def start(self) -> None:
        """Everything."""
        for part in self.parts.values():
            part.start()

    def supervise(self, name: str) -> None:
        """Start that part again if it has ended by itself, as whoever supervises it on a site does."""
        part = self.parts[name]
        if not part.running:
            part.wait()
            self.history.note("ended", part=name)
            part.start()

    def kill(self, name: str) -> Part:
        """kill -9 of that part (see `Blow.parts`); the part that must be started again."""
        part = self.parts["hub" if name in ("safety", "site") else name]
        part.kill(child=name == "safety", group=name == "site")
        if part.name == "hub":
            self.history.note("kept", **self.store.kept())
        return part

    def close(self) -> None:
        """Kill what still runs."""
        for part in self.parts.values():
            part.destroy()
