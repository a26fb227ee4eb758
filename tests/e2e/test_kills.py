"""kill -9 of the hub and of a driver at random points of a command stream: nothing lost, nothing twice, one end each."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from robolink import v1
from robolink.client import AsyncHub, AsyncRobotHandle, Options, connect_async
from robolink.core.command import TERMINAL
from robolink.core.envelope import new_message_id
from robolink.core.violation import state_name
from robolink.errors import CommandError
from tests.conftest import HubProcess

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("ROBOLINK_KILLS", "50"))
SEED = int(os.environ.get("ROBOLINK_SEED", "20261125"))
WORKERS = 6

RAN = {v1.COMMAND_STATE_SUCCEEDED}
MAY_HAVE_RUN = {v1.COMMAND_STATE_LOST, v1.COMMAND_STATE_FAILED, v1.COMMAND_STATE_CANCELED}
NEVER_RAN = {v1.COMMAND_STATE_REJECTED, v1.COMMAND_STATE_EXPIRED}


class DriverProcess:
    """The counting robot in a process of its own."""

    def __init__(self, hub: HubProcess, ledger: Path) -> None:
        self.arguments = [sys.executable, "-m", "tests.e2e.counting_robot", hub.url, str(ledger)]
        self.log = hub.folder / "driver.log"
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.arguments, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def restart(self) -> None:
        self.kill()
        self.start()


class Stream:
    """Workers that command all the time, and what each command ended as."""

    def __init__(self, robot: AsyncRobotHandle) -> None:
        self.robot = robot
        self.ends: dict[int, tuple[bytes, v1.CommandUpdate | None]] = {}
        self.accepted: set[int] = set()
        self.succeeded = 0
        self.ending = False
        self._numbers = itertools.count()

    async def work(self, goals: bool) -> None:
        while not self.ending:
            number = next(self._numbers)
            command_id = new_message_id()
            method = "counter.walk" if goals else "counter.count"
            update: v1.CommandUpdate | None = None
            try:
                handle = await self.robot.goal(
                    method, Options(ttl_s=3.0, command_id=command_id), number=number
                )
                self.accepted.add(number)
                update = await handle.wait(60)
                self.succeeded += update.state in RAN
            except CommandError:
                await asyncio.sleep(
                    0.01
                )  # Refused: not a busy loop, since a hub that is away refuses at once.
            self.ends[number] = (command_id, update)


@asynccontextmanager
async def streaming(hub: HubProcess) -> AsyncIterator[Stream]:
    async with connect_async(hub.url, name="streamer", timeout_s=20) as connection:
        stream = Stream(connection.robot("counter"))
        await online(connection)
        async with stream.robot.lease():
            tasks = [asyncio.create_task(stream.work(goals=worker == 0)) for worker in range(WORKERS)]
            yield stream
            stream.ending = True
            await asyncio.wait_for(asyncio.gather(*tasks), 90)


async def online(connection: AsyncHub) -> None:
    async with asyncio.timeout(30):
        while not any(each.online for each in await connection.robots()):
            await asyncio.sleep(0.02)


async def progress(stream: Stream, more: int) -> None:
    """Until the stream has got on: a kill must meet work, not a hub or driver that is just coming back."""
    target = stream.succeeded + more
    async with asyncio.timeout(60):
        while stream.succeeded < target:
            await asyncio.sleep(0.002)


async def check(hub: HubProcess, stream: Stream, ledger: Path) -> Counter[str]:
    """The three promises, over every command of the stream."""
    runs = Counter(int(line) for line in ledger.read_text().split())
    assert all(count == 1 for count in runs.values()), "a command ran twice"
    async with connect_async(hub.url, name="checker", timeout_s=20) as connection:
        robot = connection.robot("counter")
        found: Counter[str] = Counter()
        for number, (command_id, seen) in stream.ends.items():
            kept = await robot.query(command_id)
            if number in stream.accepted:
                assert kept.state in TERMINAL, f"accepted command {number} was lost: {state_name(kept.state)}"
                assert seen is not None
                assert kept.state == seen.state, f"command {number} has two ends"
            state = seen.state if seen is not None else kept.state
            found[state_name(state)] += 1
            if state in RAN:
                assert runs[number] == 1, f"command {number} SUCCEEDED without having run"
            elif state in NEVER_RAN or state == v1.COMMAND_STATE_UNSPECIFIED:
                assert runs[number] == 0, f"command {number} ran though it ended {state_name(state)}"
            else:
                assert state in MAY_HAVE_RUN
    assert found["SUCCEEDED"] > KILLS
    return found


async def sweep(
    hub: HubProcess, folder: Path, kill: Callable[[DriverProcess], Awaitable[None]], kills: int
) -> Counter[str]:
    ledger = folder / "ledger"
    ledger.touch()
    driver = DriverProcess(hub, ledger)
    chance = random.Random(SEED)
    try:
        async with streaming(hub) as stream:
            for _ in range(kills):
                await progress(stream, chance.randrange(1, 40))
                await asyncio.sleep(chance.random() * 0.01)
                await kill(driver)
            await progress(stream, 50)
        return await check(hub, stream, ledger)
    finally:
        driver.kill()


@pytest.mark.timeout(600)
async def test_hub_killed_at_random_points(hub: HubProcess, tmp_path: Path) -> None:
    async def kill(_driver: DriverProcess) -> None:
        await asyncio.to_thread(hub.kill)
        await asyncio.to_thread(hub.start)

    found = await sweep(hub, tmp_path, kill, KILLS)
    print(f"\n{KILLS} kills of the hub (seed {SEED}): {dict(found)}")  # noqa: T201  # the sweep's own report


@pytest.mark.timeout(600)
async def test_driver_killed_at_random_points(hub: HubProcess, tmp_path: Path) -> None:
    async def kill(driver: DriverProcess) -> None:
        await asyncio.to_thread(driver.restart)

    found = await sweep(hub, tmp_path, kill, KILLS)
    print(f"\n{KILLS} kills of a driver (seed {SEED}): {dict(found)}")  # noqa: T201  # the sweep's own report
