"""Soak (to be written)."""

from typing import Any

NAME = "soak"
TITLE = "Soak"


def render(data: Any) -> str:
    return ""
