"""`robolink board …` from the command line: names, options and help; each command brings its module in when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from robolink_serial.field.claim import Ask

app = typer.Typer(
    help="Boards in your hands: find, flash, check and watch them, and get back in.",
    no_args_is_help=True,
    add_completion=False,
)

BoardArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="BOARD",
        help="USB serial number, path, or udev name; default: the only one.",
        show_default=False,
    ),
]
NeededBoard = Annotated[
    str, typer.Argument(metavar="BOARD", help="USB serial number, path, or udev name; - is the only one.")
]
HubOption = Annotated[
    str | None,
    typer.Option("--hub", metavar="URL", envvar="ROBOLINK_HUB", help="Of the bridge that may have the port."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON instead of text, with stable keys.")]
TakeOption = Annotated[
    bool, typer.Option("--take", help="End the lease of whoever holds the robot; audited with --reason.")
]
ReasonOption = Annotated[str, typer.Option(metavar="TEXT", help="Told to the owner, kept in the audit.")]


def _path(word: str | None) -> str:
    from robolink_serial.field.find import board

    return board(None if word == "-" else word).path


def _ask(hub: str | None, take: bool, reason: str) -> Ask:
    from robolink_serial.field.claim import Ask

    return Ask(hub=hub, take=take, reason=reason)


@app.callback()
def _board() -> None:
    """Boards in your hands."""


@app.command("list")
def list_command(
    every: Annotated[bool, typer.Option("--all", help="Every serial port, of unknown makers too.")] = False,
    ask: Annotated[bool, typer.Option(help="Open free ports and ask what is there.")] = True,
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Boards by USB serial number, who has their port, and what answers; interrupts nothing, starts nothing."""
    from robolink_serial.field.listing import list_boards

    return list_boards(hub, every=every, ask=ask, as_json=as_json)


@app.command()
def flash(
    board: BoardArgument = None,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Your folder with main.py; the package is ours."
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="The board's wiring: one of ours, or a JSON file.")
    ] = None,
    keep_main: Annotated[
        bool, typer.Option("--keep-main", help="Leave main.py and boot.py on the board.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a main.py that is somebody's own.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")
    ] = False,
    take: TakeOption = False,
    reason: ReasonOption = "flash",
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Put Robolink on a board: compiled for it, only what differs, verified, started, until its HELLO."""
    from robolink_serial.field.flash import Wish
    from robolink_serial.field.flash import flash as run

    wish = Wish(
        path=_path(board),
        ask=_ask(hub, take, reason),
        program=program,
        profile=profile,
        keep_main=keep_main,
        force=force,
        dry_run=dry_run,
    )
    return run(wish, as_json=as_json)


@app.command()
def check(
    board: BoardArgument = None,
    interrupt: Annotated[
        bool, typer.Option(help="Break in for memory, files and version; the program is started again.")
    ] = True,
    take: TakeOption = False,
    reason: ReasonOption = "check",
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """A doctor for one board: program, schema, round trips, line, version, memory, files; what to do. Exit code 1: a fault.

    If a bridge has the port it is asked to hand it over for these seconds: the robot is out of service meanwhile.
    """
    from robolink_serial.field.check import check as run

    return run(_path(board), _ask(hub, take, reason), interrupt=interrupt, as_json=as_json)


@app.command()
def monitor(
    board: BoardArgument = None,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Beats, handshakes and the sheet too.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="Only frames of that kind, e.g. readings.")
    ] = None,
    text: Annotated[bool, typer.Option(help="What the board prints, apart from the frames.")] = True,
    for_s: Annotated[
        float | None, typer.Option("--for", metavar="S", min=0, help="End after this time.")
    ] = None,
    take: TakeOption = False,
    reason: ReasonOption = "monitor",
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Frames of one board as they pass, decoded, and what it prints, until Ctrl-C; orders no motion."""
    from robolink_serial.field.monitor import Wish, kinds
    from robolink_serial.field.monitor import monitor as run

    wish = Wish(
        path=_path(board),
        ask=_ask(hub, take, reason),
        everything=everything,
        only=kinds(only or ()),
        text=text,
        for_s=for_s,
    )
    return run(wish, as_json=as_json)


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def exec_command(
    board: NeededBoard,
    words: Annotated[
        list[str], typer.Argument(metavar="CODE", help="Python; with --mpremote its own arguments instead.")
    ],
    tool: Annotated[
        bool, typer.Option("--mpremote", help="Hand all that follows to mpremote: fs ls, repl, mip install …")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="No soft reset before: the interrupted program's variables are there."),
    ] = False,
    restart: Annotated[bool, typer.Option(help="Start the board's program again afterwards.")] = True,
    take: TakeOption = False,
    reason: ReasonOption = "exec",
    hub: HubOption = None,
) -> int:
    """Run code on a board by the real mpremote; its bridge hands the port over and takes it back. Options come first."""
    from robolink_serial.field.execute import Wish, execute

    own, more = _exec_words(board, words, tool)
    wish = Wish(path=_path(own), ask=_ask(hub, take, reason), resume=resume, restart=restart, arguments=more)
    return execute(wish)


def _exec_words(board: str, words: list[str], tool: bool) -> tuple[str, list[str]]:
    """`exec BOARD --mpremote fs ls` is what people type: the option may stand behind the board too."""
    if words[:1] == ["--mpremote"]:
        tool, words = True, words[1:]
    if not words:
        raise typer.BadParameter("say what mpremote shall do")
    if not tool and len(words) > 1:
        raise typer.BadParameter("put the code in quotes, or say --mpremote before mpremote's own arguments")
    return board, words if tool else ["exec", words[0]]


@app.command()
def sim(
    name: Annotated[
        str, typer.Option(metavar="SERIAL", help="The USB serial number that it pretends.")
    ] = "sim-1",
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Its flash, kept; default: a new copy of ours."
        ),
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="MicroPython and nothing on it, as unboxed.")
    ] = False,
) -> int:
    """A simulated board until Ctrl-C: real MicroPython that all these commands find as if it were plugged in."""
    from robolink_serial.field.sim import sim as run

    if program is not None and empty:
        raise typer.BadParameter("--empty and --program: say one of them")
    return run(name, program, empty=empty)


RobotArgument = Annotated[str, typer.Argument(metavar="ROBOT", help="Its id at the hub.")]


@app.command()
def keygen(
    key: Annotated[
        Path, typer.Argument(metavar="KEY", help="Of the private key; KEY.pub is made beside it.")
    ],
) -> int:
    """Make the pair of keys that signs images (Ed25519)."""
    from robolink_serial.field.updates import keygen as run

    return run(key)


@app.command()
def image(
    to: Annotated[Path, typer.Argument(metavar="IMAGE", help="The file to write.")],
    key: Annotated[Path, typer.Option("--key", metavar="KEY", help="Your private key.")],
    version: Annotated[str, typer.Option("--version", metavar="V", help="For people and the twin.")],
    architecture: Annotated[
        str,
        typer.Option("--arch", metavar="NAME", help="Of native code, as mpy-cross names it; seldom needed."),
    ] = "",
    source: Annotated[
        bool, typer.Option("--source", help="Not compiled: for a board whose MicroPython is another one.")
    ] = False,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Folder with a robolink_board of your own."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Make a signed image of the board's program, for `robolink board update`."""
    from robolink_serial.field.updates import Build, make_image

    build = Build(version=version, key=key, architecture=architecture, source=source, program=program)
    return make_image(build, to, as_json=as_json)


@app.command()
def update(
    robot: RobotArgument,
    image: Annotated[Path, typer.Argument(metavar="IMAGE", exists=True, dir_okay=False, help="Signed.")],
    take: TakeOption = False,
    reason: ReasonOption = "update",
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Send a signed image to a board that serves, try it, and keep it if it answers; else the board goes back by itself."""
    from robolink_serial.field.updates import update as run

    return run(robot, image, _ask(hub, take, reason), as_json=as_json)


@app.command()
def rollback(
    robot: RobotArgument,
    take: TakeOption = False,
    reason: ReasonOption = "rollback",
    hub: HubOption = None,
    as_json: JsonOption = False,
) -> int:
    """Let a board run again what it ran before its last update."""
    from robolink_serial.field.updates import rollback as run

    return run(robot, _ask(hub, take, reason), as_json=as_json)
