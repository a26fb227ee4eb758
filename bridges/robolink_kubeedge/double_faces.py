"""Two more faces of the double of edgecore: its MQTT event bus, on a real broker, and its metaserver, by HTTP.

For tests alone. What they refuse, edgecore refuses.
"""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from robolink_kubeedge.double import EdgecoreDouble

PREFIX = "$hw/events/device/"
DEVICES = "/apis/devices.kubeedge.io/v1beta1/devices"


class BusFace:
    """Edgecore as a client of the broker.

    Args:
        double: Where reports land.
        port: Of the broker, on loopback.
    """

    def __init__(self, double: EdgecoreDouble, port: int) -> None:
        """Connect and subscribe; reports land from now on."""
        self._double = double
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._ready.wait(10):
            raise TimeoutError("the broker does not answer")

    def close(self) -> None:
        """End."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, *_: Any) -> None:
        self._client.subscribe([(f"{PREFIX}+/+/state/update", 1), (f"{PREFIX}+/+/twin/+", 1)])

    def _on_message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        namespace, name, what, *rest = message.topic.removeprefix(PREFIX).split("/")
        key = (namespace, name)
        try:
            body = json.loads(message.payload)
            if what == "state":
                self._double.state_by_bus(key, str(body["state"]))
                return
            if rest != ["update"]:
                return
            # A half that is missing counts as malformed here; ours sends both.
            twins = {
                each: (twin["expected"]["value"], twin["actual"]["value"])
                for each, twin in body["twin"].items()
            }
            code, event_id = self._double.report_by_bus(key, twins), body.get("event_id", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            code, event_id = 400, ""
        if code != 200:
            # What does not parse, or does not match, is answered to nobody: without device and event.
            whose, event_id = (f"{namespace}/{name}", event_id) if code == 404 else ("", "")
            answer = {"event_id": event_id, "code": code, "reason": "update rejected"}
            topic = f"{PREFIX}{whose}/twin/update/result"
            self._client.publish(topic, json.dumps(answer), qos=1)


class MetaServerFace:
    """Edgecore's metaserver, as far as it lists Devices.

    Args:
        double: Whose store it shows.
        token: Asked of whoever asks; "" for nobody.

    Attributes:
        url: Where it is.
    """

    def __init__(self, double: EdgecoreDouble, token: str = "") -> None:
        """Serve in a thread, on a free port of loopback."""

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if token and self.headers.get("Authorization") != f"Bearer {token}":
                    self.send_error(401)
                    return
                if self.path != DEVICES:
                    self.send_error(404)
                    return
                body = json.dumps({"kind": "DeviceList", "items": double.stored()}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the library's name
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
