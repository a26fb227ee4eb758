"""The three ways a reading is pushed: JSON by HTTP POST, JSON on an MQTT topic, a gauge by OTLP over HTTP.

One try each; what is tried again, how often and when, is push.py's.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import aiomqtt
import httpx

from robolink import v1
from robolink.core.twintext import encode
from robolink.core.values import Plain, from_value
from robolink.errors import ConfigError, RobolinkError
from robolink_kubeedge import dmi_pb2 as pb
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.eventbus import address
from robolink_kubeedge.manifests import kubeedge_type
from robolink_kubeedge.reports import DeviceKey

MAX_TOPIC_BYTES: Final = 65535
SCOPE: Final = "robolink.kubeedge"
# Who else is pushed to the same host waits for so long at most.
MAX_TIMEOUT_S: Final = 60.0
# Statuses of the asker's fault that may pass all the same: 408, too early, too many.
_PASSING: Final = frozenset({408, 425, 429})


class PushError(RobolinkError):
    """One try failed."""

    retryable = True


class PushRefusedError(PushError):
    """The other end will not take it, however often it is said."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Way:
    """How and where to; `target` is what shares a connection, `timeout_s` is of one try, 0 for the mapper's own."""

    kind: str
    target: str
    path: str = ""
    qos: int = 0
    retained: bool = False
    timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One value on its way."""

    device: DeviceKey
    name: str
    way: Way
    value: Plain
    text: str
    type: str
    stamp_ns: int

    def body(self) -> bytes:
        """As JSON; the value as the twin shows it, so that any type passes."""
        namespace, device = self.device
        made = {
            "namespace": namespace,
            "deviceName": device,
            "propertyName": self.name,
            "value": self.text,
            "type": self.type,
            "timeStamp": self.stamp_ns // 10**6,
        }
        return json.dumps(made).encode()


def way_of(method: pb.PushMethod) -> Way:
    """What the Device asks for.

    Raises:
        ValueError: It cannot be used, with the reason.
    """
    asked = [each for each in ("http", "mqtt", "otel") if method.HasField(each)]
    if len(asked) != 1:
        raise ValueError(f"pushMethod names {' and '.join(asked)}: one of them")
    if method.HasField("http"):
        host = method.http.host_name
        host = host if "://" in host else f"http://{host}"
        port = f":{method.http.port}" if method.http.port else ""
        target = _url(f"{host.rstrip('/')}{port}")
        if method.http.timeout < 0:
            raise ValueError(f"a timeout of {method.http.timeout} ms")
        timeout_s = min(method.http.timeout / 1000, MAX_TIMEOUT_S)
        return Way("http", target, "/" + method.http.request_path.lstrip("/"), timeout_s=timeout_s)
    if method.HasField("otel"):
        return Way("otel", _url(method.otel.endpoint_url))
    mqtt = method.mqtt
    try:
        host, number = address(mqtt.address)
    except ConfigError as exc:
        raise ValueError(str(exc)) from exc
    if (
        not mqtt.topic
        or any(each in mqtt.topic for each in "+#\0")
        or len(mqtt.topic.encode()) > MAX_TOPIC_BYTES
    ):
        raise ValueError(f"{mqtt.topic[:60]!r} is no topic to publish on")
    if mqtt.qos not in (0, 1, 2):
        raise ValueError(f"qos {mqtt.qos} is none of 0, 1, 2")
    return Way("mqtt", f"mqtt://{host}:{number}", mqtt.topic, mqtt.qos, mqtt.retained)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return text
    except ValueError:
        pass  # A port that is no number; told below.
    raise ValueError(f"{text[:60]!r} is no http address")


def reading(table: DeviceTable, device: DeviceKey, name: str, way: Way, stamp_ns: int) -> Reading | None:
    """The present value of a property; None if it was never reported."""
    found = table.entry(device)
    if found is None:
        return None
    _, robot = found
    kind = robot.readings.get(name) or (robot.settings or {}).get(name) or v1.VALUE_TYPE_STRING
    if name == "stop-generation":
        plain: Plain = robot.stop_generation
        return Reading(device, name, way, plain, str(plain), "INT", stamp_ns)
    state = robot.twin.get(name)
    value = state.reported.value if state is not None else v1.Value()
    plain_value = from_value(value)
    if plain_value is None:
        return None
    return Reading(device, name, way, plain_value, encode(value).text, kubeedge_type(kind), stamp_ns)


class Sender(Protocol):
    """One connection to one other end."""

    async def __aenter__(self) -> Self:
        """Open what is opened at once."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close."""

    async def send(self, reading: Reading) -> None:
        """One try. Raises PushError."""


def sender(way: Way) -> Sender:
    """Who sends there."""
    return MqttSender(way) if way.kind == "mqtt" else HttpSender(way)


class HttpSender:
    """HTTP POST of JSON; OTLP is such a one too."""

    def __init__(self, way: Way) -> None:
        """Not connected yet."""
        self._way = way
        self._client = httpx.AsyncClient(trust_env=False, timeout=None)

    def __str__(self) -> str:
        """Where to."""
        return self._way.target

    async def __aenter__(self) -> Self:
        """Connect with the first reading."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self._client.aclose()

    async def send(self, reading: Reading) -> None:
        """One POST; anything but 2xx is a failure, and what this request itself is blamed for a final one. Raises PushError."""
        way = reading.way
        otel = way.kind == "otel"
        try:
            answer = await self._client.post(
                way.target if otel else way.target + way.path,
                content=otlp(reading) if otel else reading.body(),
                headers={"Content-Type": "application/json"},
            )
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise PushError(f"{type(exc).__name__}: {exc}") from exc
        if not answer.is_success:
            final = answer.is_client_error and answer.status_code not in _PASSING
            raise (PushRefusedError if final else PushError)(f"answered {answer.status_code}")


class MqttSender:
    """One MQTT connection, kept open, opened again when it is lost."""

    def __init__(self, way: Way) -> None:
        """Not connected yet."""
        self._way = way
        self._client: aiomqtt.Client | None = None

    def __str__(self) -> str:
        """Where to."""
        return self._way.target

    async def __aenter__(self) -> Self:
        """Connect with the first reading."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self._close()

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                return  # It was lost: nothing is left to close.

    async def send(self, reading: Reading) -> None:
        """One publish. Raises PushError."""
        way = reading.way
        try:
            if self._client is None:
                client = aiomqtt.Client(*address(way.target))
                await client.__aenter__()
                self._client = client
            await self._client.publish(way.path, reading.body(), qos=way.qos, retain=way.retained)
        except BaseException as exc:
            await self._close()
            if isinstance(exc, aiomqtt.MqttError):
                raise PushError(str(exc)) from exc
            raise


def otlp(reading: Reading) -> bytes:
    """A gauge in OTLP's JSON. A vector is one point per element; what is no number is counted as text, in an attribute."""
    points: list[dict[str, Any]] = []
    stamp = str(reading.stamp_ns)
    value = reading.value
    elements = value if isinstance(value, tuple) else (value,)
    for index, each in enumerate(elements):
        point: dict[str, Any] = {"timeUnixNano": stamp}
        attributes = []
        if isinstance(value, tuple):
            attributes.append({"key": "index", "value": {"intValue": str(index)}})
        if isinstance(each, bool | int):
            point["asInt"] = str(int(each))
        elif isinstance(each, float) and math.isfinite(each):
            point["asDouble"] = each
        else:
            point["asInt"] = "1"
            attributes.append({"key": "value", "value": {"stringValue": reading.text}})
        if attributes:
            point["attributes"] = attributes
        points.append(point)
    namespace, device = reading.device
    resource = [
        {"key": "service.name", "value": {"stringValue": "robolink-mapper"}},
        {"key": "device.id", "value": {"stringValue": f"{namespace}/{device}"}},
    ]
    metric = {"name": reading.name, "gauge": {"dataPoints": points}}
    scope = {"scope": {"name": SCOPE}, "metrics": [metric]}
    made = {"resourceMetrics": [{"resource": {"attributes": resource}, "scopeMetrics": [scope]}]}
    return json.dumps(made).encode()
