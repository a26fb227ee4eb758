"""The asyncio face: awaits what the core returns, and nothing more. Names are the blocking face's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from types import TracebackType
from typing import Self, TypeVar

from robolink import v1
from robolink.awaiting import AsyncIteration, settled
from robolink.client._blocking import ANSWER_MARGIN_S, CALL_TIMEOUT_S
from robolink.client._core import ClientCore, Options
from robolink.client._errors import check_accepted, check_released, check_succeeded
from robolink.client._leases import Wish
from robolink.client._requests import OpenCommand
from robolink.client._streams import StreamReader, StreamSample
from robolink.core.values import Plain
from robolink.errors import ConnectionLostError, DeadlineExceededError, RobolinkError, TransportTimeoutError

A = TypeVar("A")


async def _wait(future: Future[A], timeout_s: float | None = None, what: str = "the answer") -> A:
    try:
        return await settled(future, timeout_s)
    except TimeoutError as exc:
        if isinstance(exc, RobolinkError):
            raise
        raise DeadlineExceededError(
            f"{what} did not come within {timeout_s:g} s; the command itself may go on"
        ) from exc


class _AsyncStream(AsyncIteration[StreamSample]):
    def __init__(self, reader: StreamReader) -> None:
        super().__init__(reader.channel)
        self.counters = reader.counters
        self._reader = reader

    async def close(self) -> None:
        await asyncio.to_thread(self._reader.close)


class AsyncGoalHandle:
    """One command that was accepted; see `GoalHandle`."""

    def __init__(self, core: ClientCore, command: OpenCommand) -> None:
        """Follow it."""
        self._core, self._command = core, command

    @property
    def id(self) -> bytes:
        """Its 16 bytes."""
        return self._command.id

    @property
    def state(self) -> v1.CommandState:
        """The newest state heard of."""
        last = self._command.last
        return last.state if last is not None else v1.COMMAND_STATE_UNSPECIFIED

    def feedback(self) -> AsyncIteration[v1.CommandFeedback]:
        """What the driver measures on the way; ends with the goal."""
        return AsyncIteration(self._command.feedback)

    async def wait(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update, whatever it is. Raises DeadlineExceededError."""
        return await _wait(self._command.terminal, timeout_s, f"the end of {self._command.method}")

    async def result(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update; raises CommandFailedError unless it SUCCEEDED."""
        update = await self.wait(timeout_s)
        check_succeeded(update, self._command.method)
        return update

    async def values(self, timeout_s: float | None = None) -> dict[str, Plain]:
        """What it returned; raises as `result`."""
        return self._core.results(await self.result(timeout_s))

    async def cancel(self, reason: str = "") -> v1.CommandUpdate:
        """Ask to cancel; the present state. The outcome follows by itself."""
        return await _wait(self._core.cancel(self._command, reason))


class AsyncLease:
    """The right to move, as an async context manager; renewed by the SDK."""

    def __init__(self, core: ClientCore, robot: str, component: str, wish: Wish) -> None:
        """Not asked for before the context is entered."""
        self._core, self.robot, self.component, self._wish = core, robot, component, wish

    async def __aenter__(self) -> Self:
        """Take it; raises RejectedError (BUSY) naming its owner."""
        await _wait(self._core.acquire(self.robot, self.component, self._wish))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give it back; its goals end by their on_disconnect."""
        try:
            await _wait(self._core.give_back(self.robot, self.component))
        except (TransportTimeoutError, ConnectionLostError):
            return
        except RobolinkError:
            # It was lost before: the hub has told why, and `lost` keeps it.
            self._core.session.counters["lease_release_refused"] += 1

    @property
    def wanted(self) -> v1.LeaseWanted | None:
        """Who asks for it, if anybody does: leave the context to give it, or `decline`."""
        return self._core.session.leases.asked_for(self.robot, self.component)

    async def decline(self) -> None:
        """Keep it, and say so to who asks."""
        await _wait(self._core.decline(self.robot, self.component))

    @property
    def lost(self) -> str:
        """Why it is gone; "" while it is held."""
        return self._core.session.leases.lost(self.robot, self.component)


class AsyncTwin:
    """A robot's properties; see `Twin`."""

    def __init__(self, core: ClientCore, robot: str) -> None:
        """Of one robot."""
        self._core, self._robot = core, robot

    async def get(self, *names: str) -> dict[str, v1.PropertyState]:
        """Properties by name; all without names."""
        return await _wait(self._core.twin_get(self._robot, names))

    async def set(
        self, name: str, value: Plain, if_version: int | None = None, wait_s: float | None = None
    ) -> int:
        """Write a setting; its desired version. See `Twin.set`."""
        if wait_s is None:
            return await _wait(self._core.twin_set(self._robot, name, value, if_version))
        async with self.watch() as changes:
            version = await _wait(self._core.twin_set(self._robot, name, value, if_version))
            try:
                async with asyncio.timeout(wait_s):
                    await self._wait_observed(changes, name, version)
            except TimeoutError as exc:
                if isinstance(exc, RobolinkError):
                    raise
                raise DeadlineExceededError(
                    f"{self._robot} has not applied {name} within {wait_s:g} s"
                ) from exc
        return version

    async def _wait_observed(self, changes: AsyncIteration[v1.Event], name: str, version: int) -> None:
        if self._core.observed(self._robot, (await self.get(name))[name], version):
            return
        async for _ in changes:
            if self._core.observed(self._robot, (await self.get(name))[name], version):
                return

    def watch(self) -> AsyncIteration[v1.Event]:
        """Changes of this twin; the whole twin first."""
        return AsyncIteration(self._core.watch([self._robot], twins=True, commands=False))


class AsyncRobotHandle:
    """One robot; see `RobotHandle`."""

    def __init__(self, core: ClientCore, robot: str) -> None:
        """By its id; nothing is asked yet."""
        self._core, self.id = core, robot
        self.twin = AsyncTwin(core, robot)

    async def describe(self) -> v1.Description:
        """Its sheet."""
        return await _wait(self._core.describe(self.id))

    def lease(
        self, component: str = "", *, reason: str = "", request_s: float | None = None, take: bool = False
    ) -> AsyncLease:
        """The right to move it, or one component, as an async context manager.

        Args:
            component: Empty: the whole robot.
            reason: Told to its present owner; needed to take.
            request_s: Ask the owner, and wait so long for his word; None: be answered BUSY at once.
            take: End the owner's lease; his goals end PREEMPTED. Needs role maintain, or an owner who acts for a cloud.
                Audited.
        """
        wish = Wish(reason=reason, request_s=request_s, take=take)
        return AsyncLease(self._core, self.id, component, wish)

    async def goal(self, method: str, options: Options | None = None, /, **args: Plain) -> AsyncGoalHandle:
        """Start a goal; returns once the hub has accepted it. Raises as `RobotHandle.goal`."""
        accepted: Future[v1.CommandUpdate] = Future()
        command = self._core.submit(self.id, method, options, args, accepted=accepted)
        ttl_s = (options or Options()).ttl_s
        update = await _wait(accepted, ttl_s + ANSWER_MARGIN_S, f"the acceptance of {method}")
        check_accepted(update, method)
        return AsyncGoalHandle(self._core, command)

    async def call(self, method: str, options: Options | None = None, /, **args: Plain) -> dict[str, Plain]:
        """Call a method that answers at once; what it returns. Raises as `RobotHandle.call`."""
        command = self._core.submit(self.id, method, options, args)
        update = await _wait(command.terminal, CALL_TIMEOUT_S, f"the answer of {method}")
        check_succeeded(update, method)
        return self._core.results(update)

    async def check(
        self, method: str, options: Options | None = None, /, **args: Plain
    ) -> v1.CommandCheckReply:
        """A dry run: what the hub would answer now; cause 0, it would be accepted. Nothing moves, nothing is kept."""
        return await _wait(self._core.check(self.id, method, options, args))

    async def follow(self, command_id: bytes) -> AsyncGoalHandle:
        """A handle on a command by its id; raises as `RobotHandle.follow`."""
        command = await _wait(
            self._core.follow(self.id, command_id), self._core.timeout_s, "the command's state"
        )
        return AsyncGoalHandle(self._core, command)

    async def query(self, command_id: bytes) -> v1.CommandUpdate:
        """Present state of a command; UNSPECIFIED if the hub does not know it."""
        return await _wait(self._core.query(self.id, command_id))

    async def setpoint(self, name: str, /, **fields: float) -> None:
        """Send one setpoint; see `RobotHandle.setpoint`."""
        if self._core.index(self.id) is None:
            await self.describe()
        self._core.setpoint(self.id, name, fields)

    def stream(self, name: str, *, max_age_s: float = 1.0) -> _AsyncStream:
        """Telemetry: newest only, older than `max_age_s` dropped and counted."""
        return _AsyncStream(self._core.stream(self.id, name, max_age_s=max_age_s))

    async def stop(self, level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD, reason: str = "") -> v1.StopResult:
        """Software stop, not safety rated; latched until a release."""
        return (await _wait(self._core.stop([self.id], level, reason)))[0]

    async def release(self) -> v1.ReleaseResult:
        """End the software stop; nothing moves by it. Needs role safety; raises as `RobotHandle.release`."""
        return check_released((await _wait(self._core.release([self.id])))[0])


class AsyncHub:
    """A connection to a hub; an async context manager. See `Hub`."""

    def __init__(self, core: ClientCore) -> None:
        """Use `robolink.connect_async`."""
        self._core = core

    async def robots(self) -> list[v1.RobotInfo]:
        """Every robot this hub has ever seen, online or not."""
        return await _wait(self._core.robots())

    def robot(self, robot: str) -> AsyncRobotHandle:
        """A handle on one robot."""
        return AsyncRobotHandle(self._core, robot)

    async def status(self) -> v1.Status:
        """What the hub has counted: refused, dropped, unsent."""
        return await _wait(self._core.status())

    async def stop(
        self,
        robots: Iterable[str] | None = None,
        level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD,
        reason: str = "",
    ) -> list[v1.StopResult]:
        """Software stop, not safety rated, of these or all robots: one verdict each."""
        return await _wait(self._core.stop(robots, level, reason))

    async def release(self, robots: Iterable[str] | None = None) -> list[v1.ReleaseResult]:
        """End the software stop of these, or of all that are stopped. Needs role safety; nothing moves by it."""
        return await _wait(self._core.release(robots))

    def watch(
        self,
        robots: Iterable[str] = (),
        *,
        twins: bool = True,
        commands: bool = False,
        notices: bool = False,
    ) -> AsyncIteration[v1.Event]:
        """Events of these or all robots: their coming and going always, the rest as asked for."""
        return AsyncIteration(self._core.watch(robots, twins=twins, commands=commands, notices=notices))

    async def trace(self, command_id: bytes) -> v1.Trace:
        """The way of a kept command, step by step in site time; raises RejectedError (INVALID) if none is kept."""
        return await _wait(self._core.trace(command_id))

    async def audit(self, after: int = 0) -> list[v1.AuditRecord]:
        """The newest records of the audit, oldest first; needs role maintain."""
        return await _wait(self._core.audit(after))

    @property
    def synced(self) -> bool:
        """Whether the offset to site time is measured."""
        return self._core.synced

    def now_ns(self) -> int:
        """Site time now, the base of every `time_ns` and `stamp_ns`."""
        return self._core.now_ns()

    @property
    def clock_error_s(self) -> float | None:
        """Bound of the error of the offset to site time, s; None while it is not measured."""
        return self._core.clock_error_s

    @property
    def lanes(self) -> dict[str, bool]:
        """Whether the hub answers on each lane: "control", "safety"."""
        return self._core.session.lanes

    @property
    def welcome(self) -> v1.HelloReply:
        """What the hub said of itself and of us: name, roles, timeouts, versions."""
        return self._core.session.hello_reply or v1.HelloReply()

    @property
    def counters(self) -> dict[str, int]:
        """What this client has counted."""
        return dict(self._core.session.counters)

    async def close(self) -> None:
        """Say goodbye: leases end, goals end by their on_disconnect."""
        await asyncio.to_thread(self._core.close)

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close."""
        await self.close()
