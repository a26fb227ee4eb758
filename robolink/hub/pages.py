"""Answers that one message may not hold: how many of a list fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from google.protobuf.message import Message

# Half of what a body may have: the rest is for what stands beside the list.
PAGE_BYTES: Final = 128 * 1024
PER_ITEM_BYTES: Final = 8


def fitting(messages: Sequence[Message]) -> int:
    """How many of them fit into one page."""
    size = 0
    for count, message in enumerate(messages):
        size += message.ByteSize() + PER_ITEM_BYTES
        if size > PAGE_BYTES:
            return count
    return len(messages)
