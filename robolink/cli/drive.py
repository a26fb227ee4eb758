"""`robolink drive`: keyboard teleoperation on a terminal. Its stop key is a software stop, not safety rated.

What is sent, and when, is teleop.py's; here are the terminal, the hub and the lines that show how it goes.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from robolink import v1
from robolink.cli.session import connected
from robolink.cli.teleop import Action, Axis, KeyReader, Teleop, choose
from robolink.cli.views import short
from robolink.errors import CommandError, ConfigError, LeaseError, RejectedError

if TYPE_CHECKING:
    from robolink.client import Hub, Iteration, Lease, RobotHandle, StreamSample

REFRESH_S: Final = 0.1
STALE_S: Final = 1.0
READ_BYTES: Final = 1024
CLEAR: Final = "\r\x1b[K"
# Written anew each time: state, commanded, measured, footer.
LINES: Final = 4
HELP: Final = {
    Axis.FORWARD: "up/down or w/s: {field}",
    Axis.TURN: "left/right or a/d: {field}",
    Axis.SIDE: "j/l: {field}",
}
KEYS: Final = "space: zero   +/-: speed   x: software stop   q: quit"
FOOTER: Final = "x is a software stop, not safety rated. Let go of the keys and it stands still."


def drive(hub: str | None, robot: str, setpoint: str) -> int:
    """Drive until q, Ctrl-C or the end of the terminal; then zeros, and the lease is given back."""
    if not sys.stdin.isatty():
        raise ConfigError(
            "drive reads keys, so it needs a terminal",
            hint="a program sends setpoints by the client SDK: robot.setpoint(…)",
        )
    with connected(hub) as site:
        handle = site.robot(robot)
        sheet = handle.describe().sheet
        try:
            name, info = choose(sheet, setpoint)
        except ValueError as exc:
            raise CommandError(f"{robot}: {exc}", robot=robot, cause=v1.CAUSE_UNSUPPORTED) from exc
        component = name.partition(".")[0]
        with handle.lease(component) as lease, site.watch([robot], twins=False) as events:
            screen = Screen(robot, name, Teleop(info))
            pilot = Pilot(site, handle, lease, name, screen)
            with _odometry(handle, sheet, component) as samples, keys_at_once() as keyboard:
                pilot.run(keyboard, events, samples)
    return 0


@contextmanager
def keys_at_once() -> Iterator[int]:
    """The terminal gives each key as it is pressed and shows none; as it was before at the end."""
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)  # Ctrl-C stays what it is.
        yield keyboard
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


@contextmanager
def _odometry(
    robot: RobotHandle, sheet: v1.Sheet, component: str
) -> Iterator[Iteration[StreamSample] | None]:
    names = [
        f"{part.name}.{stream.name}"
        for part in sheet.components
        for stream in part.streams
        if stream.schema == "Odometry"
    ]
    name = next((each for each in names if each.startswith(f"{component}.")), next(iter(names), ""))
    if not name:
        yield None
        return
    with robot.stream(name) as samples:
        yield samples


class Pilot:
    """Keys in, setpoints out, until the end."""

    def __init__(self, site: Hub, robot: RobotHandle, lease: Lease, name: str, screen: Screen) -> None:
        """Over a lease that is held."""
        self._site, self._robot, self._lease, self._name = site, robot, lease, name
        self._screen, self._teleop = screen, screen.teleop
        self._keys = KeyReader()
        self._asker = ""

    def run(
        self, keyboard: int, events: Iteration[v1.Event], samples: Iteration[StreamSample] | None
    ) -> None:
        """Raises LeaseError when the lease is lost: somebody else drives now."""
        self._screen.begin()
        try:
            while self._turn(keyboard):
                self._look_who_asks()
                while (event := events.next(0)) is not None:
                    self._screen.heard(event)
                sample = samples.next(0) if samples is not None else None
                self._screen.show(sample, self._teleop.wanted(time.monotonic()), time.monotonic())
        except KeyboardInterrupt:
            pass  # Ctrl-C is q.
        finally:
            self._screen.end()
        self._teleop.let_go(time.monotonic())
        self._send(time.monotonic())

    def _turn(self, keyboard: int) -> bool:
        """Wait for a key or the next setpoint; False at the end."""
        now = time.monotonic()
        timer = self._teleop.next_timer(now)
        wait_s = REFRESH_S if timer is None else max(0.0, min(REFRESH_S, timer - now))
        if select.select([keyboard], [], [], wait_s)[0]:
            data = os.read(keyboard, READ_BYTES)
            if not data:
                return False  # The terminal is gone.
            keys = self._keys.feed(data)
            action = self._teleop.press(keys, time.monotonic())
            if action is Action.QUIT or self._gives(keys):
                return False
            if action is Action.STOP:
                self._screen.say(self._stop())
        if self._lease.lost:
            raise LeaseError(
                f"the lease of {self._robot.id} is lost: {self._lease.lost}", robot=self._robot.id
            )
        self._send(time.monotonic())
        return True

    def _gives(self, keys: list[str]) -> bool:
        """Whether the lease goes to who asks for it, and is shown to ask."""
        wanted = self._lease.wanted
        if wanted is None or wanted.by != self._asker:
            return False
        if "n" in keys:
            self._lease.decline()
        return "y" in keys

    def _look_who_asks(self) -> None:
        wanted = self._lease.wanted
        by = wanted.by if wanted is not None else ""
        if by != self._asker:
            self._asker = by
            asks = f"{by} asks for the lease: {wanted.reason}. Give it? y/n" if wanted is not None else ""
            self._screen.say(asks)

    def _send(self, now: float) -> None:
        values = self._teleop.due(now)
        if values is None:
            return
        if self._screen.stopped:
            self._teleop.mute()
            self._screen.say(f"stopped; nothing moves before: robolink release {self._robot.id}")
            return
        try:
            self._robot.setpoint(self._name, **values)
        except RejectedError as exc:
            self._teleop.mute()
            self._screen.say(str(exc.args[0]))

    def _stop(self) -> str:
        self._teleop.mute()
        result = self._robot.stop(reason="stop key of robolink drive")
        verdict = short(v1.StopVerdict, "STOP_VERDICT_", result.verdict) or "no verdict"
        return f"software stop #{result.generation}: {verdict}; then: robolink release {self._robot.id}"


class Screen:
    """Three lines that are written anew, and the footer under them."""

    def __init__(self, robot: str, name: str, teleop: Teleop) -> None:
        """Nothing heard yet."""
        self.teleop = teleop
        self._title = f"{robot} {name}"
        self._info = v1.RobotInfo(online=True)
        self._said = ""
        self._sample: StreamSample | None = None
        self._sample_s = 0.0

    def begin(self) -> None:
        """What the keys do."""
        moves = [HELP[axis].format(field=field.name) for axis, field in self.teleop.axes.items()]
        sys.stdout.write(f"{self._title}\n{'   '.join(moves)}\n{KEYS}\n\n")

    def end(self) -> None:
        """Leave the lines and the footer as they are."""
        sys.stdout.write("\n" * LINES)
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Shown until the next one."""
        self._said = text

    def heard(self, event: v1.Event) -> None:
        """News of the robot."""
        if event.WhichOneof("kind") == "robot":
            latched = self._info.authority.stop.latched
            self._info = event.robot
            if latched and not event.robot.authority.stop.latched:
                self._said = ""

    @property
    def stopped(self) -> bool:
        """Whether the hub has told of a latched stop."""
        return self._info.authority.stop.latched

    def show(self, sample: StreamSample | None, wanted: dict[str, float], now: float) -> None:
        """Write the lines anew."""
        if sample is not None:
            self._sample, self._sample_s = sample, now
        width = shutil.get_terminal_size().columns - 1
        lines = [*self.lines(wanted, now), self._said or FOOTER]
        sys.stdout.write("\n".join(f"{CLEAR}{line[:width]}" for line in lines) + f"\x1b[{len(lines) - 1}A\r")
        sys.stdout.flush()

    def lines(self, wanted: dict[str, float], now: float) -> list[str]:
        """Speed, latch and lease; what is commanded; what is measured, and how old that is."""
        stop = self._info.authority.stop
        latch = f"STOPPED #{stop.generation}" if stop.latched else "not stopped"
        state = "online" if self._info.online else "OFFLINE"
        measured = "measured   nothing: no odometry stream, or no sample yet"
        if self._sample is not None:
            age_s = self._sample.age_s + now - self._sample_s
            values = {each: float(getattr(self._sample.payload, each, 0.0)) for each in wanted}
            stale = " STALE" if age_s > STALE_S else ""
            measured = f"measured   {_numbers(values)}  {age_s * 1000:.0f} ms old{stale}"
        return [
            f"{state}  {latch}  lease yours  speed {self.teleop.speed:.0%}",
            f"commanded  {_numbers(wanted)}",
            measured,
        ]


def _numbers(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:+.2f}" for name, value in values.items())
