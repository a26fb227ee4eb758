"""Updates at the board: power may fail at any byte, and whatever is wrong, the board boots and says what it runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware.flash import (
    CHUNK_BYTES,
    ENDLESS,
    NEW,
    BoardWithFlash,
    Flash,
    Image,
    PowerLoss,
    Reset,
    laid,
    lies_in,
)

import robolink_slots as slots  # type: ignore[import-not-found]  # isort: skip
from robolink_board import image, messages  # type: ignore[import-not-found]  # isort: skip


@pytest.fixture
def flash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flash]:
    flash = laid(monkeypatch, tmp_path)
    yield flash
    flash.close()
    slots.running, slots.on_trial = slots.FLASHED, False


@pytest.fixture
def board(flash: Flash) -> BoardWithFlash:
    return BoardWithFlash(flash)


def test_an_update_is_tried_confirmed_and_stays(board: BoardWithFlash, tmp_path: Path) -> None:
    board.install(NEW)
    assert lies_in(tmp_path / "slots" / "a") == NEW.files
    assert board.boot() == "a"
    assert slots.on_trial
    assert board.slot("a") == {
        "name": "a", "state": slots.TRIAL, "version": "2", "sha256": NEW.sha256, "running": True,
    }  # fmt: skip
    assert board.order(image.CONFIRM)["cause"] == 0
    board.images.step(image.TRIAL_MS + 1)
    assert board.boot() == "a"
    assert not slots.on_trial
    assert board.slot("a")["state"] == slots.CONFIRMED
    # The next one goes into the other slot, and the one after that over the oldest.
    for version, slot in (("3", "b"), ("4", "a")):
        board.install(Image(NEW.files | {"robolink_board/app.mpy": version.encode()}, version))
        assert board.boot() == slot
        assert board.order(image.CONFIRM)["cause"] == 0
        assert board.boot() == slot


@pytest.mark.parametrize("how", ["hangs", "nobody confirms", "ordered"])
def test_a_trial_that_is_not_confirmed_goes_back_by_itself(board: BoardWithFlash, how: str) -> None:
    board.install(NEW)
    assert board.boot() == "a"
    if how == "nobody confirms":
        board.images.step(image.TRIAL_MS - 1)
        with pytest.raises(Reset):
            board.images.step(image.TRIAL_MS)
    if how == "ordered":
        assert board.order(image.ROLLBACK)["cause"] == 0
        with pytest.raises(Reset):
            board.images.step(image.RESET_MS)
    assert board.boot() == slots.FLASHED
    assert board.slot("a")["state"] == slots.ROLLED_BACK
    assert board.order(image.BOOT, slot="a")["cause"] == messages.MODE, "what failed is sent anew first"


def test_back_to_what_ran_before(board: BoardWithFlash) -> None:
    assert board.order(image.ROLLBACK)["cause"] == messages.MODE
    board.install(NEW)
    board.boot()
    board.order(image.CONFIRM)
    assert board.order(image.ROLLBACK)["cause"] == 0
    assert board.boot() == slots.FLASHED
    assert board.slot("a")["state"] == slots.ROLLED_BACK


def steps_of_an_update(board: BoardWithFlash) -> int:
    board.flash.left = ENDLESS
    before = board.flash.left
    board.install(NEW)
    return before - board.flash.left


def steps_between_chunks(board: BoardWithFlash, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """After how many steps of an update each chunk is stored."""
    found, store = [], board.images.data

    def noted(part: bytes) -> int:
        stored = store(part)
        found.append(ENDLESS - board.flash.left)
        return int(stored)

    monkeypatch.setattr(board.images, "data", noted)
    board.flash.left = ENDLESS
    board.install(NEW)
    return found


def test_power_may_fail_at_any_step(flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole").mkdir()
    monkeypatch.chdir(tmp_path / "whole")
    steps = steps_of_an_update(BoardWithFlash(flash))
    (tmp_path / "chunks").mkdir()
    monkeypatch.chdir(tmp_path / "chunks")
    chunks = steps_between_chunks(BoardWithFlash(flash), monkeypatch)
    assert len(chunks) == -(-len(NEW.data) // CHUNK_BYTES)
    numbers = random.Random(3)
    # Behind every chunk, every seventh step, and 200 of all.
    some = (numbers.randrange(steps) for _ in range(200))
    points = sorted({*chunks, *range(0, steps, 7), *some, steps - 1})
    torn = 0
    for point in points:
        folder = tmp_path / f"at-{point}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        board = BoardWithFlash(flash)
        flash.left = point
        try:
            board.install(NEW)
        except PowerLoss:
            torn += 1
        if torn and point % 3 == 0:
            flash.left = point // 2
            try:
                board.boot()
                flash.left = point // 2
                board.install(NEW, transfer=5)
            except PowerLoss:
                torn += 1
        ran = board.boot()
        if ran == "a":
            assert slots.on_trial and lies_in(folder / "slots" / "a") == NEW.files, point
        else:
            assert ran == slots.FLASHED, point
            assert board.slot(slots.FLASHED)["running"]
            board.install(NEW, transfer=9)
            assert board.boot() == "a", point
        board.order(image.CONFIRM)
        assert board.boot() == "a" and not slots.on_trial, point
        assert lies_in(folder / "slots" / "a") == NEW.files, point
    assert torn > 200


def test_power_may_fail_while_a_confirmation_is_written(
    flash: Flash, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for point in range(400):
        folder = tmp_path / f"at-{point}"
        folder.mkdir()
        monkeypatch.chdir(folder)
        board = BoardWithFlash(flash)
        board.install(NEW)
        assert board.boot() == "a"
        flash.left = point
        try:
            board.order(image.CONFIRM)
            confirmed = True
        except PowerLoss:
            confirmed = False
        ran = board.boot()
        assert ran == "a" if confirmed else ran in ("a", slots.FLASHED), point
        if confirmed:
            return
    pytest.fail("the confirmation was never whole")


def test_a_file_system_without_renaming_over_a_file(
    board: BoardWithFlash, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strict(old: str, new: str) -> None:
        if Path(new).exists():
            raise OSError(17, "exists")
        Path(old).rename(new)

    monkeypatch.setattr(slots.os, "rename", strict)
    board.install(NEW)
    assert board.boot() == "a"
    # Power fails between the removal and the renaming.
    Path(slots.RECORD).rename(slots.NEW)
    assert board.boot() == slots.FLASHED
    assert board.slot("a")["state"] == slots.ROLLED_BACK


def test_what_came_damaged_never_runs(board: BoardWithFlash, tmp_path: Path) -> None:
    board.begin(NEW)
    board.announce(NEW)
    board.send(NEW)
    (tmp_path / "slots" / "a" / "robolink_board" / "deep" / "x.mpy").write_bytes(b"y" * 37)
    state = board.verify()
    assert state["cause"] == messages.INVALID
    assert board.slot("a")["state"] == slots.DAMAGED
    assert board.order(image.BOOT, slot="a")["cause"] == messages.MODE
    assert board.boot() == slots.FLASHED
    board.install(NEW, transfer=2)
    assert board.boot() == "a"


def test_it_goes_on_where_it_was_cut_off(board: BoardWithFlash) -> None:
    board.begin(NEW)
    board.announce(NEW)
    board.images.data(NEW.data[:520])
    assert board.lanes == [(1, len(NEW.data), 0)]
    board.boot()
    board.begin(NEW, transfer=7)
    board.announce(NEW, transfer=7)
    assert board.lanes == [(7, len(NEW.data), 512)], "from the first file that is not whole"
    board.boot()
    other = Image(NEW.files | {"robolink_board/app.mpy": b"other"}, "3")
    board.begin(other)
    board.announce(other)
    assert board.lanes[-1] == (1, len(other.data), 0), "another image begins anew"


def test_a_full_file_system_is_refused_before_a_slot_is_touched(
    board: BoardWithFlash, tmp_path: Path
) -> None:
    board.install(NEW)
    board.boot()
    board.order(image.ROLLBACK)
    board.boot()
    before = lies_in(tmp_path)
    board.flash.free = 100
    state = board.begin(Image({"robolink_board/big": b"b" * 5000}))
    assert state["cause"] == messages.STORAGE
    assert "5000" in state["text"]
    assert lies_in(tmp_path) == before
    board.flash.free = 1 << 20
    board.begin(NEW, transfer=3)
    board.announce(NEW, transfer=3)
    board.flash.full = True
    assert board.images.data(NEW.data[:40]) == 0
    assert board.told[-1]["cause"] == messages.STORAGE
    board.flash.full = False
    assert board.boot() == slots.FLASHED
    board.install(NEW, transfer=4)


def test_orders_that_do_not_suit_are_refused_and_change_nothing(
    board: BoardWithFlash, tmp_path: Path
) -> None:
    refused = [
        (board.order(image.VERIFY), messages.INVALID),
        (board.order(image.ABORT, transfer=8), messages.INVALID),
        (board.order(image.BOOT, slot="a"), messages.MODE),
        (board.order(image.BOOT, slot="c"), messages.UNSUPPORTED),
        (board.order(image.CONFIRM), 0),
        (board.order(99), messages.UNSUPPORTED),
        (board.begin(NEW, slot="flashed"), messages.UNSUPPORTED),
        (board.begin(Image({}), transfer=1), messages.INVALID),
        (board.begin(NEW, transfer=0), messages.INVALID),
    ]
    for state, cause in refused:
        assert state["cause"] == cause, state
    for path in ("../main.py", "/main.py", "a//b", "", "a/./b", "a b"):
        board.begin(Image({path: b"x"}), transfer=2)
        assert board.announce(Image({path: b"x"}), transfer=2)["cause"] == messages.INVALID, path
        board.order(image.ABORT, transfer=2)
    assert not [name for name in lies_in(tmp_path) if not name.startswith("slots/record")]
    board.moving = "the base moves"
    board.begin(NEW, transfer=3)
    board.announce(NEW, transfer=3)
    assert board.order(image.VERIFY, transfer=3)["cause"] == messages.MODE, "it has not all come"
    board.send(NEW)
    board.verify(transfer=3)
    told = len(board.told)
    board.order(image.BOOT, slot="a")
    board.images.step(image.REST_MS - 1)
    assert len(board.told) == told, "it may be coming to rest"
    board.images.step(image.REST_MS)
    assert board.told[told]["text"] == "the base moves"
    board.moving = ""
    board.order(image.BOOT, slot="a")
    with pytest.raises(Reset):
        board.images.step(image.RESET_MS)
    board.boot()
    assert board.begin(NEW, transfer=4)["cause"] == messages.MODE, "first the trial"


@pytest.mark.parametrize("action", [image.BOOT, image.ROLLBACK])
def test_a_reset_is_ordered_while_the_robot_comes_to_rest(board: BoardWithFlash, action: int) -> None:
    board.install(NEW)
    board.boot()
    board.order(image.CONFIRM)
    if action == image.BOOT:
        board.install(Image(NEW.files | {"robolink_board/app.mpy": b"3"}, "3"))
        board.boot()
        board.order(image.CONFIRM)
    told = len(board.told)
    board.moving = "it has not come to rest"
    board.order(action, slot="a")
    board.order(action, slot="a", now=100)
    board.images.step(500)
    assert len(board.told) == told
    board.moving = ""
    board.images.step(510)
    assert [each["cause"] for each in board.told[told:]] == [0]
    with pytest.raises(Reset):
        board.images.step(510 + image.RESET_MS)


def test_said_twice_is_done_once(board: BoardWithFlash) -> None:
    board.begin(NEW)
    board.begin(NEW)
    board.announce(NEW)
    board.announce(NEW)
    assert len(board.told) == 4, "each BEGIN is answered, and the last file as often as it comes"
    board.send(NEW)
    assert len(board.lanes) == 1
    board.order(image.VERIFY)
    assert board.verify()["cause"] == 0
    board.order(image.BOOT, slot="a", now=0)
    board.order(image.BOOT, slot="a", now=50)
    with pytest.raises(Reset):
        board.images.step(image.RESET_MS)
    board.boot()
    assert board.order(image.CONFIRM)["cause"] == board.order(image.CONFIRM)["cause"] == 0


def test_a_record_that_is_no_record_means_what_was_flashed(board: BoardWithFlash, tmp_path: Path) -> None:
    board.install(NEW)
    for text in ("", "{", "[]", '{"boot": "c", "slots": {}}', '{"boot": "a", "slots": 3}'):
        (tmp_path / "slots" / "record.json").write_text(text)
        assert board.boot() == slots.FLASHED
