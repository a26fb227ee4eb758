"""Raw peers on a real hub."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from robolink.transports.lanes import subscriber
from tests.conftest import HubProcess
from tests.hub.peers import OPEN, RawClient, RawDriver

ROOT = Path(__file__).parents[2]


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    """A ZeroMQ context that is gone after the test."""
    made: zmq.Context[Any] = zmq.Context()
    yield made
    while OPEN:
        OPEN.pop().close(0)
    made.destroy(linger=0)


@pytest.fixture
def driver(context: zmq.Context[Any], hub: HubProcess) -> RawDriver:
    """A driver of r1 that has said hello."""
    made = RawDriver(context, hub)
    made.hello()
    return made


@pytest.fixture
def make_client(context: zmq.Context[Any], hub: HubProcess) -> Callable[..., RawClient]:
    """Clients by name that have said hello."""

    def make(name: str = "anna", **options: Any) -> RawClient:
        made = RawClient(context, hub, name)
        made.hello(**options)
        return made

    return make


@pytest.fixture
def client(driver: RawDriver, make_client: Callable[..., RawClient]) -> RawClient:
    """A client with all roles; the driver of r1 is there."""
    return make_client()


@pytest.fixture
def flood(context: zmq.Context[Any]) -> Callable[..., Any]:
    """Two processes that publish, and one subscriber here that counts."""

    @contextlib.contextmanager
    def run(hub: HubProcess, rate: int) -> Iterator[Callable[[], int]]:
        url = f"tcp://127.0.0.1:{hub.port + 2}"
        command = [sys.executable, "-m", "tests.hub.flood", url, str(rate / 2)]
        publishers = [subprocess.Popen(command, cwd=ROOT) for _ in range(2)]
        socket = subscriber(context, f"tcp://127.0.0.1:{hub.port + 3}")
        socket.setsockopt(zmq.SUBSCRIBE, b"flood/")
        OPEN.append(socket)
        count, ending = [0], threading.Event()

        def take() -> None:
            while not ending.is_set():
                if socket.poll(50):
                    socket.recv_multipart()
                    count[0] += 1

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield lambda: count[0]
        finally:
            ending.set()
            thread.join()
            for each in publishers:
                each.kill()
                each.wait()

    return run
