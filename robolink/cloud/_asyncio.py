"""The asyncio face: awaits what the core returns, and nothing more. Names are the blocking face's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from robolink import v1
from robolink.awaiting import AsyncIteration, settled
from robolink.cloud._blocking import CALL_TIMEOUT_S, READY_S, STOP_WAIT_S, Following, late, pick, unheard
from robolink.cloud._config import KubeConfig
from robolink.cloud._core import FleetCore, Options, chain
from robolink.cloud._errors import outcome_error
from robolink.cloud._stops import StopOperation
from robolink.core.values import Plain
from robolink.errors import RobolinkError

A = TypeVar("A")


async def _wait(future: Future[A], timeout_s: float | None = None, what: str = "the answer") -> A:
    try:
        return await settled(future, timeout_s)
    except TimeoutError as exc:
        if isinstance(exc, RobolinkError):
            raise
        raise late(timeout_s, what) from exc


async def _ready(core: FleetCore) -> None:
    await asyncio.to_thread(core.ready, READY_S)


class AsyncGoalHandle:
    """One command that the robot's hub has accepted; see `GoalHandle`."""

    def __init__(self, core: FleetCore, following: Following) -> None:
        """Follow it."""
        self._core, self._following = core, following

    @property
    def id(self) -> bytes:
        """Its 16 bytes at the hub."""
        return self._following.operation.last.command_id

    @property
    def twin_id(self) -> str:
        """Its id in `cmd` and `cmd-status`."""
        return self._following.operation.id

    @property
    def state(self) -> v1.CommandState:
        """The newest state heard of."""
        return self._following.operation.last.state

    def feedback(self) -> AsyncIteration[v1.CommandUpdate]:
        """Each state as it is reported; ends with the goal."""
        return AsyncIteration(self._following.states)

    async def wait(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update, whatever it is. Raises DeadlineExceededError."""
        return await _wait(
            self._following.operation.terminal, timeout_s, f"the end of {self._following.method}"
        )

    async def result(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update; raises CommandFailedError unless it SUCCEEDED."""
        return await _wait(self._following.succeeded(), timeout_s, f"the end of {self._following.method}")

    async def cancel(self, reason: str = "") -> v1.CommandUpdate:
        """Ask to cancel, and wait until the hub has read that; the present state."""
        await _wait(self._following.cancel(self._core).terminal, CALL_TIMEOUT_S, "the cancelling")
        return self._following.operation.last


class AsyncTwin:
    """A robot's properties; see `Twin`."""

    def __init__(self, core: FleetCore, robot: str) -> None:
        """Of one robot."""
        self._core, self._robot = core, robot

    async def get(self, *names: str) -> dict[str, v1.PropertyState]:
        """Properties by name; all without names."""
        await _ready(self._core)
        return pick(self._core, self._robot, names)

    async def set(
        self, name: str, value: Plain, if_version: int | None = None, wait_s: float | None = None
    ) -> int:
        """Write a setting; the Device's generation then. See `Twin.set`."""
        await _ready(self._core)
        operation = self._core.set(self._robot, name, value, if_version)
        version = await _wait(operation.taken, CALL_TIMEOUT_S, f"the API server's answer about {name}")
        if wait_s is not None:
            await _wait(operation.applied, wait_s, f"{self._robot}: {name} = {operation.text}")
        return version

    async def watch(self) -> AsyncIteration[v1.Event]:
        """Changes of this twin; the whole twin first."""
        await _ready(self._core)
        return AsyncIteration(self._core.watch([self._robot]))


class AsyncRobotHandle:
    """One robot; see `RobotHandle`."""

    def __init__(self, core: FleetCore, robot: str) -> None:
        """By its Device's name; nothing is asked yet."""
        self._core, self.id = core, robot
        self.twin = AsyncTwin(core, robot)

    async def methods(self) -> dict[str, str]:
        """What it can be told, with a description each."""
        await _ready(self._core)
        found: dict[str, str] = self._core.read(lambda view: view.methods(self.id))
        return found

    async def info(self) -> v1.RobotInfo:
        """Whether it is there, and whether it is stopped."""
        await _ready(self._core)
        found: v1.RobotInfo = self._core.read(lambda view: view.info(self.id))
        return found

    async def goal(self, method: str, options: Options | None = None, /, **args: Plain) -> AsyncGoalHandle:
        """Start a goal; returns once the robot's hub has accepted it. Raises as `RobotHandle.goal`."""
        await _ready(self._core)
        following = Following(self._core, self.id, method, options, args)
        await _wait(following.accepted())
        return AsyncGoalHandle(self._core, following)

    async def call(self, method: str, options: Options | None = None, /, **args: Plain) -> v1.CommandUpdate:
        """Call a method that answers at once; its terminal update. Raises as `RobotHandle.call`."""
        await _ready(self._core)
        following = Following(self._core, self.id, method, options, args)
        await _wait(following.accepted())
        return await _wait(following.succeeded(), CALL_TIMEOUT_S, f"the answer of {method}")

    async def stop(
        self, level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD, reason: str = "", *, wait_s: float = STOP_WAIT_S
    ) -> v1.StopResult:
        """Software stop, not safety rated; latched until a release. See `RobotHandle.stop`."""
        await _ready(self._core)
        return await _wait(
            self._core.stop(self.id, level).done, wait_s, f"{self.id}: the stop's confirmation"
        )

    async def release(self, options: Options | None = None) -> v1.ReleaseResult:
        """End the software stop that is reported; nothing moves by it. The mapper's key needs role safety."""
        await _ready(self._core)
        operation = self._core.release(self.id, options)
        ended = chain(operation.terminal, lambda each: outcome_error(each, "release"))
        update = await _wait(ended, CALL_TIMEOUT_S)
        info = await self.info()
        return v1.ReleaseResult(robot=self.id, generation=info.authority.stop.generation, cause=update.cause)


class AsyncFleet:
    """The robots of one namespace; an async context manager. See `Fleet`."""

    def __init__(self, namespace: str = "", *, config: KubeConfig | None = None, selector: str = "") -> None:
        """Starts to watch."""
        config = config or KubeConfig.load()
        self._core = FleetCore(config, namespace or config.namespace, selector=selector)

    async def robots(self) -> list[v1.RobotInfo]:
        """Every robot that has a Device."""
        await _ready(self._core)
        found: list[v1.RobotInfo] = self._core.read(lambda view: [view.info(each) for each in view.robots])
        return found

    def robot(self, robot: str) -> AsyncRobotHandle:
        """A handle on one robot."""
        return AsyncRobotHandle(self._core, robot)

    async def stop(
        self,
        robots: Iterable[str] | None = None,
        level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD,
        reason: str = "",
        *,
        wait_s: float = STOP_WAIT_S,
    ) -> list[v1.StopResult]:
        """Software stop, not safety rated, of these or all robots: one verdict each. See `Fleet.stop`."""
        await _ready(self._core)
        names = self._core.read(lambda view: view.robots) if robots is None else list(robots)
        stops = [self._core.stop(robot, level) for robot in names]
        return await asyncio.gather(*(self._verdict(each, wait_s) for each in stops))

    @staticmethod
    async def _verdict(stop: StopOperation, wait_s: float) -> v1.StopResult:
        try:
            return await _wait(stop.done, wait_s, "the stop's confirmation")
        except RobolinkError as exc:
            return unheard(stop.robot, exc)

    async def watch(self, robots: Iterable[str] = ()) -> AsyncIteration[v1.Event]:
        """Events of these or all robots: what they are now first, then each change of robot or twin."""
        await _ready(self._core)
        return AsyncIteration(self._core.watch(robots))

    @property
    def counters(self) -> dict[str, int]:
        """What this fleet has counted: watches, patches, conflicts."""
        return self._core.counters

    @property
    def faults(self) -> dict[str, RobolinkError]:
        """Why nothing new is heard at present, by resource; empty while all is well."""
        return self._core.faults

    async def close(self) -> None:
        """End the watches. What is written stays written, and is nudged no more."""
        await asyncio.to_thread(self._core.close)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()
