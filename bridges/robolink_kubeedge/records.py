"""Rows of the device table: what is known of a device, its robot, one desired text. Plain state; devices.py moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from robolink import v1
from robolink.core.values import Plain
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge.reports import DeviceKey


class Write(NamedTuple):
    """One twin write for the hub."""

    device: DeviceKey
    robot: str
    name: str
    text: str
    value: Plain
    number: int


class Snapshot(NamedTuple):
    """Which devices there were, and how often edgecore had called about each."""

    keys: frozenset[DeviceKey]
    marks: Mapping[DeviceKey, int]


class Waiting(NamedTuple):
    """A desired text on its way down; numbers grow in the order in which the cloud wrote."""

    number: int
    name: str
    text: str


@dataclass(slots=True)
class Desired:
    """What the cloud wants of one property, and how far that got."""

    text: str = ""
    # The hub's version of it; 0: not written (yet).
    version: int = 0
    observed: str = ""
    refused: str = ""
    # This mapper has written the property before: what the hub is known to have may be overtaken.
    sent: bool = False


@dataclass(slots=True)
class Device:
    """One Device: edgecore's document, and how far each of its wishes is."""

    robot: str
    document: dmi.Device
    desired: dict[str, Desired] = field(default_factory=dict)
    # Still to be written, in order: every `cmd` and `stop`, of the others the newest.
    waiting: list[Waiting] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Its properties, as the document lists them."""
        return [each.name for each in self.document.spec.properties]


@dataclass(slots=True)
class Robot:
    """One robot as the hub shows it."""

    online: bool = False
    stop_generation: int = 0
    sheet_hash: str = ""
    settings: dict[str, v1.ValueType] | None = None
    readings: frozenset[str] = frozenset()
    setpoints: frozenset[str] = frozenset()
    twin: dict[str, v1.PropertyState] = field(default_factory=dict)
    # The whole twin was read since the hub was last lost.
    whole: bool = False
