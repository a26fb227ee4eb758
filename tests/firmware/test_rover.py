"""A whole board of a profile against the host's link, stepped by hand: orders of every kind, cut levels, an empty battery."""

from __future__ import annotations

import random
from typing import Any

import pytest

from robolink import v1
from robolink_serial.sheet import BoardSheet, SheetParts
from tests.core.serial_line import Line, LinkEnd
from tests.firmware import FIRMWARE

from robolink_board import build, hardware, profile  # type: ignore[import-not-found]  # isort: skip
from robolink_board.board import Board  # type: ignore[import-not-found]  # isort: skip
from robolink_board.component import Component  # type: ignore[import-not-found]  # isort: skip
from robolink_board.health import Health  # type: ignore[import-not-found]  # isort: skip
from robolink_board.member import reading  # type: ignore[import-not-found]  # isort: skip
from wiring import wire_up  # type: ignore[import-not-found]  # isort: skip
from world import world  # type: ignore[import-not-found]  # isort: skip

STEP_MS = 5


class RoverEnd:
    """The board's program and the robot on its pins, stepped together."""

    def __init__(self, name: str, extra: tuple[Any, ...] = ()) -> None:
        world.clear()
        world.manual = True
        plan = profile.load(str(FIRMWARE / "profiles" / f"{name}.json"))
        self.robot = wire_up(world, plan)
        numbers = random.Random(3)
        self.board = Board(
            model=plan["model"],
            components=(*build.components(plan, hardware), Health("power on"), *extra),
            random_u32=lambda: numbers.getrandbits(32),
            now=0,
        )

    def receive(self, data: bytes, now: float) -> None:
        self.board.receive(data, world.now_ms)

    def step(self, now: float) -> bytes:
        world.advance(STEP_MS)
        self.board.step(world.now_ms)
        return bytes(self.board.data_to_send(world.now_ms))


class Rover:
    def __init__(self, name: str = "pico-rover", extra: tuple[Any, ...] = ()) -> None:
        self.host, self.end = LinkEnd(), RoverEnd(name, extra)
        self.line = Line(self.host, self.end)
        self.line.until(lambda: self.host.link.up, 3)
        self.host.link.send(v1.SerialSheetRequest())
        self.line.until(lambda: self._described() is not None, 3)
        self.told = self._described()
        assert self.told is not None
        self.host.link.set_fence((1, 1), 0)
        self._made = 0

    def _described(self) -> BoardSheet | None:
        parts = SheetParts()
        made = [parts.add(each) for each in self.host.messages(v1.SerialSheetPart)]
        return made[-1] if made else None

    def order(self, name: str, *args: Any, lease: int = 1, generation: int = 0) -> bytes:
        self._made += 1
        assert self.told is not None
        values = [v1.Value(bool_value=a) if isinstance(a, bool) else v1.Value(double_value=a) for a in args]
        message = v1.SerialCommand(
            command_id=bytes((self._made,)),
            member=self.told.by_name[name].id,
            args=values,
            lease=lease,
            generation=generation,
        )
        self.host.link.send(message)
        return bytes((self._made,))

    def end_of(self, command: bytes, limit_s: float = 20.0) -> v1.SerialUpdate:
        def ended() -> bool:
            return any(
                each.command_id == command and each.state != v1.COMMAND_STATE_RUNNING
                for each in self.host.messages(v1.SerialUpdate)
            )

        self.line.until(ended, limit_s)
        return [each for each in self.host.messages(v1.SerialUpdate) if each.command_id == command][-1]

    def readings(self) -> dict[str, Any]:
        """The newest of each."""
        assert self.told is not None
        found = {}
        for message in self.host.messages(v1.SerialReadings):
            for each in message.readings:
                value = each.value
                found[self.told.by_id[each.member].name] = getattr(value, value.WhichOneof("kind"))
        return found

    @property
    def speed(self) -> float:
        return float(self.end.robot["base.left"].driven()[1])

    @property
    def powered(self) -> bool:
        return bool(world.wire(13).level)


@pytest.fixture
def rover() -> Rover:
    return Rover()


def test_sheet_is_made_of_the_profile(rover: Rover) -> None:
    assert rover.told is not None
    sheet = rover.told.sheet
    assert {each.name: each.type for each in sheet.components} == {
        "base": v1.COMPONENT_TYPE_BASE,
        "imu": v1.COMPONENT_TYPE_IMU,
        "battery": v1.COMPONENT_TYPE_BATTERY,
        "panel": v1.COMPONENT_TYPE_GPIO,
        "board": v1.COMPONENT_TYPE_GENERIC,
    }
    velocity = rover.told.by_name["base.velocity"]
    assert [(arg.name, arg.unit, arg.maximum) for arg in velocity.args] == [
        ("linear_x", "m/s", 0.5),
        ("angular_z", "rad/s", 4.0),
    ]
    assert list(sheet.stop_levels) == [
        v1.STOP_LEVEL_SOFT_HOLD,
        v1.STOP_LEVEL_STOP_THEN_CUT,
        v1.STOP_LEVEL_CUT,
    ], "its drivers have an enable"


@pytest.mark.parametrize("name", ["motor-board", "pico-rover", "esp32-arm", "pyboard-rover"])
def test_every_shipped_board_is_taken_by_the_standards_checks(name: str) -> None:
    from robolink.core.sheet import validate_sheet

    told = Rover(name).told
    assert told is not None
    validate_sheet(told.sheet)


def test_goal_and_readings(rover: Rover) -> None:
    end = rover.end_of(rover.order("base.drive", 0.3))
    assert end.state == v1.COMMAND_STATE_SUCCEEDED
    assert end.results[0].double_value == pytest.approx(0.3, abs=0.01)
    rover.line.run(2.2)
    told = rover.readings()
    assert told["base.x"] == pytest.approx(0.3, abs=0.01)
    assert told["battery.voltage"] == pytest.approx(7.9, abs=0.05)
    assert list(told["imu.acceleration"].values)[2] == pytest.approx(9.81, abs=0.02)
    assert told["imu.healthy"] is True and told["panel.button"] is False
    assert told["board.reset_cause"] == "power on" and told["base.fault"] == ""


def test_call_answers_at_once_needs_a_lease_where_it_moves_and_is_refused_with_a_cause(rover: Rover) -> None:
    assert rover.end_of(rover.order("panel.set_lamp", True, lease=99)).state == v1.COMMAND_STATE_SUCCEEDED
    assert world.wire("LED").level == 1
    bad = rover.end_of(rover.order("panel.set_lamp", 1.0))
    assert (bad.state, bad.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_INVALID)
    rover.order("base.drive", 5.0)
    rover.line.run(1)
    busy = rover.end_of(rover.order("base.reset_pose"))
    assert (busy.cause, busy.text) == (v1.CAUSE_BUSY, "base drives")
    assert rover.speed > 1, "a refused call stops nothing"
    other = Rover("esp32-arm")
    assert other.end_of(other.order("pump.set_valve", True, lease=99)).cause == v1.CAUSE_OLDER_LEASE
    assert other.end_of(other.order("pump.set_valve", True)).state == v1.COMMAND_STATE_SUCCEEDED


def test_stop_switches_a_valve_back(rover: Rover) -> None:
    arm = Rover("esp32-arm")
    arm.end_of(arm.order("pump.set_valve", True))
    arm.host.link.send_stop(v1.STOP_LEVEL_SOFT_HOLD, 1)
    arm.line.run(0.3)
    assert world.wire(13).level == 0
    assert arm.host.messages(v1.SerialStopState)[-1].verdict == v1.STOP_VERDICT_STOPPED


@pytest.mark.parametrize(
    ("level", "braked"),
    [(v1.STOP_LEVEL_SOFT_HOLD, True), (v1.STOP_LEVEL_STOP_THEN_CUT, True), (v1.STOP_LEVEL_CUT, False)],
)
def test_levels_of_a_stop(rover: Rover, level: v1.StopLevel, braked: bool) -> None:
    rover.order("base.drive", 5.0)
    rover.line.run(1.5)
    assert rover.speed > 5 and rover.powered
    rover.host.link.send_stop(level, 1)
    rover.line.run(0.05)
    assert rover.powered is braked, "only CUT takes the power before it stands"
    rover.line.run(4.0)
    assert rover.speed == 0, "without power it rolls out"
    assert rover.powered is (level == v1.STOP_LEVEL_SOFT_HOLD)
    assert rover.host.messages(v1.SerialStopState)[-1].latched
    rover.host.link.send(v1.SerialRelease(generation=1))
    rover.line.run(0.3)
    assert rover.powered is (level == v1.STOP_LEVEL_SOFT_HOLD), "a release switches nothing on"
    rover.host.link.set_fence((1, 1), 1)
    assert rover.end_of(rover.order("base.drive", 0.1, generation=1)).state == v1.COMMAND_STATE_SUCCEEDED


def test_empty_battery_ends_motion_and_forbids_more(rover: Rover) -> None:
    driving = rover.order("base.drive", 5.0)
    rover.line.run(1)
    rover.end.robot["battery"].volts = 5.8 / 4
    end = rover.end_of(driving)
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_DRIVER_ERROR)
    assert end.text == "battery is under 6.0 V: nothing moves before it is over 6.6 V"
    rover.line.run(0.5)
    assert rover.speed == 0
    refused = rover.end_of(rover.order("base.drive", 0.1))
    assert refused.text == end.text
    assert rover.end_of(rover.order("panel.set_lamp", True)).state == v1.COMMAND_STATE_SUCCEEDED
    rover.end.robot["battery"].volts = 7.5 / 4
    rover.line.run(0.5)
    assert rover.speed == 0, "nothing moves by itself when it is back"
    assert rover.end_of(rover.order("base.drive", 0.1)).state == v1.COMMAND_STATE_SUCCEEDED


def test_wheel_that_does_not_turn_fails_the_goal_in_words(rover: Rover) -> None:
    rover.end.robot["base.right"].silent = True
    end = rover.end_of(rover.order("base.drive", 1.0))
    assert (end.state, end.cause) == (v1.COMMAND_STATE_FAILED, v1.CAUSE_DRIVER_ERROR)
    assert end.text == "base.right does not turn, or its encoder is silent"


class Many(Component):
    """More readings than a frame holds, of every kind, some of them rare."""

    name = "many"

    def __init__(self) -> None:
        self.asked = 0
        kinds = [(3, 1.5), (2, -7), (1, True), (4, "text"), (6, (1.0, 2.0, 3.0)), (3, None)]
        self.members = [
            reading(f"r{number}", lambda value=kinds[number % 6][1]: value, type=kinds[number % 6][0])
            for number in range(40)
        ]
        self.members += [
            reading("rare", self._rare, slow=True),
            reading("long", lambda: "x" * 300, type=4, slow=True),
        ]

    def _rare(self) -> float:
        self.asked += 1
        return float(self.asked)


def test_readings_of_every_kind_come_whole() -> None:
    many = Many()
    rover = Rover("motor-board", (many,))
    rover.line.run(0.5)
    told = {name: value for name, value in rover.readings().items() if name.startswith("many.")}
    assert [told[f"many.r{number}"] for number in (0, 1, 2, 3)] == [1.5, -7, True, "text"]
    assert list(told["many.r4"].values) == [1.0, 2.0, 3.0]
    assert "many.r5" not in told, "nothing measured, nothing told"
    assert len(told) == 40 - 6 + 1
    assert rover.end.board.counters["reading_too_long"] >= 1
    asked = many.asked
    rover.line.run(4.0)
    assert asked + 1 <= many.asked <= asked + 3, "what is rare is asked each two seconds"
