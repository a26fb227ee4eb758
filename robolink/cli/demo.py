"""`robolink demo`: the chain on this machine in child processes, walked through with a verdict for each step.

It commands robots only through the client SDK, as any app would. Its stop is a software stop, not safety rated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from robolink import v1
from robolink.cli.demo_cloud import DemoCloud
from robolink.cli.demo_parts import Parts
from robolink.cli.output import print_json, print_table
from robolink.cli.progress import shower
from robolink.client import Hub, RobotHandle, connect
from robolink.core.violation import cause_name, state_name
from robolink.errors import CommandError, RobolinkError

GOAL_TIMEOUT_S: Final = 40.0
ONLINE_TIMEOUT_S: Final = 20.0
SETTING_TIMEOUT_S: Final = 15.0
SETTLE_S: Final = 0.3


@dataclass(slots=True, kw_only=True)
class Step:
    """One step of the scenario and how it went."""

    name: str
    expected: str
    got: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it went as expected."""
        return self.got == self.expected


class Demo:
    """One walk through the chain."""

    def __init__(self, parts: Parts, hub: Hub, cloud: DemoCloud | None, *, quiet: bool) -> None:
        """Over a running hub."""
        self.parts, self.hub, self.cloud, self.quiet = parts, hub, cloud, quiet
        self.steps: list[Step] = []

    def step(self, name: str, expected: str, run: Callable[[], str]) -> None:
        """Do one step; what it raises is its verdict."""
        step = Step(name=name, expected=expected)
        begun = time.monotonic()
        self.say(f"… {name}")
        try:
            step.got = run()
        except CommandError as exc:
            step.got = cause_name(exc.cause) if exc.cause else str(exc)
        except RobolinkError as exc:
            step.got = str(exc)
        step.seconds = round(time.monotonic() - begun, 2)
        self.say(
            f"  {step.got} after {step.seconds:.2f} s" + ("" if step.ok else f" (expected {step.expected})")
        )
        self.steps.append(step)

    def say(self, line: str) -> None:
        """Progress for people."""
        if not self.quiet:
            print(line, flush=True)

    def goal(self, robot: RobotHandle, method: str, **args: float) -> str:
        """A goal with its feedback, to its end."""
        with robot.lease():
            handle = robot.goal(method, **args)
            with shower(f"  {robot.id} {method}", not self.quiet, False) as show:
                for feedback in handle.feedback():
                    show(feedback)
            return state_name(handle.wait(GOAL_TIMEOUT_S).state)

    def line(self, robot: str, *, online: bool) -> str:
        """Cut the board's line or make it whole, and wait until the hub says so."""
        self.parts.toggle_line()
        until = time.monotonic() + ONLINE_TIMEOUT_S
        while time.monotonic() < until:
            seen = any(each.robot == robot and each.online for each in self.hub.robots())
            if seen is online:
                return "ONLINE" if online else "OFFLINE"
            time.sleep(0.05)
        return "OFFLINE" if online else "ONLINE"

    def stop(self) -> str:
        """Stop every robot; the verdicts, worst last."""
        results = self.hub.stop(reason="demo")
        for each in results:
            ms = f" after {each.standstill_ms:.0f} ms" if each.HasField("standstill_ms") else ""
            self.say(f"  {each.robot}: {v1.StopVerdict.Name(each.verdict).removeprefix('STOP_VERDICT_')}{ms}")
        worst = max(each.verdict for each in results)
        return v1.StopVerdict.Name(worst).removeprefix("STOP_VERDICT_")

    def release(self) -> str:
        """End the stop and look whether anything moves by it."""
        for each in self.hub.release():
            if each.cause:
                return cause_name(each.cause)
        base = self.hub.robot("base-1")
        before = base.call("base.pose")
        time.sleep(SETTLE_S)
        return "STILL" if base.call("base.pose") == before else "MOVED"

    def drive(self, robot: RobotHandle) -> str:
        """Stream setpoints, then let their TTL end: it drives, and stands still by itself."""
        with robot.lease(), robot.stream("base.odometry") as odometry:
            moved = 0.0
            for _ in range(20):
                robot.setpoint("base.velocity", linear_x=0.3)
                sample = odometry.next(0.05)
                moved = max(moved, sample.payload.linear_x if sample is not None else 0.0)
            until = time.monotonic() + 3.0
            while time.monotonic() < until:
                sample = odometry.next(0.5)
                if sample is not None and abs(sample.payload.linear_x) < 1e-3:
                    return "MOVED, STILL" if moved > 0.05 else "NEVER MOVED"
        return "STILL MOVING"

    def run(self) -> None:
        """The scenario."""
        base = self.hub.robot("base-1")
        self.step(
            "base-1: go to a pose", "SUCCEEDED", lambda: self.goal(base, "base.navigate_to", x=1.0, y=0.5)
        )
        if "board-1" in self.parts.robots:
            board = self.hub.robot("board-1")
            self.step(
                "board-1: turn the motor",
                "SUCCEEDED",
                lambda: self.goal(board, "motor.turn_to", position=1.5),
            )
            self.step("board-1: its line is cut", "OFFLINE", lambda: self.line("board-1", online=False))
            self.step("board-1: its line is whole", "ONLINE", lambda: self.line("board-1", online=True))
        if "ros-1" in self.parts.robots:
            ros = self.hub.robot("ros-1")
            self.step(
                "ros-1: drive 0.4 m",
                "SUCCEEDED",
                lambda: self.goal(ros, "base.drive_distance", distance=0.4),
            )
            self.step("ros-1: drive by setpoints", "MOVED, STILL", lambda: self.drive(ros))
        self.step("base-1: drive by setpoints", "MOVED, STILL", lambda: self.drive(base))
        if self.cloud is not None:
            self._run_cloud(self.cloud)
        self._run_stop(base)

    def _run_cloud(self, cloud: DemoCloud) -> None:
        self.step(
            "cloud: a setting of base-1",
            "OBSERVED",
            lambda: cloud.setting("base-1", "base.max_speed", "1.20", SETTING_TIMEOUT_S),
        )
        self.step(
            "cloud: command base-1",
            "SUCCEEDED",
            lambda: cloud.command("base-1", "base.navigate_to", GOAL_TIMEOUT_S, x=0.5, y=0.0),
        )
        if "board-1" in self.parts.robots:
            self.step(
                "cloud: command board-1",
                "SUCCEEDED",
                lambda: cloud.command("board-1", "motor.turn_to", GOAL_TIMEOUT_S, position=0.2),
            )

    def _run_stop(self, base: RobotHandle) -> None:
        self.step("all: software stop, not safety rated", "STOPPED", self.stop)
        self.step(
            "base-1: a command while stopped",
            "LATCHED",
            lambda: self.goal(base, "base.navigate_to", x=0.0, y=0.0),
        )
        if self.cloud is not None:
            cloud = self.cloud
            self.step(
                "cloud: a command while stopped",
                "REJECTED LATCHED",
                lambda: cloud.command("base-1", "base.navigate_to", GOAL_TIMEOUT_S, x=0.0, y=0.0),
            )
        self.step("all: release, and nothing moves", "STILL", self.release)
        self.step(
            "base-1: a new command", "SUCCEEDED", lambda: self.goal(base, "base.navigate_to", x=0.8, y=0.2)
        )


def run_demo(*, stay: bool, as_json: bool) -> int:
    """Run it; 0 only if each verdict was the expected one."""
    with Parts(quiet=as_json) as parts:
        roles = (v1.ROLE_CONFIGURE, v1.ROLE_SAFETY)
        with connect(parts.url, name="demo", roles=roles) as hub:
            parts.wait_online(hub, ONLINE_TIMEOUT_S)
            parts.say(f"online: {', '.join(parts.robots)}; starting the mapper and its double")
            demo = Demo(parts, hub, parts.start_cloud(), quiet=as_json)
            demo.run()
        passed = all(step.ok for step in demo.steps)
        if as_json:
            rows = [asdict(step) | {"ok": step.ok} for step in demo.steps]
            print_json({"passed": passed, "left_out": parts.left_out, "steps": rows})
        else:
            table = [
                (s.name, s.expected, s.got, f"{s.seconds:.2f} s", "ok" if s.ok else "NO") for s in demo.steps
            ]
            print_table(("step", "expected", "got", "time", ""), table)
            for part, why in parts.left_out.items():
                print(f"left out: {part}: {why}")
        if not passed:
            parts.keep_logs()
        elif stay:
            parts.stay()
    return 0 if passed else 1
