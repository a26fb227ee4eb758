"""Which hubs there are, for people who choose one: lists and mDNS together, each with what is known of its key."""

from __future__ import annotations

from dataclasses import dataclass

from robolink.errors import ConfigError
from robolink.transports.discovery import LOOK_S, found_hubs, key_state, listed_hubs
from robolink.transports.hubs import HubRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundHub:
    """One hub.

    Attributes:
        record: What is said of it.
        key: `not needed` (on this machine), `known`, `unknown`: connecting is refused, or `other`: it announces another
            fingerprint than the key known here has.
    """

    record: HubRecord
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """All of them; `left_out` says why mDNS was not asked, or is empty."""

    hubs: tuple[FoundHub, ...]
    left_out: str = ""


def discover(timeout_s: float = LOOK_S) -> Discovery:
    """Hubs of the static lists, and those that announce themselves by mDNS within that time.

    Raises:
        ConfigError: A list cannot be read, or an entry is wrong.
    """
    listed = listed_hubs()
    left_out = ""
    try:
        found = found_hubs(timeout_s)
    except ConfigError as exc:
        found, left_out = [], str(exc)
    hubs = [FoundHub(record=each, key=key_state(each, listed)) for each in (*listed, *found)]
    return Discovery(hubs=tuple(hubs), left_out=left_out)
