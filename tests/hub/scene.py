"""A whole hub without sockets for the fuzz tests: broker, safety desk, both stores on disk, and peers at its door.

It does what server.py and safety_process.py do between a message and its answers, and checks after each message what must
hold whatever came in. Peers: `client` (operate), `boss` (all roles), `driver` of r1, `other` of r2 and of r3 (stopped),
`victim`, who leases r2 and runs a goal there; `stranger` has not said hello.
"""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import Message

from robolink import v1
from robolink.core.envelope import Sender, decode_body, decode_header
from robolink.core.stop import StopLatch
from robolink.core.values import from_value, named
from robolink.errors import RemoteProtocolError
from robolink.hub.broker import Broker
from robolink.hub.config import HubConfig
from robolink.hub.safety import SafetyDesk
from robolink.store import Journal, StopStore
from tests.hub.peers import SHEET

START_NS: Final = 10**15
WALL_MS: Final = 1_000
STEP_NS: Final = 1_000_000
FUTURE_NS: Final = 1_000_000_000
MAX_TTL_MS: Final = 600_000
MAX_SETPOINT_TTL_MS: Final = 10_000
SESSIONS: Final = {
    name: 100 + at for at, name in enumerate(("client", "boss", "driver", "other", "victim", "stranger"))
}
LIVE_R1, LIVE_R2 = b"live-of-r1-here!", b"live-of-r2-here!"
# One message never becomes a flood to others.
MOST_SENT: Final = 400
UNREAD: Final = (v1.BODY_TYPE_SETPOINT, v1.BODY_TYPE_COMMAND_FEEDBACK)
# What is answered, each by one message to the one who asked.
REQUESTS: Final = {
    getattr(v1, f"BODY_TYPE_{name}")
    for name in (
        *("HELLO", "BEAT", "ROBOTS_QUERY", "DESCRIBE", "STATUS_QUERY", "COMMAND", "COMMAND_CANCEL"),
        *("COMMAND_QUERY", "TWIN_GET", "TWIN_WRITE", "WATCH"),
    )
}
SAFETY_REQUESTS: Final = {getattr(v1, f"BODY_TYPE_{name}") for name in ("HELLO", "BEAT", "STOP", "RELEASE")}


def hello(kind: int, name: str, *robots: v1.RobotHello, roles: tuple[int, ...] = ()) -> v1.Hello:
    """A hello as it should be."""
    return v1.Hello(kind=kind, major=1, name=name, roles=roles, robots=robots)  # type: ignore[arg-type]


class Scene:
    """One hub with its peers, and the messages between them.

    Args:
        folder: Empty, for the stores.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self.now_ns = folder, START_NS
        self.senders = {name: Sender(session) for name, session in SESSIONS.items()}
        self._hub = Sender(1)
        self.sent: list[tuple[str, list[bytes]]] = []
        self._open()
        self._people()
        self.lease = self._lease("client", "r1")
        self._lease("victim", "r2")
        self._lease("victim", "r3")
        self._goal("victim", "r2", LIVE_R2)
        self.sent.clear()

    def _open(self) -> None:
        config = HubConfig()
        self.journal = Journal(self._folder / "journal.sqlite")
        self.stops = StopStore(self._folder / "stops.sqlite")
        # No power is cut here; what the disk takes its time for is not what is tested.
        self.stops._db.execute("PRAGMA synchronous=OFF")
        self.journal._db.execute("PRAGMA synchronous=OFF")
        self.broker = Broker(config, self.journal, self.now_ns)
        latches = {robot: StopLatch(robot) for robot, _ in self.stops.load()}
        for robot, state in self.stops.load():
            latches[robot].load(state)
        self.desk = SafetyDesk(latches, hub_token="token", timeouts=config.timeouts.message(), hub_name="hub")
        self.safety("hub", self._hub.encode(hello(v1.PEER_KIND_HUB, "token"), sent_ns=self.now_ns))

    def _people(self) -> None:
        r1, r2 = (v1.RobotHello(robot=robot, sheet=SHEET) for robot in ("r1", "r2"))
        r3 = v1.RobotHello(robot="r3", sheet=SHEET, stop=v1.StopState(generation=5, latched=True, level=1))
        everything = (v1.ROLE_MAINTAIN, v1.ROLE_SAFETY)
        self.hellos = {
            "client": hello(v1.PEER_KIND_CLIENT, "client", roles=(v1.ROLE_OPERATE,)),
            "boss": hello(v1.PEER_KIND_CLIENT, "boss", roles=everything),
            "victim": hello(v1.PEER_KIND_CLIENT, "victim", roles=everything),
            "driver": hello(v1.PEER_KIND_DRIVER, "driver", r1),
            "other": hello(v1.PEER_KIND_DRIVER, "other", r2, r3),
        }
        for name in ("driver", "other", "client", "boss", "victim"):
            self.greet(name)
        watch = v1.Watch(twins=True, commands=True)
        self.control("boss", self.frames("boss", watch))

    def greet(self, name: str) -> None:
        """Hello on both lanes."""
        self.safety(name, self.frames(name, self.hellos[name]))
        self.control(name, self.frames(name, self.hellos[name]))

    def frames(self, name: str, body: Message, **header: Any) -> list[bytes]:
        """A message of that peer, as it should be."""
        return self.senders[name].encode(body, **({"sent_ns": self.now_ns} | header))

    def _lease(self, name: str, robot: str) -> v1.LeaseToken:
        request = v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot=robot)
        frames = self.control(name, self.frames(name, request))
        return next(body for body in self.bodies(name, frames) if isinstance(body, v1.LeaseReply)).token

    def _goal(self, name: str, robot: str, command_id: bytes) -> None:
        lease = self.broker.site.leases.holders(robot)[0].message()
        body = v1.Command(method="base.go", args=named({"x": 1.0}))
        header = {"destination": robot, "lease": lease, "message_id": command_id, "ttl_ms": 600_000}
        self.control(name, self.frames(name, body, **header))

    def calm(self, *, stopped: bool) -> None:
        """End what was begun, and know the lease of r1; if `stopped`, release r1 and r2: the next message finds the same."""
        if stopped and b"boss" in self.desk._peers:
            latches = [self.desk.latches[robot] for robot in ("r1", "r2")]
            targets = [v1.ReleaseTarget(robot=each.robot, generation=each.generation) for each in latches]
            self.safety("boss", self.frames("boss", v1.Release(targets=targets)))
        for command_id in self.motions() - {LIVE_R2}:
            body = v1.CommandUpdate(command_id=command_id, robot="r1", state=v1.COMMAND_STATE_FAILED)
            self.control("driver", self.frames("driver", body))
        held = [each for each in self.broker.site.leases.holders("r1") if each.owner == "client"]
        if held:
            self.lease = held[0].message()

    # The two processes, as far as they matter here.

    def control(self, name: str, frames: list[bytes]) -> list[tuple[str, list[bytes]]]:
        """One message on the control lane; what was sent by it, to whom."""
        self.now_ns += STEP_NS
        before = len(self.sent)
        self.broker.receive(name.encode(), frames, self.now_ns, wall_ms=WALL_MS, key=None)
        self._act()
        return self.sent[before:]

    def safety(self, name: str, frames: list[bytes]) -> list[tuple[str, list[bytes]]]:
        """One message on the safety lane."""
        self.now_ns += STEP_NS
        before = len(self.sent)
        self.desk.receive(name.encode(), frames, self.now_ns, None)
        self._act()
        return self.sent[before:]

    def tick(self, later_ns: int = 0) -> None:
        """Timers of both."""
        self.now_ns += later_ns
        self.broker.handle_timer(self.now_ns)
        self.desk.handle_timer(self.now_ns)
        self._act()

    def _act(self) -> None:
        busy = True
        while busy:
            busy = False
            for request in self.broker.take_safety_requests():
                frames = self._hub.encode(request, sent_ns=self.now_ns)
                self.desk.receive(b"hub", frames, self.now_ns, None)
            turn = self.broker.take_turn()
            if turn.batch:
                self.journal.commit(turn.batch)
            self.sent += [(each.identity.decode(), each.frames) for each in turn.sends]
            safety = self.desk.take_turn()
            if safety.save:
                self.stops.save(safety.save)
            for identity, frames in (*safety.urgent, *safety.later):
                busy = True
                if identity == b"hub":
                    self._news(frames)
                else:
                    self.sent.append((identity.decode(), frames))

    def _news(self, frames: list[bytes]) -> None:
        header = decode_header(frames[0])
        body = decode_body(header, frames[1])
        if isinstance(body, v1.HelloReply):
            for authority in body.authorities:
                self.broker.safety_news(authority)
        elif isinstance(body, v1.Authority):
            self.broker.safety_news(body)
            answer = self._hub.encode(v1.BeatReply(), sent_ns=self.now_ns, correlation_id=header.message_id)
            self.desk.receive(b"hub", answer, self.now_ns, None)
        else:
            assert isinstance(body, v1.StopReply | v1.ReleaseReply), body

    @staticmethod
    def bodies(
        name: str, sent: list[tuple[str, list[bytes]]], answer_to: bytes | None = None
    ) -> list[Message]:
        """What that peer got, decoded; bodies that the hub never reads are left out."""
        found = []
        for identity, frames in sent:
            header = decode_header(frames[0])
            wanted = answer_to is None or header.correlation_id == answer_to
            if identity == name and wanted and header.body_type not in UNREAD:
                found.append(decode_body(header, frames[1]))
        return found

    def restart(self) -> None:
        """A new hub on the same stores: what was taken in must not keep it from starting, nor lose a latch."""
        latched = {robot: latch.state() for robot, latch in self.desk.latches.items()}
        self.close()
        self._open()
        for robot, state in latched.items():
            assert self.desk.latches[robot].state() == state
            assert self.broker.site.latch(robot).latched == state.latched
        for name in self.hellos:
            self.greet(name)

    def close(self) -> None:
        """Close the stores."""
        self.journal.close()
        self.stops.close()

    # What must hold.

    def counted(self) -> Counter[str]:
        """All counters of both processes, and of the twins."""
        total = self.broker.site.counters + self.desk.counters
        for machine in self.broker.site.machines.values():
            total += machine.twin.counters
        return total

    def motions(self) -> set[bytes]:
        """Ids of the motion commands kept live."""
        return {record.id for record in self.broker.site.table.all_live() if record.motion}

    def of_others(self) -> dict[str, object]:
        """What is not theirs to change, but by a right: r2 and r3, their driver, lease, goal, stop and twin."""
        site = self.broker.site
        found: dict[str, object] = {}
        for robot in ("r2", "r3"):
            machine = site.machines[robot]
            driver = machine.driver.identity if machine.driver is not None else None
            found[robot] = (machine.online, driver, machine.sheet_hash, machine.driver_session)
            found[robot + " leases"] = [(each.owner, each.token) for each in site.leases.holders(robot)]
            found[robot + " motion"] = [(r.id, r.state) for r in site.table.live(robot) if r.motion]
            found[robot + " twin"] = machine.twin.snapshot().SerializeToString(deterministic=True)
            found[robot + " stop"] = self.desk.latches[robot].state().SerializeToString(deterministic=True)
        return found

    def whole(self, *, released: bool = False) -> None:
        """Whether the hub's tables still agree with each other, and every other peer is served."""
        site = self.broker.site
        for machine in site.machines.values():
            if machine.online:
                assert machine.driver is not None
                present = site.peers.get(machine.driver.identity)
                assert present is machine.driver, (
                    f"{machine.robot} is online by a driver that is no peer any more"
                )
        assert self.desk.latches["r3"].latched or released, "r3 was released"
        for lane in (self.control, self.safety):
            asked = self.frames("victim", v1.Beat())
            answers = self.bodies("victim", lane("victim", asked))
            assert any(isinstance(each, v1.BeatReply) for each in answers), "the victim has no answer"

    def probe(self) -> None:
        """What the hub is asked most: it must still answer, whatever it was told before."""
        for body in (v1.RobotsQuery(), v1.TwinGet(robot="r1"), v1.StatusQuery(), v1.Watch(twins=True)):
            self._answered("boss", body)
        self.greet("boss")
        asked = self.frames("boss", v1.Stop())
        self.safety("boss", asked)
        generations = {robot: latch.generation for robot, latch in self.desk.latches.items()}
        for robot in ("r1", "r2", "r3"):
            assert self.broker.site.machines[robot].latch.generation == generations[robot]

    def _answered(self, name: str, body: Message) -> None:
        frames = self.frames(name, body)
        answers = self.bodies(name, self.control(name, frames), decode_header(frames[0]).message_id)
        assert len(answers) == 1, answers


def admitted_rightly(
    scene: Scene, name: str, frames: list[bytes], sent: list[tuple[str, list[bytes]]]
) -> None:
    """Whether what reached a driver by this message had authority, was in time, and holds finite numbers only."""
    for identity, forwarded in sent:
        header = v1.Header.FromString(forwarded[0])
        if header.body_type not in (v1.BODY_TYPE_COMMAND, v1.BODY_TYPE_SETPOINT):
            continue
        robot, _, component = header.destination.partition("/")
        machine = scene.broker.site.machines[robot]
        assert identity == ("driver" if robot == "r1" else "other")
        assert not machine.latch.latched or header.stop_generation > machine.latch.generation
        assert header.stop_generation >= machine.latch.generation
        assert header.sent_ns <= scene.now_ns + FUTURE_NS, "sent in the future"
        setpoint = header.body_type == v1.BODY_TYPE_SETPOINT
        assert header.ttl_ms <= (MAX_SETPOINT_TTL_MS if setpoint else MAX_TTL_MS), "lives too long"
        assert header.sent_ns + (header.ttl_ms or 5_000) * 1_000_000 >= scene.now_ns, "expired"
        if not setpoint:
            body = v1.Command.FromString(forwarded[1])
            numbers = [from_value(each.value) for each in body.args]
            assert all(math.isfinite(each) for each in numbers if isinstance(each, float)), "not finite"
            component = body.method.partition(".")[0]
            if not machine.index.method(body.method).motion:  # type: ignore[union-attr]
                continue
        leases = scene.broker.site.leases.holders(robot)
        assert any(
            (each.token == (header.lease.epoch, header.lease.sequence))
            and each.covers(component)
            and each.session_id in (SESSIONS[name], scene.broker.site.session_id)
            for each in leases
        ), "without a lease"


def deliver(scene: Scene, lane: str, name: str, frames: list[bytes]) -> list[tuple[str, list[bytes]]]:
    """One message of that peer, and everything that must hold after it; what was sent by it."""
    site = scene.broker.site
    header = _header_of(frames)
    peer = site.peers.get(name.encode())
    roles = peer.roles if peer is not None else frozenset()
    before, counted = scene.of_others(), scene.counted()
    sent = (scene.control if lane == "control" else scene.safety)(name, frames)
    grown = scene.counted() - counted
    for identity, each in sent:
        scene.bodies(identity, [(identity, each)])
    answers = scene.bodies(name, sent, header.message_id if header is not None else b"")
    if header is None:
        assert [type(each) for each in answers] == [v1.Error], answers
    assert grown or not any(isinstance(each, v1.Error) for each in answers), "an error that is not counted"
    assert len(answers) <= 1, f"{len(answers)} answers"
    assert len(sent) <= MOST_SENT, f"{len(sent)} messages for one"
    if header is not None and header.body_type in (REQUESTS if lane == "control" else SAFETY_REQUESTS):
        assert len(answers) == 1 or grown, "neither answered nor counted"
    if header is not None and header.body_type == v1.BODY_TYPE_SETPOINT and lane == "control":
        assert grown or any(v1.Header.FromString(each[0]).body_type == header.body_type for _, each in sent)
    admitted_rightly(scene, name, frames, sent)
    _nothing_of_others(scene, before, header, roles)
    scene.whole(released=v1.ROLE_SAFETY in roles)
    return sent


def _header_of(frames: list[bytes]) -> v1.Header | None:
    try:
        return decode_header(frames[0]) if len(frames) > 1 else None
    except RemoteProtocolError:
        return None


def _nothing_of_others(
    scene: Scene, before: dict[str, object], header: v1.Header | None, roles: frozenset[int]
) -> None:
    kind = header.body_type if header is not None else 0
    may_write = v1.ROLE_OPERATE in roles or v1.ROLE_MAINTAIN in roles
    for what, value in scene.of_others().items():
        if (
            may_write
            and kind in (v1.BODY_TYPE_TWIN_WRITE, v1.BODY_TYPE_STOP)
            and what[2:] in (" twin", " stop")
        ):
            continue
        if v1.ROLE_SAFETY in roles and kind == v1.BODY_TYPE_RELEASE and what[2:] in (" twin", " stop"):
            continue
        if v1.ROLE_MAINTAIN in roles and kind == v1.BODY_TYPE_LEASE_REQUEST:
            continue
        if (
            kind == v1.BODY_TYPE_HELLO
            and what[2:] in (" twin", " stop")
            and _stopped(scene, what[:2], before)
        ):
            continue  # By a second driver's hello: anybody may stop.
        assert value == before[what], f"{what} has changed"


def _stopped(scene: Scene, robot: str, before: dict[str, object]) -> bool:
    old = v1.StopState.FromString(before[robot + " stop"])  # type: ignore[arg-type]
    latch = scene.desk.latches[robot]
    return latch.latched and latch.generation > old.generation
