"""What this hub says of itself by mDNS, if it is configured to: where it is and that it wants keys; never a key."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from robolink.hub.config import HubConfig
from robolink.transports.curve import load_keys
from robolink.transports.hubs import HubRecord, fingerprint
from robolink.transports.mdns import Announcer


def record(config: HubConfig) -> HubRecord:
    """The announcement of a hub with that configuration.

    Raises:
        ConfigError: Its key file cannot be read.
    """
    public = load_keys(config.curve.secret_key_file).public if config.curve else ""
    return HubRecord(
        name=config.name,
        url=config.url,
        safety_url=config.safety_url,
        site=config.discovery.site,
        curve=config.curve is not None,
        fingerprint=fingerprint(public) if public else "",
    )


@contextlib.contextmanager
def announcing(config: HubConfig) -> Iterator[Callable[[], None]]:
    """Gives the call that begins to announce, once the hub is ready; takes it all back at the end.

    Raises:
        ConfigError: It is to be announced, and zeroconf is not installed or a text is too long.
    """
    if not config.discovery.announce:
        yield lambda: None
        return
    announcer = Announcer(record(config), config.discovery.interfaces)
    try:
        yield announcer.start
    finally:
        announcer.close()
