"""The parts of a board on the simulated chip: the same checks on the real MicroPython and on CPython, in injected time."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink_sims.board import micropython_executable
from tests.firmware import CHIP, FIRMWARE

from robolink_board.base import Odometry  # type: ignore[import-not-found]  # isort: skip
from robolink_board.encoder import WRAP, Measured  # type: ignore[import-not-found]  # isort: skip
from robolink_board.pid import Pid  # type: ignore[import-not-found]  # isort: skip

HERE = Path(__file__).with_name("on_board")
BOTH = [pytest.param("micropython", marks=pytest.mark.board), "cpython"]


def run_on(python: str, name: str, *arguments: str) -> str:
    """Run one file of checks; what it printed."""
    folders = [str(FIRMWARE), str(HERE), str(CHIP)]
    if python == "micropython":
        command = [str(micropython_executable()), str(HERE / f"{name}.py")]
        environment = os.environ | {"MICROPYPATH": ":".join([*folders, ".frozen"])}
    else:
        command = [sys.executable, "-X", "utf8", str(HERE / f"{name}.py")]
        environment = os.environ | {"PYTHONPATH": ":".join(folders)}
    done = subprocess.run(
        [*command, str(FIRMWARE / "profiles"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_all_ran(name: str, python: str) -> None:
    said = run_on(python, name).split()
    assert said[-2:] == [python, str((HERE / f"{name}.py").read_text().count("\ndef check_"))]


@pytest.mark.parametrize("python", BOTH)
@pytest.mark.parametrize("name", ["control", "guard", "parts", "profiles", "wheels"])
def test_checks_hold_on(name: str, python: str) -> None:
    assert_all_ran(name, python)


@pytest.mark.board
def test_hot_path_takes_nothing_from_the_heap() -> None:
    assert_all_ran("memory", "micropython")


@pytest.mark.board
def test_outputs_are_off_whatever_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # it writes a profile
    assert_all_ran("ending", "micropython")


class Checked(int):
    """An integer that must stay a small one of a 32-bit board, in every step of a computation."""


def _checked(name: str) -> Any:
    plain = getattr(int, name)

    def operate(self: int, *others: int) -> Any:
        value = plain(self, *others)
        if type(value) is int:
            assert -(1 << 30) <= value < 1 << 30, f"{name} of {int(self)} and {others} needs the heap"
            return Checked(value)
        return value

    return operate


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "neg", "and", "or"):
    for _side in ("", "r"):
        if hasattr(int, f"__{_side}{_name}__"):
            setattr(Checked, f"__{_side}{_name}__", _checked(f"__{_side}{_name}__"))

gains = st.floats(0, 10)
i31 = st.integers(-(1 << 30), (1 << 30) - 1)


@given(
    kp=gains,
    ki=gains,
    kd=st.floats(0, 1),
    forward=gains,
    ramp=st.floats(0.1, 1000),
    steps=st.lists(st.tuples(i31, i31, st.integers(0, 100000)), max_size=8),
)
def test_controller_keeps_to_small_integers(
    kp: float, ki: float, kd: float, forward: float, ramp: float, steps: list[tuple[int, int, int]]
) -> None:
    pid = Pid(kp, ki, kd, forward, ramp)
    for name, value in vars(pid).items():
        setattr(pid, name, Checked(value))
    for wanted, measured, ms in steps:
        pid.wanted = Checked(max(-2_000_000, min(2_000_000, wanted)))
        duty = pid.step(Checked(measured), Checked(ms))
        assert -65535 <= duty <= 65535


@given(
    st.integers(8, 200000), st.lists(st.tuples(st.integers(-20000, 20000), st.integers(0, 1000)), max_size=20)
)
def test_encoder_keeps_to_small_integers(per_turn: int, moves: list[tuple[int, int]]) -> None:
    class Source:
        count = 0

        def value(self) -> int:
            return Checked(self.count & WRAP)

    source = Source()
    measured = Measured(source, per_turn)
    measured._scale = Checked(measured._scale)
    for moved, ms in moves:
        source.count += moved
        measured.step(Checked(ms))
    assert measured.counts == sum(moved for moved, _ in moves)


@given(
    per_turn=st.integers(8, 200000),
    radius=st.floats(0.005, 1),
    track=st.floats(0.02, 3),
    moves=st.lists(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3)), max_size=30),
)
def test_odometry_is_right_for_any_base(
    per_turn: int, radius: float, track: float, moves: list[tuple[float, float]]
) -> None:
    # Each move is a tick: up to 0.3 rad of either wheel, 30 rad/s.
    place, x, y, theta = Odometry(per_turn, radius, track), 0.0, 0.0, 0.0
    for left, right in moves:
        counts = [round(angle * per_turn / math.tau) for angle in (left, right)]
        way_l, way_r = (each * math.tau * radius / per_turn for each in counts)
        turned = (way_r - way_l) / track
        x += (way_l + way_r) / 2 * math.cos(theta + turned / 2)
        y += (way_l + way_r) / 2 * math.sin(theta + turned / 2)
        theta += turned
        place.add(*counts)
    far = sum(abs(a) + abs(b) for a, b in moves) * radius / 2
    assert place.x / 1e6 == pytest.approx(x, abs=far * 1e-3 + 1e-4)
    assert place.y / 1e6 == pytest.approx(y, abs=far * 1e-3 + 1e-4)
    # Radius and track are known to a micrometre there.
    assert math.remainder(place.theta / 1e6 - theta, math.tau) == pytest.approx(
        0, abs=2e-3 * (1 + abs(theta))
    )
