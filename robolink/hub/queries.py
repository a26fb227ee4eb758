"""What the hub answers about itself and its robots. It changes nothing."""

from __future__ import annotations

from typing import Final

from robolink import v1
from robolink.hub.audit import RECENT_KEPT
from robolink.hub.authority import AuthorityDesk
from robolink.hub.pages import fitting
from robolink.hub.site import Machine, Peer, Site

LIVE_SHOWN: Final = 32
ROBOTS_A_PAGE: Final = 1000


class QueryDesk:
    """Lists, sheets, counters, audit."""

    def __init__(self, site: Site, authority: AuthorityDesk) -> None:
        """Over what the other desks keep."""
        self._site = site
        self._authority = authority

    def robot_info(self, machine: Machine) -> v1.RobotInfo:
        """One row of the robots' list."""
        return v1.RobotInfo(
            robot=machine.robot,
            model=machine.sheet.model,
            online=machine.online,
            authority=self._authority.message(machine),
            driver=machine.driver_name,
            sheet_hash=machine.sheet_hash,
            last_seen_ns=machine.driver.seen_ns if machine.driver else machine.seen_ns,
            link=machine.driver.link if machine.driver else None,
            live=[
                v1.LiveCommand(
                    command_id=each.id,
                    method=each.method,
                    owner=each.owner,
                    state=each.state,
                    stale=each.stale,
                )
                for each in self._site.table.live(machine.robot)[:LIVE_SHOWN]
            ],
        )

    def robots(self, after: str) -> v1.Robots:
        """One page of the robots' list."""
        names = [robot for robot in sorted(self._site.machines) if robot > after]
        infos = [self.robot_info(self._site.machines[robot]) for robot in names[:ROBOTS_A_PAGE]]
        count = fitting(infos)
        return v1.Robots(robots=infos[:count], more=count < len(names))

    def audit(self, peer: Peer, header: v1.Header, body: v1.AuditQuery) -> None:
        """The newest records; role maintain."""
        peer.need(v1.ROLE_MAINTAIN, "reading the audit")
        records = self._site.chain.recent(body.after_seq, body.limit or RECENT_KEPT)
        self._site.reply(peer, header, v1.Audit(records=records[: fitting(records)]), held=True)

    def describe(self, peer: Peer, header: v1.Header, body: v1.Describe) -> None:
        """A robot's sheet."""
        machine = self._site.machine(body.robot)
        description = v1.Description(
            robot=machine.robot, sheet=machine.sheet, sheet_hash=machine.sheet_hash, online=machine.online
        )
        self._site.reply(peer, header, description)

    def status(self) -> v1.Status:
        """What was counted."""
        counters = [v1.Counter(name=name, value=value) for name, value in sorted(self._site.counters.items())]
        live = sum(1 for _ in self._site.table.all_live())
        return v1.Status(
            counters=counters,
            peers=len(self._site.peers),
            live_commands=live,
            started_ns=self._site.started_ns,
        )

    def push_robot(self, machine: Machine) -> None:
        """Tell the watchers that this robot is another than before."""
        for watcher in self._site.watchers(machine.robot):
            self._site.send(watcher.identity, v1.Event(robot=self.robot_info(machine)))
