"""Reads the golden vectors of proto/vectors, and tells a message of them from its bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from robolink import v1

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "proto" / "vectors"


def load(file: str) -> dict[str, list[dict[str, Any]]]:
    """The lists of one file by section."""
    document = json.loads((FOLDER / f"{file}.json").read_text("utf-8"))
    return {section: vectors for section, vectors in document.items() if section != "about"}


def cases(file: str, section: str) -> pytest.MarkDecorator:
    """One test for each vector, by its name."""
    return pytest.mark.parametrize("vector", load(file)[section], ids=lambda each: each["name"])


def message_of(vector: dict[str, Any]) -> Message:
    """The message that its fields say."""
    return ParseDict(vector["fields"], getattr(v1, vector["message"])())


def data_of(frame: Any) -> bytes:
    """Bytes of a vector: hexadecimal, or so many zeros."""
    return bytes(frame["repeat"]) if isinstance(frame, dict) else bytes.fromhex(frame)
