"""Ways in: a blocking connection, and a stop by the safety lane alone. What a connection can do is `_blocking.py`'s."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError

from robolink import v1
from robolink.client._blocking import DEFAULT_ROLES, Hub, wait
from robolink.client._core import NO_HUB_HINT, ClientCore
from robolink.errors import ConnectionLostError, TransportTimeoutError
from robolink.transports.lanes import Keys


def connect(
    url: str | None = None,
    *,
    name: str = "",
    roles: Iterable[v1.Role] = DEFAULT_ROLES,
    keys: Keys | None = None,
    timeout_s: float = 5.0,
    safety_url: str | None = None,
    cloud: bool = False,
) -> Hub:
    """Connect to a hub, blocking.

    Args:
        url: Control lane; else the environment's ROBOLINK_HUB, else tcp://127.0.0.1:5570.
        name: For people, in audits and refusals.
        roles: Claimed; a release needs `v1.ROLE_SAFETY` among them.
        keys: CURVE keys, off loopback; else those that the environment names (docs/hub.md).
        timeout_s: For this and each request.
        safety_url: If it is not the port after `url`.
        cloud: This client acts for somebody far away: a person on site may take its leases, never the reverse.

    Raises:
        ConnectionLostError: Nobody answers.
        RobolinkError: The hub refuses this client.
    """
    core = ClientCore(
        url, name=name, roles=roles, keys=keys, timeout_s=timeout_s, safety_url=safety_url, cloud=cloud
    )
    try:
        core.connected().result(timeout_s)
    except FutureTimeoutError as exc:
        core.close()
        raise ConnectionLostError(
            f"no hub answers at {core.url} within {timeout_s:g} s", hint=NO_HUB_HINT
        ) from exc
    except BaseException:
        core.close()
        raise
    return Hub(core)


def stop_all(
    url: str | None = None,
    robots: Iterable[str] | None = None,
    *,
    level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD,
    reason: str = "",
    name: str = "",
    keys: Keys | None = None,
    timeout_s: float = 5.0,
    safety_url: str | None = None,
) -> list[v1.StopResult]:
    """Software stop, not safety rated, by the safety lane alone: works while the control lane does not.

    Raises:
        ConnectionLostError: Nobody answers on the safety lane.
    """
    roles = (v1.ROLE_OPERATE,)
    core = ClientCore(
        url, name=name, roles=roles, keys=keys, timeout_s=timeout_s, safety_url=safety_url, safety_only=True
    )
    try:
        return wait(core.stop(robots, level, reason))
    except TransportTimeoutError as exc:
        raise ConnectionLostError(f"no safety lane answers beside {core.url}", hint=NO_HUB_HINT) from exc
    finally:
        core.close()
