"""The faulty network as a process: its options, its control socket, its signals. No fault is decided here.

SIGUSR1 cuts everything off, and once more heals it. `--control URL` takes a line of text by a ZeroMQ REQ socket:
`partition [up|down|both] [LANE…]`, `heal`, `set loss=0.1 delay-ms=20 …`, `counters`; each answers JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from typing import Any, Final

from robolink.errors import ConfigError, RobolinkError
from robolink_sims.control import scaled, serve
from robolink_sims.network import FaultyNetwork
from robolink_sims.network_faults import LANES, FaultProfile

__all__ = ["answer", "main"]

_FIELDS: Final = {
    "loss": ("loss", 1.0),
    "delay-ms": ("delay_s", 1e-3),
    "jitter-ms": ("jitter_s", 1e-3),
    "duplicate": ("duplicate", 1.0),
    "reorder": ("reorder", 1.0),
    "reorder-ms": ("reorder_s", 1e-3),
}


def _changed(profile: FaultProfile, words: dict[str, float]) -> FaultProfile:
    return replace(profile, **scaled(words, _FIELDS))


def answer(network: FaultyNetwork, line: str) -> dict[str, Any]:
    """Do what a line of the control socket says.

    Raises:
        ConfigError: It says nothing known.
    """
    verb, *words = line.split() or [""]
    if verb == "partition":
        way = words.pop(0) if words and words[0] in ("up", "down", "both") else "both"
        network.partition(up=way != "down", down=way != "up", lanes=tuple(words) or LANES)
    elif verb == "heal":
        network.heal()
    elif verb == "set":
        try:
            pairs = {name: float(value) for name, value in (word.split("=", 1) for word in words)}
            network.profile = _changed(network.profile, pairs)
        except (ValueError, KeyError) as exc:
            raise ConfigError(
                f"set {' '.join(words)}: {exc}", hint=f"NAME=NUMBER of {', '.join(_FIELDS)}"
            ) from exc
    elif verb != "counters":
        raise ConfigError(f"{line!r} is no order", hint="partition, heal, set or counters")
    return {"partitioned": network.partitioned, "counters": network.counters}


def main(arguments: list[str] | None = None) -> int:
    """Run one network until SIGINT or SIGTERM; its counters are its last words."""
    parser = argparse.ArgumentParser(prog="python -m robolink_sims.network", description=__doc__)
    parser.add_argument(
        "--listen", default="tcp://127.0.0.1:5580", help="control lane for peers; three more follow"
    )
    parser.add_argument("--hub", default="tcp://127.0.0.1:5570", help="the hub's control lane")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--control", help="endpoint of the control socket; none if left out")
    for name in _FIELDS:
        parser.add_argument(f"--{name}", type=float, help="ms" if name.endswith("-ms") else "fraction 0..1")
    options = vars(parser.parse_args(arguments))
    given = {name: options[name.replace("-", "_")] for name in _FIELDS}
    try:
        profile = _changed(
            FaultProfile(), {name: value for name, value in given.items() if value is not None}
        )
        network = FaultyNetwork(
            listen=options["listen"], hub=options["hub"], profile=profile, seed=options["seed"]
        )
        with network:
            serve(
                lambda line: answer(network, line),
                lambda: network.heal() if network.partitioned else network.partition(),
                options["control"],
            )
            sys.stdout.write(json.dumps(network.counters) + "\n")
    except RobolinkError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    return 0
