"""Devices for the robots on a hub, created and kept up to date in a cluster: what is to be done, and the doing of it.

It touches only what carries its label, keeps every desired value that an operator wrote, and deletes only when asked to.
"""

from __future__ import annotations

import copy
import enum
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from robolink.cloud import KubeApi
from robolink.errors import ConfigError

Manifest = dict[str, Any]

OWNER_LABEL: Final = "robolink.io/discovered-by"
PLURALS: Final = {"DeviceModel": "devicemodels", "Device": "devices"}
# A Device that is created in the same breath as its model may lose it on its way down.
MODEL_FIRST_S: Final = 1.0


class Verb(enum.Enum):
    """What is done with one resource."""

    CREATE = "create"
    UPDATE = "update"
    SAME = "same"
    LEAVE = "leave"
    """It is somebody else's, or not asked for."""
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One resource; `document` as it is to be, or as it is for one that goes or is left alone."""

    verb: Verb
    kind: str
    name: str
    document: Manifest
    why: str = ""

    def __str__(self) -> str:
        """One line."""
        why = f": {self.why}" if self.why else ""
        return f"{self.verb.value:6} {self.kind.lower()} {self.name}{why}"


def plan(
    wanted: Iterable[Manifest], present: Iterable[Manifest], owner: str, *, prune: bool = False
) -> list[Step]:
    """What is to be done, models first, deletions last.

    Args:
        wanted: Manifests of the robots on the hub.
        present: All DeviceModels and Devices of the namespace.
        owner: Who we are; the label's value.
        prune: Delete what we made for robots that are gone.
    """
    there = {(each["kind"], each["metadata"]["name"]): each for each in present}
    steps, named = [], set()
    for manifest in sorted(wanted, key=_order):
        key = (manifest["kind"], manifest["metadata"]["name"])
        named.add(key)
        steps.append(_step(_labelled(manifest, owner), there.get(key), owner))
    return steps + list(_orphans(there, named, owner, steps, prune=prune))


def _orphans(
    there: Mapping[tuple[str, str], Manifest],
    named: set[tuple[str, str]],
    owner: str,
    steps: Iterable[Step],
    *,
    prune: bool,
) -> Iterator[Step]:
    """What we made once and nobody wants now: Devices, then models that no remaining Device uses."""
    used = {_model_of(each.document) for each in steps if each.kind == "Device"}
    for kind, name in sorted(there.keys() - named, key=lambda key: (key[0] != "Device", key[1])):
        document = there[kind, name]
        ours = _owner(document) == owner
        goes = ours and prune and (kind == "Device" or name not in used)
        if kind == "Device" and not goes:
            used.add(_model_of(document))
        if goes:
            yield Step(Verb.DELETE, kind, name, document, "its robot is not on the hub")
        elif ours and kind == "Device":
            yield Step(Verb.LEAVE, kind, name, document, "its robot is not on the hub; --prune deletes it")
        elif ours:
            yield Step(Verb.LEAVE, kind, name, document, "a Device still uses it, or --prune was not said")


def _model_of(device: Manifest) -> str:
    return str((device["spec"].get("deviceModelRef") or {}).get("name", ""))


def _order(manifest: Manifest) -> tuple[bool, str]:
    return manifest["kind"] != "DeviceModel", manifest["metadata"]["name"]


def _owner(document: Manifest) -> str:
    return str((document["metadata"].get("labels") or {}).get(OWNER_LABEL, ""))


def _labelled(manifest: Manifest, owner: str) -> Manifest:
    made = copy.deepcopy(manifest)
    made["metadata"].setdefault("labels", {})[OWNER_LABEL] = owner
    return made


def _step(wanted: Manifest, present: Manifest | None, owner: str) -> Step:
    kind, name = wanted["kind"], wanted["metadata"]["name"]
    if present is None:
        return Step(Verb.CREATE, kind, name, wanted)
    if _owner(present) != owner:
        made_by = _owner(present) or "somebody else"
        return Step(Verb.LEAVE, kind, name, present, f"made by {made_by}")
    merged = copy.deepcopy(present)
    merged["spec"] = _merged(wanted["spec"], present["spec"])
    for part in ("labels", "annotations"):
        kept = present["metadata"].get(part) or {}
        merged["metadata"][part] = kept | wanted["metadata"].get(part, {})
    if merged == present:
        return Step(Verb.SAME, kind, name, present)
    return Step(Verb.UPDATE, kind, name, merged)


def _merged(wanted: Manifest, present: Manifest) -> Manifest:
    """What we say of a resource, with what an operator may have written beside it."""
    made = copy.deepcopy(present) | copy.deepcopy(wanted)
    before = {each["name"]: each for each in present.get("properties") or ()}
    for each in made.get("properties", ()):
        kept = before.get(each["name"], {})
        for part in ("desired", "pushMethod"):
            if part in kept and part not in each:
                each[part] = copy.deepcopy(kept[part])
                if part == "pushMethod" and "reportCycle" in kept:
                    each["reportCycle"] = kept["reportCycle"]
        # What the API server adds by default is no difference.
        for part, value in kept.items():
            each.setdefault(part, copy.deepcopy(value))
    return made


class Cluster:
    """DeviceModels and Devices of one namespace.

    Args:
        api: The API server.
        namespace: Which.
    """

    def __init__(self, api: KubeApi, namespace: str) -> None:
        """Nothing is asked yet."""
        self._api, self._namespace = api, namespace

    def present(self) -> list[Manifest]:
        """All of them. Raises as `KubeApi.request`."""
        found = []
        for kind in PLURALS:
            items = self._api.get(self._path(kind)).get("items") or ()
            # Items of a list carry no kind of their own.
            found += [{"kind": kind} | dict(each) for each in items]
        return found

    def carry_out(
        self, steps: Iterable[Step], told: Callable[[Step], None], pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Do it, in this order. Raises as `KubeApi.request`."""
        fresh_model = False
        for step in steps:
            if step.kind == "Device" and fresh_model:
                pause(MODEL_FIRST_S)
                fresh_model = False
            if step.verb is Verb.CREATE:
                self._api.request("POST", self._path(step.kind), step.document)
                fresh_model = fresh_model or step.kind == "DeviceModel"
            elif step.verb is Verb.UPDATE:
                # With the version that was read: what changed meanwhile is not written over.
                self._api.request("PUT", self._path(step.kind, step.name), step.document)
            elif step.verb is Verb.DELETE:
                version = step.document["metadata"].get("resourceVersion")
                body = {"preconditions": {"resourceVersion": version}} if version else None
                self._api.request("DELETE", self._path(step.kind, step.name), body)
            told(step)

    def _path(self, kind: str, name: str = "") -> str:
        base = f"/apis/devices.kubeedge.io/v1beta1/namespaces/{self._namespace}/{PLURALS[kind]}"
        return f"{base}/{name}" if name else base


def check_owner(owner: str) -> str:
    """A label's value.

    Raises:
        ConfigError: It is none.
    """
    allowed = owner.replace("-", "").replace("_", "").replace(".", "")
    if (
        not owner
        or len(owner) > 63
        or not allowed.isascii()
        or not allowed.isalnum()
        or not owner[0].isalnum()
    ):
        raise ConfigError(f"{owner!r} is no label value", hint="1 to 63 of a-z A-Z 0-9 - _ .")
    return owner


def summary(steps: Iterable[Step]) -> Mapping[str, int]:
    """How many of each."""
    counts = dict.fromkeys((each.value for each in Verb), 0)
    for each in steps:
        counts[each.verb.value] += 1
    return counts
