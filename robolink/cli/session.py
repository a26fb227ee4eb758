"""A connection for one command, with a hint where no hub answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from robolink import v1
from robolink.cli.options import hub_url, no_hub
from robolink.errors import ConnectionLostError

if TYPE_CHECKING:
    from robolink.client import Hub

CLIENT_NAME: Final = "robolink-cli"
ANSWER_TIMEOUT_S: Final = 3.0


@contextmanager
def connected(given: str | None, *roles: v1.Role) -> Iterator[Hub]:
    """The hub's client for the time of one command; `roles` beyond configure.

    Raises:
        ConnectionLostError: None answers at that address; the hint says how to start one.
    """
    from robolink.client import connect

    url = hub_url(given)
    try:
        site = connect(url, name=CLIENT_NAME, roles=(v1.ROLE_CONFIGURE, *roles), timeout_s=ANSWER_TIMEOUT_S)
    except ConnectionLostError as exc:
        raise ConnectionLostError(f"no hub answers at {url}", hint=no_hub(url)) from exc
    except ValueError as exc:
        raise bad_url(url, exc) from exc
    with site:
        yield site


def bad_url(url: str, exc: ValueError) -> Exception:
    """An address that is none."""
    from robolink.errors import ConfigError

    return ConfigError(f"{url!r} is no hub's address: {exc}", hint="write it as tcp://HOST:PORT")
