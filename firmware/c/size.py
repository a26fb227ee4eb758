"""Measures the C library for a Cortex-M3 and writes the table into README.md: `make size`.

Text is of the objects, RAM is the compiler's word on the structs, the stack is what an emulated
board has used after a conversation. It builds with other macros than the defaults only to show their price.
"""

from __future__ import annotations

import os
import re
import select
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
BEGIN, END = "<!-- sizes: written by make size -->\n", "<!-- end of sizes -->\n"
SMALL = (
    "-DRL_MAX_COMPONENTS=1u -DRL_MAX_SETPOINTS=1u -DRL_MAX_ARGS=2u -DRL_LARGEST_MESSAGE=0u -DRL_SEND_BYTES=384u "
    "-DRL_BEST_EFFORT_BYTES=256u -DRL_OUTCOME_BYTES=64u"
)
PARTS = {
    "frames, CRC-32": ("rl_frame.o", "rl_crc32.o"),
    "codec and its tables": ("rl_encode.o", "rl_decode.o", "rl_wire.o", "rl_messages.o"),
    "link": ("rl_link.o", "rl_link_out.o", "rl_queue.o", "rl_fragment.o", "rl_site_time.o", "rl_bulk.o"),
    "board: commands, stop, sheet, values": (
        *("rl_board.o", "rl_command.o", "rl_run.o", "rl_outcome.o", "rl_setpoint.o", "rl_stop.o"),
        *("rl_sheet.o", "rl_value.o", "rl_words.o", "rl_port.o", "rl_images.o"),
    ),
}
RAM_PROBE = """
#include <robolink/rl_board.h>
char size_board[sizeof(rl_board)];
char size_link[sizeof(rl_link)];
char size_outcomes[sizeof(((rl_board *)0)->outcomes)];
"""


def run(*command: str | Path) -> str:
    """Its output.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def build(folder: Path, defines: str) -> None:
    """The library and the example for a Cortex-M3."""
    run("make", "-s", "-j2", "-C", HERE, f"BUILD={folder}", f"DEFINES={defines}", "arm")


def text_of(folder: Path) -> dict[str, int]:
    """Bytes of flash by part, as compiled; a linker that collects sections keeps less."""
    kept: dict[str, int] = {}
    sizes = run("arm-none-eabi-size", folder / "arm" / "librobolink.a")
    for line in sizes.splitlines()[1:]:
        text, data, _, _, _, name = line.split()[:6]
        kept[name] = int(text) + int(data)
    return {part: sum(kept.get(name, 0) for name in names) for part, names in PARTS.items()}


def ram_of(folder: Path, defines: str) -> dict[str, int]:
    """Bytes of RAM by struct."""
    source, made = folder / "ram.c", folder / "ram.o"
    source.write_text(RAM_PROBE)
    flags = ["-mcpu=cortex-m3", "-mthumb", f"-I{HERE / 'include'}", *defines.split()]
    run("arm-none-eabi-gcc", *flags, "-c", source, "-o", made)
    found = re.findall(r"^\S+ (\S+) \S size_(\w+)$", run("arm-none-eabi-nm", "-S", made), re.MULTILINE)
    return {name: int(size, 16) for size, name in found}


def example_of(folder: Path) -> tuple[int, int]:
    """Flash and RAM of the whole example: library, robot, port, soft floating point; its buffers of the port too."""
    text, data, bss = map(
        int, run("arm-none-eabi-size", folder / "arm" / "two_wheel.elf").splitlines()[1].split()[:3]
    )
    return text + data, data + bss


class Board:
    """The tests' peer under QEMU: as much of its requests as a measurement needs (test/peer.c)."""

    def __init__(self, program: Path) -> None:
        command = ["qemu-system-arm", "-machine", "mps2-an385", "-display", "none", "-monitor", "none"]
        self.process = subprocess.Popen(
            [*command, "-serial", "stdio", "-kernel", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def ask(self, letter: str, payload: bytes) -> bytes:
        """One request, its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(letter.encode() + struct.pack("<H", len(payload)) + payload)
        _, size = struct.unpack("<BH", self._take(3))
        return self._take(size)

    def _take(self, size: int) -> bytes:
        assert self.process.stdout is not None
        data, until = b"", time.monotonic() + 20
        while len(data) < size:
            if not select.select([self.process.stdout], [], [], max(until - time.monotonic(), 0))[0]:
                raise TimeoutError("the emulated board does not answer")
            data += os.read(self.process.stdout.fileno(), size - len(data))
        return data


def stack_of(folder: Path) -> int:
    """Bytes of stack after a HELLO, its sheet, a command, a setting, a stop and some seconds of readings."""
    from robolink import v1
    from robolink.core.link import Link

    board, link, now, asked = Board(folder / "arm" / "peer.elf"), Link(now=0.0), 0.0, False
    try:
        board.ask("N", struct.pack("<II", 0, 5))
        while now < 6:
            now += 0.005
            link.handle_timer(now)
            if link.up and not asked:
                asked = True
                link.set_fence((1, 1), 0)
                value = v1.Value(double_value=0.4)
                link.send(v1.SerialSheetRequest())
                link.send(v1.SerialCommand(command_id=b"a", member=5, args=[value], lease=1))
                link.send(v1.SerialSetting(member=2, request=1, value=v1.Value(double_value=99.0)))
                link.send(v1.SerialCommand(command_id=b"b", member=5, args=[value] * 9, lease=1))
                link.send_stop(v1.STOP_LEVEL_CUT, 1)
            if sent := link.data_to_send(now):
                board.ask("R", struct.pack("<I", int(now * 1000)) + sent)
            link.receive(board.ask("S", struct.pack("<I", int(now * 1000))), now)
            while link.next_event() is not None:
                pass
        state = dict(line.split(" ") for line in board.ask("Q", b"").decode().splitlines())
        return int(state["stack"])
    finally:
        board.process.kill()
        board.process.wait()


def table() -> str:
    """All of it, as Markdown."""
    compiler = run("arm-none-eabi-gcc", "--version").splitlines()[0].rsplit(")", 1)[-1].strip()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        usual, small = Path(name) / "usual", Path(name) / "small"
        build(usual, "")
        build(small, SMALL)
        texts, rams, smalls = text_of(usual), ram_of(usual, ""), ram_of(small, SMALL)
        flash, ram = example_of(usual)
        small_flash, small_ram = example_of(small)
        stack = stack_of(usual)
    rows += [f"| text: {part} | {size:,} | |" for part, size in texts.items()]
    rows += [
        f"| text: the library | {sum(texts.values()):,} | |",
        f"| RAM: `rl_board`, all of the library's | {rams['board']:,} | {smalls['board']:,} |",
        f"| of that `rl_link` | {rams['link']:,} | {smalls['link']:,} |",
        f"| of that the remembered outcomes | {rams['outcomes']:,} | {smalls['outcomes']:,} |",
        f"| stack, most that was seen | {stack:,} | |",
        f"| two-wheel example: flash, with port, robot, soft floating point | {flash:,} | {small_flash:,} |",
        f"| two-wheel example: RAM without stack, 6,144 of it the port's buffers | {ram:,} | {small_ram:,} |",
    ]
    head = f"Bytes on a Cortex-M3, `-Os`, arm-none-eabi-gcc {compiler}. *Small*: `{SMALL}`.\n\n"
    return head + "| what | as it comes | small |\n| --- | ---: | ---: |\n" + "\n".join(rows) + "\n"


def main() -> None:
    """Write the table and print it."""
    readme = HERE / "README.md"
    made, text = table(), readme.read_text()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(before + BEGIN + made + END + after)
    sys.stdout.write(made)


if __name__ == "__main__":
    main()
