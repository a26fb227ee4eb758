"""Looks at edgecore's store through its metaserver: a desired value that was written over a broken link shows only there.

A resource counts once it was seen twice alike with no call of edgecore about its device between: DMI may be ahead of the store.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from robolink_kubeedge.config import MapperConfig
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.documents import to_device
from robolink_kubeedge.faults import Fault
from robolink_kubeedge.reports import DeviceKey
from robolink_kubeedge.tls import trusting

log = logging.getLogger(__name__)

DEVICES: Final = "/apis/devices.kubeedge.io/v1beta1/devices"
TIMEOUT_S: Final = 5.0
# The answer is the whole node's Devices; past this it is no answer.
MAX_BYTES: Final = 64 * 2**20


class Settling:
    """Which resources have settled; sans-IO.

    Args:
        table: Where settled ones go.
        protocol: Only Devices of it are looked at.
    """

    def __init__(self, table: DeviceTable, protocol: str) -> None:
        """Nothing seen."""
        self._table, self._protocol = table, protocol
        self._seen: dict[DeviceKey, tuple[str, int]] = {}

    def look(self, resources: list[Mapping[str, Any]], now: float) -> int:
        """One answer of the metaserver; how many Devices it brought news of."""
        news, seen = 0, {}
        for resource in resources:
            try:
                key, version = _identity(resource)
                protocol = resource["spec"]["protocol"]["protocolName"]
            except (KeyError, TypeError, AttributeError):
                self._table.counters["store_unreadable"] += 1
                continue
            if protocol != self._protocol:
                continue
            seen[key] = (version, self._table.moved(key))
            if self._seen.get(key) != seen[key]:
                continue
            try:
                news += self._table.stored(to_device(resource), version, now)
            except ValueError as exc:
                log.warning("%s/%s: %s", *key, exc)
                self._table.note(key, Fault("BAD_DEVICE"), now)
            else:
                self._table.note(key, Fault("BAD_DEVICE"), now, gone=True)
        self._seen = seen
        return news


def _identity(resource: Mapping[str, Any]) -> tuple[DeviceKey, str]:
    metadata = resource["metadata"]
    return (metadata.get("namespace", "default"), metadata["name"]), str(metadata.get("resourceVersion", ""))


class MetaServer:
    """Asks the metaserver periodically.

    Args:
        config: Where it is.
        table: The devices.
        counters: What happened on the wire.
        changed: Called when there was news.
    """

    def __init__(
        self, config: MapperConfig, table: DeviceTable, counters: Counter[str], changed: Callable[[], None]
    ) -> None:
        """Nothing is asked yet.

        Raises:
            ConfigError: The CA's file is none.
        """
        self._config, self._counters, self._changed = config.metaserver, counters, changed
        self._settling = Settling(table, config.common.protocol)
        self._verify = trusting(self._config.ca_file) if self._config.ca_file else True

    async def run(self) -> None:
        """Ask until cancelled."""
        async with httpx.AsyncClient(
            base_url=self._config.url,
            verify=self._verify,
            timeout=TIMEOUT_S,
            trust_env=False,
        ) as client:
            away = False
            while True:
                try:
                    resources = await self._ask(client)
                except (httpx.HTTPError, ValueError) as exc:
                    self._counters["metaserver_away"] += 1
                    if not away:
                        log.warning("the metaserver at %s does not answer: %s", self._config.url, exc)
                    away = True
                else:
                    away = False
                    if self._settling.look(resources, time.monotonic()):
                        self._changed()
                await asyncio.sleep(self._config.period_s)

    async def _ask(self, client: httpx.AsyncClient) -> list[Mapping[str, Any]]:
        headers = {}
        if self._config.token_file:
            # Read each time: such tokens are renewed in place.
            headers["Authorization"] = f"Bearer {_read(self._config.token_file)}"
        answer = await client.get(DEVICES, headers=headers)
        answer.raise_for_status()
        if len(answer.content) > MAX_BYTES:
            raise ValueError(f"{len(answer.content)} bytes are no answer")
        body = answer.json()
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list):
            raise ValueError("it is no list of Devices")
        return [each for each in items if isinstance(each, dict)]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ValueError(f"{path} cannot be read: {exc.strerror}") from exc
