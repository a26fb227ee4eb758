"""The blocking face: waits on what the core returns, and nothing more."""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Self, TypeVar

from robolink import v1
from robolink.channels import Channel, Iteration
from robolink.client._core import ClientCore, Options
from robolink.client._errors import check_accepted, check_released, check_succeeded
from robolink.client._leases import Wish
from robolink.client._requests import OpenCommand
from robolink.client._streams import StreamReader, StreamSample
from robolink.core.values import Plain
from robolink.errors import ConnectionLostError, DeadlineExceededError, RobolinkError, TransportTimeoutError

A = TypeVar("A")
DEFAULT_ROLES = (v1.ROLE_CONFIGURE,)
CALL_TIMEOUT_S = 30.0
ANSWER_MARGIN_S = 5.0


def wait(future: Future[A], timeout_s: float | None = None, what: str = "the answer") -> A:
    try:
        return future.result(timeout_s)
    except FutureTimeoutError as exc:
        if isinstance(exc, RobolinkError):
            raise
        raise DeadlineExceededError(
            f"{what} did not come within {timeout_s:g} s; the command itself may go on"
        ) from exc


class _Stream(Iteration[StreamSample]):
    def __init__(self, reader: StreamReader) -> None:
        super().__init__(reader.channel)
        self.counters = reader.counters
        self._reader = reader

    def close(self) -> None:
        self._reader.close()


class GoalHandle:
    """One command that was accepted."""

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

    def feedback(self) -> Iteration[v1.CommandFeedback]:
        """What the driver measures on the way; ends with the goal."""
        return Iteration(self._command.feedback)

    def wait(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update, whatever it is. Raises DeadlineExceededError."""
        return wait(self._command.terminal, timeout_s, f"the end of {self._command.method}")

    def result(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update; raises CommandFailedError unless it SUCCEEDED."""
        update = self.wait(timeout_s)
        check_succeeded(update, self._command.method)
        return update

    def values(self, timeout_s: float | None = None) -> dict[str, Plain]:
        """What it returned; raises as `result`."""
        return self._core.results(self.result(timeout_s))

    def cancel(self, reason: str = "") -> v1.CommandUpdate:
        """Ask to cancel; the present state. The outcome follows by itself."""
        return wait(self._core.cancel(self._command, reason))


class Lease:
    """The right to move a robot or component, as a context manager; renewed by the SDK."""

    def __init__(self, core: ClientCore, robot: str, component: str, wish: Wish) -> None:
        """Not asked for before the context is entered."""
        self._core, self.robot, self.component, self._wish = core, robot, component, wish

    def __enter__(self) -> Self:
        """Take it; raises RejectedError (BUSY) naming its owner."""
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back; its goals end by their on_disconnect."""
        self.release()

    def acquire(self) -> None:
        """Take it; raises RejectedError (BUSY) naming its owner."""
        wait(self._core.acquire(self.robot, self.component, self._wish))

    def release(self) -> None:
        """Give it back; a hub that is gone has ended it anyway."""
        try:
            wait(self._core.give_back(self.robot, self.component))
        except (TransportTimeoutError, ConnectionLostError):
            return
        except RobolinkError:
            # It was lost before: the hub has told why, and `lost` keeps it.
            self._core.session.counters["lease_release_refused"] += 1

    @property
    def wanted(self) -> v1.LeaseWanted | None:
        """Who asks for it, if anybody does: leave the context to give it, or `decline`."""
        return self._core.session.leases.asked_for(self.robot, self.component)

    def decline(self) -> None:
        """Keep it, and say so to who asks."""
        wait(self._core.decline(self.robot, self.component))

    @property
    def lost(self) -> str:
        """Why it is gone; "" while it is held."""
        return self._core.session.leases.lost(self.robot, self.component)


class Twin:
    """A robot's properties."""

    def __init__(self, core: ClientCore, robot: str) -> None:
        """Of one robot."""
        self._core, self._robot = core, robot

    def get(self, *names: str) -> dict[str, v1.PropertyState]:
        """Properties by name; all without names."""
        return wait(self._core.twin_get(self._robot, names))

    def set(self, name: str, value: Plain, if_version: int | None = None, wait_s: float | None = None) -> int:
        """Write a setting; its desired version.

        Args:
            if_version: Only if the present desired version is this one; else TwinConflictError.
            wait_s: Wait until the driver has applied it; SettingRejectedError if it refuses.

        Raises:
            RobolinkError: RejectedError, TwinConflictError, SettingRejectedError, DeadlineExceededError.
        """
        if wait_s is None:
            return wait(self._core.twin_set(self._robot, name, value, if_version))
        channel = self._core.watch([self._robot], twins=True, commands=False)
        try:
            version = wait(self._core.twin_set(self._robot, name, value, if_version))
            self._wait_observed(channel, name, version, time.monotonic() + wait_s, wait_s)
            return version
        finally:
            self._core.unwatch(channel)

    def _wait_observed(
        self, channel: Channel[v1.Event], name: str, version: int, until: float, wait_s: float
    ) -> None:
        while not self._core.observed(self._robot, self.get(name)[name], version):
            left_s = until - time.monotonic()
            if left_s <= 0 or channel.get(left_s) is None:
                raise DeadlineExceededError(f"{self._robot} has not applied {name} within {wait_s:g} s")

    def watch(self) -> Iteration[v1.Event]:
        """Changes of this twin; the whole twin first."""
        return Iteration(self._core.watch([self._robot], twins=True, commands=False))


class RobotHandle:
    """One robot."""

    def __init__(self, core: ClientCore, robot: str) -> None:
        """By its id; nothing is asked yet."""
        self._core, self.id = core, robot
        self.twin = Twin(core, robot)

    def describe(self) -> v1.Description:
        """Its sheet."""
        return wait(self._core.describe(self.id))

    def lease(
        self, component: str = "", *, reason: str = "", request_s: float | None = None, take: bool = False
    ) -> Lease:
        """The right to move it, or one component, as a context manager.

        Args:
            component: Empty: the whole robot.
            reason: Told to its present owner; needed to take.
            request_s: Ask the owner, and wait so long for his word; None: be answered BUSY at once.
            take: End the owner's lease; his goals end PREEMPTED. Needs role maintain, or an owner who acts for a cloud.
                Audited.
        """
        wish = Wish(reason=reason, request_s=request_s, take=take)
        return Lease(self._core, self.id, component, wish)

    def goal(self, method: str, options: Options | None = None, /, **args: Plain) -> GoalHandle:
        """Start a goal ("component.method"); returns once the hub has accepted it.

        Raises:
            RobolinkError: RejectedError or LeaseError with the cause; DeadlineExceededError, the hub did not answer.
        """
        accepted: Future[v1.CommandUpdate] = Future()
        command = self._core.submit(self.id, method, options, args, accepted=accepted)
        ttl_s = (options or Options()).ttl_s
        update = wait(accepted, ttl_s + ANSWER_MARGIN_S, f"the acceptance of {method}")
        check_accepted(update, method)
        return GoalHandle(self._core, command)

    def call(self, method: str, options: Options | None = None, /, **args: Plain) -> dict[str, Plain]:
        """Call a method that answers at once; what it returns.

        Raises:
            RobolinkError: RejectedError, LeaseError, CommandFailedError, DeadlineExceededError.
        """
        command = self._core.submit(self.id, method, options, args)
        update = wait(command.terminal, CALL_TIMEOUT_S, f"the answer of {method}")
        check_succeeded(update, method)
        return self._core.results(update)

    def check(self, method: str, options: Options | None = None, /, **args: Plain) -> v1.CommandCheckReply:
        """A dry run: what the hub would answer now; cause 0, it would be accepted. Nothing moves, nothing is kept."""
        return wait(self._core.check(self.id, method, options, args))

    def follow(self, command_id: bytes) -> GoalHandle:
        """A handle on a command that another program has sent, or this one before; it follows it to its end.

        Raises:
            RobolinkError: RejectedError (INVALID), the hub keeps none of that id; DeadlineExceededError.
        """
        command = wait(self._core.follow(self.id, command_id), self._core.timeout_s, "the command's state")
        return GoalHandle(self._core, command)

    def query(self, command_id: bytes) -> v1.CommandUpdate:
        """Present state of a command; UNSPECIFIED if the hub does not know it."""
        return wait(self._core.query(self.id, command_id))

    def setpoint(self, name: str, /, **fields: float) -> None:
        """Send one setpoint ("component.setpoint"); fields left out are zero. Newest wins; it dies by its TTL.

        Raises:
            RobolinkError: LeaseError without a lease; RejectedError for what was refused since the last call.
        """
        if self._core.index(self.id) is None:
            self.describe()
        self._core.setpoint(self.id, name, fields)

    def stream(self, name: str, *, max_age_s: float = 1.0) -> _Stream:
        """Telemetry ("component.stream"): newest only, older than `max_age_s` dropped and counted."""
        return _Stream(self._core.stream(self.id, name, max_age_s=max_age_s))

    def stop(self, level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD, reason: str = "") -> v1.StopResult:
        """Software stop, not safety rated; latched until a release."""
        return wait(self._core.stop([self.id], level, reason))[0]

    def release(self) -> v1.ReleaseResult:
        """End the software stop; nothing moves by it. Needs role safety.

        Raises:
            RobolinkError: RejectedError with the cause, it is still stopped.
        """
        return check_released(wait(self._core.release([self.id]))[0])


class Hub:
    """A connection to a hub; a context manager."""

    def __init__(self, core: ClientCore) -> None:
        """Use `robolink.connect`."""
        self._core = core

    def robots(self) -> list[v1.RobotInfo]:
        """Every robot this hub has ever seen, online or not."""
        return wait(self._core.robots())

    def robot(self, robot: str) -> RobotHandle:
        """A handle on one robot."""
        return RobotHandle(self._core, robot)

    def status(self) -> v1.Status:
        """What the hub has counted: refused, dropped, unsent."""
        return wait(self._core.status())

    def stop(
        self,
        robots: Iterable[str] | None = None,
        level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD,
        reason: str = "",
    ) -> list[v1.StopResult]:
        """Software stop, not safety rated, of these or all robots: one verdict each."""
        return wait(self._core.stop(robots, level, reason))

    def release(self, robots: Iterable[str] | None = None) -> list[v1.ReleaseResult]:
        """End the software stop of these, or of all that are stopped. Needs role safety; nothing moves by it."""
        return wait(self._core.release(robots))

    def watch(
        self,
        robots: Iterable[str] = (),
        *,
        twins: bool = True,
        commands: bool = False,
        notices: bool = False,
    ) -> Iteration[v1.Event]:
        """Events of these or all robots: their coming and going always, the rest as asked for."""
        return Iteration(self._core.watch(robots, twins=twins, commands=commands, notices=notices))

    def trace(self, command_id: bytes) -> v1.Trace:
        """The way of a kept command, step by step in site time; raises RejectedError (INVALID) if none is kept."""
        return wait(self._core.trace(command_id))

    def audit(self, after: int = 0) -> list[v1.AuditRecord]:
        """The newest records of the audit, oldest first; needs role maintain."""
        return wait(self._core.audit(after))

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

    def close(self) -> None:
        """Say goodbye: leases end, goals end by their on_disconnect."""
        self._core.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
