"""What can be wrong with a Device, found and named: codes for its twin, words and a cure for people.

Pure checks; it refuses nothing and tells nobody. The table does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from robolink import v1
from robolink.core import twintext
from robolink_kubeedge import dmi_pb2 as dmi
from robolink_kubeedge.dmi import config_kind, config_text
from robolink_kubeedge.manifests import HASH_DIGITS, OWN_PROPERTIES, kubeedge_type

OWN_NAMES: Final = frozenset(name for name, *_ in OWN_PROPERTIES)

# Code: what it means, what cures it, and whether the device is unhealthy by it.
CODES: Final[dict[str, tuple[str, str, bool]]] = {
    "CONFIG_TYPE": (
        "a value of configData has the wrong type",
        "protocol.configData.robot and visitors' property are plain strings",
        True,
    ),
    "UNKNOWN_ROBOT": (
        "the hub knows no such robot",
        "see `robolink robots`; start its driver once, or correct protocol.configData.robot",
        True,
    ),
    "ROBOT_TAKEN": (
        "another Device stands for the same robot, and only that one is served",
        "delete one of the two Devices",
        True,
    ),
    "MODEL_MISSING": (
        "its DeviceModel is not there",
        "apply the model again, wait a second, then the Device: robolink kubeedge manifest writes both",
        True,
    ),
    "MODEL_OLD": (
        "its DeviceModel is of an older sheet of the robot",
        "write the manifests anew: robolink kubeedge manifest, or discover",
        False,
    ),
    "MODEL_TYPE": (
        "its DeviceModel gives a property another type than the robot does",
        "write the manifests anew: robolink kubeedge manifest",
        True,
    ),
    "UNKNOWN_PROPERTY": (
        "the robot has no such property",
        "remove it, or write the manifests anew; motion setpoints are never properties",
        True,
    ),
    "BAD_NAME": (
        "a property's name cannot pass edgecore",
        "names are 1 to 128 of a-z A-Z 0-9 - _ . , : / @ #",
        True,
    ),
    "NAME_TWICE": ("a property stands twice", "keep one of the two; the first counts", True),
    "VISITOR": (
        "a visitor names another property than its own",
        "visitors.configData.property is the property's own name",
        True,
    ),
    "DB_METHOD": (
        "pushMethod.dbMethod is not served: the mapper writes into no database yet",
        "use http, mqtt or otel, or record on the hub",
        False,
    ),
    "PUSH_INVALID": ("a pushMethod cannot be used as it is", "see docs/kubeedge.md, Push of readings", False),
    "PUSH_FAILED": (
        "a reading could not be pushed, after retries",
        "is the other end up, is its address right? later readings are tried again",
        False,
    ),
    "UPDATE_ELSEWHERE": (
        "edgecore holds a newer Device than it sent here",
        "another mapper of this protocol may be running: robolink kubeedge doctor",
        True,
    ),
    "BAD_DEVICE": (
        "the document cannot be read",
        "write the manifests anew: robolink kubeedge manifest",
        True,
    ),
}


class Fault(NamedTuple):
    """One thing that is wrong; ordered by code."""

    code: str
    detail: str = ""

    @property
    def text(self) -> str:
        """In KubeEdge's characters."""
        return twintext.encode_text(f"{self.code}:{self.detail}" if self.detail else self.code).text

    @property
    def serious(self) -> bool:
        """The device is unhealthy by it."""
        return CODES[self.code][2]

    @property
    def words(self) -> str:
        """For a log: what, and the cure."""
        what, cure, _ = CODES[self.code]
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.code}{detail}: {what}; {cure}"


def of_document(device: dmi.Device) -> Iterator[Fault]:
    """What a Device's own text shows."""
    if config_kind(device.spec.protocol.config_data, "robot") not in ("", "string"):
        yield Fault("CONFIG_TYPE", "protocol.configData.robot")
    seen: set[str] = set()
    for each in device.spec.properties:
        if not twintext.fits_name(each.name):
            yield Fault("BAD_NAME", twintext.encode_text(each.name[:40]).text)
            continue
        if each.name in seen:
            yield Fault("NAME_TWICE", each.name)
        seen.add(each.name)
        kind = config_kind(each.visitors.config_data, "property")
        if kind not in ("", "string"):
            yield Fault("CONFIG_TYPE", f"visitors.{each.name}")
        elif kind and config_text(each.visitors.config_data, "property") != each.name:
            yield Fault("VISITOR", each.name)
        if each.push_method.HasField("db_method"):
            yield Fault("DB_METHOD", each.name)


def of_model(
    device: dmi.Device,
    model: dmi.DeviceModel | None,
    sheet_hash: str,
    types: dict[str, v1.ValueType],
) -> Iterator[Fault]:
    """What its model shows, beside the robot's sheet (an empty hash: not known yet)."""
    name = device.spec.device_model_reference
    if model is None:
        yield Fault("MODEL_MISSING", twintext.encode_text(name[:80]).text)
        return
    digits = name.rpartition("-")[2]
    ours = len(digits) == HASH_DIGITS and all(each in "0123456789abcdef" for each in digits)
    if sheet_hash and ours and digits != sheet_hash[:HASH_DIGITS]:
        yield Fault("MODEL_OLD", digits)
        return
    for each in model.spec.properties:
        kind = types.get(each.name)
        if kind is not None and each.type and not same_type(each.type, kind):
            yield Fault("MODEL_TYPE", f"{each.name}:{each.type}"[:120])


def same_type(word: str, kind: v1.ValueType) -> bool:
    """Whether a model's word may stand for the sheet's type."""
    word, ours = word.upper(), kubeedge_type(kind)
    return word == ours or {word, ours} <= {"FLOAT", "DOUBLE"}


def of_properties(
    names: Collection[str], known: Collection[str], setpoints: Collection[str]
) -> Iterator[Fault]:
    """Properties that the robot does not have; a setpoint is told of by its desired value."""
    for name in names:
        if name not in known and name not in OWN_NAMES and name not in setpoints and twintext.fits_name(name):
            yield Fault("UNKNOWN_PROPERTY", name)


def read(text: str) -> list[Fault]:
    """The faults of a twin's text; what `line` left out is not there."""
    found = []
    for part in text.split(",") if text else ():
        code, _, detail = part.partition(":")
        if code in CODES:
            found.append(Fault(code, detail))
    return found


def line(faults: Collection[Fault]) -> str:
    """All of them in one twin's text; as many as fit, and how many more."""
    texts = sorted(each.text for each in faults)
    for count in range(len(texts), -1, -1):
        rest = len(texts) - count
        text = ",".join([*texts[:count], *([f"MORE:{rest}"] if rest else [])])
        if len(text) <= twintext.MAX_VALUE_CHARACTERS:
            return text
    return ""
