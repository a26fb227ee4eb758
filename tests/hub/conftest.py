"""Raw peers on a real hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from tests.conftest import HubProcess
from tests.hub.peers import RawClient, RawDriver


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    """A ZeroMQ context that is gone after the test."""
    made: zmq.Context[Any] = zmq.Context()
    yield made
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
