"""What is known of a hub before anybody connects: records of static lists and of mDNS, parsed without I/O.

Nothing in an mDNS record is proof of anything: who may be connected to is decided in discovery.py, by keys.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from robolink.core.envelope import MAJOR, MINOR
from robolink.errors import ConfigError, RemoteProtocolError
from robolink.transports.lanes import is_loopback, split_endpoint

SERVICE_TYPE: Final = "_robolink._tcp.local."
MDNS: Final = "mdns"
MAX_TEXT: Final = 200
MAX_LABEL: Final = 63
KEY_LENGTH: Final = 40
MAX_PORT: Final = 65_535
Txt = Mapping[bytes, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRecord:
    """One hub that was named or found.

    Attributes:
        name: What people call it; `hub:NAME` means it.
        url: Control lane.
        safety_url: Safety lane; empty: the port after.
        site: Where it is, for people.
        major: Of the protocol; 0: not said.
        minor: As above.
        curve: Whether it says that it wants keys. It always does off loopback.
        fingerprint: Of its public key, as it claims: to be compared by people, never trusted.
        public_key: Z85; only ever from a static list. Empty: not known.
        source: `mdns`, or the list that names it.
    """

    name: str
    url: str
    safety_url: str = ""
    site: str = ""
    major: int = 0
    minor: int = 0
    curve: bool = False
    fingerprint: str = ""
    public_key: str = ""
    source: str = ""

    @property
    def loopback(self) -> bool:
        """Whether every lane can only be reached from this machine."""
        return all(is_loopback(url) for url in (self.url, self.safety_url or self.url))

    @property
    def version(self) -> str:
        """For people."""
        return f"{self.major}.{self.minor}" if self.major else ""


def fingerprint(public_key: str) -> str:
    """What people compare: the first 16 hexadecimal digits of the key's SHA-256, in fours."""
    digest = hashlib.sha256(public_key.encode()).hexdigest()[:16]
    return "-".join(digest[at : at + 4] for at in range(0, 16, 4))


# mDNS.


def instance_label(name: str) -> str:
    """A hub's name as one DNS label: what does not fit becomes a hyphen; the TXT record has the name itself."""
    label = "".join(each if each.isascii() and each.isalnum() else "-" for each in name)
    return label[:MAX_LABEL].strip("-") or "hub"


def to_txt(record: HubRecord) -> dict[str, str]:
    """The TXT record that announces a hub; no secret, and no key either: what is announced would be believed.

    Raises:
        ConfigError: A text is too long.
    """
    for what, text in (("name", record.name), ("discovery.site", record.site)):
        if len(text.encode()) > MAX_TEXT:
            raise ConfigError(f"{what} is over {MAX_TEXT} bytes and cannot be announced", hint="shorten it")
    txt = {
        "txtvers": "1",
        "version": f"{MAJOR}.{MINOR}",
        "name": record.name,
        "site": record.site,
        "curve": "1" if record.curve else "0",
    }
    if record.safety_url:
        txt["safety"] = str(split_endpoint(record.safety_url)[1])
    if record.fingerprint:
        txt["fp"] = record.fingerprint
    return txt


def from_mdns(txt: Txt, address: str, port: int) -> HubRecord:
    """A hub as somebody on the network says it is; `address` is IPv4, in numbers.

    Raises:
        RemoteProtocolError: It is no announcement of version 1, or says something impossible.
    """
    fields = {_text(key): _text(value or b"") for key, value in txt.items()}
    if fields.get("txtvers") != "1":
        raise RemoteProtocolError(f"announcement of version {fields.get('txtvers', '')!r}; 1 is known here")
    if not fields.get("name"):
        raise RemoteProtocolError("an announcement without a name")
    major, dot, minor = fields.get("version", "").partition(".")
    if not dot or not (_number(major) and _number(minor)):
        raise RemoteProtocolError(f"an announcement of protocol {fields.get('version', '')!r}")
    return HubRecord(
        name=fields["name"],
        url=_endpoint(address, str(port)),
        safety_url=_endpoint(address, fields["safety"]) if "safety" in fields else "",
        site=fields.get("site", ""),
        major=int(major),
        minor=int(minor),
        curve=fields.get("curve") != "0",
        fingerprint=fields.get("fp", ""),
        source=MDNS,
    )


def _text(data: bytes) -> str:
    """Printable and short: it goes to a terminal."""
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        raise RemoteProtocolError("an announcement that is no UTF-8") from exc
    if len(data) > MAX_TEXT or not text.isprintable():
        raise RemoteProtocolError(
            f"an announcement with a text of {len(data)} bytes that is too long or unprintable"
        )
    return text


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5


def _endpoint(address: str, port: str) -> str:
    if not _number(port) or not 0 < int(port) <= MAX_PORT:
        raise RemoteProtocolError(f"an announcement of port {port!r}")
    return f"tcp://{address}:{int(port)}"


# Static lists.


def from_toml(text: str, source: str) -> list[HubRecord]:
    """The hubs of a list: `[[hub]]` tables of name, url, public_key, site, safety_url.

    Raises:
        ConfigError: It is not TOML, or an entry is wrong; the text names both.
    """
    try:
        entries = tomllib.loads(text).get("hub", [])
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{source} is not TOML: {exc}") from exc
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ConfigError(f"{source}: hubs are written as [[hub]] tables")
    return _unique([_entry(each, source) for each in entries], source)


def from_words(words: str, source: str) -> list[HubRecord]:
    """The hubs of one line: `NAME=tcp://HOST:PORT` or `NAME=tcp://HOST:PORT,PUBLIC_KEY`, between blanks.

    Raises:
        ConfigError: An entry is wrong.
    """
    records = []
    for word in words.split():
        name, _, rest = word.partition("=")
        url, _, key = rest.partition(",")
        records.append(_entry({"name": name, "url": url} | ({"public_key": key} if key else {}), source))
    return _unique(records, source)


def _entry(entry: Mapping[str, Any], source: str) -> HubRecord:
    name = entry.get("name")
    where = f"{source}: hub {name!r}"
    unknown = set(entry) - {"name", "url", "public_key", "site", "safety_url"}
    if unknown or not all(isinstance(value, str) for value in entry.values()):
        raise ConfigError(
            f"{where}: {', '.join(sorted(unknown)) or 'a value that is no text'} does not belong there",
            hint="an entry has name, url, public_key, site, safety_url",
        )
    if not name or not entry.get("url"):
        raise ConfigError(f"{where} needs a name and a url")
    for key in ("url", "safety_url"):
        if entry.get(key):
            split_endpoint(entry[key])
    public_key = entry.get("public_key", "")
    if public_key and len(public_key) != KEY_LENGTH:
        raise ConfigError(f"{where}: a public key has {KEY_LENGTH} characters, this one {len(public_key)}")
    return HubRecord(source=source, curve=bool(public_key), **entry)


def _unique(records: Iterable[HubRecord], source: str) -> list[HubRecord]:
    named: dict[str, HubRecord] = {}
    for record in records:
        if record.name in named:
            raise ConfigError(f"{source} names the hub {record.name!r} twice")
        named[record.name] = record
    return list(named.values())
