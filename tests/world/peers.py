"""Drivers and clients of the world: the real sessions, each on a clock of its own, and the programs behind them.

The driver's program is a scripted rover, the client's an app with a loop; both only use what a session offers.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from robolink import v1
from robolink.client._leases import PLAIN, Wish
from robolink.client._requests import OpenCommand
from robolink.client._session import ClientSession
from robolink.core.envelope import new_message_id, new_session_id
from robolink.core.values import named, to_value
from robolink.robot._actions import Action
from robolink.robot._session import DriverSession
from robolink.transports.lanes import Lane
from tests.world.network import MS, Frames
from tests.world.rover import Rover

ROLES = (v1.ROLE_MAINTAIN, v1.ROLE_SAFETY)
STREAM_NS = 100 * MS


class Node:
    """One process with a session; its monotonic clock is `offset_ns` away from the world's."""

    def __init__(self, world: Any, name: str, offset_ns: int) -> None:
        self.world = world
        self.name = name
        self.offset_ns = offset_ns
        self.up = False
        self.session: Any = None
        self.lanes: dict[Lane, Any] = {}
        self._due: int | None = None
        self._asked = False

    @property
    def now(self) -> float:
        """This machine's monotonic s."""
        return float((self.world.now + self.offset_ns) / 1e9)

    def start(self) -> None:
        """A new process."""
        assert not self.up
        self.session = self.make_session()
        self.lanes = self.world.network.plug(self)
        self.up = True
        self.session.start(self.now)
        self.flush()

    def make_session(self) -> Any:
        raise NotImplementedError

    def crash(self) -> None:
        """Kill -9."""
        if self.up:
            self.up = self._asked = False
            self.world.network.unplug(self)

    def freeze(self) -> None:
        """The process hangs; its connections stay."""
        self.up = self._asked = False

    def close(self) -> None:
        """A decent end: goodbye, then gone."""
        self.session.closing(self.now)
        self.flush()
        self.world.advance(0.02)
        self.crash()

    def due(self) -> int | None:
        """When its timer is; asked anew only after the session was touched, which ends in `flush`."""
        if not self._asked:
            timer = self.session.next_timer() if self.up else None
            idle = timer is None or timer == math.inf
            self._due = None if idle else math.ceil(timer * 1e9) - self.offset_ns
            self._asked = True
        return self._due

    def act(self) -> None:
        # Never a rounding before the time that was asked for: it would not be the time yet.
        self.session.handle_timer(max(self.now, self.session.next_timer()))
        self.flush()

    def receive(self, lane: Lane, frames: Frames) -> None:
        if self.up:
            self.session.receive(lane, frames, self.now)
            self.flush()

    def flush(self) -> None:
        """As Endpoint does."""
        self._asked = False
        if not self.up:
            return
        for lane, frames in self.session.take_outbox():
            if lane not in self.lanes or not self.lanes[lane].send(frames):
                self.session.unsent(lane, frames)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Do that in this process then, if it still lives."""
        session = self.session

        def alive() -> None:
            if self.up and self.session is session:
                call()
                self.flush()

        self.world.later(seconds, alive)


class Driver(Node):
    """A driver's process with its rovers."""

    def __init__(self, world: Any, name: str, robots: Iterable[str], offset_ns: int) -> None:
        super().__init__(world, name, offset_ns)
        self.names = tuple(robots)
        self.rovers: dict[str, Rover] = {}
        self.refused: Exception | None = None
        self._actions: deque[Action] = deque()

    def make_session(self) -> DriverSession:
        self.rovers = {name: Rover(self, name) for name in self.names}
        self.session_id = new_session_id()
        session = DriverSession(name=self.name, session_id=self.session_id, emit=self._actions.append)
        for rover in self.rovers.values():
            session.add_robot(rover.name, rover.sheet, self.now)
        self.world.judge.driver_boots(self)
        return session

    def answers(self, robot: str, ok: bool) -> None:
        """Whether the robot behind this driver answers it."""
        self.session.set_quality(robot, ok, self.now)
        self.flush()

    def all_answer(self) -> None:
        """Every robot does."""
        for robot in self.names:
            self.answers(robot, True)

    def crash(self) -> None:
        super().crash()
        self._actions.clear()
        for rover in self.rovers.values():
            rover.power_off()

    def flush(self) -> None:
        while self._actions:
            action = self._actions.popleft()
            robot = getattr(action, "robot", None)
            if robot in self.rovers:
                self.rovers[robot].handle(action)
            elif robot is None and hasattr(action, "error"):
                self.refused = action.error
        super().flush()


class Client(Node):
    """A client's process and its app.

    Attributes:
        commands: Every command that this process has sent.
        streaming: What the app's loop sends each 0.1 s: robot -> speed.
    """

    def __init__(
        self, world: Any, name: str, offset_ns: int, roles: Iterable[v1.Role], lanes: Iterable[Lane]
    ) -> None:
        super().__init__(world, name, offset_ns)
        self.roles, self.lane_set = tuple(roles), tuple(lanes)
        self.commands: list[OpenCommand] = []
        self.streaming: dict[str, float] = {}
        self.events: list[v1.Event] = []

    def make_session(self) -> ClientSession:
        self.commands, self.streaming, self.events = [], {}, []
        session = ClientSession(name=self.name, roles=self.roles, lanes=self.lane_set)
        session.on_event = self.events.append
        return session

    def start(self) -> None:
        super().start()
        for lane in [each for each in self.lanes if each not in self.lane_set]:
            self.lanes[lane].stall()

    def _do(self, call: Callable[[float], Any]) -> Any:
        assert self.up, f"{self.name} is not there"
        result = call(self.now)
        self.flush()
        return result

    def request(
        self, body: Any, robot: str = "", *, lane: Lane = Lane.CONTROL, timeout_s: float = 5
    ) -> Future[Any]:
        return self._do(
            lambda now: self.session.request(body, now=now, timeout_s=timeout_s, robot=robot, lane=lane)
        )

    # Authority.

    def acquire(self, robot: str, component: str = "", wish: Wish = PLAIN) -> Future[Any]:
        leases = self.session.leases
        return self._do(lambda now: leases.acquire(robot, component, now=now, timeout_s=5, wish=wish))

    def decline(self, robot: str, component: str = "") -> Future[Any]:
        leases = self.session.leases
        return self._do(lambda now: leases.decline(robot, component, now=now, timeout_s=5))

    def give_back(self, robot: str, component: str = "") -> Future[Any]:
        leases = self.session.leases
        return self._do(lambda now: leases.release(robot, component, now=now, timeout_s=5))

    def stop(self, *robots: str, level: v1.StopLevel = v1.STOP_LEVEL_SOFT_HOLD) -> Future[Any]:
        """None named: all."""
        return self.request(v1.Stop(robots=robots, level=level, reason="test"), lane=Lane.SAFETY)

    def release(self, robot: str, generation: int | None = None) -> Future[Any]:
        newest = self.session.generation(robot) if generation is None else generation
        body = v1.Release(targets=[v1.ReleaseTarget(robot=robot, generation=newest)])
        return self.request(body, lane=Lane.SAFETY)

    # Orders.

    def command(
        self, robot: str, method: str, *, ttl_ms: int = 5_000, command_id: bytes = b"", **options: Any
    ) -> OpenCommand:
        args = {"x": 1.0} if method == "wheels.go" else {}
        command = OpenCommand(
            id=command_id or new_message_id(), robot=robot, method=method, frames=[], accepted=Future()
        )
        self.commands.append(command)
        body = v1.Command(method=method, args=named(args), **options)
        self._do(lambda now: self.session.submit(command, body, ttl_ms=ttl_ms, now=now))
        return command

    def cancel(self, command: OpenCommand) -> Future[Any]:
        return self.request(v1.CommandCancel(command_id=command.id), command.robot)

    def query(self, robot: str, command_id: bytes) -> Future[Any]:
        return self.request(v1.CommandQuery(command_id=command_id), robot)

    def drive(self, robot: str, speed: float = 0.5, *, ttl_ms: int = 300) -> None:
        """One setpoint; its value names it, so that the judge knows it again at the robot."""
        value = self.world.judge.new_setpoint(self, robot, speed, ttl_ms)
        body = v1.Setpoint(name="velocity", values=[value, 0.0])
        self._do(lambda now: self.session.setpoint(robot, "wheels", body, ttl_ms=ttl_ms, now=now))

    def stream(self, robot: str, speed: float = 0.5) -> None:
        """The app's own loop drives on, until `app_dies`."""
        self.streaming[robot] = speed
        if len(self.streaming) == 1:
            self._loop()

    def _loop(self) -> None:
        for robot, speed in self.streaming.items():
            self.drive(robot, speed)
        if self.streaming:
            self.later(STREAM_NS / 1e9, self._loop)

    def app_dies(self) -> None:
        """The app's own code hangs; the SDK's thread lives on, and renews the lease."""
        self.streaming = {}

    # Twin.

    def write(self, robot: str, name: str, value: Any, if_version: int | None = None) -> Future[Any]:
        body = v1.TwinWrite(robot=robot, name=name, value=to_value(value), if_version=if_version)
        return self.request(body, robot)

    def twin(self, robot: str) -> Future[Any]:
        return self.request(v1.TwinGet(robot=robot), robot)
