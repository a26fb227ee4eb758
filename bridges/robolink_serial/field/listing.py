"""`robolink board list`: ports by USB serial number, who has each, and what answers there.

Asking is gentle: a HELLO, and one Ctrl-B that shows a REPL's banner. No program is interrupted, and none is started.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

from robolink.client import Hub, connect
from robolink.errors import RobolinkError
from robolink_serial.field.claim import CLIENT, HUB_S, serving
from robolink_serial.field.find import boards
from robolink_serial.field.session import NoHelloError, Session
from robolink_serial.field.show import Cell, busy, write_json, write_table
from robolink_serial.port import PortBusyError, PortError, port_holder
from robolink_serial.ports import FoundPort
from robolink_serial.udev import VENDORS

BANNER: Final = re.compile(r"((?:Micro|Circuit)Python) v?(\S+).*?; (.*)$")
LEAVE_RAW_REPL: Final = b"\x02"
BANNER_S: Final = 1.0
UP_S: Final = 3.0
FLAG: Final = b"\x7e"


@dataclass(slots=True)
class Row:
    """One port."""

    port: str
    usb_serial: str
    maker: str
    state: str
    answers: str
    robot: str = ""
    hint: str = ""


def list_boards(hub: str | None, *, every: bool, ask: bool, as_json: bool) -> int:
    """Print them."""
    with busy("looking at the ports"):
        rows = [look(each, ask=ask) for each in boards(every=every)]
        if any(each.state == "bridge" for each in rows):
            _name_robots(rows, hub)
    if as_json:
        write_json({"boards": [asdict(each) for each in rows]})
    elif not rows:
        more = "" if every else "; `--all` shows every serial port"
        print(f"no board is plugged in{more}, `robolink board sim` starts a simulated one")
    else:
        _write(rows)
    return 0


def _write(rows: Sequence[Row]) -> None:
    styles = {"robolink": "green", "bridge": "green", "micropython": "yellow", "silent": "yellow", "free": ""}

    def cells(row: Row) -> tuple[Cell, ...]:
        return (
            row.usb_serial or "-", row.port, row.maker, (row.answers, styles.get(row.state, "bold red")),
            row.robot or "-", row.hint,
        )  # fmt: skip

    write_table(("serial number", "port", "maker", "what answers", "robot", "what to do"), map(cells, rows))


def _name_robots(rows: Sequence[Row], url: str | None) -> None:
    hub: Hub
    with contextlib.suppress(RobolinkError), connect(url, name=CLIENT, timeout_s=HUB_S) as hub:
        for row in rows:
            if row.state == "bridge":
                row.robot = serving(hub, row.port) or ""


def look(port: FoundPort, *, ask: bool) -> Row:
    """What is there."""
    maker = VENDORS.get(port.vendor, port.description or port.product)
    row = Row(port.path, port.serial, maker, "free", "not asked")
    try:
        _look(row, ask=ask)
    except PortBusyError as exc:
        holder = port_holder(port.path)
        row.state = "bridge" if "serial bridge" in holder else "busy"
        row.answers = f"in use by {holder or 'another process'}"
        row.hint = "" if row.state == "bridge" else exc.hint
    except PortError as exc:
        row.state, row.answers, row.hint = "refused", str(exc.args[0]), exc.hint
    except RobolinkError as exc:
        row.state, row.answers = "gone", str(exc.args[0])
    return row


def _look(row: Row, *, ask: bool) -> None:
    with Session(row.port, wake=False) as session:
        if not ask:
            return
        session.port.write(LEAVE_RAW_REPL)
        banner = _banner(session)
        if banner:
            row.state, row.answers = "micropython", f"{banner}, at its prompt"
            row.hint = f"`robolink board check {row.usb_serial or row.port}` says whether Robolink is on it"
            return
        try:
            hello = session.wait_up(UP_S)
            sheet = session.sheet().sheet
        except NoHelloError as exc:
            row.state = "silent"
            row.answers = f"no HELLO; it printed: {exc.lines[-1]}" if exc.lines else "nothing"
            row.hint = f"`robolink board check {row.usb_serial or row.port}` breaks in and says what it is"
            return
        row.state = "robolink"
        row.answers = f"{sheet.model} {sheet.version}, serial {hello.major}.{hello.minor}"


def _banner(session: Session) -> str:
    """What a REPL says of itself; "" if none speaks. Only reads: a HELLO would be typed into it."""
    heard, until = b"", time.monotonic() + BANNER_S
    while time.monotonic() < until:
        heard += session.port.read()
        if FLAG in heard:
            return ""  # frames: a program of ours
        for line in heard.decode("utf-8", "replace").splitlines():
            found = BANNER.search(line)
            if found and heard.rstrip().endswith(b">>>"):
                return f"{found[1]} {found[2]} on {found[3].strip()}"
        time.sleep(0.01)
    return ""
