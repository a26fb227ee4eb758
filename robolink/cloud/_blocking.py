"""The blocking face: waits on what the core returns, and nothing more."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from types import TracebackType
from typing import Self, TypeVar

from robolink import v1
from robolink.channels import Channel, Iteration
from robolink.cloud._config import KubeConfig
from robolink.cloud._core import FleetCore, Options, chain
from robolink.cloud._errors import HINTS, outcome_error
from robolink.cloud._operations import CommandOperation
from robolink.cloud._stops import StopOperation
from robolink.core.values import Plain
from robolink.errors import DeadlineExceededError, RejectedError, RobolinkError

A = TypeVar("A")
READY_S = 15.0
CALL_TIMEOUT_S = 60.0
STOP_WAIT_S = 10.0
FEEDBACK_KEPT = 100


def wait(future: Future[A], timeout_s: float | None = None, what: str = "the answer") -> A:
    """Its value; DeadlineExceededError after the timeout."""
    try:
        return future.result(timeout_s)
    except FutureTimeoutError as exc:
        if isinstance(exc, RobolinkError):
            raise
        raise late(timeout_s, what) from exc


def late(timeout_s: float | None, what: str) -> DeadlineExceededError:
    """The caller's own timeout."""
    return DeadlineExceededError(
        f"{what} did not come within {timeout_s or 0:g} s; what is written goes on",
        hint="the way leads over KubeEdge: see the Device's state, and Fleet.faults",
    )


class Following:
    """One command and the states that `cmd-status` shows of it; what both faces' goal handles share."""

    def __init__(
        self, core: FleetCore, robot: str, method: str, options: Options | None, args: dict[str, Plain]
    ) -> None:
        """Write it."""
        self.states: Channel[v1.CommandUpdate] = Channel(FEEDBACK_KEPT)
        self.method = method
        self.operation: CommandOperation = core.command(robot, method, options, args, self.states.put)
        self.operation.terminal.add_done_callback(lambda _: self.states.close())

    def accepted(self) -> Future[v1.CommandUpdate]:
        """Raises what is refused."""
        return chain(
            self.operation.taken,
            lambda update: (
                outcome_error(update, self.method) if update.state == v1.COMMAND_STATE_REJECTED else None
            ),
        )

    def succeeded(self) -> Future[v1.CommandUpdate]:
        """Raises any other outcome than SUCCEEDED."""
        return chain(self.operation.terminal, lambda update: outcome_error(update, self.method))

    def cancel(self, core: FleetCore) -> CommandOperation:
        """A command that cancels it."""
        return core.command(self.operation.robot, "cancel", None, {"id": self.operation.id})


class GoalHandle:
    """One command that the robot's hub has accepted."""

    def __init__(self, core: FleetCore, following: Following) -> None:
        """Follow it."""
        self._core, self._following = core, following

    @property
    def id(self) -> bytes:
        """Its 16 bytes at the hub: `robolink trace` and the audit name it so."""
        return self._following.operation.last.command_id

    @property
    def twin_id(self) -> str:
        """Its id in `cmd` and `cmd-status`."""
        return self._following.operation.id

    @property
    def state(self) -> v1.CommandState:
        """The newest state heard of."""
        return self._following.operation.last.state

    def feedback(self) -> Iteration[v1.CommandUpdate]:
        """Each state as it is reported; ends with the goal. What a driver measures on the way is in its readings."""
        return Iteration(self._following.states)

    def wait(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update, whatever it is. Raises DeadlineExceededError."""
        return wait(self._following.operation.terminal, timeout_s, f"the end of {self._following.method}")

    def result(self, timeout_s: float | None = None) -> v1.CommandUpdate:
        """The terminal update; raises CommandFailedError unless it SUCCEEDED."""
        return wait(self._following.succeeded(), timeout_s, f"the end of {self._following.method}")

    def cancel(self, reason: str = "") -> v1.CommandUpdate:
        """Ask to cancel, and wait until the hub has read that; the present state. The outcome follows by itself.

        Args:
            reason: Kept for the edge client's sake: a twin has no room for it.
        """
        wait(self._following.cancel(self._core).terminal, CALL_TIMEOUT_S, "the cancelling")
        return self._following.operation.last


class Twin:
    """A robot's properties."""

    def __init__(self, core: FleetCore, robot: str) -> None:
        """Of one robot."""
        self._core, self._robot = core, robot

    def get(self, *names: str) -> dict[str, v1.PropertyState]:
        """Properties by name; all without names. A version is the Device's generation.

        Raises:
            RobolinkError: RejectedError (UNKNOWN_ROBOT, UNSUPPORTED); what keeps the Devices from being read.
        """
        self._core.ready(READY_S)
        return pick(self._core, self._robot, names)

    def set(self, name: str, value: Plain, if_version: int | None = None, wait_s: float | None = None) -> int:
        """Write a setting; the Device's generation then. It is nudged until the robot has applied it, for ten minutes.

        Args:
            if_version: Only if nothing desired of this robot has changed since; else TwinConflictError.
            wait_s: Wait until the robot has applied it; SettingRejectedError if it refuses.

        Raises:
            RobolinkError: RejectedError, TwinConflictError, SettingRejectedError, DeadlineExceededError.
        """
        self._core.ready(READY_S)
        operation = self._core.set(self._robot, name, value, if_version)
        version = wait(operation.taken, CALL_TIMEOUT_S, f"the API server's answer about {name}")
        if wait_s is not None:
            wait(operation.applied, wait_s, f"{self._robot}: {name} = {operation.text}")
        return version

    def watch(self) -> Iteration[v1.Event]:
        """Changes of this twin; the whole twin first."""
        self._core.ready(READY_S)
        return Iteration(self._core.watch([self._robot]))


class RobotHandle:
    """One robot; a Device."""

    def __init__(self, core: FleetCore, robot: str) -> None:
        """By its Device's name; nothing is asked yet."""
        self._core, self.id = core, robot
        self.twin = Twin(core, robot)

    def methods(self) -> dict[str, str]:
        """What it can be told, with a description each."""
        self._core.ready(READY_S)
        found: dict[str, str] = self._core.read(lambda view: view.methods(self.id))
        return found

    def info(self) -> v1.RobotInfo:
        """Whether it is there, and whether it is stopped."""
        self._core.ready(READY_S)
        found: v1.RobotInfo = self._core.read(lambda view: view.info(self.id))
        return found

    def goal(self, method: str, options: Options | None = None, /, **args: Plain) -> GoalHandle:
        """Start a goal ("component.method"); returns once the robot's hub has accepted it.

        Raises:
            RobolinkError: RejectedError or LeaseError with the cause; DeadlineExceededError, the edge has said nothing.
        """
        self._core.ready(READY_S)
        following = Following(self._core, self.id, method, options, args)
        wait(following.accepted())
        return GoalHandle(self._core, following)

    def call(self, method: str, options: Options | None = None, /, **args: Plain) -> v1.CommandUpdate:
        """Call a method that answers at once; its terminal update. What it returns does not pass through a twin.

        Raises:
            RobolinkError: RejectedError, LeaseError, CommandFailedError, DeadlineExceededError.
        """
        self._core.ready(READY_S)
        following = Following(self._core, self.id, method, options, args)
        wait(following.accepted())
        return wait(following.succeeded(), CALL_TIMEOUT_S, f"the answer of {method}")

    def stop(
        self, level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD, reason: str = "", *, wait_s: float = STOP_WAIT_S
    ) -> v1.StopResult:
        """Software stop, not safety rated; latched until a release. It takes the long way: no help to who stands beside it.

        Args:
            level: What the robot does; never lowered by a later one.
            reason: Kept for the edge client's sake: a twin has no room for it.
            wait_s: For the robot's word.

        Raises:
            DeadlineExceededError: Not heard yet; it is written, and nudged on.
        """
        self._core.ready(READY_S)
        return wait(self._core.stop(self.id, level).done, wait_s, f"{self.id}: the stop's confirmation")

    def release(self, options: Options | None = None) -> v1.ReleaseResult:
        """End the software stop that is reported; nothing moves by it. The mapper's key needs role safety."""
        self._core.ready(READY_S)
        operation = self._core.release(self.id, options)
        update = wait(chain(operation.terminal, lambda each: outcome_error(each, "release")), CALL_TIMEOUT_S)
        return v1.ReleaseResult(
            robot=self.id, generation=self.info().authority.stop.generation, cause=update.cause
        )


class Fleet:
    """The robots of one namespace; a context manager.

    Args:
        namespace: Of their Devices; "" takes the configuration's own.
        config: The API server; without one, a pod's service account or the kubeconfig that kubectl takes.
        selector: A label selector, for some of them.
    """

    def __init__(self, namespace: str = "", *, config: KubeConfig | None = None, selector: str = "") -> None:
        """Starts to watch; raises ConfigError for a configuration that is wrong."""
        config = config or KubeConfig.load()
        self._core = FleetCore(config, namespace or config.namespace, selector=selector)

    def robots(self) -> list[v1.RobotInfo]:
        """Every robot that has a Device."""
        self._core.ready(READY_S)
        found: list[v1.RobotInfo] = self._core.read(lambda view: [view.info(each) for each in view.robots])
        return found

    def robot(self, robot: str) -> RobotHandle:
        """A handle on one robot."""
        return RobotHandle(self._core, robot)

    def stop(
        self,
        robots: Iterable[str] | None = None,
        level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD,
        reason: str = "",
        *,
        wait_s: float = STOP_WAIT_S,
    ) -> list[v1.StopResult]:
        """Software stop, not safety rated, of these or all robots: one verdict each, UNREACHABLE where none was heard in time."""
        self._core.ready(READY_S)
        names = self._core.read(lambda view: view.robots) if robots is None else list(robots)
        stops = [self._core.stop(robot, level) for robot in names]
        until = self._core.now().s + wait_s
        return [self._verdict(each, until) for each in stops]

    def _verdict(self, stop: StopOperation, until_s: float) -> v1.StopResult:
        try:
            return wait(stop.done, max(0.0, until_s - self._core.now().s), "the stop's confirmation")
        except RobolinkError as exc:
            return unheard(stop.robot, exc)

    def watch(self, robots: Iterable[str] = ()) -> Iteration[v1.Event]:
        """Events of these or all robots: what they are now first, then each change of robot or twin."""
        self._core.ready(READY_S)
        return Iteration(self._core.watch(robots))

    @property
    def counters(self) -> dict[str, int]:
        """What this fleet has counted: watches, patches, conflicts."""
        return self._core.counters

    @property
    def faults(self) -> dict[str, RobolinkError]:
        """Why nothing new is heard at present, by resource; empty while all is well."""
        return self._core.faults

    def close(self) -> None:
        """End the watches. What is written stays written, and is nudged no more."""
        self._core.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def pick(core: FleetCore, robot: str, names: Iterable[str]) -> dict[str, v1.PropertyState]:
    """Properties by name.

    Raises:
        RejectedError: UNKNOWN_ROBOT, UNSUPPORTED.
    """
    known, found = core.read(lambda view: (view.device(robot) is not None, view.twin(robot)))
    cause = v1.CAUSE_UNSUPPORTED if known else v1.CAUSE_UNKNOWN_ROBOT
    if not known:
        raise RejectedError(f"{robot}: there is no such Device", robot=robot, cause=cause, hint=HINTS[cause])
    for name in names:
        if name not in found:
            text = f"{robot}: its Device has no property {name!r}"
            raise RejectedError(text, robot=robot, cause=cause, hint=HINTS[cause])
    return {name: found[name] for name in names} if names else found


def unheard(robot: str, error: Exception) -> v1.StopResult:
    """A robot among many of which nothing was heard, or whose Device refuses."""
    late_ = isinstance(error, TimeoutError)
    verdict = v1.STOP_VERDICT_UNREACHABLE if late_ else v1.STOP_VERDICT_REFUSED
    return v1.StopResult(robot=robot, verdict=verdict, text=str(error))
