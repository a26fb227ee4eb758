"""The connected peers of the control lane, by identity, by session, and the clients apart: nothing walks over all drivers."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from robolink import v1
from robolink.core.violation import Violation
from robolink.hub.roles import has_role, role_name


@dataclass(slots=True, kw_only=True)
class Peer:
    """One connected peer, by its ROUTER identity."""

    identity: bytes
    kind: int
    name: str
    roles: frozenset[int]
    session_id: int
    seen_ns: int
    robots: set[str] = field(default_factory=set)
    watch: v1.Watch | None = None
    # Acts for a cloud: it never takes a lease from a person on site.
    cloud: bool = False
    # A driver's own word on its link, from its beats.
    link: v1.LinkState | None = None

    def has(self, role: int) -> bool:
        """Whether this peer has that role."""
        return has_role(self.roles, role)

    def need(self, role: int, what: str) -> None:
        """Refuse unless this peer has that role.

        Raises:
            Violation: DENIED.
        """
        if not self.has(role):
            have = ", ".join(sorted(role_name(each) for each in self.roles)) or "none"
            raise Violation(v1.CAUSE_DENIED, f"{what} needs role {role_name(role)}; {self.name} has {have}")


class Peers:
    """All peers."""

    def __init__(self) -> None:
        """Nobody."""
        self._all: dict[bytes, Peer] = {}
        self._clients: dict[bytes, Peer] = {}
        self._sessions: dict[int, dict[bytes, Peer]] = {}

    def __len__(self) -> int:
        """How many."""
        return len(self._all)

    def __contains__(self, identity: bytes) -> bool:
        """Whether that connection is somebody's."""
        return identity in self._all

    def __iter__(self) -> Iterator[bytes]:
        """Every connection."""
        return iter(self._all)

    def get(self, identity: bytes) -> Peer | None:
        """Who that is."""
        return self._all.get(identity)

    def values(self) -> Collection[Peer]:
        """Everybody."""
        return self._all.values()

    def clients(self) -> Collection[Peer]:
        """Those that are told of authority, and may watch."""
        return self._clients.values()

    def of_session(self, session_id: int) -> list[Peer]:
        """The connections of one session."""
        return list(self._sessions.get(session_id, {}).values())

    def put(self, peer: Peer) -> None:
        """One more, or another one in its place."""
        self.remove(peer.identity)
        self._all[peer.identity] = peer
        self._sessions.setdefault(peer.session_id, {})[peer.identity] = peer
        if peer.kind == v1.PEER_KIND_CLIENT:
            self._clients[peer.identity] = peer

    def remove(self, identity: bytes) -> None:
        """It is gone; known or not."""
        peer = self._all.pop(identity, None)
        if peer is None:
            return
        self._clients.pop(identity, None)
        connections = self._sessions[peer.session_id]
        del connections[identity]
        if not connections:
            del self._sessions[peer.session_id]
