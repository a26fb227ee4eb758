"""QoS: which profile fits what the other side offers, and words for two that do not fit. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Profile", "choose", "mismatch"]


class Profile(NamedTuple):
    """What decides whether two ends match."""

    reliable: bool = False
    latched: bool = False

    def __str__(self) -> str:
        """As rclpy names it."""
        reliability = "RELIABLE" if self.reliable else "BEST_EFFORT"
        return f"{reliability}, {'TRANSIENT_LOCAL' if self.latched else 'VOLATILE'}"


def choose(offered: Iterable[Profile], *, large: bool = False) -> Profile:
    """What to ask for: as much as every publisher offers. Large messages never hold a publisher up: best effort."""
    profiles = list(offered)
    if not profiles:
        return Profile()
    return Profile(
        reliable=not large and all(each.reliable for each in profiles),
        latched=all(each.latched for each in profiles),
    )


def mismatch(offered: Profile, asked: Profile) -> str:
    """What does not match; "" if all does."""
    parts = []
    if asked.reliable and not offered.reliable:
        parts.append("reliability")
    if asked.latched and not offered.latched:
        parts.append("durability")
    return f"{' and '.join(parts)}: offered {offered}, asked {asked}" if parts else ""
