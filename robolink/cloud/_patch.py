"""Writes of desired values as JSON patches that hold only for the list as it was seen.

A merge patch would replace the whole list of properties, and with it what others have written meanwhile.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from robolink.cloud._watch import Document
from robolink.errors import TwinConflictError

Operations = list[dict[str, Any]]


def writes(device: Document, texts: Mapping[str, str], *, exact: Collection[str] = ()) -> Operations:
    """Operations that write these desired texts.

    Each is preceded by a test: the entry at that place still has this name; for those in `exact`, it is still as it was
    seen, desired value and all.

    Args:
        device: As it was seen.
        texts: By property name; names that the Device does not have are left out.
        exact: Properties that nobody else may have written meanwhile.
    """
    made: Operations = []
    for place, entry in enumerate((device.get("spec") or {}).get("properties") or ()):
        name = entry["name"]
        if name not in texts:
            continue
        path = f"/spec/properties/{place}"
        if name in exact:
            made.append({"op": "test", "path": path, "value": entry})
        else:
            made.append({"op": "test", "path": f"{path}/name", "value": name})
        made.append({"op": "add", "path": f"{path}/desired", "value": {"value": texts[name]}})
    return made


def only_at(robot: str, device: Document, version: int) -> Operations:
    """The test that nothing desired of this Device has changed since `version`.

    Raises:
        TwinConflictError: It has already.
    """
    present = int((device.get("metadata") or {}).get("generation") or 0)
    if present != version:
        raise conflict(robot, version, present)
    return [{"op": "test", "path": "/metadata/generation", "value": present}]


def conflict(robot: str, wanted: int, present: int) -> TwinConflictError:
    """Somebody has written to the Device meanwhile."""
    return TwinConflictError(
        f"{robot}: its Device is at generation {present}, not {wanted}",
        robot=robot,
        cause=17,  # CONFLICT
        version=present,
        hint="read the present values and decide again",
    )
