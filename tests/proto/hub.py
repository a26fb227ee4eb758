"""Both desks of one hub without sockets: bytes of peers in, what the hub says out."""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header
from robolink.hub.broker import Broker
from robolink.hub.config import HubConfig
from robolink.hub.safety import SafetyDesk
from robolink.store import Journal

# Receiver, lane, header, body.
Said = tuple[str, str, v1.Header, Message]


class Hub:
    """One hub with its defaults and an empty store; its safety process is here too."""

    TOKEN = "token"

    def __init__(self, folder: Path) -> None:
        config = HubConfig()
        self.journal = Journal(folder / "journal.sqlite")
        self.broker = Broker(config, self.journal, 1)
        self.safety = SafetyDesk(
            {}, hub_token=self.TOKEN, timeouts=config.timeouts.message(), hub_name=config.name
        )
        self._own = Sender(7)
        self._to_safety(v1.Hello(kind=v1.PEER_KIND_HUB, major=1, name=self.TOKEN), 1)
        self.take(1)

    def _to_safety(self, body: Message, now_ns: int, correlation_id: bytes = b"") -> None:
        frames = self._own.encode(body, sent_ns=now_ns, correlation_id=correlation_id)
        self.safety.receive(b"control", frames, now_ns, None)

    def hear(self, sender: str, lane: str, frames: list[bytes], now_ns: int) -> None:
        """One message of a peer, at that site time."""
        if lane == "safety":
            self.safety.receive(sender.encode(), frames, now_ns, None)
        else:
            self.broker.receive(sender.encode(), frames, now_ns, wall_ms=None, key=None)

    def take(self, now_ns: int) -> list[Said]:
        """Everything that is said now, also because of what both desks say to each other."""
        said: list[Said] = []
        while True:
            turn = self.safety.take_turn()
            safety = [*turn.urgent, *turn.later]
            for identity, frames in safety:
                header = decode_header(frames[0])
                body = decode_body(header, frames[1])
                if identity != b"control":
                    said.append((identity.decode(), "safety", header, body))
                elif isinstance(body, v1.Authority):
                    self.broker.site.now_ns = now_ns
                    self.broker.safety_news(body)
                    self._to_safety(v1.BeatReply(), now_ns, header.message_id)
            control = self.broker.take_turn()
            self.journal.commit(control.batch)
            for send in control.sends:
                header = decode_header(send.frames[0])
                body = decode_body(header, send.frames[1])
                said.append((send.identity.decode(), "control", header, body))
            if not safety and not control.sends:
                return said
