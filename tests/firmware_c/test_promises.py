"""What the C library promises: no allocation, no recursion, nothing of a C library but memory functions, sizes by macro."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.firmware_c.peer import ARM_TOOLS, HOST_TOOLS, SOURCE, build, need

MEMORY_FUNCTIONS = {"memcpy", "memmove", "memset", "memcmp", "strlen"}
SMALL = (
    "-DRL_MAX_COMPONENTS=1u -DRL_MAX_SETPOINTS=1u -DRL_MAX_ARGS=2u -DRL_LARGEST_MESSAGE=0u -DRL_SEND_BYTES=384u "
    "-DRL_CRC_TABLE=256"
)


def test_it_asks_a_c_library_for_memory_functions_alone(arm_program: Path) -> None:
    shown = subprocess.run(
        ["arm-none-eabi-nm", arm_program.with_name("librobolink.a")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    wanted = set(re.findall(r"^ +U (\w+)$", shown, re.MULTILINE))
    made = set(re.findall(r"^\S+ [A-Z] (\w+)$", shown, re.MULTILINE))
    asked = {name for name in wanted - made if not name.startswith("__aeabi_")}
    assert asked <= MEMORY_FUNCTIONS


def test_it_has_no_writable_memory_of_its_own(arm_program: Path) -> None:
    shown = subprocess.run(
        ["arm-none-eabi-size", arm_program.with_name("librobolink.a")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    columns = [line.split()[:3] for line in shown.splitlines()[1:]]
    assert len(columns) > 15
    assert all((data, bss) == ("0", "0") for _, data, bss in columns)


def test_nothing_calls_itself(tmp_path: Path) -> None:
    need("arm-none-eabi-gcc")
    calls: dict[str, set[str]] = {}
    for source in sorted((SOURCE / "src").glob("*.c")):
        made = tmp_path / f"{source.stem}.o"
        flags = ["-std=c99", "-Os", "-mcpu=cortex-m3", "-mthumb", f"-I{SOURCE / 'include'}"]
        command = ["arm-none-eabi-gcc", *flags, "-fcallgraph-info", "-c", source, "-o", made]
        subprocess.run(command, check=True)
        told = made.with_suffix(".ci").read_text()
        for caller, called in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', told):
            calls.setdefault(caller.rsplit(":")[-1], set()).add(called.rsplit(":")[-1])
    assert "rl_board_step" in calls and len(calls) > 50
    for name in calls:
        reached, waiting = set[str](), list(calls[name])
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached.add(one)
                waiting += calls.get(one, ())
        assert name not in reached, f"{name} comes back to itself"


def test_small_sizes_compile(tmp_path: Path) -> None:
    need(*ARM_TOOLS)
    build(str(tmp_path / "arm" / "two_wheel.elf"), tmp_path, f"DEFINES={SMALL}")


@pytest.mark.parametrize(
    ("define", "words"),
    [
        ("-DRL_SEND_BYTES=100u", "do not fit"),
        ("-DRL_REMEMBERED=4u", "16 outcomes"),
        ("-DRL_OUTCOME_BYTES=300u", "48 to 247"),
        ("-DRL_CRC_TABLE=8", "16 or 256"),
    ],
)
def test_sizes_that_break_the_standard_do_not_compile(define: str, words: str, tmp_path: Path) -> None:
    need(*HOST_TOOLS)
    command = [
        "cc",
        define,
        f"-I{SOURCE / 'include'}",
        "-c",
        SOURCE / "src" / "rl_board.c",
        "-o",
        tmp_path / "x",
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode != 0 and words in made.stderr
