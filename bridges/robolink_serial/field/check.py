"""`robolink board check`: a doctor for one board. It looks and measures; what it makes of it is judge.py's.

Without a bridge it interrupts the board's program for a moment (outputs are made safe by the board) and starts it again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from robolink.errors import RobolinkError
from robolink_serial.field import judge, show
from robolink_serial.field.claim import Ask, claimed
from robolink_serial.field.flash import hello_view
from robolink_serial.field.program import PACKAGE, build
from robolink_serial.field.session import NoHelloError, Session
from robolink_serial.field.show import Finding, Level, busy, say
from robolink_serial.field.tool import BoardError, Facts, broken_in

ROUNDS: Final = 50
AGAIN_S: Final = 10.0


def check(path: str, ask: Ask, *, interrupt: bool, as_json: bool) -> int:
    """Look; exit code 1: a fault.

    Raises:
        RobolinkError: The port cannot be had.
    """
    measured: dict[str, Any] = {"port": path}
    with claimed(path, ask, say) as claim:
        owner = f"handed over by the bridge of {claim.robot}" if claim.robot else "nobody else has it"
        findings = [Finding("port", Level.OK, f"{path}: {owner}")]
        with busy(f"speaking with the board on {path}"):
            findings += _on_link(path, measured, wake=interrupt)
        if interrupt:
            with busy("breaking in by mpremote, and starting the program again"):
                findings += _in_repl(path, measured)
    faults = [each for each in findings if each.level is Level.FAULT]
    if as_json:
        views = [each.view() for each in findings]
        show.write_json({"healthy": not faults, "findings": views, "measured": measured})
    else:
        show.write_findings(findings)
        first = (
            f"\nfirst: {faults[0].what}: {faults[0].hint or faults[0].text}"
            if faults
            else "\nhealthy: no faults"
        )
        print(first)
    return 1 if faults else 0


def _on_link(path: str, measured: dict[str, Any], *, wake: bool) -> list[Finding]:
    with Session(path, wake=wake) as session:
        try:
            hello = session.wait_up()
            board = session.sheet()
        except NoHelloError as exc:
            return [Finding("program", Level.FAULT, str(exc.args[0]), judge.CURE_FLASH)]
        except RobolinkError as exc:
            return [
                Finding(
                    "program", Level.FAULT, str(exc.args[0]), exc.hint or "`robolink board flash` renews it"
                )
            ]
        measured |= hello_view(hello, board.sheet) | {"up_after_s": round(session.up_after_s, 3)}
        trips = [session.round_trip() for _ in range(ROUNDS)]
        counters, lines = dict(session.link.counters), list(session.lines)
    known = sorted(each for each in trips if each is not None)
    measured["round_trips_ms"] = {
        "asked": len(trips), "answered": len(known),
        "median": round(known[len(known) // 2] * 1e3, 2) if known else None,
        "worst": round(known[-1] * 1e3, 2) if known else None,
    }  # fmt: skip
    measured["link"] = counters
    return [
        *judge.program(hello, board.sheet, session.up_after_s),
        judge.round_trips(len(trips), known),
        judge.line(counters),
        *judge.printed(lines),
    ]


def _in_repl(path: str, measured: dict[str, Any]) -> list[Finding]:
    try:
        with broken_in(path, clean=False) as repl:
            facts = repl.facts()
            findings = list(judge.firmware(facts))
            measured |= {
                "micropython": facts.words, "memory_free": facts.memory_free, "memory_used": facts.memory_used,
                "filesystem_free": facts.fs_free, "architecture": facts.architecture, "bytecode": facts.bytecode,
            }  # fmt: skip
            if not any(each.level is Level.FAULT for each in findings):
                findings += _files(repl.files((PACKAGE,)), facts, measured)
            repl.restart()
    except BoardError as exc:
        return [Finding("MicroPython", Level.FAULT, str(exc.args[0]), exc.hint)]
    if "model" not in measured:
        return findings  # It was no Robolink program before, so there is no HELLO to wait for.
    began = time.monotonic()
    with Session(path) as session:
        try:
            session.wait_up(AGAIN_S)
        except NoHelloError as exc:
            return [*findings, Finding("restart", Level.FAULT, str(exc.args[0]), exc.hint)]
    measured["restart_s"] = round(time.monotonic() - began, 3)
    return [
        *findings,
        Finding("restart", Level.OK, f"HELLO again {measured['restart_s']:.2f} s after a soft reset"),
    ]


def _files(there: dict[str, tuple[int, str]], facts: Facts, measured: dict[str, Any]) -> list[Finding]:
    def differing(as_board_takes: Facts) -> tuple[int, list[str], list[str]]:
        wanted = [each for each in build(as_board_takes, None, None) if each.path.startswith(f"{PACKAGE}/")]
        differ = [each.path for each in wanted if there.get(each.path, (0, ""))[1] != each.digest]
        return len(wanted), differ, [path for path in differ if path not in there]

    count, differ, missing = differing(facts)
    as_source = len(missing) == count
    if as_source:
        count, differ, missing = differing(replace(facts, mpy=0))
    measured["files"] = {
        "wanted": count,
        "differ": len(differ),
        "missing": len(missing),
        "compiled": not as_source,
    }
    return [judge.files(count, differ, missing, compiled=not as_source)]
