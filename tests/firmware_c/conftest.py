"""The C peer: built once, a process for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.firmware_c.bench import Bench
from tests.firmware_c.peer import ARM_TOOLS, HOST_TOOLS, QEMU, Peer, build, need


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where make builds."""
    return tmp_path_factory.mktemp("firmware_c")


@pytest.fixture(scope="session")
def host_program(built: Path) -> Path:
    need(*HOST_TOOLS)
    return build("peer", built) / "host" / "peer"


@pytest.fixture(scope="session")
def arm_program(built: Path) -> Path:
    need(*ARM_TOOLS)
    return build("arm", built) / "arm" / "peer.elf"


@pytest.fixture
def host_peer(host_program: Path) -> Iterator[Peer]:
    with Peer(host_program) as peer:
        yield peer


@pytest.fixture(scope="module")
def qemu_peer(arm_program: Path) -> Iterator[Peer]:
    with Peer(*QEMU, "-monitor", "none", "-serial", "stdio", "-kernel", arm_program) as peer:
        yield peer


@pytest.fixture(params=["host", "qemu"])
def peer(request: pytest.FixtureRequest) -> Peer:
    """The same peer under sanitizers and on the emulated Cortex-M3."""
    made: Peer = request.getfixturevalue(f"{request.param}_peer")
    return made


@pytest.fixture
def bench(host_peer: Peer) -> Bench:
    """The C board under sanitizers, and a host that is up with it."""
    return Bench(host_peer).up()
