"""`robolink board keygen | image | update | rollback`: images made and signed here, updates ordered at the bridge that serves.

The board's port stays the bridge's: it sends the image while the robot serves. What happens is update/'s; here it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from robolink import v1
from robolink.client import GoalHandle, Options, connect
from robolink.errors import TransportError
from robolink_serial.field import show
from robolink_serial.field.claim import CLIENT, HUB_S, Ask, hub_name
from robolink_serial.field.program import bytecode_version, package_files
from robolink_serial.field.show import busy, progress, say
from robolink_serial.update.firmware import ROLLBACK, UPDATE
from robolink_serial.update.image import Image, ImageFile, load_private, make_key, write_image

READINGS: Final = ("firmware.slot", "firmware.version", "firmware.state", "firmware.spare")
LONG_S: Final = 3600.0
PER_CENT: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What an image is made of.

    Attributes:
        architecture: As mpy-cross names it; "" for code that runs on any.
        source: As text, which every MicroPython compiles by itself.
    """

    version: str
    key: Path
    architecture: str = ""
    source: bool = False
    program: Path | None = None

    @property
    def bytecode(self) -> int:
        """Of its compiled files; 0: none is compiled."""
        return 0 if self.source else bytecode_version()


def keygen(path: Path) -> int:
    """Make a pair of keys."""
    public = make_key(path)
    say(
        f"{path}: your private key; whoever has it can update every board that trusts you: keep it off robots and clouds"
    )
    say(f"{public}: give this one to the bridge: robolink serial bridge --trust {public}")
    return 0


def make_image(build: Build, to: Path, *, as_json: bool) -> int:
    """Compile, sign, write."""
    key = load_private(build.key)
    with busy("compiling"):
        files = package_files(build, build.program)
    image = Image(
        version=build.version,
        architecture=build.architecture,
        bytecode=build.bytecode,
        files=tuple(ImageFile(path=each.path, data=each.data) for each in files),
    )
    write_image(image, key, to)
    told = {
        "image": str(to), "version": image.version, "files": len(image.files), "bytes": len(image.data),
        "sha256": image.sha256.hex(), "architecture": image.architecture, "bytecode": image.bytecode,
    }  # fmt: skip
    if as_json:
        show.write_json(told)
    else:
        say(f"{to}: version {image.version}, {len(image.files)} files, {show.size(len(image.data))}, signed")
    return 0


def update(robot: str, image: Path, ask: Ask, *, as_json: bool) -> int:
    """Order an update and follow it."""
    return _ordered(robot, UPDATE, {"image": str(image.resolve())}, ask, as_json=as_json)


def rollback(robot: str, ask: Ask, *, as_json: bool) -> int:
    """Order the board back to what ran before."""
    return _ordered(robot, ROLLBACK, {}, ask, as_json=as_json)


def _ordered(robot: str, method: str, args: dict[str, Any], ask: Ask, *, as_json: bool) -> int:
    try:
        hub = connect(ask.hub, name=CLIENT, roles=(v1.ROLE_MAINTAIN,), timeout_s=HUB_S)
    except TransportError as exc:
        raise TransportError(
            f"no hub answers at {hub_name(ask)}",
            hint="an update goes through the bridge that serves the board; name its hub by --hub",
        ) from exc
    with hub, hub.robot(robot).lease(reason=ask.reason, take=ask.take):
        handle = hub.robot(robot)
        # The board's fate does not hang on this terminal: what is begun goes on.
        goal = handle.goal(method, Options(on_disconnect=v1.ON_DISCONNECT_CONTINUE), **args)
        _follow(goal, method)
        goal.result(LONG_S)
        states = handle.twin.get(*READINGS)
        now = {name.partition(".")[2]: each.reported.value.string_value for name, each in states.items()}
    if as_json:
        show.write_json({"robot": robot, "command": goal.id.hex(), **now})
    else:
        say(f"{robot} runs slot {now['slot']} {now['version']}".rstrip())
    return 0


def _follow(goal: GoalHandle, method: str) -> None:
    with progress("update" if method == UPDATE else "rollback") as shown:
        for each in goal.feedback():
            shown(round(each.progress * PER_CENT), PER_CENT, each.phase)
