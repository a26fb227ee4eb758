"""The course of an update between the host's machine and the board's, in injected time: lost words, resets, power cuts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from robolink import v1
from robolink.core._link_table import KIND_OF
from robolink_serial.update import image as host_image
from robolink_serial.update.course import NEVER, TRIES, Phase, Update
from tests.firmware.flash import NEW, BoardWithFlash, Flash, PowerLoss, Reset, laid, lies_in

import robolink_slots as slots  # type: ignore[import-not-found]  # isort: skip
from robolink_board import codec, messages  # type: ignore[import-not-found]  # isort: skip

IMAGE = host_image.Image(
    version="2",
    architecture="",
    bytecode=0,
    files=tuple(host_image.ImageFile(path=path, data=data) for path, data in NEW.files.items()),
)
STEP_S = 0.05


class Course:
    """Both ends; `lossy` says of each message whether it is lost (the line's own resending ends with a session)."""

    def __init__(self, flash: Flash) -> None:
        self.board = BoardWithFlash(flash)
        self.flash = flash
        self.now = 100.0
        self.update = Update(IMAGE, transfer=1, now=self.now)
        self.lost: Callable[[], bool] = lambda: False
        self.up = True
        self.dead_until = 0.0
        self.hang = False
        self.told = 0

    def reset(self, away_s: float = 0.4) -> None:
        """The board boots."""
        self.update.down(self.now)
        self.up, self.dead_until = False, self.now + away_s
        self.board.boot()
        self.board.images.begun(self.ticks)
        self.told = 0

    @property
    def ticks(self) -> int:
        return round(self.now * 1000) & 0x3FFFFFFF

    def turn(self) -> None:
        self.now += STEP_S
        if not self.up and self.now >= self.dead_until and not self.hang:
            self.up = True
            self.update.up(same_peer=False, now=self.now)
        try:
            if not self.hang:
                self.board.images.step(self.ticks)
            if self.up:
                self._to_board()
                self._to_host()
        except Reset:
            self.reset()
        if self.now >= self.update.next_timer():
            self.update.handle_timer(self.now)

    def _to_board(self) -> None:
        while (message := self.update.next_message()) is not None:
            self.update.sent()
            if not self.lost():
                kind = KIND_OF[type(message)]
                body = codec.decode(messages.TABLES[kind], message.SerializeToString())
                self.board.images.message(kind, body, self.ticks)
        if self.update.bulk is not None and self.board.images.next_offset < len(IMAGE.data):
            at = self.board.images.next_offset
            if self.board.images.data(IMAGE.data[at : at + 200]):
                self.update.bulk_progress(self.board.images.next_offset, self.now)

    def _to_host(self) -> None:
        while self.told < len(self.board.told):
            told = self.board.told[self.told]
            self.told += 1
            if not self.lost():
                state = v1.SerialImageState.FromString(
                    bytes(codec.encode(messages.TABLES[messages.IMAGE_STATE_KIND], told))
                )
                self.update.state(state, self.now)

    def run(self, limit_s: float = 300.0) -> Phase:
        until = self.now + limit_s
        while not self.update.ended and self.now < until:
            self.turn()
        return self.update.phase


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Course]:
    flash = laid(monkeypatch, tmp_path)
    yield Course(flash)
    flash.close()
    slots.running, slots.on_trial = slots.FLASHED, False


def test_an_update_ends_confirmed(course: Course, tmp_path: Path) -> None:
    seen = [course.update.phase]
    while not course.update.ended:
        course.turn()
        if course.update.phase is not seen[-1]:
            seen.append(course.update.phase)
    assert seen == [
        Phase.ANNOUNCING, Phase.SENDING, Phase.VERIFYING, Phase.BOOTING, Phase.CONFIRMING, Phase.DONE,
    ]  # fmt: skip
    assert lies_in(tmp_path / "slots" / "a") == NEW.files
    assert course.board.slot("a")["state"] == slots.CONFIRMED
    assert course.update.progress == 1.0


def test_firmware_that_hangs_is_told_and_the_board_runs_what_it_ran(course: Course) -> None:
    while course.update.phase is not Phase.BOOTING:
        course.turn()
    while course.up:
        course.turn()
    # The watchdog of the trial bites; it does so while the host waits.
    course.hang = True
    for _ in range(100):
        course.turn()
    course.hang = False
    course.reset()
    assert course.run() is Phase.FAILED
    assert course.update.failure is not None
    assert "went back to slot flashed" in course.update.failure.text
    assert course.board.slot(slots.FLASHED)["running"]


def test_firmware_without_a_link_goes_back_by_itself(course: Course) -> None:
    while course.up:
        course.turn()
    # It runs, and says nothing: after 30 s it resets, and what comes then answers.
    course.dead_until = NEVER
    until = course.now + 40
    while course.now < until and slots.on_trial:
        course.turn()
    assert not slots.on_trial
    assert course.run() is Phase.FAILED
    assert course.board.slot("a")["state"] == slots.ROLLED_BACK


def test_a_board_that_stays_away_is_given_up(course: Course) -> None:
    for _ in range(3):
        course.turn()
    course.reset(away_s=NEVER)
    assert course.run() is Phase.FAILED
    assert course.update.failure is not None
    assert course.update.failure.cause == v1.CAUSE_UNREACHABLE


def test_a_board_without_slots_says_nothing(course: Course) -> None:
    course.lost = lambda: True
    began = course.now
    assert course.run() is Phase.FAILED
    assert course.now - began < TRIES * 3 + 2
    assert course.update.failure is not None and "slots" in course.update.failure.text


def test_a_refusal_is_told_in_the_boards_words(course: Course) -> None:
    course.flash.free = 10
    assert course.run() is Phase.FAILED
    assert course.update.failure is not None
    assert course.update.failure.cause == v1.CAUSE_STORAGE
    assert course.board.slot("a")["state"] == slots.EMPTY


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 30), resets=st.lists(st.integers(0, 60), max_size=4), rate=st.floats(0, 0.3))
def test_whatever_is_lost_and_whenever_it_is_reset_the_board_runs_something_whole(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    resets: list[int],
    rate: float,
) -> None:
    numbers = random.Random(seed)
    folder = tmp_path_factory.mktemp("flash")
    flash = laid(monkeypatch, folder)
    course = Course(flash)
    course.lost = lambda: numbers.random() < rate
    waits = iter(sorted(resets))
    wait = next(waits, None)
    turns = 0
    while not course.update.ended and turns < 8000:
        turns += 1
        if wait is not None and turns >= wait:
            wait = next(waits, None)
            # Power fails somewhere in what it is writing, or it is only reset.
            flash.left = numbers.randrange(40) if numbers.random() < 0.5 else flash.left
            try:
                course.turn()
            except PowerLoss:
                pass
            course.reset()
            continue
        course.turn()
    assert course.update.ended
    ran = course.board.boot()
    told: dict[str, Any] = course.board.slot(ran)
    assert told["running"]
    if ran != slots.FLASHED:
        assert lies_in(folder / "slots" / ran) == NEW.files
    if course.update.phase is Phase.DONE:
        assert ran == "a"
    flash.close()
    slots.running, slots.on_trial = slots.FLASHED, False
