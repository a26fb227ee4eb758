"""What several scenarios start: a hub with a configuration of its own. It measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.processes import free_ports
from benchmarks.scenario import Bench


def loopback(ports: int = 1) -> str:
    """An endpoint with that many free ports in a row."""
    return f"tcp://127.0.0.1:{free_ports(ports)}"


def start_hub(
    bench: Bench,
    *,
    durability: str = "process",
    extra: str = "",
    name: str = "hub",
    module: str = "ends.robolink_stack",
    before: Sequence[str] = (),
) -> str:
    """A Robolink hub with a fresh store; its endpoint. It may still be coming up: drivers and clients wait for it.

    Args:
        module: What is run as the hub, with these arguments `before` its own.
    """
    url = loopback(4)
    config = bench.folder / f"{name}.toml"
    store = f'[store]\npath = "{bench.folder / name}-store"\ndurability = "{durability}"\n'
    config.write_text(f'url = "{url}"\n{store}{extra}\n')
    bench.children.start(name, module, [*before, "hub", "--config", str(config)], wait=False)
    return url


# For peers that send no beats, and more of everything than a site has.
PATIENT: Final = """[timeouts]
beat_ms = 100000
peer_lost_ms = 600000
[limits]
peers = 20000
robots = 20000
commands_per_robot = 1000000
"""
