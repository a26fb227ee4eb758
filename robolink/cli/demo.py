"""`robolink demo`: the chain on this machine in child processes, walked through with a verdict for each step.

It commands robots only through the client SDK, as any app would. Its stop is a software stop, not safety rated.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from robolink import v1
from robolink.cli.demo_parts import Parts
from robolink.cli.output import print_json, print_table
from robolink.client import Hub, RobotHandle, connect
from robolink.core.violation import cause_name, state_name
from robolink.errors import CommandError, RobolinkError

GOAL_TIMEOUT_S: Final = 40.0
ONLINE_TIMEOUT_S: Final = 20.0
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

    def __init__(self, parts: Parts, hub: Hub, *, quiet: bool) -> None:
        """Over a running hub."""
        self.parts, self.hub, self.quiet = parts, hub, quiet
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
            shown = -1
            for feedback in handle.feedback():
                tenth = int(feedback.progress * 10)
                if tenth > shown:
                    shown = tenth
                    self.say(f"  [{'#' * tenth:10}] {feedback.progress:4.0%} {feedback.phase}")
            return state_name(handle.wait(GOAL_TIMEOUT_S).state)

    def setting(self, robot: RobotHandle, name: str, value: float) -> str:
        """Write a setting and wait for the robot's verdict."""
        robot.twin.set(name, value, wait_s=5.0)
        observed = robot.twin.get(name)[name].observed
        return v1.Verdict.Name(observed.verdict).removeprefix("VERDICT_")

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

    def cloud_command(self, robot: RobotHandle) -> str:
        """A command as the text of the twin's property `cmd`, twice delivered."""
        from robolink.core import twincmd

        text = twincmd.make(
            "demo-1", "base.navigate_to", {"x": 0.5, "y": 0.0}, issued_ms=time.time_ns() // 10**6
        )
        for _ in range(2):
            robot.twin.set("cmd", text)
        until = time.monotonic() + GOAL_TIMEOUT_S
        while time.monotonic() < until:
            status = robot.twin.get("cmd-status")["cmd-status"].reported.value.string_value
            state, _ = twincmd.Status.parse(status).get("demo-1", ("", ""))
            if state not in ("", "ACCEPTED", "RUNNING"):
                return state
            time.sleep(0.05)
        return "no verdict"

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
        self.step("base-1: drive by setpoints", "MOVED, STILL", lambda: self.drive(base))
        self.step("base-1: change a setting", "APPLIED", lambda: self.setting(base, "base.max_speed", 1.2))
        self.step("base-1: command by twin", "SUCCEEDED", lambda: self.cloud_command(base))
        self.step("all: software stop, not safety rated", "STOPPED", self.stop)
        self.step(
            "base-1: a command while stopped",
            "LATCHED",
            lambda: self.goal(base, "base.navigate_to", x=0.0, y=0.0),
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
            demo = Demo(parts, hub, quiet=as_json)
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
