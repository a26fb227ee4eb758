"""Robot: a vendor's class with its components, as a handler that a driver serves.

Goals run in a thread each, calls one after another in one thread, so that neither delays a setpoint or a stop.
"""

from __future__ import annotations

import argparse
import copy
import logging
import queue
import sys
import threading
import time
from concurrent.futures import Future
from typing import Any, ClassVar, Final

from robolink import v1
from robolink.core.values import Plain
from robolink.errors import ConfigError, RobolinkError
from robolink.robot._declare import Component, _Property
from robolink.robot._driver import Driver
from robolink.robot._handler import Order, RobotHandler, RobotLink, StopOutcome
from robolink.robot._sheet import component_sheet, first_line, methods

log = logging.getLogger(__name__)

STANDSTILL_S: Final = 0.7
STANDSTILL_POLL_S: Final = 0.005
PREEMPT_S: Final = 2.0


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

    vendor = ""
    model = ""
    version = ""
    stop_levels: ClassVar[tuple[v1.StopLevel, ...]] = (v1.STOP_LEVEL_SOFT_HOLD,)
    on_link_loss = v1.ON_DISCONNECT_CANCEL

    def __init__(self, robot: str) -> None:
        """Make its own copy of each component."""
        self.robot = robot
        self.components: dict[str, Component] = {}
        for name in dict.fromkeys(each for base in reversed(type(self).__mro__) for each in vars(base)):
            declared = getattr(type(self), name, None)
            if isinstance(declared, Component):
                component = copy.deepcopy(declared)
                component.name = name
                self.components[name] = component
                setattr(self, name, component)
        if not self.components:
            raise ConfigError(
                f"{type(self).__name__} has no components", hint="e.g. `base = MyBase()` in the class"
            )
        self.sheet = self._make_sheet()
        self._methods = {
            f"{name}.{method}": spec
            for name, component in self.components.items()
            for method, _, spec in methods(type(component))
        }
        self._goals: dict[str, threading.Thread] = {}
        self._calls: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._caller = threading.Thread(target=self._run_calls, name=f"calls {robot}", daemon=True)

    def _make_sheet(self) -> v1.Sheet:
        return v1.Sheet(
            model=self.model or type(self).__name__.lower(),
            vendor=self.vendor,
            version=self.version,
            description=first_line(type(self)),
            components=[component_sheet(name, type(each)) for name, each in self.components.items()],
            stop_levels=self.stop_levels,
            on_link_loss=self.on_link_loss,
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
                if isinstance(declared, _Property):
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
            self._finish(order, lambda each=order: self._function(each)(**each.args))

    def _run_goal(self, order: Order, before: threading.Thread | None) -> None:
        if before is not None and before.is_alive():
            # Preempted: the former goal must have let go of the hardware first.
            before.join(PREEMPT_S)
            if before.is_alive():
                order.fail(
                    f"the former goal of {order.method} did not end within {PREEMPT_S:g} s", v1.CAUSE_BUSY
                )
                return
        goal = Goal(order)
        self._finish(order, lambda: self._function(order)(goal, **order.args))

    @staticmethod
    def _finish(order: Order, call: Any) -> None:
        try:
            if order.cancel_requested is not None:
                raise GoalEnded
            result = call()
        except GoalEnded:
            order.ended(order.cancel_requested or v1.COMMAND_STATE_CANCELED)
        except Exception as exc:
            # An exception of the vendor's code is the command's outcome.
            log.exception("robot %s: %s raised", order.robot, order.method)
            order.fail(f"{type(exc).__name__}: {exc}")
        else:
            if result is None:
                order.succeed()
            elif isinstance(result, dict):
                order.succeed(**result)
            else:
                order.succeed(result=result)

    # Setpoints and settings.

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        """Call the component's method."""
        getattr(self.components[component], name)(*values)

    def on_setting(self, name: str, value: Plain) -> Future[None] | None:
        """Ask the component's `on_NAME` if there is one, then keep the value."""
        component_name, _, setting = name.partition(".")
        component = self.components[component_name]
        hook = getattr(component, f"on_{setting}", None)
        if hook is not None:
            hook(value)
        setattr(component, setting, value)
        return None

    # Stop.

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Stop every component, then measure standstill."""
        begun = time.monotonic()
        if not self.stop_levels:
            return StopOutcome(v1.STOP_VERDICT_REFUSED, None, "this robot cannot be stopped by software")
        text = ""
        if level not in self.stop_levels:
            wanted, level = level, max(self.stop_levels)
            text = f"{_level(wanted)} is not available; {_level(level)} instead"
        for component in self.components.values():
            component.stop(level)
        moving = [each for each in self.components.values() if _moves(each)]
        while time.monotonic() - begun < STANDSTILL_S:
            still = [each.at_standstill() for each in moving]
            if None in still:
                unknown = ", ".join(c.name for c, each in zip(moving, still, strict=True) if each is None)
                text = f"{text}; {unknown} cannot measure standstill".lstrip("; ")
                return StopOutcome(v1.STOP_VERDICT_STOPPING, None, text)
            if all(still):
                return StopOutcome(v1.STOP_VERDICT_STOPPED, (time.monotonic() - begun) * 1e3, text)
            time.sleep(STANDSTILL_POLL_S)
        return StopOutcome(v1.STOP_VERDICT_STOPPING, None, f"{text}; not at standstill yet".lstrip("; "))

    # Running.

    def close(self) -> None:
        """End its threads and components."""
        self._calls.put(None)
        for component in self.components.values():
            component.close()

    @classmethod
    def main(cls, arguments: list[str] | None = None) -> int:
        """Serve one robot of this class from a command line: --id, --hub."""
        parser = argparse.ArgumentParser(description=first_line(cls))
        parser.add_argument("--id", default=cls.model or cls.__name__.lower(), help="a DNS-1123 label")
        parser.add_argument("--hub", help="control lane, else ROBOLINK_HUB, else tcp://127.0.0.1:5570")
        options = parser.parse_args(arguments)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        try:
            cls(options.id).run(options.hub)
        except RobolinkError as exc:
            sys.stderr.write(f"{exc}\n")
            return 1
        return 0

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


def _level(level: int) -> str:
    return v1.StopLevel.Name(level).removeprefix("STOP_LEVEL_")
