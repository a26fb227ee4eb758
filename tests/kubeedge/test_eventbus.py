"""Edgecore's MQTT event bus on a real broker: what it takes, what it refuses. For the double and the real program alike."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.bridges.kubeedge.conftest import Broker, broker
from tests.kubeedge.conftest import KINDS
from tests.kubeedge.ground import Ground

__all__ = ["broker"]


class Bus:
    """An app on the broker, and all results that edgecore tells there."""

    def __init__(self, port: int, namespace: str) -> None:
        self._namespace = namespace
        self.results: queue.Queue[dict[str, Any]] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda *found: self.results.put(json.loads(found[2].payload))
        self._client.connect("127.0.0.1", port)
        for whose in ("+/+", ""):
            self._client.subscribe(f"$hw/events/device/{whose}/twin/update/result", 1)
        self._client.loop_start()

    def say(self, device: str, event: str, **twins: str) -> None:
        body = {
            "event_id": event,
            "timestamp": 1,
            "twin": {
                name: {"expected": {"value": ""}, "actual": {"value": value}} for name, value in twins.items()
            },
        }
        self.publish(device, "twin/update", body)

    def publish(self, device: str, what: str, body: dict[str, Any]) -> None:
        topic = f"$hw/events/device/{self._namespace}/{device}/{what}"
        self._client.publish(topic, json.dumps(body), qos=1).wait_for_publish(10)

    def refusal(self, event: str) -> int:
        while True:
            found = self.results.get(timeout=30)
            if found.get("event_id") == event:
                return int(found.get("code", 200))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture(params=KINDS)
def ground(request: pytest.FixtureRequest, broker: Broker, tmp_path: Path) -> Iterator[Ground]:
    cluster = KINDS[request.param](tmp_path, broker.port)
    made = Ground(cluster)
    yield made
    made.close()
    cluster.close()


def test_by_the_event_bus_one_bad_twin_refuses_all_and_there_is_no_limiter(
    ground: Ground,
    broker: Broker,
) -> None:
    ground.place()
    bus = Bus(broker.port, ground.cluster.namespace)
    try:
        for number in range(150):
            bus.say("d", f"e{number}", x=str(number), y="0")
        ground.wait(lambda: ground.twin() == ("", "149"), "the last of 150 reports in a row")
        bus.say("d", "bad", x="7", y="a b")
        assert bus.refusal("") == 400, "told to nobody: neither device nor event are named"
        bus.say("nobody", "who", x="1")
        assert bus.refusal("who") == 404
        bus.say("d", "after", y="1")
        ground.wait(lambda: ground.twin("y") == ("", "1"), "what came after")
        # Not "7". Cloudcore may write an older value anew where reports come in quick succession.
        assert ground.twin() in (("", "148"), ("", "149")), "nothing of the report with a bad twin"
        bus.publish("d", "state/update", {"event_id": "s", "timestamp": 1, "state": "unhealthy"})
        ground.wait(lambda: ground.status().get("state") == "unhealthy", "the state")
    finally:
        bus.close()
