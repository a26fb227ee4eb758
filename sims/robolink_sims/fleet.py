"""A thousand simulated bases in one process: arrays stepped together, each base a robot of the hub.

`python -m robolink_sims.fleet --count 1000 --rate-hz 10`. Every base has the sheet of `base.SimBase`, less the battery.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any, Final, Self

from robolink import v1
from robolink.errors import RobolinkError
from robolink.robot import Driver, Order, RobotHandler, SettingRejectedError, StopOutcome
from robolink_sims.base import STEP_S, SimBase
from robolink_sims.fleet_model import DRIVING, FleetModel, Pacer

__all__ = ["Fleet", "FleetBase", "fleet_sheet"]

# One hello carries the sheets of all robots of a driver, and a message has a limit.
ROBOTS_PER_DRIVER: Final = 200
FEEDBACK_HZ: Final = 2.0
STOP_WAIT_S: Final = 0.75
# A driver that the hub has not taken after this time does not keep the next one waiting, s.
JOIN_S: Final = 5.0
# What a stalled process may catch up on in one step, s.
MAX_STEP_S: Final = 0.1


def fleet_sheet(rate_hz: float) -> v1.Sheet:
    """The description that all bases of a fleet share."""
    base = next(each for each in SimBase("any").sheet.components if each.name == "base")
    base.description = "Two wheels and a caster, one of many"
    base.streams[0].rate_hz = rate_hz
    return v1.Sheet(
        model="sim-fleet",
        vendor="robolink",
        version="1.0",
        components=[base],
        stop_levels=[v1.STOP_LEVEL_SOFT_HOLD],
        on_link_loss=v1.ON_DISCONNECT_CANCEL,
    )


class FleetBase(RobotHandler):
    """One base of a fleet: a row of its arrays."""

    def __init__(self, fleet: Fleet, robot: str, row: int, sheet: v1.Sheet) -> None:
        """Of that row."""
        self.robot, self.sheet = robot, sheet
        self._fleet, self._row = fleet, row
        self._order: Order | None = None
        # Threads of stops that wait until it stands.
        self.waiting: list[threading.Event] = []

    def on_command(self, order: Order) -> None:
        """`navigate_to` runs until `ended`; `pose` answers at once."""
        row, fleet = self._row, self._fleet
        if order.method == "base.pose":
            with fleet.lock:
                pose = self._pose()
            order.succeed(**pose)
            return
        if order.method != "base.navigate_to":
            order.fail(f"{self.robot} has no method {order.method}", v1.CAUSE_UNSUPPORTED)
            return
        x, y, theta = (float(order.args[name]) for name in ("x", "y", "theta"))
        with fleet.lock:
            before, self._order = self._order, order
            fleet.model.go(row, x, y, theta)
        if before is not None:
            before.ended(v1.COMMAND_STATE_PREEMPTED)

    def on_cancel(self, order: Order, why: v1.CommandState) -> None:
        """Brake; it is told as ended once it stands."""
        with self._fleet.lock:
            if self._order is order:
                self._fleet.model.brake(self._row)

    def on_setpoint(self, component: str, name: str, values: tuple[float, ...], expires_in_s: float) -> None:
        """Follow that velocity."""
        with self._fleet.lock:
            self._fleet.model.want(self._row, *values)

    def on_setting(self, name: str, value: Any) -> None:
        """`base.max_speed`."""
        if name != "base.max_speed":
            raise SettingRejectedError(f"{self.robot} has no setting {name}", cause=v1.CAUSE_UNSUPPORTED)
        with self._fleet.lock:
            self._fleet.model.max_speed[self._row] = value
        self.link.report(name, value)

    def on_stop(self, level: v1.StopLevel, generation: int) -> StopOutcome:
        """Software stop, not safety rated: brake and wait until the wheels are measured to stand."""
        begun, still = time.monotonic(), threading.Event()
        with self._fleet.lock:
            self._fleet.model.brake(self._row)
            if self._fleet.model.is_still(self._row):
                still.set()
            else:
                self.waiting.append(still)
                self._fleet.stopping.add(self._row)
        if not still.wait(STOP_WAIT_S):
            return StopOutcome(v1.STOP_VERDICT_STOPPING, None, "not at standstill yet")
        return StopOutcome(v1.STOP_VERDICT_STOPPED, (time.monotonic() - begun) * 1e3)

    # Called by the fleet, with its lock.

    def ended(self) -> tuple[Order, dict[str, float]] | None:
        """Its goal has ended and it stands: the order to be finished, and where."""
        order, self._order = self._order, None
        return None if order is None else (order, self._pose())

    def feedback(self) -> tuple[Order, dict[str, Any]] | None:
        """What is to be told of its goal now."""
        model, row = self._fleet.model, self._row
        if self._order is None or self._order.done:
            return None
        left, speed = model.left(row), max(float(model.linear[row]), 0.1)
        phase = "driving" if model.mode[row] == DRIVING else "turning"
        told = {"phase": phase, "progress": model.progress(row), "eta_s": left / speed, "distance_left": left}
        return self._order, told

    def _pose(self) -> dict[str, float]:
        model, row = self._fleet.model, self._row
        return {"x": float(model.x[row]), "y": float(model.y[row]), "theta": float(model.theta[row])}


class Fleet:
    """`count` bases on as few drivers as their sheets allow; a context manager.

    Args:
        count: Bases.
        hub: Control lane, as `Driver`'s.
        rate_hz: Of each base's odometry.
        readings_hz: Of each base's readings, while they change.
        prefix: Of the ids: PREFIX followed by a number of four digits.

    Attributes:
        model: The arrays; hold `lock` to look at more than one.
    """

    def __init__(
        self,
        count: int,
        *,
        hub: str | None = None,
        rate_hz: float = 10.0,
        readings_hz: float = 10.0,
        prefix: str = "fleet-",
    ) -> None:
        """Nothing is opened before `start`. Raises ConfigError for ids that are no labels."""
        self.model = FleetModel(count)
        self.lock = threading.Lock()
        self.stopping: set[int] = set()
        sheet = fleet_sheet(rate_hz)
        self.bases = [FleetBase(self, f"{prefix}{row:04d}", row, sheet) for row in range(count)]
        self._rates = (rate_hz, readings_hz)
        self._told = [-1.0] * count
        self._hub, self._drivers = hub, list[Driver]()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._joiner = threading.Thread(target=self._join, name="fleet joins", daemon=True)

    def start(self) -> None:
        """Let time pass, and connect in the background."""
        for first in range(0, len(self.bases), ROBOTS_PER_DRIVER):
            driver = Driver(self._hub, name=f"sim-fleet-{first}")
            self._drivers.append(driver)
            for base in self.bases[first : first + ROBOTS_PER_DRIVER]:
                driver.add(base)
        self._thread.start()
        self._joiner.start()

    def _join(self) -> None:
        """One driver after the other: a hub that must read all sheets at once is slow to answer the first."""
        for driver in self._drivers:
            driver.start()
            until = time.monotonic() + JOIN_S
            while not (driver.connected or driver.error or self._ending.wait(0.02)):
                if time.monotonic() > until:
                    break

    def close(self) -> None:
        """End the drivers and the time."""
        self._ending.set()
        for thread in (self._joiner, self._thread):
            if thread.is_alive():
                thread.join(2.0)
        for driver in self._drivers:
            driver.close()

    def __enter__(self) -> Self:
        """Started."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    @property
    def error(self) -> Exception | None:
        """Why the hub refuses one of the drivers, or None."""
        return next((each.error for each in self._drivers if each.error is not None), None)

    @property
    def counters(self) -> dict[str, int]:
        """The drivers' counters together."""
        total: dict[str, int] = {}
        for driver in self._drivers:
            for name, count in driver.counters.items():
                total[name] = total.get(name, 0) + count
        return total

    def _run(self) -> None:
        last = time.monotonic()
        count, (rate_hz, readings_hz) = len(self.bases), self._rates
        odometry, readings = Pacer(count, rate_hz, last), Pacer(count, readings_hz, last)
        feedback = Pacer(count, FEEDBACK_HZ, last)
        while not self._ending.wait(STEP_S):
            now = time.monotonic()
            self._step(min(now - last, MAX_STEP_S))
            last = now
            self._publish(odometry.due(now), now)
            self._report(readings.due(now))
            self._feed_back(feedback.due(now))

    def _step(self, seconds: float) -> None:
        with self.lock:
            rows = self.model.advance(seconds)
            ended = [told for row in rows if (told := self.bases[row].ended()) is not None]
            still = [row for row in self.stopping if self.model.is_still(row)]
            self.stopping.difference_update(still)
            woken = [event for row in still for event in self.bases[row].waiting]
            for row in still:
                self.bases[row].waiting = []
        for event in woken:
            event.set()
        for order, pose in ended:
            if order.cancel_requested is not None:
                order.ended(order.cancel_requested)
            else:
                order.succeed(**pose)

    def _publish(self, rows: list[int], now: float) -> None:
        model = self.model
        with self.lock:
            columns = [each[rows].tolist() for each in (model.x, model.y, model.theta)]
            columns += [each[rows].tolist() for each in (model.linear, model.angular)]
        for row, x, y, theta, linear, angular in zip(rows, *columns, strict=True):
            sample = v1.Odometry(x=x, y=y, theta=theta, linear_x=linear, angular_z=angular)
            sample.child_frame_id = "base_link"
            self.bases[row].link.publish("base", "odometry", sample, stamp_s=now)

    def _report(self, rows: list[int]) -> None:
        with self.lock:
            values = [round(each, 3) for each in self.model.distance[rows].tolist()]
        for row, value in zip(rows, values, strict=True):
            if self._told[row] < 0:
                self.bases[row].link.report("base.max_speed", float(self.model.max_speed[row]))
            if value != self._told[row]:
                self._told[row] = value
                self.bases[row].link.report("base.distance", value)

    def _feed_back(self, rows: list[int]) -> None:
        with self.lock:
            told = [each for row in rows if (each := self.bases[row].feedback()) is not None]
        for order, values in told:
            order.feedback(**values)


def main(arguments: list[str] | None = None) -> int:
    """Serve a fleet until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.fleet", description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rate-hz", type=float, default=10.0, help="odometry of each base")
    parser.add_argument("--readings-hz", type=float, default=10.0, help="readings of each base that change")
    parser.add_argument("--prefix", default="fleet-", help="of the ids; a number of four digits follows")
    parser.add_argument("--hub", help="control lane, else ROBOLINK_HUB, else tcp://127.0.0.1:5570")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    rates = {"rate_hz": options.rate_hz, "readings_hz": options.readings_hz}
    try:
        with ExitStack() as stack:
            fleet = stack.enter_context(Fleet(options.count, hub=options.hub, prefix=options.prefix, **rates))
            while not ending.wait(0.2):
                if fleet.error is not None:
                    raise fleet.error
    except (RobolinkError, ValueError) as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
