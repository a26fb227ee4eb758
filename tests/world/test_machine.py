"""Hub, drivers and clients together, in any order of orders, faults and time: what must never happen does not.

The judge asserts while it happens; at the end every fault heals, and everybody must agree. `ROBOLINK_WORLD=N` looks
N times deeper.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from robolink import v1
from robolink.client._leases import Wish
from robolink.core import twincmd
from robolink.transports.lanes import Lane
from tests.world.hub import WALL_MS
from tests.world.network import MS
from tests.world.rover import MAX_SPEED
from tests.world.world import World

DEPTH = int(os.environ.get("ROBOLINK_WORLD", "1"))
ROBOTS = st.sampled_from(["r1", "r2"])
CLIENTS = st.sampled_from(["anna", "ben"])
PEERS = st.sampled_from(["anna", "ben", "rovers", "carts"])
LANES = st.sampled_from([(Lane.CONTROL,), (Lane.SAFETY,), tuple(Lane)])
COMPONENTS = st.sampled_from(["", "wheels"])
METHODS = st.sampled_from(["wheels.go", "wheels.go", "wheels.nudge", "wheels.reset"])
LEVELS = st.sampled_from([v1.STOP_LEVEL_SOFT_HOLD, v1.STOP_LEVEL_STOP_THEN_CUT, v1.STOP_LEVEL_CUT])
ON_DISCONNECT = st.sampled_from([v1.ON_DISCONNECT_UNSPECIFIED, v1.ON_DISCONNECT_CONTINUE])
CABLES = st.sampled_from(["cut", "stall", "heal", "double", "slow up", "slow down", "slow", "quick"])
AFTER = st.sampled_from([0.05, 0.7, 1.3])
DOWN = st.sampled_from([0.0, 0.4, 4.0])
ENDS = st.sampled_from(
    [v1.COMMAND_STATE_SUCCEEDED, v1.COMMAND_STATE_FAILED, v1.COMMAND_STATE_CANCELED, v1.COMMAND_STATE_STOPPED]
)


class WorldMachine(RuleBasedStateMachine):
    """One site with two robots, each with a driver of its own, and two clients."""

    def __init__(self) -> None:
        super().__init__()
        logging.disable(logging.CRITICAL)
        self.world = World()
        self.world.driver("rovers", "r1", offset_s=1_000)
        self.world.driver("carts", "r2", offset_s=77_000)
        for name, offset_s in (("anna", 3), ("ben", 400_000)):
            self.world.client(name, offset_s=offset_s)
        self.world.advance(1)
        self.texts: list[tuple[str, str]] = []

    def node(self, name: str) -> Any:
        return self.world.clients.get(name) or self.world.drivers[name]

    def live(self, name: str) -> Any:
        """That client; one whose process is gone is started first."""
        client = self.world.clients[name]
        if not client.up:
            client.start()
            self.world.advance(0.3)
        return client

    def commands(self) -> list[Any]:
        return [each for client in self.world.clients.values() for each in client.commands]

    # Clients.

    @rule(client=CLIENTS, robot=ROBOTS, component=COMPONENTS)
    def acquire(self, client: str, robot: str, component: str) -> None:
        self.live(client).acquire(robot, component)
        self.world.advance(0.01)

    @rule(client=CLIENTS, robot=ROBOTS, component=COMPONENTS, take=st.booleans())
    def take_or_ask(self, client: str, robot: str, component: str, take: bool) -> None:
        wish = Wish(take=True, reason="now") if take else Wish(request_s=1.5, reason="please")
        self.live(client).acquire(robot, component, wish)
        self.world.advance(0.01)

    @rule(client=CLIENTS, robot=ROBOTS)
    def decline(self, client: str, robot: str) -> None:
        self.live(client).decline(robot)

    @rule(client=CLIENTS, robot=ROBOTS, component=COMPONENTS)
    def give_back(self, client: str, robot: str, component: str) -> None:
        self.live(client).give_back(robot, component)
        self.world.advance(0.01)

    @rule(
        client=CLIENTS,
        robot=ROBOTS,
        method=METHODS,
        preempt=st.booleans(),
        on_disconnect=ON_DISCONNECT,
        ttl_ms=st.sampled_from([5000, 200]),
        max_duration_ms=st.sampled_from([0, 700]),
    )
    def command(self, client: str, robot: str, method: str, **options: Any) -> None:
        self.live(client).command(robot, method, **options)

    @rule(robot=ROBOTS, client=CLIENTS, goal=st.booleans(), preempt=st.booleans(), free=st.booleans())
    def order(self, robot: str, client: str, goal: bool, preempt: bool, free: bool) -> None:
        """What usually works: a lease, then an order at once."""
        node = self.live(client)
        if free:
            self.release_newest(client, robot)
        node.acquire(robot)
        self.world.advance(0.05)
        node.command(robot, "wheels.go" if goal else "wheels.nudge", preempt=preempt)
        self.world.advance(0.05)

    @rule(robot=ROBOTS, client=CLIENTS, free=st.booleans())
    def drive_on(self, robot: str, client: str, free: bool) -> None:
        """The same with setpoints."""
        node = self.live(client)
        if free:
            self.release_newest(client, robot)
        node.acquire(robot)
        self.world.advance(0.05)
        node.stream(robot)
        self.world.advance(0.15)

    @rule(client=CLIENTS, robot=ROBOTS)
    def release_newest(self, client: str, robot: str) -> None:
        """Somebody at the hub's console releases with the generation that is in force."""
        latch = self.world.hub.desk.latches.get(robot)
        if latch is not None and latch.latched:
            self.live(client).release(robot, latch.generation)
            self.world.advance(0.03)

    @rule(client=CLIENTS, data=st.data())
    @precondition(lambda self: self.commands())
    def resend(self, client: str, data: st.DataObject) -> None:
        command = data.draw(st.sampled_from(self.commands()))
        node = self.world.clients[client]
        if node.up:
            node.lanes[Lane.CONTROL].send(command.frames)

    @rule(client=CLIENTS, data=st.data())
    @precondition(lambda self: self.commands())
    def cancel(self, client: str, data: st.DataObject) -> None:
        self.live(client).cancel(data.draw(st.sampled_from(self.commands())))

    @rule(client=CLIENTS, robot=ROBOTS, speed=st.sampled_from([-0.5, 0.25, 0.9]))
    def drive(self, client: str, robot: str, speed: float) -> None:
        self.live(client).drive(robot, speed)

    @rule(client=CLIENTS, robot=ROBOTS)
    def stream(self, client: str, robot: str) -> None:
        self.live(client).stream(robot)
        self.world.advance(0.15)

    @rule(client=CLIENTS)
    def app_dies(self, client: str) -> None:
        self.world.clients[client].app_dies()

    @rule(client=CLIENTS, robots=st.sampled_from([(), ("r1",), ("r2",)]), level=LEVELS)
    def stop(self, client: str, robots: tuple[str, ...], level: v1.StopLevel) -> None:
        self.live(client).stop(*robots, level=level)

    @rule(client=CLIENTS, robot=ROBOTS, behind=st.integers(0, 1))
    def release(self, client: str, robot: str, behind: int) -> None:
        node = self.live(client)
        node.release(robot, max(0, node.session.generation(robot) - behind))

    # Twins.

    @rule(client=CLIENTS, robot=ROBOTS, value=st.sampled_from([0.2, 0.9, 1.4, 2.0]), seen=st.integers(-1, 3))
    def write(self, client: str, robot: str, value: float, seen: int) -> None:
        self.live(client).write(robot, MAX_SPEED, value, None if seen < 0 else seen)

    @rule(client=CLIENTS, robot=ROBOTS, level=st.sampled_from(["", "SOFT_HOLD", "CUT"]))
    def write_stop(self, client: str, robot: str, level: str) -> None:
        self.live(client).write(robot, "stop", level)

    @rule(client=CLIENTS, robot=ROBOTS, method=METHODS, ttl_ms=st.sampled_from([30_000, 100]))
    def write_cmd(self, client: str, robot: str, method: str, ttl_ms: int) -> None:
        args = {"x": 1.0} if method == "wheels.go" else {}
        issued_ms = WALL_MS + self.world.now // MS
        text = twincmd.make(f"t{len(self.texts)}", method, args, issued_ms, ttl_ms)
        self.texts.append((robot, text))
        self.live(client).write(robot, "cmd", text)

    @rule(client=CLIENTS, data=st.data())
    @precondition(lambda self: self.texts)
    def write_cmd_again(self, client: str, data: st.DataObject) -> None:
        robot, text = data.draw(st.sampled_from(self.texts))
        self.live(client).write(robot, "cmd", text)

    @rule(client=CLIENTS, robot=ROBOTS)
    def cancel_cmd(self, client: str, robot: str) -> None:
        ids = [text.partition("/")[0] for name, text in self.texts if name == robot]
        issued_ms = WALL_MS + self.world.now // MS
        args = {"id": ids[-1] if ids else "none"}
        text = twincmd.make(f"c{len(self.texts)}", "cancel", args, issued_ms)
        self.texts.append((robot, text))
        self.live(client).write(robot, "cmd", text)

    # Robots.

    @rule(robot=ROBOTS, data=st.data(), state=ENDS)
    def finish(self, robot: str, data: st.DataObject, state: v1.CommandState) -> None:
        rover = self.world.rover(robot)
        if rover.running:
            rover.finish(data.draw(st.sampled_from(list(rover.running))), state)

    @rule(robot=ROBOTS, distance=st.floats(0, 9))
    def measure(self, robot: str, distance: float) -> None:
        rover = self.world.rover(robot)
        if rover.driver.up:
            rover.measure(distance)
            for command_id in rover.running:
                rover.feedback(command_id)

    @rule(robot=ROBOTS, mood=st.sampled_from(["eager", "slow", "deaf", "silent", "back"]))
    def mood(self, robot: str, mood: str) -> None:
        """How the robot behind the driver takes what it is told."""
        rover = self.world.rover(robot)
        rover.cancel_s = {"slow": 1.0, "deaf": None}.get(mood, 0.02)
        rover.setting_s = 0.5 if mood == "slow" else 0.01
        if rover.driver.up and mood in ("silent", "back"):
            rover.driver.answers(robot, mood == "back")

    # Faults.

    @rule(peer=PEERS, lanes=LANES, cable=CABLES, seconds=st.sampled_from([0.0, 0.2, 1.0, 2.0]))
    def cable(self, peer: str, lanes: tuple[Lane, ...], cable: str, seconds: float) -> None:
        node = self.node(peer)
        for pipe in [node.lanes[lane] for lane in lanes if node.up]:
            if cable == "cut":
                pipe.cut()
            elif cable == "stall":
                pipe.stall()
            elif cable == "heal":
                pipe.heal()
            elif cable == "double":
                pipe.to_hub.doubles = pipe.to_peer.doubles = 2
            else:
                slow_ms = {"slow up": (250, 1), "slow down": (1, 250), "slow": (30, 30), "quick": (1, 1)}[
                    cable
                ]
                pipe.to_hub.delay_ns, pipe.to_peer.delay_ns = slow_ms[0] * MS, slow_ms[1] * MS
        self.world.advance(seconds)
        if cable == "stall" and seconds:
            for pipe in node.lanes.values():
                pipe.heal()
            self.world.advance(0.3)

    @rule(who=st.sampled_from(["anna", "ben", "rovers", "carts", "hub"]), seconds=DOWN, after=AFTER)
    def crash(self, who: str, seconds: float, after: float) -> None:
        if who == "hub":
            self.crash_hub(seconds, after, booted=False)
            return
        node = self.node(who)
        node.crash()
        self.world.advance(seconds)
        node.start()
        self.world.advance(after)

    @rule(seconds=DOWN, after=AFTER, booted=st.booleans())
    def crash_hub(self, seconds: float, after: float, booted: bool) -> None:
        self.world.hub.crash()
        self.world.advance(seconds)
        self.world.hub.restart(7_000 * MS if booted else None)
        self.world.advance(after)

    @rule(sync_ms=st.sampled_from([1, 40]), link_ms=st.sampled_from([0, 20]))
    def slow_disk(self, sync_ms: int, link_ms: int) -> None:
        self.world.hub.sync_ns, self.world.hub.link_ns = sync_ms * MS, link_ms * MS

    @rule(robot=ROBOTS, client=CLIENTS, seconds=st.sampled_from([0.0, 1.0]))
    def full_disk(self, robot: str, client: str, seconds: float) -> None:
        self.world.advance(0.01)
        self.world.hub.journal.full = True
        self.order(robot, client, goal=True, preempt=False, free=False)
        self.world.advance(seconds)
        self.world.hub.journal.full = False

    @rule(seconds=st.sampled_from([0.0, 0.002, 0.02, 0.1, 0.35, 1.2, 3.3, 11.0]))
    def wait(self, seconds: float) -> None:
        self.world.advance(seconds)

    def teardown(self) -> None:
        """Whatever happened: all agree in the end."""
        try:
            self.world.heal()
            self.world.check_healed()
        finally:
            self.world.close()
            logging.disable(logging.NOTSET)


WorldMachine.TestCase.settings = settings(
    max_examples=60 * DEPTH,
    stateful_step_count=40,
    deadline=None,
    derandomize=DEPTH == 1,  # A gate finds the same twice; whoever digs wants to find something else.
    suppress_health_check=[HealthCheck.too_slow],
)
TestWorld = WorldMachine.TestCase
