"""Rows of the device table: what is known of a device, its robot, one desired text. Plain state; devices.py moves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from robolink import v1
from robolink.core.values import Plain
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge.faults import Fault
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
    # Its properties, as the document lists them, each once.
    names: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()
    desired: dict[str, Desired] = field(default_factory=dict)
    # Still to be written, in order: every `cmd` and `stop`, of the others the newest.
    waiting: list[Waiting] = field(default_factory=list)
    # Numbers of writes that the hub has not answered yet.
    open: set[int] = field(default_factory=set)
    # The newest `sync` is observed once nothing up to this number waits or is open.
    sync_mark: int = 0
    # What edgecore itself said last, by a call or by a registration; another source may be ahead of it.
    told: dmi.Device | None = None
    # A registration showed what no call had told.
    suspect: bool = False
    # The newest resource that the edge metaserver showed, once it had settled.
    stored_version: str = ""
    # A registration has told whether there is a model.
    model_known: bool = False
    document_faults: tuple[Fault, ...] = ()
    # Faults that others found: of a push, of a missed update.
    noted: set[Fault] = field(default_factory=set)
    faults: frozenset[Fault] = frozenset()

    def settled(self) -> bool:
        """All that was desired beside the newest `sync` has its answer."""
        numbers = (*(each.number for each in self.waiting), *self.open)
        return all(number > self.sync_mark for number in numbers)


@dataclass(slots=True)
class Robot:
    """One robot as the hub shows it."""

    online: bool = False
    # The hub lists it.
    known: bool = False
    stop_generation: int = 0
    sheet_hash: str = ""
    settings: dict[str, v1.ValueType] | None = None
    readings: dict[str, v1.ValueType] = field(default_factory=dict)
    setpoints: frozenset[str] = frozenset()
    twin: dict[str, v1.PropertyState] = field(default_factory=dict)
    # The whole twin was read since the hub was last lost.
    whole: bool = False
    # Property and half of what came while the whole twin was still to be read.
    ahead: set[tuple[str, str]] = field(default_factory=set)
