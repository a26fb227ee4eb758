"""Free ports on loopback, for whoever starts a hub beside others: the demo, tests, benchmarks."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import Final

from robolink.errors import RobolinkError

TRIES: Final = 200
# Below the range from which the kernel takes ports for outgoing connections: nobody's connection sits on one of ours,
# and none of ours connects to itself while the hub is away.
PORTS: Final = range(20_000, 32_000)


def free_ports(count: int) -> int:
    """First of `count` ports in a row that are free now.

    Raises:
        RobolinkError: None were found.
    """
    for _ in range(TRIES):
        first = random.choice(PORTS[:-count])
        with contextlib.ExitStack() as held:
            try:
                for offset in range(count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", first + offset))
            except OSError:
                continue
        return first
    raise RobolinkError("no free ports in a row on loopback", hint="close some programs")
