"""`robolink board flash`: compile for that board, copy what differs, verify, start it, wait for its HELLO.

What goes on a board and whether it fits is program.py's; nothing is touched before all of it is known to fit.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from robolink import v1
from robolink.errors import RobolinkError
from robolink_serial.field import show
from robolink_serial.field.claim import Ask, Claim, claimed
from robolink_serial.field.program import (
    PACKAGE,
    PART,
    RECORD,
    TOP,
    BoardFile,
    Plan,
    build,
    check_room,
    plan,
)
from robolink_serial.field.session import NoHelloError, Session
from robolink_serial.field.show import Progress, busy, progress, say, size
from robolink_serial.field.tool import BoardError, Facts, Repl, broken_in

HELLO_S: Final = 10.0
# A board that was updated from afar runs a slot; what is flashed by hand is meant to run.
RUN_FLASHED: Final = """
import os
for _p in ('slots/record.new','slots/record.json'):
 try:
  os.remove(_p)
 except OSError:
  pass
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed."""

    path: str
    ask: Ask
    program: Path | None = None
    profile: str | None = None
    keep_main: bool = False
    force: bool = False
    dry_run: bool = False


@dataclass(slots=True)
class Done:
    """What came of it."""

    path: str
    board: str = ""
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    same: int = 0
    bytes: int = 0
    hello: dict[str, Any] | None = None

    def view(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "port": self.path, "board": self.board, "written": self.written, "removed": self.removed,
            "kept": self.kept, "unchanged": self.same, "bytes": self.bytes, "hello": self.hello,
        }  # fmt: skip


def flash(wish: Wish, *, as_json: bool) -> int:
    """Do it.

    Raises:
        RobolinkError: Whatever is in the way; the text says whether anything was changed.
    """
    with claimed(wish.path, wish.ask, say) as claim:
        done = _on_board(wish)
        if not claim.robot and not wish.dry_run:
            _wait_hello(claim, done)
    if claim.robot:
        done.hello = {"bridge": claim.robot, "text": claim.back}
    if as_json:
        show.write_json(done.view())
    else:
        _tell(done, wish)
    return 0


def _on_board(wish: Wish) -> Done:
    done = Done(wish.path)
    with busy(f"breaking in on {wish.path}"):
        opened = broken_in(wish.path)
        repl = opened.__enter__()
    try:
        facts = repl.facts()
        facts.refuse_foreign()
        done.board = facts.words
        say(f"{facts.words}, {facts.architecture or 'unknown architecture'}, {size(facts.fs_free or 0)} free")
        with busy("compiling, and comparing with what is there"):
            todo, wanted = _compare(repl, facts, wish)
        done.same, done.kept, done.bytes = todo.same, todo.kept, todo.bytes_to_write
        done.written, done.removed = [each.path for each in todo.write], list(todo.remove)
        if not wish.dry_run:
            _write(repl, todo, wanted)
        repl.restart()
    finally:
        opened.__exit__(None, None, None)
    return done


def _compare(repl: Repl, facts: Facts, wish: Wish) -> tuple[Plan, list[BoardFile]]:
    wanted = build(facts, wish.program, wish.profile)
    tops = {each.path.partition("/")[0] for each in wanted} | {PACKAGE}
    there = repl.files(sorted(tops))
    recorded: dict[str, str] = {}
    if RECORD in there:
        try:
            recorded = dict(json.loads(repl.read(RECORD))["files"])
        except (ValueError, KeyError, TypeError):
            say(f"{RECORD} on the board cannot be read: every file counts as its owner's own")
    keep = list(TOP) if wish.keep_main else []
    if wish.profile is None:
        keep.append("profile.json")  # The wiring is the board's own; a profile that was named replaces it.
    todo = plan(wanted, there, recorded, keep=keep, force=wish.force)
    check_room(todo, there, facts)
    return todo, wanted


def _write(repl: Repl, todo: Plan, wanted: list[BoardFile]) -> None:
    folders = sorted({each.path.rpartition("/")[0] for each in todo.write} - {""})
    if folders:
        repl.run("import os\n" + "".join(_make_folder(each) for each in folders))
    if todo.write:
        with progress("flashing") as shown:
            _copy(repl, todo.write, shown)
    if todo.remove:
        repl.run("import os\n" + "".join(f"os.remove({path!r})\n" for path in todo.remove))
    repl.run(RUN_FLASHED)
    if todo.write or todo.remove:
        kept = set(todo.kept)
        files = {each.path: each.digest for each in wanted if each.path not in kept}
        repl.write(RECORD, json.dumps({"files": files}).encode())


def _copy(repl: Repl, files: list[BoardFile], shown: Progress) -> None:
    total, before = sum(len(each.data) for each in files), 0
    for each in files:
        shown(before, total, each.path)
        repl.write(each.path + PART, each.data, partial(_add, shown, before, total, each.path))
        _verify_and_place(repl, each)
        before += len(each.data)
    shown(total, total, "verified")


def _add(shown: Progress, before: int, total: int, path: str, count: int) -> None:
    shown(before + count, total, path)


def _make_folder(path: str) -> str:
    parts = path.split("/")
    names = ["/".join(parts[: at + 1]) for at in range(len(parts))]
    return "".join(f"try:\n os.mkdir({name!r})\nexcept OSError:\n pass\n" for name in names)


def _verify_and_place(repl: Repl, each: BoardFile) -> None:
    """Hash what is in the flash now, and only then let it be the file."""
    place, part = each.path, each.path + PART
    told = repl.run(
        f"import os,hashlib\nh=hashlib.sha256()\nb=bytearray(256)\nm=memoryview(b)\nf=open({part!r},'rb')\n"
        "n=f.readinto(b)\nwhile n:\n h.update(m[:n])\n n=f.readinto(b)\nf.close()\nprint(repr(h.digest()))"
    )
    if told.strip() != repr(hashlib.sha256(each.data).digest()):
        repl.run(f"os.remove({part!r})")
        raise BoardError(
            f"{place} arrived damaged on {repl.path}; what was there before stays",
            hint="flash again; a second time is a bad cable or worn flash",
        )
    # FAT renames onto no file that is there; littlefs and POSIX do.
    repl.run(
        f"try:\n os.rename({part!r},{place!r})\nexcept OSError:\n os.remove({place!r})\n os.rename({part!r},{place!r})"
    )


def _wait_hello(claim: Claim, done: Done) -> None:
    with busy("waiting for the board's HELLO"), Session(claim.path) as session:
        try:
            hello = session.wait_up(HELLO_S)
            sheet = session.sheet().sheet
        except NoHelloError as exc:
            printed = "\n  ".join(exc.lines[-12:])
            if printed:
                say(f"the board printed:\n  {printed}")
            raise BoardError(
                f"everything was written and verified, but the program does not say HELLO within {HELLO_S:g} s",
                hint="what the board printed says why; `robolink board exec BOARD 'import main'` shows it again",
            ) from exc
        except RobolinkError as exc:
            raise BoardError(
                f"everything was written, but the board does not describe itself: {exc}"
            ) from exc
    done.hello = hello_view(hello, sheet) | {"after_s": round(session.up_after_s, 3)}


def hello_view(hello: v1.SerialHello, sheet: v1.Sheet) -> dict[str, Any]:
    """For JSON, and for people."""
    return {
        "model": sheet.model,
        "version": sheet.version,
        "standard": f"{hello.major}.{hello.minor}",
        "schema_hash": f"{hello.schema_hash:08x}",
        "sheet_hash": f"{hello.sheet_hash:08x}",
        "stopped": hello.stop_latched,
        "slot": hello.slot or "flashed",
    }


def _tell(done: Done, wish: Wish) -> None:
    would = "would be " if wish.dry_run else ""
    if done.written or done.removed:
        print(
            f"{len(done.written)} files ({size(done.bytes)}) {would}written and verified, {done.same} unchanged"
        )
    else:
        print(
            f"nothing {'would change' if wish.dry_run else 'changed'}: all {done.same} files are there as they shall be"
        )
    if done.removed:
        print(f"{would}removed, from another version: {', '.join(done.removed)}")
    if done.kept:
        print(f"kept as it is on the board: {', '.join(done.kept)}")
    if done.hello is not None and "model" in done.hello:
        told = done.hello
        print(
            f"{told['model']} {told['version']} says HELLO (serial {told['standard']}) after {told['after_s']:.1f} s"
        )
    elif done.hello is not None:
        print(f"{done.hello['bridge']}: {done.hello['text']}")
