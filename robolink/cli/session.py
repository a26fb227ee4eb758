"""A connection for one command, with a hint where no hub answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from robolink import v1
from robolink.cli.options import hub_url, no_hub
from robolink.errors import ConnectionLostError, TransportTimeoutError

if TYPE_CHECKING:
    from robolink.client import Hub

CLIENT_NAME: Final = "robolink-cli"


@contextmanager
def connected(given: str | None, role: v1.Role = v1.ROLE_MAINTAIN) -> Iterator[Hub]:
    """The hub's client for the time of one command.

    Raises:
        ConnectionLostError: None answers at that address; the hint says how to start one.
    """
    from robolink.client import connect

    url = hub_url(given)
    try:
        site = connect(url, name=CLIENT_NAME, role=role)
    except (ConnectionLostError, TransportTimeoutError) as exc:
        raise ConnectionLostError(f"no hub answers at {url}", hint=no_hub(url)) from exc
    with site:
        yield site
