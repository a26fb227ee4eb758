"""One fleet's threads: three that watch, some that patch, one that keeps the time. Both faces wait on what it returns.

It decides nothing: the rules are in `_engine.py` and what it holds.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from robolink import v1
from robolink.channels import Channel, settle
from robolink.cloud._config import KubeConfig
from robolink.cloud._engine import Engine, Patch
from robolink.cloud._errors import ApiStatusError, api_error
from robolink.cloud._http import EventStream, KubeApi
from robolink.cloud._operation import Now, Operation
from robolink.cloud._operations import CommandOperation, SetOperation, release_args
from robolink.cloud._stops import StopOperation
from robolink.cloud._view import DEVICES, MODELS, STATUSES, STOP, FleetView, changed
from robolink.cloud._watch import Ask, Change, Watcher, resource_path
from robolink.core.values import Plain
from robolink.errors import ConnectionLostError, DeadlineExceededError, RemoteProtocolError, RobolinkError

log = logging.getLogger(__name__)

Op = TypeVar("Op", bound=Operation)
TTL_S: Final = 30.0
PATCHERS: Final = 4
STOPPERS: Final = 4
EVENTS_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a command is sent.

    Attributes:
        ttl_s: Must begin within this time of being written, by the wall clocks here and at the hub, s, on whichever way.
        twin_id: 1 to 40 of a-z A-Z 0-9 - _ . ; the same id never runs twice. "" makes one.
    """

    ttl_s: float = TTL_S
    twin_id: str = ""


class FleetCore:
    """One namespace; see `Fleet` and `AsyncFleet` for what each call means.

    Args:
        config: The API server.
        namespace: Of the Devices.
        selector: Label selector of the Devices.
        clock: Monotonic s.
        wall_s: Wall clock, s since 1970.

    Attributes:
        view: The objects.
        counters: What happened on the wire.
    """

    def __init__(
        self,
        config: KubeConfig,
        namespace: str,
        *,
        selector: str = "",
        clock: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """Starts its threads."""
        self.namespace = namespace
        self.view = FleetView()
        self._api = KubeApi(config)
        self._engine = Engine(self.view)
        self._clock, self._wall_s = clock, wall_s
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._closing = False
        self._own: Counter[str] = Counter()
        self._channels: list[tuple[Channel[v1.Event], frozenset[str]]] = []
        self._shown: dict[str, tuple[dict[str, v1.PropertyState], v1.RobotInfo]] = {}
        self._streams: dict[str, EventStream] = {}
        self._patchers = ThreadPoolExecutor(PATCHERS, "fleet patch")
        self._stoppers = ThreadPoolExecutor(STOPPERS, "fleet stop")
        self._watchers = {
            DEVICES: Watcher(namespace, DEVICES, selector=selector, jitter=random.random),
            # Releases before 2026 keep what is reported in the Device.
            STATUSES: Watcher(namespace, STATUSES, jitter=random.random, optional=True),
            MODELS: Watcher(namespace, MODELS, jitter=random.random),
        }
        self._threads = [threading.Thread(target=self._keep_time, name="fleet time", daemon=True)]
        for each in self._watchers.values():
            name = f"fleet {each.resource}"
            self._threads.append(threading.Thread(target=self._watch, args=(each,), name=name, daemon=True))
        for thread in self._threads:
            thread.start()

    def now(self) -> Now:
        """Both clocks."""
        return Now(self._clock(), int(self._wall_s() * 1000))

    @property
    def counters(self) -> dict[str, int]:
        """What was counted, by watches, patches and reading."""
        with self._lock:
            total = Counter(self._own)
            total.update(self._engine.counters)
            total.update(self.view.counters)
            for name, watcher in self._watchers.items():
                total.update({f"{name}_{key}": value for key, value in watcher.counters.items()})
        return dict(total)

    @property
    def faults(self) -> dict[str, RobolinkError]:
        """Why nothing is heard at present, by resource; empty while all is well."""
        with self._lock:
            found = {name: each.error for name, each in self._watchers.items()}
            return {
                name: _told(error, "watch", name)
                for name, error in found.items()
                if error is not None and not (self._watchers[name].optional and _absent(error))
            }

    # Watching.

    def _watch(self, watcher: Watcher) -> None:
        while True:
            with self._changed:
                ask = watcher.next(self._clock())
                while not isinstance(ask, Ask) and not self._closing:
                    self._changed.wait(max(0.0, ask - self._clock()))
                    ask = watcher.next(self._clock())
                if self._closing or not isinstance(ask, Ask):
                    return
            try:
                if ask.verb == "list":
                    self._take(watcher, watcher.page, self._api.get(ask.path))
                else:
                    self._follow(watcher, ask.path)
            except RobolinkError as exc:
                self._unheard(watcher, exc)
            except Exception as exc:
                # An object that nobody foresaw: the watch goes on behind it.
                log.exception("%s: a watch failed in an unforeseen way", watcher.resource)
                self._unheard(watcher, RemoteProtocolError(f"{watcher.resource}: {exc!r}"))

    def _unheard(self, watcher: Watcher, error: RobolinkError) -> None:
        with self._changed:
            if not self._closing:
                log.log(self._loudness(watcher, error), "%s: %s", watcher.resource, error)
                watcher.failed(error, self._clock())
                self._changed.notify_all()

    @staticmethod
    def _loudness(watcher: Watcher, error: RobolinkError) -> int:
        expected = watcher.error is not None or (watcher.optional and _absent(error))
        return logging.DEBUG if expected or getattr(error, "status", 0) == 410 else logging.WARNING

    def _follow(self, watcher: Watcher, path: str) -> None:
        stream = self._api.stream(path)
        with self._lock:
            self._streams[watcher.resource] = stream
            if self._closing:
                stream.close()
        for event in stream:
            self._take(watcher, watcher.event, event)
        with self._lock:
            watcher.ended(self._clock())

    def _take(self, watcher: Watcher, read: Callable[[Any], Change | None], document: Any) -> None:
        with self._changed:
            change = read(document)
            if change is not None:
                self._news(watcher.resource, change)
            self._changed.notify_all()

    def _news(self, resource: str, change: Change) -> None:
        for robot in self._engine.news(resource, change):
            self._show(robot)

    def _show(self, robot: str) -> None:
        """Tell the watchers among the app's threads."""
        if not self._channels:
            self._shown.pop(robot, None)
            return
        before, before_info = self._shown.get(robot, ({}, v1.RobotInfo()))
        twin, info = self.view.twin(robot), self.view.info(robot)
        self._shown[robot] = (twin, info)
        events = []
        if info != before_info:
            events.append(v1.Event(robot=info))
        if delta := changed(before, twin.values()):
            events.append(v1.Event(twin_delta=v1.Twin(robot=robot, properties=delta)))
        for channel, robots in self._channels:
            for event in events if not robots or robot in robots else ():
                channel.put(event)

    # Patching.

    def _keep_time(self) -> None:
        while True:
            with self._changed:
                while not self._closing:
                    at = self._engine.next_timer()
                    left = None if at is None else at - self._clock()
                    if left is not None and left <= 0:
                        break
                    self._changed.wait(left)
                if self._closing:
                    return
                patches = self._engine.step(self.now())
            for patch in patches:
                (self._stoppers if patch.urgent else self._patchers).submit(self._send, patch)

    def _send(self, patch: Patch) -> None:
        path = resource_path(self.namespace, DEVICES, patch.operation.robot)
        answer = self._ask(lambda: self._api.patch(path, patch.writes))
        with self._changed:
            again = not self._closing and self._engine.answered(patch, answer, self.now())
            self._show(patch.operation.robot)
            self._changed.notify_all()
        if again:
            answer = self._ask(lambda: self._api.get(path))
            with self._changed:
                self._engine.fetched(patch, answer)
                self._changed.notify_all()

    def _ask(self, request: Callable[[], Any]) -> Any:
        try:
            return request()
        except RobolinkError as exc:
            return exc
        except Exception as exc:
            # Whoever waits for this patch must hear of it, whatever it is.
            log.exception("a patch failed in an unforeseen way")
            self._own["unforeseen"] += 1
            return RobolinkError(f"a patch failed in an unforeseen way: {exc!r}")

    # For the faces.

    def ready(self, timeout_s: float) -> None:
        """Wait until the Devices have been read once; blocking.

        Raises:
            RobolinkError: Why they cannot be: RejectedError (DENIED), ConfigError, ConnectionLostError, DeadlineExceededError.
        """
        until = self._clock() + timeout_s
        with self._changed:
            while not all(each.listed for each in self._watchers.values()):
                faults = {name: error for name, error in self.faults.items() if not error.retryable}
                left_s = until - self._clock()
                if self._closing:
                    raise ConnectionLostError("this fleet is closed")
                if faults or left_s <= 0:
                    raise next(iter((faults or self.faults).values()), None) or DeadlineExceededError(
                        f"the Devices of {self.namespace} were not read within {timeout_s:g} s"
                    )
                self._changed.wait(left_s)

    def set(self, robot: str, name: str, value: Plain, if_version: int | None) -> SetOperation:
        """Write a setting."""
        return self._add(SetOperation(robot, name, value, if_version, self.now()))

    def command(
        self,
        robot: str,
        method: str,
        options: Options | None,
        args: dict[str, Plain],
        on_state: Callable[[v1.CommandUpdate], None] | None = None,
        also: dict[str, str] | None = None,
    ) -> CommandOperation:
        """Write a command."""
        options = options or Options()
        twin_id = options.twin_id or f"c-{secrets.token_hex(8)}"
        made = CommandOperation(
            robot, twin_id, method, args, options.ttl_s, self.now(), on_state=on_state, also=also
        )
        return self._add(made)

    def stop(self, robot: str, level: v1.StopLevel) -> StopOperation:
        """Write a stop."""
        return self._add(StopOperation(robot, level, self.now()))

    def release(self, robot: str, options: Options | None = None) -> CommandOperation:
        """Write a release of the stop that is known here; the wish for a stop goes with it."""
        with self._lock:
            args = release_args(self.view, robot)
        return self.command(robot, "release", options, args, also={STOP: ""})

    def _add(self, operation: Op) -> Op:
        with self._changed:
            if self._closing:
                raise ConnectionLostError("this fleet is closed")
            self._engine.add(operation)
            self._changed.notify_all()
        return operation

    def read(self, look: Callable[[FleetView], Any]) -> Any:
        """Look at the objects while nothing changes."""
        with self._lock:
            return look(self.view)

    def watch(self, robots: Iterable[str]) -> Channel[v1.Event]:
        """Events of these or all robots; what they are now first."""
        channel: Channel[v1.Event] = Channel(EVENTS_KEPT)
        wanted = frozenset(robots)
        with self._lock:
            self._channels = [each for each in self._channels if not each[0].closed]
            for robot in self.view.robots:
                if not wanted or robot in wanted:
                    channel.put(v1.Event(robot=self.view.info(robot)))
                    twin = self.view.twin(robot)
                    channel.put(v1.Event(twin_delta=v1.Twin(robot=robot, properties=twin.values())))
                    self._shown[robot] = (twin, self.view.info(robot))
            self._channels.append((channel, wanted))
        return channel

    def close(self) -> None:
        """End the watches; what is written stays written."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._engine.close(ConnectionLostError("this fleet was closed; what it wrote stays written"))
            for stream in self._streams.values():
                stream.close()
            for channel, _ in self._channels:
                channel.close()
            self._changed.notify_all()
        self._stoppers.shutdown(wait=True)
        self._patchers.shutdown(wait=True)
        for thread in self._threads:
            thread.join(5.0)
        self._api.close()


def chain(future: Future[Any], check: Callable[[Any], RobolinkError | None]) -> Future[Any]:
    """The same value, unless `check` makes an error of it."""
    out: Future[Any] = Future()

    def done(first: Future[Any]) -> None:
        error = first.exception()
        if error is not None:
            settle(out, error=error if isinstance(error, Exception) else ConnectionLostError(str(error)))
        else:
            settle(out, first.result(), check(first.result()))

    future.add_done_callback(done)
    return out


def _absent(error: RobolinkError) -> bool:
    return isinstance(error, ApiStatusError) and error.status == 404


def _told(error: RobolinkError, verb: str, resource: str) -> RobolinkError:
    return api_error(error, verb, resource) if isinstance(error, ApiStatusError) else error
