"""Reports over edgecore's MQTT event bus: the messages, and the client that publishes what the queue says is next.

Upward only: a desired value of the cloud reaches a mapper by DMI alone. While the broker is away reports go by DMI.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import aiomqtt

from robolink.errors import ConfigError
from robolink_kubeedge.config import EventBusSection
from robolink_kubeedge.edge import EdgeLink
from robolink_kubeedge.reports import Report, ReportQueue, TwinReport
from robolink_kubeedge.wakes import TICK_S, wait

log = logging.getLogger(__name__)

PREFIX: Final = "$hw/events/device/"
RESULTS: Final = f"{PREFIX}+/+/twin/update/result"
AGAIN_S: Final = 1.0
# Published and not yet acknowledged by the broker.
IN_FLIGHT: Final = 32


def message(report: Report, event_id: str, now_ms: int) -> tuple[str, bytes]:
    """Topic and payload of one report. Both halves always, as in DMI; type and timestamp edgecore makes itself."""
    namespace, name = report.device
    body: dict[str, object] = {"event_id": event_id, "timestamp": now_ms}
    if isinstance(report, TwinReport):
        body["twin"] = {
            each.name: {"expected": {"value": each.observed_desired}, "actual": {"value": each.reported}}
            for each in report.twins
        }
        return f"{PREFIX}{namespace}/{name}/twin/update", json.dumps(body).encode()
    body["state"] = report.state
    return f"{PREFIX}{namespace}/{name}/state/update", json.dumps(body).encode()


def refusal(payload: bytes, ours: str) -> str:
    """Why edgecore refused a report with an event id of ours; "" if it took it or it is somebody else's."""
    try:
        found = json.loads(payload)
        code, event_id = int(found.get("code", 0)), str(found.get("event_id", ""))
    except (ValueError, AttributeError, TypeError):
        return ""
    # An unreadable message is answered without an id.
    return str(found.get("reason", code)) if code >= 400 and event_id.startswith(ours) else ""


def address(url: str) -> tuple[str, int]:
    """Host and port of mqtt://HOST:PORT or tcp://HOST:PORT.

    Raises:
        ConfigError: It is none.
    """
    try:
        parts = urlsplit(url if "://" in url else f"mqtt://{url}")
        if parts.scheme in ("mqtt", "tcp") and parts.hostname:
            return parts.hostname, parts.port or 1883
    except ValueError:
        pass  # A port that is no number; told below.
    raise ConfigError(f"{url!r} is no broker", hint="mqtt://HOST:PORT")


class EventBus:
    """Takes reports from the queue while the broker is there.

    Args:
        config: Where the broker is.
        queue: What is said next.
        edge: Edgecore; its socket reports whenever the broker does not.
        counters: What happened on the wires.
    """

    def __init__(
        self, config: EventBusSection, queue: ReportQueue, edge: EdgeLink, counters: Counter[str]
    ) -> None:
        """Not connected yet.

        Raises:
            ConfigError: The URL is none.
        """
        self._config, self._queue, self._edge, self._counters = config, queue, edge, counters
        self._host, self._port = address(config.url)
        self._id = f"robolink-{edge.config.common.name}-"
        self._count = 0
        file = config.password_file
        try:
            self._password = Path(file).read_text(encoding="utf-8").strip() if file else None
        except OSError as exc:
            raise ConfigError(f"{file} cannot be read: {exc.strerror}") from exc

    async def run(self) -> None:
        """Publish until cancelled; connect again after a loss."""
        while True:
            client = aiomqtt.Client(
                self._host, self._port, username=self._config.username or None, password=self._password
            )
            try:
                async with client:
                    await client.subscribe(RESULTS)
                    log.info("reports go by the event bus at %s:%d", self._host, self._port)
                    self._edge.by_event_bus = True
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._results(client))
                        group.create_task(self._publish(client))
            except* aiomqtt.MqttError as lost:
                self._counters["event_bus_away"] += 1
                log.warning("the event bus is away, reports go by DMI: %s", lost.exceptions[0])
            finally:
                self._edge.by_event_bus = False
                self._edge.wake.set()
            await asyncio.sleep(AGAIN_S)

    async def _publish(self, client: aiomqtt.Client) -> None:
        gate = asyncio.Semaphore(IN_FLIGHT)
        async with asyncio.TaskGroup() as group:
            while True:
                await gate.acquire()
                # Without a registration edgecore has no devices of ours: it would refuse each.
                report = self._queue.next(time.monotonic()) if self._edge.registered else None
                if report is None:
                    gate.release()
                    await wait(self._edge.bus_wake, TICK_S)
                    continue
                task = group.create_task(self._one(client, report))
                # Not within the task: one that is cancelled before it begins would take its report along.
                task.add_done_callback(partial(self._published, report, gate))

    async def _one(self, client: aiomqtt.Client, report: Report) -> None:
        self._count += 1
        topic, payload = message(report, f"{self._id}{self._count}", time.time_ns() // 10**6)
        await client.publish(topic, payload, qos=self._config.qos)

    def _published(self, report: Report, gate: asyncio.Semaphore, task: asyncio.Task[None]) -> None:
        gate.release()
        if task.cancelled() or task.exception() is not None:
            self._queue.failed(report, time.monotonic())
        else:
            self._counters["event_bus_reports"] += 1
            self._queue.sent(report, time.monotonic())

    async def _results(self, client: aiomqtt.Client) -> None:
        async for each in client.messages:
            reason = refusal(each.payload, self._id)
            if reason:
                self._counters["event_bus_refused"] += 1
                log.warning("edgecore refused a report: %s: %s", each.topic, reason)
