"""Which hub a name means, and whether it may be connected to: nothing is trusted before keys.

A list says where a hub is and what its key is; mDNS only says where somebody claims that it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from robolink.errors import ConfigError
from robolink.transports.curve import HUB_KEY_VARIABLE, KEY_FILE_VARIABLE, keys_from_environment, load_keys
from robolink.transports.hubs import MDNS, HubRecord, fingerprint, from_toml, from_words
from robolink.transports.lanes import DEFAULT_URL, Keys
from robolink.transports.mdns import Browser

HUB_VARIABLE: Final = "ROBOLINK_HUB"
HUBS_VARIABLE: Final = "ROBOLINK_HUBS"
INTERFACES_VARIABLE: Final = "ROBOLINK_MDNS_INTERFACES"
LOOK_S: Final = 3.0
# After one hub of a name is found, a second one gets so long to be heard: then the name means nobody.
SETTLE_S: Final = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to connect, and with which keys."""

    url: str
    safety_url: str = ""
    keys: Keys | None = None


def hubs_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's list, `robolink/hubs.toml` in the configuration folder."""
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path("~/.config").expanduser()) / "robolink" / "hubs.toml"


def listed_hubs(environment: Mapping[str, str] = os.environ) -> list[HubRecord]:
    """The hubs of the static lists: ROBOLINK_HUBS (entries, or a file), then the user's file; the first of a name counts.

    Raises:
        ConfigError: A list cannot be read, or an entry is wrong.
    """
    records: dict[str, HubRecord] = {}
    words = environment.get(HUBS_VARIABLE, "")
    named = (
        _read(Path(words), HUBS_VARIABLE)
        if words and "://" not in words
        else from_words(words, HUBS_VARIABLE)
    )
    file = hubs_file(environment)
    for record in (*named, *(_read(file, str(file)) if file.exists() else ())):
        records.setdefault(record.name, record)
    return list(records.values())


def _read(file: Path, what: str) -> list[HubRecord]:
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"cannot read the list of hubs {file}: {exc}",
            hint=f"check {what}; a line of entries has NAME=tcp://…",
        ) from exc
    return from_toml(text, str(file))


def mdns_interfaces(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Addresses of the interfaces to look on; none: the default one."""
    return tuple(environment.get(INTERFACES_VARIABLE, "").split())


def found_hubs(timeout_s: float, name: str = "", interfaces: Sequence[str] = ()) -> list[HubRecord]:
    """The hubs that announce themselves within that time; given a name, only until one of that name has.

    Raises:
        ConfigError: zeroconf is not installed, or there is no such interface.
    """
    with Browser(interfaces or mdns_interfaces()) as browser:
        if browser.wait(name, timeout_s):
            browser.wait(name, SETTLE_S, count=2)
        return [each for each in browser.hubs() if not name or each.name == name]


def key_state(record: HubRecord, listed: Sequence[HubRecord]) -> str:
    """Whether the hub may be connected to, for people: `not needed`, `known`, `unknown`, or `other` than announced."""
    if record.loopback and not record.curve:
        return "not needed"
    key = _known_key(record, listed)
    if not key:
        return "unknown"
    return "other" if record.fingerprint and record.fingerprint != fingerprint(key) else "known"


def _known_key(record: HubRecord, listed: Sequence[HubRecord]) -> str:
    """The hub's public key as somebody on this side has said it; never as the hub announces it."""
    keys = (each.public_key for each in listed if each.name == record.name and each.public_key)
    return record.public_key or next(keys, "") or os.environ.get(HUB_KEY_VARIABLE, "")


def hub_address(given: str | None) -> str:
    """The hub that is meant: the caller's word, else the environment's ROBOLINK_HUB, else this machine's."""
    return given or os.environ.get(HUB_VARIABLE) or DEFAULT_URL


def is_name(address: str) -> bool:
    """Whether it must be resolved before anybody can connect, which may take the time of a look by mDNS."""
    scheme, colon, rest = address.partition(":")
    return bool(colon) and scheme in ("hub", MDNS) and not rest.startswith("//")


def resolve(address: str, keys: Keys | None = None, *, timeout_s: float = LOOK_S) -> Target:
    """What `hub:NAME` (lists, then mDNS), `mdns:NAME` (mDNS alone) or a plain endpoint means.

    Args:
        address: As a person has written it.
        keys: The caller's; else this process's pair is what the environment names.
        timeout_s: How long to look by mDNS.

    Raises:
        ConfigError: No hub has that name, several have, or its key is not known; the text says what to do.
    """
    if not is_name(address):
        return Target(url=address, keys=keys or keys_from_environment())
    scheme, _, name = address.partition(":")
    if not name:
        raise ConfigError(f"{address!r} names no hub", hint="write hub:NAME; `robolink discover` lists names")
    listed = listed_hubs()
    records = [each for each in listed if each.name == name] if scheme == "hub" else []
    if not records:
        records = found_hubs(timeout_s, name)
    if not records:
        raise ConfigError(
            f"no hub {name!r} is listed or announced", hint="`robolink discover` shows those that are"
        )
    if len({each.url for each in records}) > 1:
        where = ", ".join(f"{each.url} (site {each.site or 'unknown'})" for each in records)
        raise ConfigError(
            f"several hubs announce the name {name!r}: {where}",
            hint="name the right one by its tcp:// address",
        )
    record = records[0]
    return Target(url=record.url, safety_url=record.safety_url, keys=_keys(record, listed, keys))


def _keys(record: HubRecord, listed: Sequence[HubRecord], given: Keys | None) -> Keys | None:
    if given is not None and given.hub_public:
        return given
    known = _known_key(record, listed)
    if not known:
        if record.loopback and not record.curve:
            return given
        how = (
            "announced by mDNS, where anybody may say anything"
            if record.source == MDNS
            else f"in {record.source}"
        )
        raise ConfigError(
            f"not connecting to hub {record.name!r} at {record.url}: it is {how}, and its public key is not known here",
            hint=f"get the key from its operator, then set {HUB_KEY_VARIABLE} or write it as public_key of "
            f"{record.name!r} into {hubs_file()}",
        )
    if given is not None:
        return replace(given, hub_public=known)
    file = os.environ.get(KEY_FILE_VARIABLE, "")
    if not file:
        raise ConfigError(
            f"hub {record.name!r} at {record.url} wants keys, and {KEY_FILE_VARIABLE} is not set",
            hint="make a pair: python -m robolink.transports.curve KEYS_DIR NAME; its operator enters the public key",
        )
    return load_keys(Path(file), hub_public=known)
