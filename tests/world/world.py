"""A hub, drivers and clients in one process, in injected time: all real but sockets, threads and clocks.

Nothing happens unless time passes: `advance` runs whatever is due, in order. The same calls give the same world.
"""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from robolink import v1
from robolink.core.command import TERMINAL
from robolink.transports.lanes import Lane
from tests.world.hub import Hub
from tests.world.judge import Judge, name_of
from tests.world.network import Network
from tests.world.peers import ROLES, Client, Driver
from tests.world.rover import MAX_SPEED, Rover

SHM: Final = Path("/dev/shm")
# More events than this within one instant: somebody answers himself for ever.
MAX_EVENTS: Final = 20_000


class World:
    """One site. Clocks: each process's is far from every other's.

    Attributes:
        now: ns since the world began; nobody in it can read it.
        events: How many things have happened.
    """

    def __init__(self) -> None:
        """A hub, and nobody else."""
        self.folder = Path(tempfile.mkdtemp(prefix="world-", dir=SHM if SHM.is_dir() else None))
        self.now = 0
        self.events = 0
        self.network = Network(self)
        self.judge = Judge(self)
        self.drivers: dict[str, Driver] = {}
        self.clients: dict[str, Client] = {}
        self._later: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self.hub = Hub(self, self.folder)
        self.hub.start()

    def close(self) -> None:
        """Leave nothing on the disk."""
        self.hub.crash()
        shutil.rmtree(self.folder)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Who is there.

    def driver(self, name: str = "rovers", *robots: str, offset_s: float = 1_000) -> Driver:
        """A driver's process, started."""
        driver = Driver(self, name, robots or ("r1",), int(offset_s * 1e9))
        self.drivers[name] = driver
        driver.start()
        return driver

    def client(
        self,
        name: str = "anna",
        *,
        offset_s: float = 90_000,
        roles: Iterable[v1.Role] = ROLES,
        lanes: Iterable[Lane] = tuple(Lane),
    ) -> Client:
        """A client's process, started."""
        client = Client(self, name, int(offset_s * 1e9), roles, lanes)
        self.clients[name] = client
        client.start()
        return client

    def rover(self, name: str = "r1") -> Rover:
        """The robot of that name."""
        return next(each.rovers[name] for each in self.drivers.values() if name in each.names)

    # Time.

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call then."""
        self._count += 1
        heapq.heappush(self._later, (self.now + int(seconds * 1e9), self._count, call))

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due happens in order, and the judge looks on."""
        until = self.now + int(seconds * 1e9)
        same = 0
        while True:
            due, act = self._next()
            if due > until:
                break
            same = same + 1 if due <= self.now else 0
            assert same < MAX_EVENTS, "the same instant for ever"
            self.now = max(self.now, due)
            self.events += 1
            act()
            self.judge.check()
        self.now = until
        self.judge.check()

    def _next(self) -> tuple[int, Callable[[], None]]:
        # Of what is due at the same time: drivers' deadmen first, the hub next, as they stand here.
        best, act = 1 << 62, self._nothing
        for each in (*self.drivers.values(), self.hub, *self.clients.values(), *self.network.pipes):
            due = each.due()
            if due is not None and due < best:
                best, act = due, each.act
        if self._later and self._later[0][0] < best:
            return self._later[0][0], lambda: heapq.heappop(self._later)[2]()
        return best, act

    def _nothing(self) -> None:
        raise AssertionError("nothing is due")

    def until(self, condition: Callable[[], Any], limit_s: float = 15, what: str = "") -> None:
        """Let time pass until that holds."""
        end = self.now + int(limit_s * 1e9)
        while not condition():
            assert self.now < end, f"not within {limit_s} s: {what or condition}"
            self.advance(0.01)

    def settle(self) -> None:
        """Until everybody has been welcomed on each of his lanes, and nothing is on its way."""
        self.advance(0.7)
        for driver in self.drivers.values():
            assert driver.session.connected or driver.refused, f"{driver.name} is not connected"

    def answer(self, future: Future[Any], limit_s: float = 15) -> Any:
        """The future's result, once it is there; a refusal is none."""
        self.until(future.done, limit_s, "an answer")
        error = future.exception()
        assert error is None, f"refused: {error}"
        return future.result()

    def state(self, command: Any, limit_s: float = 15) -> str:
        """How a command ends."""
        update = self.answer(command.terminal, limit_s)
        return name_of(update.state)

    # Healing.

    def heal(self, seconds: float = 16) -> None:
        """Every fault ends, everything that died is started, running goals end; then time passes."""
        self.hub.journal.full = False
        for pipe in self.network.pipes:
            if pipe.lane in getattr(pipe.peer, "lane_set", tuple(Lane)):
                pipe.heal()
            pipe.to_hub.tap = pipe.to_peer.tap = None
        if not self.hub.up:
            self.hub.start()
        for node in (*self.drivers.values(), *self.clients.values()):
            if not node.up:
                node.start()
        for client in self.clients.values():
            client.app_dies()
        for driver in self.drivers.values():
            driver.all_answer()
        self.advance(seconds / 2)
        for driver in self.drivers.values():
            for rover in driver.rovers.values():
                for command_id in list(rover.running):
                    record = self.hub.broker.site.table.get(command_id)
                    assert record is not None and not record.terminal, (
                        f"{rover.name} runs on what the hub has ended: {record}"
                    )
                    rover.finish(command_id)
        self.advance(seconds / 2)

    def check_healed(self) -> None:
        """After `heal`: everybody agrees, and nothing moves."""
        site = self.hub.broker.site
        for driver in self.drivers.values():
            assert driver.session.connected, f"{driver.name} is not connected"
            for rover in driver.rovers.values():
                self._check_rover(rover)
        live = [(each.robot, each.method, name_of(each.state), each.stale) for each in site.table.all_live()]
        assert not live, f"without an end: {live}"
        for client in self.clients.values():
            for command in client.commands:
                self._check_command(client, command)

    def _check_rover(self, rover: Rover) -> None:
        assert not rover.moving, f"{rover.name} moves, and nobody wants it"
        machine = self.hub.broker.site.machines[rover.name]
        kept = v1.StopState.FromString(self.hub.latches[rover.name])
        desk = self.hub.desk.latches[rover.name]
        latches = {
            "driver": (rover.generation, rover.latched),
            "hub": (machine.latch.generation, machine.latch.latched),
            "safety": (desk.generation, desk.latched),
            "disk": (kept.generation, kept.latched),
        }
        assert len(set(latches.values())) == 1, f"{rover.name}: {latches}"
        for state in machine.twin.snapshot((MAX_SPEED,)).properties:
            assert state.observed.version == state.desired.version, f"not converged: {state}"
            if state.observed.verdict == v1.VERDICT_APPLIED:
                assert state.reported.value == state.desired.value, f"told of another value: {state}"
                assert rover.max_speed == state.desired.value.double_value

    def _check_command(self, client: Client, command: Any) -> None:
        assert command.done, f"{client.name} waits for {command.method} for ever"
        record = self.hub.broker.site.table.get(command.id)
        update = command.terminal.result()
        if record is None:
            assert update.state == v1.COMMAND_STATE_REJECTED, "an outcome that the hub does not know"
            return
        assert record.state in TERMINAL
        assert record.state == update.state, f"{name_of(update.state)} told, {name_of(record.state)} kept"
        driver = next(each for each in self.drivers.values() if command.robot in each.names)
        entry = driver.session.commands.ledger.get(command.id)
        if entry is not None:
            assert entry.terminal, "it runs on at the driver"
            beside = record.late.state if record.late is not None else record.state
            assert entry.state in (record.state, beside), (
                f"driver {name_of(entry.state)} ({entry.text}), hub {name_of(record.state)} ({record.text}), "
                f"late {name_of(beside)}; hub {dict(self.hub.broker.site.counters)}, driver {driver.session.counters}"
            )
