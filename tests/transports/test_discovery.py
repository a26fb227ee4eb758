"""Nothing is trusted before keys: which hub a name means, and when a connection is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from robolink.errors import ConfigError
from robolink.transports import discovery
from robolink.transports.curve import HUB_KEY_VARIABLE, KEY_FILE_VARIABLE, _main
from robolink.transports.discovery import key_state, listed_hubs, resolve
from robolink.transports.hubs import HubRecord, fingerprint
from robolink.transports.lanes import Keys

FAR, NEAR = "tcp://10.0.0.5:5570", "tcp://127.0.0.1:5570"
KEY = zmq.curve_keypair()[0].decode()
OTHER = zmq.curve_keypair()[0].decode()
Announce = Callable[..., None]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No list and no key of whoever runs the test."""
    for name in (HUB_KEY_VARIABLE, KEY_FILE_VARIABLE, "ROBOLINK_HUBS", "ROBOLINK_HUB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "robolink").mkdir()
    return tmp_path


@pytest.fixture
def announce(monkeypatch: pytest.MonkeyPatch) -> Announce:
    """Puts records where mDNS would."""
    records: list[HubRecord] = []

    def found(timeout_s: float, name: str = "", interfaces: object = ()) -> list[HubRecord]:
        return [each for each in records if not name or each.name == name]

    monkeypatch.setattr(discovery, "found_hubs", found)

    def add(url: str = FAR, name: str = "hall-3", **more: str | bool) -> None:
        records.append(HubRecord(name=name, url=url, source="mdns", **{"curve": True} | more))  # type: ignore[arg-type]

    return add


@pytest.fixture
def own(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process's key pair."""
    assert _main([str(home / "keys"), "me"]) == 0
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(home / "keys" / "me.key_secret"))
    return home / "keys" / "me.key_secret"


@pytest.mark.parametrize("address", ["mdns:hall-3", "hub:hall-3"])
def test_a_found_hub_off_loopback_is_refused_until_its_key_is_known(
    announce: Announce, own: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    announce(fingerprint=fingerprint(KEY))
    with pytest.raises(ConfigError, match="its public key is not known here") as refused:
        resolve(address)
    assert HUB_KEY_VARIABLE in refused.value.hint
    assert "hubs.toml" in refused.value.hint
    monkeypatch.setenv(HUB_KEY_VARIABLE, KEY)
    target = resolve(address)
    assert target.url == FAR
    assert target.keys is not None
    assert target.keys.hub_public == KEY
    assert target.keys.secret


def test_a_hub_that_claims_to_need_no_key_is_refused_all_the_same(announce: Announce) -> None:
    announce(curve=False)
    with pytest.raises(ConfigError, match="not known here"):
        resolve("mdns:hall-3")
    with pytest.raises(ConfigError, match="not known here"):
        resolve("mdns:hall-3", Keys(public=OTHER, secret="s" * 40))


def test_a_safety_lane_on_another_machine_needs_a_key_too(announce: Announce) -> None:
    announce(NEAR, curve=False, safety_url="tcp://10.0.0.5:1")
    with pytest.raises(ConfigError, match="not known here"):
        resolve("mdns:hall-3")


def test_the_list_names_the_key_and_mdns_only_the_place(announce: Announce, home: Path, own: Path) -> None:
    listed = "tcp://10.0.0.9:5570"
    (home / "robolink" / "hubs.toml").write_text(
        f'[[hub]]\nname = "hall-3"\nurl = "{listed}"\npublic_key = \'{KEY}\'\n'
    )
    announce(FAR)
    for address, url in (("hub:hall-3", listed), ("mdns:hall-3", FAR)):
        target = resolve(address)
        assert target.url == url
        assert target.keys is not None
        assert target.keys.hub_public == KEY
    given = Keys(public="p", secret="s", hub_public=OTHER)
    assert resolve("mdns:hall-3", given).keys == given, "the caller's word is the last"
    half = Keys(public="p", secret="s")
    assert resolve("mdns:hall-3", half).keys == Keys(public="p", secret="s", hub_public=KEY)


def test_a_listed_hub_off_loopback_without_a_key_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROBOLINK_HUBS", f"hall-3={FAR}")
    with pytest.raises(ConfigError, match="in ROBOLINK_HUBS, and its public key is not known"):
        resolve("hub:hall-3")


def test_a_known_key_without_our_own_pair_says_how_to_make_one(
    announce: Announce, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce()
    monkeypatch.setenv(HUB_KEY_VARIABLE, KEY)
    with pytest.raises(ConfigError, match=KEY_FILE_VARIABLE):
        resolve("mdns:hall-3")


def test_on_loopback_no_key_is_needed(announce: Announce) -> None:
    announce(NEAR, curve=False)
    assert resolve("mdns:hall-3").keys is None
    assert resolve("mdns:hall-3").url == NEAR


def test_two_hubs_of_one_name_are_nobody(
    announce: Announce, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HUB_KEY_VARIABLE, KEY)
    announce()
    announce("tcp://10.6.6.6:5570")
    with pytest.raises(ConfigError, match=r"several hubs .*10\.0\.0\.5.*10\.6\.6\.6"):
        resolve("mdns:hall-3")


def test_names_and_addresses(announce: Announce) -> None:
    assert resolve(FAR).url == FAR, "an address is what it was"
    with pytest.raises(ConfigError, match="listed or announced"):
        resolve("hub:nobody")
    with pytest.raises(ConfigError, match="names no hub"):
        resolve("mdns:")


def test_lists_are_read_in_order(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "other.toml"
    file.write_text(f'[[hub]]\nname = "a"\nurl = "{FAR}"\n')
    (home / "robolink" / "hubs.toml").write_text(
        f'[[hub]]\nname = "a"\nurl = "{NEAR}"\n[[hub]]\nname = "b"\nurl = "{NEAR}"\n'
    )
    monkeypatch.setenv("ROBOLINK_HUBS", str(file))
    assert [(each.name, each.url) for each in listed_hubs()] == [("a", FAR), ("b", NEAR)]
    monkeypatch.setenv("ROBOLINK_HUBS", str(home / "missing.toml"))
    with pytest.raises(ConfigError, match="cannot read the list"):
        listed_hubs()


def test_the_state_of_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = HubRecord(name="x", url=FAR, curve=True, fingerprint=fingerprint(KEY), source="mdns")
    listed = HubRecord(name="x", url=FAR, public_key=KEY)
    assert key_state(hub, []) == "unknown"
    assert key_state(hub, [listed]) == "known"
    monkeypatch.setenv(HUB_KEY_VARIABLE, OTHER)
    assert key_state(hub, []) == "other"
    assert key_state(HubRecord(name="y", url=NEAR), []) == "not needed"
