"""The control lane's door, fuzzed without sockets: any message from any peer gives one answer or is counted, and no harm.

Each field of each message is put out of shape, one at a time; then messages that are wrong in many ways. The regressions
of what that found stand as examples. ROBOLINK_FUZZ=N looks N examples deep instead of what a test run can afford.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import example, given
from hypothesis import strategies as st

from robolink import v1
from robolink.core.envelope import BODY_OF_TYPE, MAX_BODY_BYTES
from robolink.core.values import named, to_value
from tests.hub.messages import BROKEN, encoded, extremes, filled, mutated, paths
from tests.hub.peers import SHEET
from tests.hub.scene import LIVE_R1, LIVE_R2, START_NS, Scene, deliver
from tests.hub.walk import FUZZ, Walk, odd

# Each as it should be; a message that is not here is filled by its descriptor.
ROBOT = v1.RobotHello(robot="r1", sheet=SHEET, stop=v1.StopState(level=1), lease_epoch=1)
VALID: dict[type[Message], Message] = {
    v1.Hello: v1.Hello(
        kind=v1.PEER_KIND_DRIVER, major=1, name="driver", robots=[ROBOT], live_command_ids=[LIVE_R1]
    ),
    v1.Describe: v1.Describe(robot="r1"),
    v1.Command: v1.Command(method="base.go", args=named({"x": 1.0}), max_duration_ms=1000),
    v1.CommandUpdate: v1.CommandUpdate(command_id=LIVE_R1, robot="r1", state=v1.COMMAND_STATE_RUNNING),
    v1.CommandCancel: v1.CommandCancel(command_id=LIVE_R1),
    v1.CommandQuery: v1.CommandQuery(command_id=LIVE_R1),
    v1.Setpoint: v1.Setpoint(name="velocity", values=[0.5]),
    v1.LeaseRequest: v1.LeaseRequest(action=v1.LEASE_ACTION_ACQUIRE, robot="r1"),
    v1.TwinGet: v1.TwinGet(robot="r1", names=["base.max_speed"]),
    v1.TwinWrite: v1.TwinWrite(robot="r1", name="stop", value=to_value("CUT"), if_version=0),
    v1.PropertyReport: v1.PropertyReport(
        robot="r1",
        properties=[
            v1.PropertyState(
                name="base.distance",
                observed=v1.Observed(version=1, verdict=v1.VERDICT_APPLIED),
                reported=v1.Reported(
                    value=to_value(0.5), version=1, time_ns=START_NS, quality=v1.QUALITY_GOOD
                ),
            )
        ],
    ),
    v1.Watch: v1.Watch(robots=["r1"], twins=True),
}
DRIVERS = (v1.Hello, v1.CommandUpdate, v1.CommandFeedback, v1.PropertyReport, v1.Beat)
HEADER: dict[type[Message], dict[str, Any]] = {
    v1.Command: {"destination": "r1", "ttl_ms": 1000},
    v1.Setpoint: {"destination": "r1/base", "ttl_ms": 300},
    v1.CommandFeedback: {"destination": "r1", "correlation_id": LIVE_R1},
    v1.CommandUpdate: {"destination": "r1", "correlation_id": LIVE_R1},
}


def valid(kind: type[Message]) -> Message:
    return VALID.get(kind) or kind.FromString(filled(kind.DESCRIPTOR))


def header_of(scene: Scene, name: str, kind: type[Message]) -> v1.Header:
    options = HEADER.get(kind, {"destination": "r1"})
    lease = scene.lease if name == "client" else None
    return v1.Header.FromString(scene.frames(name, kind(), lease=lease, **options)[0])


def test_the_valid_messages_are_taken(tmp_path: Path) -> None:
    for kind, body in VALID.items():
        folder = tmp_path / kind.DESCRIPTOR.name
        folder.mkdir()
        scene = Scene(folder)
        name = "driver" if kind in DRIVERS else "boss" if kind is v1.LeaseRequest else "client"
        sent = deliver(
            scene,
            "control",
            name,
            [header_of(scene, name, kind).SerializeToString(), body.SerializeToString()],
        )
        if kind not in (v1.CommandUpdate, v1.CommandCancel, v1.CommandQuery, v1.LeaseRequest):
            assert not [each for each in scene.bodies(name, sent) if isinstance(each, v1.Error)], kind
        scene.probe()
        scene.close()


@pytest.mark.parametrize("kind", BODY_OF_TYPE.values(), ids=lambda kind: kind.DESCRIPTOR.name)
def test_each_field_of_each_message(kind: type[Message], tmp_path: Path) -> None:
    right = "driver" if kind in DRIVERS else "client"

    def cases(name: str) -> Iterator[tuple[str, bytes]]:
        body = valid(kind)
        yield "as it should be", body.SerializeToString()
        for path in paths(kind.DESCRIPTOR):
            # The whole depth from who may send it; the others are refused before it is read.
            if name != right and len(path) > 1:
                continue
            for what, wire in odd(path):
                yield what, mutated(body, path, wire)
        yield from BROKEN.items()

    every = Walk(tmp_path, "control")
    for name in ("driver", "client", "boss", "stranger"):
        for what, body in cases(name):
            every.step(
                name,
                f"{name}: {what}",
                lambda scene, n=name, b=body: [header_of(scene, n, kind).SerializeToString(), b],
            )
    every.end()


ALONE = (
    v1.Command,
    v1.CommandUpdate,
    v1.CommandFeedback,
    v1.Setpoint,
    v1.LeaseRequest,
    v1.TwinGet,
    v1.Hello,
    v1.Error,
)


@pytest.mark.parametrize("kind", ALONE, ids=lambda kind: kind.DESCRIPTOR.name)
def test_each_field_of_the_header(kind: type[Message], tmp_path: Path) -> None:
    every = Walk(tmp_path, "control")
    body = valid(kind).SerializeToString()
    for name in ("driver", "client", "stranger"):
        for path in paths(v1.Header.DESCRIPTOR):
            for what, wire in odd(path):

                def frames(scene: Scene, n: str = name, p: Any = path, w: bytes = wire) -> list[bytes]:
                    return [mutated(header_of(scene, n, kind), p, w), body]

                every.step(name, f"{name}: {what}", frames)
    every.end()


NAMES = st.sampled_from(("client", "client", "driver", "boss", "stranger"))
BODIES = st.sampled_from(list(BODY_OF_TYPE.values())).flatmap(
    lambda kind: st.tuples(st.just(kind), encoded(kind.DESCRIPTOR))
)
# Of the header, mostly one field is odd.
ODD = st.sampled_from(list(paths(v1.Header.DESCRIPTOR))).flatmap(
    lambda path: st.tuples(st.just(path), st.sampled_from(list(extremes(path[-1]).values())))
)
LETTERS = st.lists(st.tuples(NAMES, BODIES, st.none() | st.none() | ODD), min_size=1, max_size=12)


@FUZZ
@given(letters=LETTERS)
def test_any_messages_in_a_row(tmp_path: Path, letters: list[Any]) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    scene = Scene(folder)
    try:
        for name, (kind, body), odd in letters:
            header = header_of(scene, name, kind)
            first = mutated(header, *odd) if odd is not None else header.SerializeToString()
            deliver(scene, "control", name, [first, body])
        scene.tick(60_000_000)
        scene.probe()
        scene.restart()
        # Everybody falls silent: leases end, robots go offline, their commands are lost.
        for _ in range(4):
            scene.tick(4_000_000_000)
        assert not scene.motions()
    finally:
        scene.close()
        shutil.rmtree(folder)


@FUZZ
@given(frames=st.lists(st.binary(max_size=600), max_size=4), name=NAMES)
@example(frames=[], name="client")
@example(frames=[b""], name="client")
@example(frames=[b"", b""], name="stranger")
@example(frames=[b"x" * 600, b""], name="driver")
def test_any_frames(tmp_path: Path, frames: list[bytes], name: str) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    scene = Scene(folder)
    deliver(scene, "control", name, frames)
    deliver(scene, "safety", name, frames)
    scene.close()
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", [v1.Setpoint, v1.CommandFeedback], ids=lambda kind: kind.DESCRIPTOR.name)
def test_unread_bodies_are_bounded(kind: type[Message], tmp_path: Path) -> None:
    """What the hub passes on unread is no longer than what it reads, or a slow reader's queue holds gigabytes."""
    scene = Scene(tmp_path)
    name, to, header = "client", "driver", {"destination": "r1/base", "lease": scene.lease, "ttl_ms": 300}
    if kind is v1.CommandFeedback:
        name, to, header = "other", "victim", {"destination": "r2", "correlation_id": LIVE_R2}
    first = scene.frames(name, kind(), **header)[0]
    long = b"x" * (MAX_BODY_BYTES + 1)
    assert not [each for each in deliver(scene, "control", name, [first, long]) if each[0] == to]
    passed = deliver(scene, "control", name, [first, b"\x0a\x01v", *[long] * 3])
    assert [len(frames) for identity, frames in passed if identity == to] == [2]
    scene.close()
