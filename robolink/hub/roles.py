"""Who may do what: roles, and the ceiling that a CURVE key sets. Shared by the control and safety lanes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from robolink import v1
from robolink.core.violation import Violation

# Name, kind and roles that a CURVE key stands for.
KeyIdentity = tuple[str, int, frozenset[int]]

MAX_NAME: Final = 64
_KIND_NAMES: Final[dict[int, str]] = {v1.PEER_KIND_CLIENT: "client", v1.PEER_KIND_DRIVER: "driver"}
_RANK: Final[dict[int, int]] = {
    v1.ROLE_OBSERVE: 1,
    v1.ROLE_OPERATE: 2,
    v1.ROLE_CONFIGURE: 3,
    v1.ROLE_MAINTAIN: 4,
}


def role_name(role: int) -> str:
    """`ROLE_OPERATE` -> "operate"."""
    return v1.Role.Name(role).removeprefix("ROLE_").lower()


def has_role(roles: Iterable[int], needed: int) -> bool:
    """Observe < operate < configure < maintain; safety stands apart."""
    if needed == v1.ROLE_SAFETY:
        return v1.ROLE_SAFETY in roles
    return max((_RANK.get(each, 0) for each in roles), default=0) >= _RANK[needed]


def ceiling(hello: v1.Hello, key: KeyIdentity | None) -> tuple[str, frozenset[int]]:
    """Name and roles of a peer. Without keys (loopback only) its claim is believed; with keys the key rules.

    Raises:
        Violation: DENIED, the key is for another kind of peer.
    """
    # A role of a later minor gives nothing here.
    claimed = frozenset(int(role) for role in hello.roles if role in _RANK or role == v1.ROLE_SAFETY)
    if key is None:
        return (hello.name or "unnamed")[:MAX_NAME], claimed
    name, kind, allowed = key
    if hello.kind not in (kind, v1.PEER_KIND_HUB):
        raise Violation(
            v1.CAUSE_DENIED, f"the key of {name!r} is for {_KIND_NAMES.get(kind, 'another kind')}s only"
        )
    # Who claims more than the key gives has what the key gives: each role holds those below it.
    return name, frozenset(
        role for role in {*_RANK, v1.ROLE_SAFETY} if has_role(claimed, role) and has_role(allowed, role)
    )
