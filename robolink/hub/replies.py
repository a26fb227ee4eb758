"""Answers by message id: a request that came twice (its first answer was lost, or late) is done once and answered alike."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from google.protobuf.message import Message

KEPT: Final = 4096


class Replies:
    """The newest answers, so many of them."""

    def __init__(self, kept: int = KEPT) -> None:
        """None yet."""
        self._kept = kept
        self._replies: OrderedDict[bytes, Message] = OrderedDict()

    def get(self, message_id: bytes) -> Message | None:
        """What was answered to it."""
        return self._replies.get(message_id)

    def put(self, message_id: bytes, reply: Message) -> None:
        """Keep an answer; the oldest goes."""
        self._replies[message_id] = reply
        if len(self._replies) > self._kept:
            self._replies.popitem(last=False)

    def drop(self, message_id: bytes) -> None:
        """It was not kept after all."""
        self._replies.pop(message_id, None)
