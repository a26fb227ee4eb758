"""What `robolink board check` makes of what it has measured: pure functions from facts to findings, a cure for each fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from robolink import v1
from robolink.core.link import SCHEMA_HASH
from robolink_serial.field.show import Finding, Level, size
from robolink_serial.field.tool import BoardError, Facts

LITTLE_MEMORY: Final = 16_000
LITTLE_FLASH: Final = 16_000
SLOW_S: Final = 0.05
SLOW_UP_S: Final = 1.5
CURE_LINE: Final = "look at cable, ground and baud rate; keep motor wires away from it"
CURE_FLASH: Final = "`robolink board flash` puts this release on it"


def program(hello: v1.SerialHello, sheet: v1.Sheet, up_after_s: float) -> Iterator[Finding]:
    """HELLO and sheet."""
    text = (
        f"{sheet.model} {sheet.version}, serial {hello.major}.{hello.minor}, HELLO after {up_after_s:.2f} s"
    )
    slow = up_after_s > SLOW_UP_S
    yield Finding(
        "program", Level.NOTE if slow else Level.OK, text, "slow to answer: is it busy?" if slow else ""
    )
    ours = schema_hash()
    if hello.schema_hash == ours:
        yield Finding("schema", Level.OK, f"{ours:08x} on both sides")
    else:
        text = f"{hello.schema_hash:08x} on the board, {ours:08x} here: one side is older (they still talk)"
        yield Finding("schema", Level.NOTE, text, CURE_FLASH)
    names = ", ".join(each.name for each in sheet.components) or "none"
    yield Finding("sheet", Level.OK, f"{hello.sheet_hash:08x}, components: {names}")
    if hello.stop_latched:
        text = f"stopped (generation {hello.stop_generation}); a software stop, not safety rated"
        yield Finding("stop latch", Level.NOTE, text, "release it through its hub: `robolink release ROBOT`")


def schema_hash() -> int:
    """Of this side."""
    return SCHEMA_HASH


def round_trips(asked: int, answered_s: Sequence[float]) -> Finding:
    """Questions and answers, sorted by time."""
    if not answered_s:
        return Finding("round trips", Level.FAULT, f"none of {asked} questions was answered", CURE_LINE)
    median, worst = answered_s[len(answered_s) // 2], answered_s[-1]
    text = f"median {median * 1e3:.1f} ms, worst {worst * 1e3:.1f} ms, {len(answered_s)} of {asked} answered"
    if len(answered_s) < asked:
        return Finding("round trips", Level.FAULT, text, CURE_LINE)
    slow = median > SLOW_S
    return Finding(
        "round trips",
        Level.NOTE if slow else Level.OK,
        text,
        "slow: look at the board's program" if slow else "",
    )


def line(counters: Mapping[str, int]) -> Finding:
    """What the link had to repair or drop; text that the board prints is no fault of the line."""
    told = {
        name: counters.get(name, 0)
        for name in ("resent", "out_of_sequence", "bad_frames", "bad_bodies", "unknown_kinds")
        if counters.get(name, 0)
    }
    if not told:
        return Finding("line", Level.OK, "nothing sent again, damaged or out of sequence")
    words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in told.items())
    return Finding("line", Level.NOTE, words, CURE_LINE)


def printed(lines: Sequence[str]) -> Iterator[Finding]:
    """What the board has printed meanwhile."""
    broken = [each for each in lines if "Error" in each or "Traceback" in each]
    if broken:
        yield Finding(
            "log", Level.NOTE, f"the board printed: {broken[-1]}", "`robolink board monitor` shows it all"
        )


def firmware(facts: Facts) -> Iterator[Finding]:
    """MicroPython and its room."""
    try:
        facts.refuse_foreign()
    except BoardError as exc:
        yield Finding("MicroPython", Level.FAULT, str(exc.args[0]), exc.hint)
        return
    bytecode = (
        f"takes .mpy {facts.bytecode} for {facts.architecture or 'any'}"
        if facts.bytecode
        else "takes no .mpy"
    )
    yield Finding("MicroPython", Level.OK, f"{facts.words}, {bytecode}")
    text = f"{size(facts.memory_free)} free, {size(facts.memory_used)} used"
    little = facts.memory_free < LITTLE_MEMORY
    cure = (
        "leave out components that are not wired; use compiled files (`robolink board flash`)"
        if little
        else ""
    )
    yield Finding("memory", Level.NOTE if little else Level.OK, text, cure)
    free = facts.fs_free or 0
    little = free < LITTLE_FLASH
    cure = "remove what is not needed: `robolink board exec BOARD --mpremote fs ls`" if little else ""
    yield Finding(
        "filesystem", Level.NOTE if little else Level.OK, f"{size(free)} free of {size(facts.fs_size)}", cure
    )


def files(wanted: int, differ: Sequence[str], missing: Sequence[str], *, compiled: bool) -> Finding:
    """The package on the board beside this release's."""
    if len(missing) == wanted:
        return Finding("files", Level.NOTE, "no Robolink package", CURE_FLASH)
    if differ:
        names = ", ".join(each.rpartition("/")[2] for each in differ[:4]) + (" …" if len(differ) > 4 else "")
        text = f"{len(differ)} of {wanted} differ from this release: {names}"
        return Finding("files", Level.NOTE, text, CURE_FLASH)
    if not compiled:
        text = f"all {wanted} are this release's, as source: they start slower and need more memory"
        return Finding("files", Level.NOTE, text, CURE_FLASH)
    return Finding("files", Level.OK, f"all {wanted} are this release's, compiled")
