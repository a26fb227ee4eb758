"""The Python link as a peer of link_player.py: what serial_link.json is written from, and judged by in the tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from robolink import v1
from robolink.core._link_table import KIND_OF, MESSAGES
from robolink.core.frame import Frame
from robolink.core.link import (
    BulkChunk,
    BulkProgress,
    Down,
    Link,
    LinkTimes,
    LogLine,
    Received,
    Refused,
    SiteTime,
    Up,
)
from robolink.errors import ProtocolError, RemoteProtocolError

FLAG: Final = b"\x7e"


class LinkPeer:
    """A Link, host or board as the case says.

    Args:
        case: Of serial_link.json.
        late_s: Every time is longer by that; cases are written so that it makes no difference.
    """

    def __init__(self, case: dict[str, Any], late_s: float = 0.0) -> None:
        """Booted at 0 ms."""
        numbers = iter(case["random"])
        self._heard: list[Any] = []
        times = LinkTimes()
        longer = {name: getattr(times, name) + late_s for name in times.__slots__ if name.endswith("_s")}
        self.link = Link(
            now=0.0,
            host=case["role"] == "host",
            times=replace(
                times,
                largest_message=case["largest_message"],
                fragment_credit=case["fragment_credit"],
                **longer,
            ),
            random_u32=lambda: next(numbers),
        )

    def receive(self, data: bytes, ms: int) -> None:
        """Bytes of the line."""
        self.link.handle_timer(ms / 1e3)
        self.link.receive(data, ms / 1e3)
        self._listen()

    def poll(self, ms: int) -> bytes:
        """Its turn."""
        self.link.handle_timer(ms / 1e3)
        self._listen()
        return self.link.data_to_send(ms / 1e3)

    def decode(self, stuffed: bytes, seed: int) -> tuple[int, int, int, bytes] | None:
        """A frame of that seed."""
        try:
            frame = Frame.from_stuffed(stuffed, seed)
        except RemoteProtocolError:
            return None
        return frame.kind, frame.seq, frame.ack, frame.body

    def hello(self, body: bytes) -> dict[str, Any]:
        """Its fields."""
        message = v1.SerialHello.FromString(body)
        return {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}

    def events(self) -> list[Any]:
        """What the owner has heard since the last time."""
        heard, self._heard = self._heard, []
        return heard

    def _listen(self) -> None:
        """The owner takes everything at once."""
        while (event := self.link.next_event()) is not None:
            if isinstance(event, Up):
                self._heard.append({"up": event.same_peer})
            elif isinstance(event, Down):
                self._heard.append({"down": True})
            elif isinstance(event, Received):
                body = event.message.SerializeToString(deterministic=True).hex()
                self._heard.append({"message": [KIND_OF[type(event.message)], body]})
            elif isinstance(event, BulkChunk):
                self._heard.append({"bulk": [event.transfer, event.offset, event.data.hex()]})
            elif isinstance(event, BulkProgress):
                self._heard.append({"progress": [event.transfer, event.next_offset]})
            else:
                assert isinstance(event, LogLine | Refused)  # for people

    def call(self, name: str, arguments: list[Any], ms: int) -> Any:
        """What its owner does."""
        return getattr(self, f"_{name}")(ms / 1e3, *arguments)

    def _send(self, now: float, kind: int, body: str) -> bool:
        message = MESSAGES[kind]
        assert message is not None
        try:
            self.link.send(message.FromString(bytes.fromhex(body)))
        except ProtocolError:
            return False
        return True

    def _stop_state(self, now: float, generation: int, latched: bool) -> None:
        self.link.stop_generation, self.link.stop_latched = generation, latched

    def _open_bulk(self, now: float, transfer: int, size: int, next_offset: int, credit: int) -> None:
        self.link.lanes.open_bulk(
            transfer=transfer, size=size, next_offset=next_offset, credit=credit, now=now
        )

    def _end_bulk(self, now: float) -> None:
        self.link.lanes.end_bulk()

    def _site(self, now: float) -> list[int] | None:
        stamp = self.link.lanes.site_stamp(now)
        return None if stamp is None else list(stamp)

    def _set_fence(self, now: float, epoch: int, sequence: int, generation: int) -> None:
        self.link.set_fence((epoch, sequence), generation)

    def _send_setpoint(self, now: float, body: str, ttl_ms: int) -> None:
        self.link.send_setpoint(v1.SerialSetpoint.FromString(bytes.fromhex(body)), now + ttl_ms / 1e3)

    def _send_stop(self, now: float, level: int, generation: int) -> None:
        self.link.send_stop(v1.StopLevel.Name(level) and level, generation)  # type: ignore[arg-type]

    def _send_bulk(self, now: float, transfer: int, image: str) -> None:
        self.link.lanes.send_bulk(transfer, bytes.fromhex(image))

    def _site_time(self, now: float, offset_ns: int, error_us: int, clock_id: int) -> None:
        self.link.lanes.site = SiteTime(offset_ns=offset_ns, error_us=error_us, clock_id=clock_id)
