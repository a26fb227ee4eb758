"""A fake API server with one robot in it, a fleet on it, and a small edge that answers as a test says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from robolink.cloud import Fleet, KubeConfig
from tests.cloud.fake_api import FakeApi

ROBOT = "walker-1"
PROPERTIES: list[tuple[str, str, str]] = [
    ("walker.limit", "DOUBLE", "ReadWrite"),
    ("walker.note", "STRING", "ReadWrite"),
    ("walker.count", "INT", "ReadOnly"),
    ("cmd", "STRING", "ReadWrite"),
    ("cmd-status", "STRING", "ReadOnly"),
    ("stop", "STRING", "ReadWrite"),
    ("stop-generation", "INT", "ReadOnly"),
    ("setting-errors", "STRING", "ReadOnly"),
    ("sync", "STRING", "ReadWrite"),
]


def model() -> dict[str, Any]:
    entries = [
        {"name": name, "type": kind, "accessMode": access}
        | ({"minimum": "0", "maximum": "2"} if name == "walker.limit" else {})
        for name, kind, access in PROPERTIES
    ]
    return {"metadata": {"name": "walker-abc"}, "spec": {"protocol": "robolink", "properties": entries}}


def device(robot: str = ROBOT, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    names = [name for name, *_ in PROPERTIES if name not in without]
    return {
        "metadata": {"name": robot},
        "spec": {
            "deviceModelRef": {"name": "walker-abc"},
            "protocol": {"protocolName": "robolink", "configData": {"robot": robot}},
            "properties": [{"name": name} for name in names],
            "methods": [{"name": "walker.walk", "description": "Walk.", "propertyNames": ["cmd"]}],
        },
    }


@pytest.fixture
def api() -> Iterator[FakeApi]:
    """With one model and one robot that has reported nothing but its state."""
    made = FakeApi()
    made.put("devicemodels", model())
    made.put("devices", device())
    made.report(ROBOT, "ok")
    yield made
    made.close()


@pytest.fixture
def config(api: FakeApi) -> KubeConfig:
    return KubeConfig(server=api.url)


@pytest.fixture
def fleet(config: KubeConfig) -> Iterator[Fleet]:
    with Fleet(config=config) as made:
        yield made


@pytest.fixture
def bench() -> Any:
    """With the one robot."""
    from tests.cloud.bench import Bench

    return Bench()


@pytest.fixture
def make_edge(api: FakeApi) -> Any:
    """Starts edges that end every command with a verdict."""
    from tests.cloud.edge import Edge

    made: list[Edge] = []

    def make(verdict: str = "SUCCEEDED") -> Edge:
        made.append(Edge(api, verdict))
        return made[-1]

    yield make
    for each in made:
        each.close()
