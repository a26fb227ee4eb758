"""The faulty serial line as a process: its options, its control socket, its signals. No fault is decided here.

SIGUSR1 cuts it, and once more heals it. `--control URL` takes a line of text by a ZeroMQ REQ socket:
`cut [to-board|to-host|both]`, `heal`, `unplug`, `plug`, `set drop=0.001 stuck-ms=500 …`, `counters`; each answers JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any, Final

from robolink.errors import ConfigError, RobolinkError
from robolink_sims.control import scaled, serve
from robolink_sims.serial_faults import LineProfile, LineWay
from robolink_sims.serial_line import FaultyLine

__all__ = ["answer", "main"]

FIELDS: Final = {
    **{name: (name, 1.0) for name in ("drop", "corrupt", "duplicate", "noise", "split", "stuck")},
    "noise-ctrl-c": ("noise_ctrl_c", 1.0),
    "split-ms": ("split_s", 1e-3),
    "stuck-ms": ("stuck_s", 1e-3),
    "delay-ms": ("delay_s", 1e-3),
    "jitter-ms": ("jitter_s", 1e-3),
    "baud": ("baud", 1.0),
}


def _changed(profile: LineProfile, words: dict[str, float]) -> LineProfile:
    return replace(profile, **scaled(words, FIELDS))  # type: ignore[arg-type]


def answer(line: FaultyLine, order: str) -> dict[str, Any]:
    """Do what a line of the control socket says.

    Raises:
        ConfigError: It says nothing known.
    """
    verb, *words = order.split() or [""]
    if verb == "cut":
        wanted = words[0] if words else "both"
        ways = [way for way in LineWay if wanted in ("both", way.value)]
        if not ways:
            raise ConfigError(f"{wanted!r} is no direction", hint="to-board, to-host or both")
        line.cut(*ways)
    elif verb == "heal":
        line.heal()
    elif verb == "unplug":
        line.unplug()
    elif verb == "plug":
        line.plug()
    elif verb == "set":
        try:
            pairs = {name: float(value) for name, value in (word.split("=", 1) for word in words)}
            line.set_profile(_changed(line.faults.profile(LineWay.TO_BOARD), pairs))
        except (ValueError, KeyError) as exc:
            raise ConfigError(
                f"set {' '.join(words)}: {exc}", hint=f"NAME=NUMBER of {', '.join(FIELDS)}"
            ) from exc
    elif verb != "counters":
        raise ConfigError(f"{order!r} is no order", hint="cut, heal, unplug, plug, set or counters")
    return {"cut": line.faults.is_cut, "plugged": line.plugged, "counters": line.counters}


def main(arguments: list[str] | None = None) -> int:
    """Run one line until SIGINT or SIGTERM; its counters are its last words."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.serial_line", description=__doc__)
    parser.add_argument("--port", required=True, help="path of the port to make for the host")
    parser.add_argument("--board", help="the board's port; else a second one is made at PORT.board")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--control", help="endpoint of the control socket; none if left out")
    parser.add_argument("--print-port", action="store_true", help="say the port's path once it is there")
    for name in FIELDS:
        told = "ms" if name.endswith("-ms") else "bits a second" if name == "baud" else "share, per byte"
        parser.add_argument(f"--{name}", type=float, help=told)
    options = vars(parser.parse_args(arguments))
    given = {name: options[name.replace("-", "_")] for name in FIELDS}
    try:
        profile = _changed(LineProfile(), {name: value for name, value in given.items() if value is not None})
        with FaultyLine(options["port"], options["board"], profile=profile, seed=options["seed"]) as line:
            if options["print_port"]:
                sys.stdout.write(f"{line.port}\n")
                sys.stdout.flush()
            serve(
                lambda order: answer(line, order),
                lambda: line.heal() if line.faults.is_cut else line.cut(),
                options["control"],
            )
            sys.stdout.write(json.dumps(line.counters) + "\n")
    except RobolinkError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0
