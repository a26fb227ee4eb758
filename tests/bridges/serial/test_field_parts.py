"""The rules of `robolink board` without a board: what is written, whether it fits, what is heard, what is made of it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.frame import Frame
from robolink.errors import ConfigError
from robolink_serial.field import find, judge
from robolink_serial.field.program import BoardFile, build, check_room, firmware_folder, plan
from robolink_serial.field.show import Level, size
from robolink_serial.field.tap import Seen, Tap, Text, fields
from robolink_serial.field.tool import BoardError, BoardFullError, Facts
from robolink_serial.port import PortError
from robolink_serial.ports import FoundPort

FACTS = Facts(
    name="micropython", version=(1, 24, 0), platform="rp2", machine="Raspberry Pi Pico with RP2040", mpy=0x1306,
    memory_free=150_000, memory_used=40_000, fs_free=100_000, fs_size=800_000, block=4096,
)  # fmt: skip
MAIN = BoardFile("main.py", b"import robolink_board\n")
LINK = BoardFile("robolink_board/link.mpy", b"M\x06" + b"x" * 5000)


def there(*files: BoardFile) -> dict[str, tuple[int, str]]:
    return {each.path: (len(each.data), each.digest) for each in files}


def test_only_what_differs_is_written_in_order() -> None:
    old = BoardFile(LINK.path, b"older")
    todo = plan([LINK, MAIN], there(old, MAIN), {})
    assert (todo.write, todo.same, todo.remove) == ([LINK], 1, [])


def test_source_that_would_be_imported_first_goes_and_own_files_stay() -> None:
    source, own = BoardFile("robolink_board/link.py", b""), BoardFile("mine.py", b"")
    half = BoardFile("robolink_board/link.mpy.part", b"")
    todo = plan([LINK, MAIN], there(source, own, half), {})
    assert sorted(todo.remove) == ["robolink_board/link.mpy.part", "robolink_board/link.py"]


def test_main_that_was_flashed_is_renewed_and_any_other_is_refused() -> None:
    old = BoardFile("main.py", b"of a former release")
    assert plan([MAIN], there(old), {"main.py": old.digest}).write == [MAIN]
    with pytest.raises(BoardError, match="nothing was changed"):
        plan([MAIN], there(old), {"main.py": MAIN.digest})
    assert plan([MAIN], there(old), {}, force=True).write == [MAIN]
    assert plan([MAIN], there(old), {}, keep=["main.py"]).kept == ["main.py"]


@given(
    sizes=st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 20_000)), max_size=12),
    block=st.sampled_from([128, 512, 4096]),
    free=st.integers(0, 200_000),
)
@example(sizes=[(1, 0)] * 12, block=512, free=512 * 3)
def test_what_is_let_through_never_fills_the_disk(
    sizes: list[tuple[int, int]], block: int, free: int
) -> None:
    files = [BoardFile(f"robolink_board/{at}.mpy", b"x" * new) for at, (new, _) in enumerate(sizes)]
    present = {each.path: (old, "") for each, (_, old) in zip(files, sizes, strict=True)}
    facts = dataclasses.replace(FACTS, block=block, fs_free=free)
    todo = plan(files, present, {})
    try:
        check_room(todo, present, facts)
    except BoardFullError:
        return
    left = free // block
    for new, old in sizes:
        left -= -(-new // block)
        assert left >= 0, "the new file stands beside the old one"
        left += -(-old // block)


def test_everything_is_compiled_for_the_board_and_main_comes_last() -> None:
    made = build(FACTS, None, None)
    names = [each.path for each in made]
    assert names[-2:] == ["boot.py", "main.py"]
    assert "robolink_slots.mpy" in names
    sources = {each.name for each in (firmware_folder() / "robolink_board").rglob("*.py")}
    assert {each.rpartition("/")[2].replace(".mpy", ".py") for each in names if "/" in each} == sources
    assert all(each.data.startswith(b"M\x06") for each in made if each.path.endswith(".mpy"))
    source = build(dataclasses.replace(FACTS, mpy=0), None, None)
    assert not [each for each in source if each.path.endswith(".mpy")], "another bytecode: the source itself"
    with pytest.raises(ConfigError, match="no profile 'teapot'"):
        build(FACTS, None, "teapot")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (dataclasses.replace(FACTS, name="circuitpython", version=(9, 2, 1)), "runs CircuitPython 9.2.1"),
        (dataclasses.replace(FACTS, version=(1, 9, 2)), "older than 1.21"),
        (dataclasses.replace(FACTS, fs_free=None), "without a filesystem"),
    ],
)
def test_other_firmware_is_refused_with_what_to_do(facts: Facts, words: str) -> None:
    with pytest.raises(BoardError, match=words) as caught:
        facts.refuse_foreign()
    assert caught.value.hint
    assert next(judge.firmware(facts)).level is Level.FAULT


def test_facts_name_the_architecture_for_mpy_cross() -> None:
    assert (FACTS.architecture, FACTS.bytecode) == ("armv6m", 6)
    assert FACTS.words == "MicroPython 1.24.0 on Raspberry Pi Pico with RP2040"


def test_findings_have_a_cure_where_one_is_needed() -> None:
    assert judge.round_trips(50, []).level is Level.FAULT
    assert judge.round_trips(50, [0.001] * 49).level is Level.FAULT
    assert judge.round_trips(50, [0.001] * 50).level is Level.OK
    assert judge.line({"resent": 3}).hint
    assert judge.line({"noise_bytes": 9}).level is Level.OK, "what a board prints is no fault of the line"
    assert judge.files(3, ["a", "b", "c"], ["a", "b", "c"], compiled=True).text == "no Robolink package"
    assert judge.files(3, [], [], compiled=False).level is Level.NOTE
    assert next(judge.printed(["hello", "ValueError: x"])).level is Level.NOTE
    assert (size(999), size(41_000), size(2_500_000), size(250_000_000_000)) == (
        "999 B",
        "41.0 kB",
        "2.5 MB",
        "250.0 GB",
    )


def hello(nonce: int) -> bytes:
    body = v1.SerialHello(major=1, nonce=nonce).SerializeToString()
    return Frame(kind=v1.SERIAL_FRAME_KIND_HELLO, body=body).to_bytes(0)


@given(st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1), st.integers(1, 40))
def test_a_listener_learns_the_session_and_hears_every_frame(board: int, host: int, step: int) -> None:
    readings = v1.SerialReadings()
    readings.readings.add(member=7).value.double_value = 1.5
    kind = v1.SERIAL_FRAME_KIND_READINGS
    line = Frame(kind=kind, body=readings.SerializeToString()).to_bytes(board ^ host) + b"boot\r\n"
    tap = Tap()
    list(tap.heard(False, hello(host)))
    heard = list(tap.heard(True, hello(board)))
    for at in range(0, len(line), step):
        heard += tap.heard(True, line[at : at + step])
    heard += tap.idle()
    assert [each.kind for each in heard if isinstance(each, Seen)] == ["HELLO", "READINGS"]
    assert [each.text for each in heard if isinstance(each, Text)] == ["boot"]
    seen = [each for each in heard if isinstance(each, Seen)][-1]
    assert fields(seen.message, {7: "motor.speed"}) == {"motor.speed": 1.5}


def test_the_only_board_needs_no_name() -> None:
    one, two = FoundPort("/dev/ttyACM0", "E66", "2e8a"), FoundPort("/dev/ttyACM1", "E67", "2e8a")
    assert find.board(None, [one]) == one
    assert find.board("E67", [one, two]) == two
    for word, ports in ((None, []), (None, [one, two]), ("E99", [one, two])):
        with pytest.raises(PortError) as caught:
            find.board(word, ports)
        assert caught.value.hint
