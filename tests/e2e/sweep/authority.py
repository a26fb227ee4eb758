"""The promises about stops, leases and settings over a recorded history; see checker.py, which has those of commands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, Final

from robolink import v1
from tests.e2e.sweep.facts import Facts, name
from tests.e2e.sweep.history import Record


def _motions(facts: Facts) -> Iterator[tuple[str, Record, Record]]:
    """Each motion's id, first sending and first execution."""
    for command, begins in facts.begins.items():
        if begins[0]["motion"] and command in facts.sends:
            yield command, facts.sends[command][0], begins[0]


def _release_at(facts: Facts, generation: int) -> int:
    """Where the first release that could end that stop was asked for; never: past the end."""
    asked = (each["at"] for each in facts.of("release_ask") if each["gen"] >= generation)
    return min(asked, default=len(facts.all) + 1)


def still_while_latched(facts: Facts) -> Iterator[str]:
    """No motion begins between the answer to a stop and the next release, whenever it was sent.

    A stop that no driver has answered counts for what is sent after it.
    """
    for stop in facts.of("stop_ack"):
        released_at = _release_at(facts, stop["gen"])
        for command, send, begin in _motions(facts):
            since = begin["at"] if stop["verdict"] == "STOPPED" else send["at"]
            if since > stop["at"] and begin["at"] < released_at:
                yield f"{command} began at {begin['at']}, latched by stop {stop['gen']} since {stop['at']}"


def newest_generation(facts: Facts) -> Iterator[str]:
    """No motion begins under an older generation than the newest stop answered before it was sent."""
    for command, send, begin in _motions(facts):
        known = max((each["gen"] for each in facts.of("stop_ack") if each["at"] < send["at"]), default=0)
        stopped = [
            each["gen"]
            for each in facts.of("stop_ack")
            if each["verdict"] == "STOPPED" and each["at"] < begin["at"]
        ]
        newest = max([known, *stopped])
        if begin["gen"] < newest:
            yield f"{command} began at {begin['at']} under generation {begin['gen']}, the newest stop was {newest}"


def moves_again(facts: Facts) -> Iterator[str]:
    """After the last release motion is possible again."""
    if not any(each["state"] == v1.COMMAND_STATE_SUCCEEDED for each in facts.of("moved")):
        states = [name(each["state"]) for each in facts.of("moved")]
        yield f"no motion succeeded after the last release: {', '.join(states) or 'none was tried'}"


def generations_grow(facts: Facts) -> Iterator[str]:
    """Each stop has a larger generation than every one answered before it was asked for, over all restarts."""
    asked = {(each["who"], each["n"]): each["at"] for each in facts.of("stop_ask")}
    acks = facts.of("stop_ack")
    for ack in acks:
        asked_at = asked.get((ack["who"], ack["n"]), ack["at"])
        before = max((each["gen"] for each in acks if each["at"] < asked_at), default=0)
        if ack["gen"] <= before:
            yield f"the stop asked for at {asked_at} has generation {ack['gen']}, there was {before} before"


def latch_survives(facts: Facts) -> Iterator[str]:
    """A killed hub has every answered stop on its disk; the next one shows it, latched until a release."""
    acks = facts.of("stop_ack")
    for kept in facts.of("kept"):
        until = facts.life_end(kept["at"])
        generation, latched = kept["stop"] or [0, False]
        where = f"the store at {kept['at']}"
        yield from _shows(facts, acks, until, until, generation, latched, where)
    asked = {(each["who"], str(each["n"])): each["at"] for each in facts.of("look_ask")}
    for look in facts.of("look"):
        asked_at = asked[look["who"], str(look["n"])]
        # Within one life its control lane may hear of a stop a moment after the one who asked for it.
        until, where = facts.life_begin(asked_at), f"the hub at {look['at']}"
        yield from _shows(facts, acks, until, look["at"], look["gen"], look["latched"], where)


def _shows(
    facts: Facts, acks: list[Record], until: int, now: int, generation: int, latched: bool, where: str
) -> Iterator[str]:
    """Whether what is shown now has the stops that were answered until then."""
    newest = max((each["gen"] for each in acks if each["at"] < until), default=0)
    if generation < newest:
        yield f"{where} has generation {generation}, stop {newest} was answered before"
    elif generation == newest and newest and not latched and _release_at(facts, newest) > now:
        yield f"{where} is not latched by stop {newest}, which nobody had released"


def sender_has_lease(facts: Facts) -> Iterator[str]:
    """Motion begins under the lease that its sender held when it sent it, and nobody else."""
    granted: dict[tuple[int, int], Record] = {}
    for each in facts.of("leased"):
        token = tuple(each["token"])
        if token in granted and granted[token]["who"] != each["who"]:
            yield f"lease {each['token']} was granted to {granted[token]['who']} and to {each['who']}"
        granted.setdefault(token, each)
    for command, send, begin in _motions(facts):
        if send.get("twin"):
            continue  # The hub holds that lease itself.
        fault = _lease_fault(facts, granted, send, begin)
        if fault:
            yield f"{command} of {send['who']} began at {begin['at']} {fault}"


def _lease_fault(facts: Facts, granted: dict[tuple[int, int], Record], send: Record, begin: Record) -> str:
    sends = [each for each in facts.sends[begin["id"]] if each["lease"] == begin["lease"]]
    if not sends:
        return f"under lease {begin['lease']}, which it was not sent with"
    send, token = sends[0], tuple(begin["lease"])
    lease, component = granted.get(token), begin["method"].partition(".")[0]
    if lease is None or lease["who"] != send["who"]:
        return f"under lease {begin['lease']}, which its sender was never granted"
    if lease["component"] not in ("", component):
        return f"under lease {begin['lease']} of {lease['component']}"
    if any(tuple(each["token"]) == token and each["at"] < send["at"] for each in facts.of("gave")):
        return f"under lease {begin['lease']}, which was given back before"
    for other in facts.of("leased"):
        overlaps = "" in (other["component"], lease["component"]) or other["component"] == lease["component"]
        newer = tuple(other["token"]) > token and lease["at"] < other["at"] < send["at"]
        if overlaps and newer and other["who"] != send["who"]:
            return f"under lease {begin['lease']}, after {other['who']} was granted {other['token']}"
    return ""


def versions_grow(facts: Facts) -> Iterator[str]:
    """A write has a larger version than each answered before it was asked for; with if_version, the next one."""
    asked = {(each["who"], each["n"]): each for each in facts.of("write_ask")}
    acks = facts.of("write_ack")
    for ack in acks:
        ask = asked.get((ack["who"], ack["n"]), {"at": ack["at"], "if_version": None})
        same = [each for each in acks if each["name"] == ack["name"]]
        before = max((each["version"] for each in same if each["at"] < ask["at"]), default=0)
        if ack["version"] <= before:
            yield f"{ack['name']}: the write asked for at {ask['at']} has version {ack['version']}, there was {before}"
        if ask["if_version"] is not None and ack["version"] != ask["if_version"] + 1:
            yield f"{ack['name']}: version {ack['version']} was written with if_version {ask['if_version']}"
    for conflict in facts.of("write_conflict"):
        if_version = asked[conflict["who"], conflict["n"]]["if_version"]
        if if_version is None or conflict["version"] == if_version:
            yield f"{conflict['name']}: a conflict of if_version {if_version} with {conflict['version']}"


def versions_stay(facts: Facts) -> Iterator[str]:
    """A version is one value for ever, and an answered one is not forgotten by a killed hub."""
    values: dict[tuple[str, int], Any] = {}
    for setting, version, value, where in _shown_versions(facts):
        if values.setdefault((setting, version), value) != value:
            yield f"{setting}: version {version} is {values[setting, version]} and {value} ({where})"
    for kept in facts.of("kept"):
        until = facts.life_end(kept["at"])
        for ack in facts.of("write_ack"):
            version = kept["versions"].get(ack["name"], [0])[0]
            if ack["at"] < until and ack["version"] > version:
                yield f"{ack['name']}: version {ack['version']} was answered at {ack['at']}, the store has {version}"


def _shown_versions(facts: Facts) -> Iterator[tuple[str, int, Any, str]]:
    for each in facts.of("write_ack"):
        yield each["name"], each["version"], each["value"], f"answered at {each['at']}"
    for kept in facts.of("kept"):
        for setting, (version, value) in kept["versions"].items():
            yield setting, version, value, f"kept at {kept['at']}"
    for each in facts.of("twin"):
        yield each["name"], each["version"], each["value"], "shown at rest"


def settings_converge(facts: Facts) -> Iterator[str]:
    """At rest the newest desired value is the one that the driver tried last, and its verdict is known."""
    driver_starts = [each["at"] for each in facts.of("start") if each["part"] == "driver"]
    last_start = max(driver_starts, default=0)
    applied = {each["name"]: each for each in facts.of("apply") if each["at"] > last_start}
    for twin in facts.of("twin"):
        newest = max(
            (each["version"] for each in facts.of("write_ack") if each["name"] == twin["name"]), default=0
        )
        if twin["version"] < newest:
            yield f"{twin['name']}: version {newest} was answered, {twin['version']} is desired at rest"
        if twin["observed"] != twin["version"]:
            yield f"{twin['name']}: version {twin['version']} is desired, {twin['observed']} observed at rest"
        last = applied.get(twin["name"])
        if last is None or last["value"] != twin["value"]:
            yield f"{twin['name']}: {twin['value']} is desired, the driver tried {last['value'] if last else 'none'} last"
    shown = {each["name"] for each in facts.of("twin")}
    for ack in facts.of("write_ack"):
        if ack["name"] not in shown:
            yield f"{ack['name']}: written at {ack['at']}, nothing is desired at rest"


def settings_in_order(facts: Facts) -> Iterator[str]:
    """One life of a driver never goes back to an older version."""
    newest: dict[str, int] = defaultdict(int)
    for each in facts.all:
        if each["e"] == "start" and each["part"] == "driver":
            newest.clear()
        elif each["e"] == "apply":
            version = facts.version_of.get((each["name"], each["value"]), 0)
            if version and version < newest[each["name"]]:
                yield f"{each['name']}: version {version} was applied at {each['at']}, after {newest[each['name']]}"
            newest[each["name"]] = max(newest[each["name"]], version)


RULES: Final[dict[str, Callable[[Facts], Iterator[str]]]] = {
    "still while latched": still_while_latched,
    "newest generation": newest_generation,
    "moves again": moves_again,
    "generations grow": generations_grow,
    "latch survives": latch_survives,
    "sender has lease": sender_has_lease,
    "versions grow": versions_grow,
    "versions stay": versions_stay,
    "settings converge": settings_converge,
    "settings in order": settings_in_order,
}
