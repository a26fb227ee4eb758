"""Robot: a vendor's class with its components, as a handler that a driver serves.

Goals run in a thread each, calls one after another in one thread, so that neither delays a setpoint or a stop.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, ClassVar, Final

from robolink import v1
from robolink.core.sheet import validate_sheet
from robolink.core.values import Plain, to_values
from robolink.core.violation import Violation
from robolink.errors import ConfigError, RejectedError, RobolinkError
from robolink.robot._async import AsyncSide
from robolink.robot._declare import Component, Reading, Setting
from robolink.robot._driver import Driver
from robolink.robot._handler import Order, RobotHandler, RobotLink, StopOutcome
from robolink.robot._sheet import component_sheet, first_line, methods

log = logging.getLogger(__name__)

STANDSTILL_S: Final = 0.7
STANDSTILL_POLL_S: Final = 0.005
PREEMPT_S: Final = 2.0
CLOSE_S: Final = 1.0
# A coroutine that applies a setpoint or a setting has so long.
SETPOINT_S: Final = 1.0
SETTING_S: Final = 5.0


class GoalEnded(
    BaseException
):  # a BaseException, so that a vendor's `except Exception` cannot swallow the end
    """The goal must end now: cancelled, preempted or stopped. Clean up in `finally` and let it pass."""


class Goal:
    """A running goal, for the method that does it."""

    def __init__(self, order: Order) -> None:
        """Of one order."""
        self._order = order
        self._changed = threading.Event()
        order.on_change = self._changed.set
        self.results: dict[str, Plain] = {}

    @property
    def ending(self) -> bool:
        """Whether it must end."""
        return self._order.cancel_requested is not None

    def feedback(
        self, *, phase: str = "", progress: float | None = None, eta_s: float | None = None, **values: Plain
    ) -> None:
        """What is measured on the way; raises GoalEnded if the goal must end."""
        self._order.feedback(phase=phase, progress=progress, eta_s=eta_s, **values)
        self._check()

    def sleep(self, seconds: float) -> None:
        """Wait; raises GoalEnded as soon as the goal must end."""
        self._check()
        self._changed.wait(seconds)
        self._check()

    def _check(self) -> None:
        if self.ending:
            raise GoalEnded


class Robot(RobotHandler):
    """One robot. Subclass it and give it components as class attributes.

    Args:
        robot: Its id, a DNS-1123 label; also its Kubernetes name.

    Raises:
        ConfigError: The class says something that no sheet can say.
    """

    prompt = True
    vendor = ""
    model = ""
    version = ""
    stop_levels: ClassVar[tuple[v1.StopLevel, ...]] = (v1.STOP_LEVEL_SOFT_HOLD,)
    on_link_loss = v1.ON_DISCONNECT_CANCEL
    # The reading ("component.property", a string) that says the mode of operation; "" if there is none.
    mode_property = ""

    def __init__(self, robot: str) -> None:
        """Make its own copy of each component."""
        self.robot = robot
        self.components: dict[str, Component] = {}
        memo: dict[
            int, Any
        ] = {}  # One for all: a component that knows another one knows this robot's copy of it.
        for name in dict.fromkeys(each for base in reversed(type(self).__mro__) for each in vars(base)):
            declared = getattr(type(self), name, None)
            if isinstance(declared, Component):
                component = self._copy(name, declared, memo)
                component.name = name
                self.components[name] = component
                setattr(self, name, component)
        if not self.components:
            raise ConfigError(
                f"{type(self).__name__} has no components", hint="e.g. `base = MyBase()` in the class"
            )
        self.sheet = self._make_sheet()
        try:
            validate_sheet(self.sheet)
        except Violation as violation:
            raise ConfigError(
                f"{type(self).__name__}: {violation.text}", hint="correct the class"
            ) from violation
        self._methods = {
            f"{name}.{method}": spec
            for name, component in self.components.items()
            for method, _, spec in methods(type(component))
        }
        self._goals: dict[str, threading.Thread] = {}
        # Orders whose method runs now, in whatever thread.
        self._running: dict[bytes, Order] = {}
        self._async = AsyncSide(f"loop {robot}")
        self._calls: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._caller = threading.Thread(target=self._run_calls, name=f"calls {robot}", daemon=True)

    @classmethod
    def _copy(cls, name: str, declared: Component, memo: dict[int, Any]) -> Component:
        try:
            return copy.deepcopy(declared, memo)
        except TypeError as exc:
            raise ConfigError(
                f"{cls.__name__}.{name} cannot be copied for each robot: {exc}",
                hint="open hardware, locks and threads in start(), not in __init__",
            ) from exc

    def _make_sheet(self) -> v1.Sheet:
        return v1.Sheet(
            model=self.model or type(self).__name__.lower(),
            vendor=self.vendor,
            version=self.version,
            description=first_line(type(self)),
            components=[component_sheet(name, type(each)) for name, each in self.components.items()],
            stop_levels=self.stop_levels,
            on_link_loss=self.on_link_loss,
            mode_property=self.mode_property,
        )

    def attached(self, link: RobotLink) -> None:
        """Components can report from here on; what they hold is reported first."""
        super().attached(link)
        for component in self.components.values():
            component._link = link
        self._caller.start()
        for name, component in self.components.items():
            component.start()
            for attribute in dir(type(component)):
                declared = getattr(type(component), attribute)
                # A reading that nobody has set has not been measured.
                if isinstance(declared, Setting) or (
                    isinstance(declared, Reading) and attribute in vars(component)
                ):
                    link.report(f"{name}.{attribute}", getattr(component, attribute))

    # Commands.

    def on_command(self, order: Order) -> None:
        """A goal gets a thread, a call waits for its turn."""
        if not order.goal:
            self._calls.put(order)
            return
        component = order.method.partition(".")[0]
        before = self._goals.get(component)
        name = f"{order.robot} {order.method}"
        thread = threading.Thread(target=self._run_goal, args=(order, before), name=name, daemon=True)
        self._goals[component] = thread
        thread.start()

    def _function(self, order: Order) -> Any:
        component, _, method = order.method.partition(".")
        return getattr(self.components[component], method)

    def _run_calls(self) -> None:
        while (order := self._calls.get()) is not None:
            self._finish(order, partial(self._call, order))

    def _call(self, order: Order) -> Any:
        return self._async.settle(self._function(order)(**order.args), order.max_duration_s)

    def _run_goal(self, order: Order, before: threading.Thread | None) -> None:
        if before is not None and before.is_alive():
            # Preempted: the former goal must have let go of the hardware first.
            before.join(PREEMPT_S)
            if before.is_alive():
                order.fail(
                    f"the former goal of {order.method} did not end within {PREEMPT_S:g} s", v1.CAUSE_BUSY
                )
                return
        function = self._function(order)
        if inspect.iscoroutinefunction(function):
            self._finish(order, partial(self._async.run_goal, order, function))
        else:
            self._finish(order, partial(function, Goal(order), **order.args))

    def _finish(self, order: Order, call: Callable[[], Any]) -> None:
        if order.cancel_requested is not None:
            order.ended(_why(order))
            return
        self._running[order.id] = order
        tell: Callable[[], None]
        try:
            tell = _outcome(order, call())
            if _why(order) == v1.COMMAND_STATE_STOPPED:
                self._still(order)  # It was in the middle of something when the stop came.
        except (GoalEnded, CancelledError):
            self._still(order)
            tell = partial(order.ended, _why(order))
        except RejectedError as exc:
            # The vendor's word that it cannot be done: out of reach, no way there.
            self._still(order)
            tell = partial(order.fail, str(exc.args[0]), _cause(exc))
        except Exception as exc:
            # An exception of the vendor's code is the command's outcome.
            log.exception("robot %s: %s raised", order.robot, order.method)
            self._still(order)
            tell = partial(order.fail, f"{type(exc).__name__}: {exc}")
        finally:
            del self._running[order.id]
        tell()

    def _still(self, order: Order) -> None:
        """A motion that did not end by itself may have left something moving, or set it moving after a stop."""
        if not order.motion:
            return
        component = order.method.partition(".")[0]
        try:
            self._stop_part(component, v1.STOP_LEVEL_SOFT_HOLD)
        except Exception:
            # The outcome must be told all the same; a stop of the robot tells of it too.
            log.exception("robot %s: %s.stop raised", order.robot, component)

    # Setpoints and settings.

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        """Call the component's method."""
        self._async.settle(getattr(self.components[component], name)(*values), SETPOINT_S)

    def on_setting(self, name: str, value: Plain) -> Future[None] | None:
        """Ask the component's `on_NAME` if there is one, then keep the value."""
        component_name, _, setting = name.partition(".")
        component = self.components[component_name]
        hook = getattr(component, f"on_{setting}", None)
        if hook is not None:
            self._async.settle(hook(value), SETTING_S)
        setattr(component, setting, value)
        return None

    # Stop.

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Stop every component, then measure standstill."""
        begun = time.monotonic()
        notes = []
        if self.stop_levels and level not in self.stop_levels:
            wanted, level = level, max(self.stop_levels)
            notes.append(f"{_level(wanted)} is not available; {_level(level)} instead")
        failed = [name for name in self.components if not self._stop_component(name, level)]
        unable = [n for n, each in self.components.items() if _moves(each) and not _can_stop(each)]
        if not self.stop_levels or unable:
            notes.append(f"{', '.join(unable) or self.robot} cannot be stopped by software")
        if failed:
            notes.append(f"the stop of {', '.join(failed)} failed")
        if failed or unable or not self.stop_levels:
            return StopOutcome(v1.STOP_VERDICT_REFUSED, None, "; ".join(notes))
        missing = self._await_standstill(begun + STANDSTILL_S)
        if missing:
            return StopOutcome(v1.STOP_VERDICT_STOPPING, None, "; ".join([*notes, missing]))
        return StopOutcome(v1.STOP_VERDICT_STOPPED, (time.monotonic() - begun) * 1e3, "; ".join(notes))

    def _stop_part(self, name: str, level: v1.StopLevel) -> None:
        stop: Any = self.components[name].stop  # A vendor's may be a coroutine.
        self._async.settle(stop(level), STANDSTILL_S)

    def _stop_component(self, name: str, level: v1.StopLevel) -> bool:
        try:
            self._stop_part(name, level)
        except Exception:
            # One part that fails must not keep the others from being stopped.
            log.exception("robot %s: %s.stop raised", self.robot, name)
            return False
        return True

    def _await_standstill(self, until: float) -> str:
        """Poll; what is missing for a measured standstill, or nothing."""
        moving = [each for each in self.components.values() if _moves(each)]
        while True:
            still = [self._async.settle(each.at_standstill(), STANDSTILL_S) for each in moving]
            unknown = [part.name for part, each in zip(moving, still, strict=True) if each is None]
            busy = [each.method for each in list(self._running.values()) if each.motion]
            if all(still) and not busy:
                return ""
            if unknown:
                return f"{', '.join(unknown)} cannot measure standstill"
            if time.monotonic() >= until:
                return f"{', '.join(busy)} has not returned yet" if all(still) else "not at standstill yet"
            time.sleep(STANDSTILL_POLL_S)

    # Running.

    def close(self) -> None:
        """End its threads and components; its goals have been told, and get a moment to clean up."""
        self._calls.put(None)
        until = time.monotonic() + CLOSE_S
        for thread in list(self._goals.values()):
            thread.join(max(0.0, until - time.monotonic()))
        self._async.close()
        for component in self.components.values():
            component.close()

    @classmethod
    def main(cls, arguments: list[str] | None = None) -> int:
        """Serve one robot of this class from a command line: --id, --hub, and what `add_options` adds."""
        parser = argparse.ArgumentParser(description=first_line(cls))
        parser.add_argument("--id", default=cls.model or cls.__name__.lower(), help="a DNS-1123 label")
        parser.add_argument("--hub", help="control lane, else ROBOLINK_HUB, else tcp://127.0.0.1:5570")
        cls.add_options(parser)
        options = parser.parse_args(arguments)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        try:
            robot = cls(options.id)
            robot.take_options(options)
            robot.run(options.hub)
        except RobolinkError as exc:
            sys.stderr.write(f"{exc}\n")
            return 1
        return 0

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        """For the vendor: more options of `main`."""

    def take_options(self, options: argparse.Namespace) -> None:
        """For the vendor: what they were set to, before the robot is served."""

    def run(self, hub: str | None = None) -> None:
        """Serve this robot until SIGINT or SIGTERM.

        Raises:
            RobolinkError: The hub refuses it.
        """
        driver = Driver(hub, name=self.robot)
        driver.add(self)
        try:
            driver.run()
        finally:
            self.close()


def _moves(component: Component) -> bool:
    """Whether anything in its class moves it."""
    return any(
        spec.motion or spec.kind == v1.METHOD_KIND_UNSPECIFIED for _, _, spec in methods(type(component))
    )


def _can_stop(component: Component) -> bool:
    """Whether it has a stop of its own, or only setpoints: those are zeroed by the SDK."""
    kinds = {spec.kind for _, _, spec in methods(type(component)) if spec.motion}
    return type(component).stop is not Component.stop or kinds == {v1.METHOD_KIND_UNSPECIFIED}


def _outcome(order: Order, result: Any) -> Callable[[], None]:
    """What a method returned, as the command's results."""
    results = {} if result is None else result if isinstance(result, dict) else {"result": result}
    to_values(results)  # What cannot be told is the method's fault, and its outcome.
    return partial(order.succeed, **results)


def _cause(error: RejectedError) -> v1.Cause:
    return error.cause or v1.CAUSE_DRIVER_ERROR  # type: ignore[return-value]


def _why(order: Order) -> v1.CommandState:
    """What a command that must end ends as."""
    return order.cancel_requested or v1.COMMAND_STATE_CANCELED


def _level(level: int) -> str:
    return v1.StopLevel.Name(level).removeprefix("STOP_LEVEL_")
