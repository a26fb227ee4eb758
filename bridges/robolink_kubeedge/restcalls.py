"""What the REST's requests mean: read a twin, list methods, write a setting, run a method under a lease of its own.

Knows no HTTP. A command that is not waited for goes on; its lease is held until it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.json_format import MessageToDict

from robolink import v1
from robolink.client import AsyncGoalHandle, AsyncHub, AsyncRobotHandle
from robolink.core import twincmd
from robolink.core.twintext import decode, encode_text
from robolink.core.values import Plain, to_value, values_to_dict
from robolink.errors import ConnectionLostError, DeadlineExceededError, RejectedError, RobolinkError
from robolink_kubeedge.devices import DeviceTable
from robolink_kubeedge.hublink import HubLink
from robolink_kubeedge.manifests import SET_METHOD, kubeedge_type
from robolink_kubeedge.records import Device, Robot
from robolink_kubeedge.reports import DeviceKey
from robolink_kubeedge.texts import OWN_WRITABLE

# Methods that run while nobody waits for them.
MAX_RUNNING: Final = 256
CALL_WAIT_S: Final = 30.0


class NotHereError(RobolinkError):
    """There is no such device, property, method or command."""


class RestCalls:
    """The requests.

    Args:
        table: The devices.
        counters: Of the mapper.
        link: The hub.
    """

    def __init__(self, table: DeviceTable, counters: Counter[str], link: HubLink) -> None:
        """Nothing runs."""
        self._table, self._counters, self._link = table, counters, link
        self._running: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End what nobody waits for: its leases are given back."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def read(self, key: DeviceKey, name: str) -> dict[str, Any]:
        """The present value of a property; with no name only whether the device is there."""
        entry, robot = self._entry(key)
        if name and name not in entry.names:
            raise NotHereError(f"device {key[0]}/{key[1]} has no property {name!r}")
        text = next((each for each in self._table.queue.texts(key) if each.name == name), None)
        kind = robot.readings.get(name) or (robot.settings or {}).get(name) or v1.VALUE_TYPE_STRING
        return {
            "deviceName": key[1],
            "namespace": key[0],
            "propertyName": name,
            "value": text.reported if text is not None else "",
            "observedDesired": text.observed_desired if text is not None else "",
            "type": kubeedge_type(kind),
            "timeStamp": time.time_ns() // 10**6,
        }

    def methods(self, key: DeviceKey) -> list[dict[str, Any]]:
        """As the Device lists them."""
        entry, _ = self._entry(key)
        path = f"/api/v1/devicemethod/{key[0]}/{key[1]}"
        return [
            {
                "name": each.name,
                "description": each.description,
                "path": f"{path}/{each.name}",
                "propertyNames": list(each.property_names),
            }
            for each in entry.document.spec.methods
        ]

    def model(self, key: DeviceKey) -> dict[str, Any]:
        """The DeviceModel, as edgecore told it."""
        self._entry(key)
        model = self._table.model_of(key)
        if model is None:
            raise NotHereError(f"edgecore told of no model of device {key[0]}/{key[1]}")
        return {"ID": f"{model.namespace}/{model.name}"} | MessageToDict(model)

    def events(self) -> list[dict[str, Any]]:
        """Faults as they came and went, newest last."""
        return [
            {"device": f"{key[0]}/{key[1]}", "fault": fault.text, "came": came, "words": fault.words}
            for key, fault, came in self._table.events
        ]

    def counts(self) -> dict[str, int]:
        """Everything that was counted."""
        return dict(self._counters + self._table.counters)

    async def command(self, key: DeviceKey, command_id: str) -> dict[str, Any]:
        """State of a command by its id in hexadecimal digits."""
        _, _, robot = await self._robot(key)
        try:
            found = await robot.query(bytes.fromhex(command_id))
        except ValueError as exc:
            raise ValueError(f"{command_id[:40]!r} is no id") from exc
        if found.state == v1.COMMAND_STATE_UNSPECIFIED:
            raise NotHereError(f"the hub knows no command {command_id}")
        return _shown(found)

    async def invoke(
        self, key: DeviceKey, method: str, body: Mapping[str, Any], wait_s: float
    ) -> tuple[bool, dict[str, Any]]:
        """Run a method of the Device; whether it has ended, and what there is to tell."""
        if method == SET_METHOD:
            return True, await self._set(key, body.get("property"), body.get("value"))
        args = body.get("args", {})
        if not isinstance(args, dict):
            raise ValueError("args must be an object: NAME: VALUE")
        found, robot = await self._method(key, method)
        types = {each.name: each.type for each in found.args}
        plain = {str(name): _plain(str(name), value, types.get(name)) for name, value in args.items()}
        return await self._run(robot, method, found, plain, wait_s)

    async def write(self, key: DeviceKey, method: str, name: str, data: str) -> tuple[bool, dict[str, Any]]:
        """mapper-framework's write by GET: a setting by method `set`, or the arguments of another one by `cmd`."""
        if method == SET_METHOD:
            return True, await self._set(key, name, data)
        if name != "cmd":
            raise ValueError(f"{method} is run by its arguments: …/{method}/cmd/NAME:VALUE,NAME:VALUE")
        command = twincmd.decode(f"x/{method}/{data.strip('/')}/0")
        found, robot = await self._method(key, method)
        args = values_to_dict(twincmd.bind(command, found))
        return await self._run(robot, method, found, args, 0.0)

    # Below.

    def _entry(self, key: DeviceKey) -> tuple[Device, Robot]:
        found = self._table.entry(key)
        if found is None:
            raise NotHereError(f"there is no device {key[0]}/{key[1]} here")
        return found

    async def _robot(self, key: DeviceKey) -> tuple[Device, Robot, AsyncRobotHandle]:
        entry, robot = self._entry(key)
        hub: AsyncHub | None = self._link.hub
        if hub is None or not entry.robot:
            raise ConnectionLostError(f"the hub of device {key[0]}/{key[1]} is not reached")
        return entry, robot, hub.robot(entry.robot)

    async def _method(self, key: DeviceKey, method: str) -> tuple[v1.Method, AsyncRobotHandle]:
        _, row, robot = await self._robot(key)
        if method in row.setpoints:
            raise ValueError(
                f"{method} is a motion setpoint: it is streamed at the robot, never sent from a cloud"
            )
        sheet = (await robot.describe()).sheet
        for component in sheet.components:
            for each in component.methods:
                if f"{component.name}.{each.name}" == method:
                    return each, robot
        raise NotHereError(f"{robot.id} has no method {method!r}")

    async def _set(self, key: DeviceKey, name: Any, value: Any) -> dict[str, Any]:
        _, row, robot = await self._robot(key)
        if not isinstance(name, str) or not name:
            raise ValueError('the body must be {"property": NAME, "value": VALUE}')
        if name in row.setpoints:
            raise ValueError(f"{name} is a motion setpoint: motion is no property")
        kind = v1.VALUE_TYPE_STRING if name == "stop" else (row.settings or {}).get(name)
        if kind is None or name in OWN_WRITABLE - {"stop"}:
            raise NotHereError(f"{robot.id} has no setting {name!r}")
        version = await robot.twin.set(name, _plain(name, value, kind))
        return {"propertyName": name, "version": version}

    async def _run(
        self, robot: AsyncRobotHandle, method: str, found: v1.Method, args: dict[str, Plain], wait_s: float
    ) -> tuple[bool, dict[str, Any]]:
        if len(self._running) >= MAX_RUNNING:
            raise RejectedError(f"{MAX_RUNNING} methods run already", robot=robot.id, cause=v1.CAUSE_BUSY)
        accepted: asyncio.Future[AsyncGoalHandle] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(_hold(robot, method, found, args, accepted))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        goal = await accepted
        if found.kind != v1.METHOD_KIND_GOAL:
            wait_s = max(wait_s, CALL_WAIT_S)
        if wait_s:
            with contextlib.suppress(DeadlineExceededError):
                update = await goal.wait(wait_s)
                return True, _shown(update)
        return False, {"id": goal.id.hex(), "state": _state(goal.state)}


async def _hold(
    robot: AsyncRobotHandle,
    method: str,
    found: v1.Method,
    args: dict[str, Plain],
    accepted: asyncio.Future[AsyncGoalHandle],
) -> None:
    """Under a lease, as long as it runs."""
    component = method.partition(".")[0]
    try:
        async with robot.lease(component) if found.motion else contextlib.nullcontext():
            goal = await robot.goal(method, **args)
            accepted.set_result(goal)
            await goal.wait()
    except RobolinkError as exc:
        if not accepted.done():
            accepted.set_exception(exc)
    except Exception as exc:
        # The request that waits hears of whatever it is, or it would wait for ever.
        if accepted.done():
            raise
        accepted.set_exception(exc)
    except asyncio.CancelledError:
        accepted.cancel()
        raise


def _plain(name: str, value: Any, kind: v1.ValueType | None) -> Plain:
    """JSON's value as the sheet's type; text is read as a twin's text would be.

    Raises:
        ValueError: It is of another type, no finite number, or out of the type's range.
    """
    try:
        made = _typed(name, value, kind)
        to_value(made)
    except OverflowError as exc:
        raise ValueError(f"{name}: {str(value)[:60]!r} is out of range") from exc
    numbers = made if isinstance(made, tuple) else (made,)
    if any(isinstance(each, float) and not math.isfinite(each) for each in numbers):
        raise ValueError(f"{name}: {str(value)[:60]!r} is no finite number")
    return made


def _typed(name: str, value: Any, kind: v1.ValueType | None) -> Plain:
    if kind is None:
        kind = v1.VALUE_TYPE_STRING if isinstance(value, str) else v1.VALUE_TYPE_DOUBLE
    if isinstance(value, str):
        return value if kind == v1.VALUE_TYPE_STRING and not value.startswith("#") else decode(value, kind)
    if isinstance(value, bool) and kind == v1.VALUE_TYPE_BOOL:
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and kind == v1.VALUE_TYPE_DOUBLE:
        return float(value)
    if number and kind == v1.VALUE_TYPE_INT and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, list) and kind == v1.VALUE_TYPE_VECTOR:
        if all(isinstance(each, int | float) and not isinstance(each, bool) for each in value):
            return tuple(float(each) for each in value)
    word = v1.ValueType.Name(kind).removeprefix("VALUE_TYPE_")
    raise ValueError(f"{name}: {str(value)[:60]!r} is no {word}")


def _state(state: v1.CommandState) -> str:
    return v1.CommandState.Name(state).removeprefix("COMMAND_STATE_")


def _shown(update: v1.CommandUpdate) -> dict[str, Any]:
    results = {
        name: _json(value) for name, value in values_to_dict(v1.Values.FromString(update.result)).items()
    }
    cause = v1.Cause.Name(update.cause).removeprefix("CAUSE_") if update.cause else ""
    made = {"id": update.command_id.hex(), "state": _state(update.state), "cause": cause, "text": update.text}
    return made | ({"results": results} if results else {})


def _json(value: Plain) -> Any:
    return encode_text(value.hex()).text if isinstance(value, bytes) else value
