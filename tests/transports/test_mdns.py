"""Announcing and finding with the real zeroconf on the loopback interface, down to a connection by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import robolink
from robolink.errors import ConfigError
from robolink.transports import curve
from robolink.transports.hubs import HubRecord, from_mdns
from robolink.transports.mdns import Announcer, Browser
from tests.conftest import HubProcess, wait_for

zeroconf = pytest.importorskip("zeroconf", reason="extra discovery")

LOOPBACK = ("127.0.0.1",)
FIND_S = 30.0
MakeHub = Callable[..., HubProcess]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the loopback interface, and no list of whoever runs the test."""
    monkeypatch.setenv("ROBOLINK_MDNS_INTERFACES", "127.0.0.1")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("ROBOLINK_HUBS", "ROBOLINK_HUB_PUBLIC_KEY", "ROBOLINK_SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def name() -> str:
    """A name that no other test run on this machine announces."""
    return f"test {uuid.uuid4().hex[:12]}"


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser(LOOPBACK) as made:
        yield made


def of(browser: Browser, name: str) -> list[HubRecord]:
    return [each for each in browser.hubs() if each.name == name]


def test_found_while_announced_and_gone_afterwards(name: str, browser: Browser) -> None:
    record = HubRecord(name=name, url="tcp://127.0.0.1:5999", site="bench", curve=True, fingerprint="ab-cd")
    announcer = Announcer(record)
    announcer.start()
    assert browser.wait(name, FIND_S)
    (found,) = of(browser, name)
    assert (found.url, found.site, found.curve, found.fingerprint) == (record.url, "bench", True, "ab-cd")
    announcer.close()
    wait_for(lambda: not of(browser, name), FIND_S, "the goodbye")
    assert not announcer.counters


def test_a_wildcard_url_is_announced_with_the_interfaces_address(name: str, browser: Browser) -> None:
    announcer = Announcer(HubRecord(name=name, url="tcp://0.0.0.0:5998"), LOOPBACK)
    announcer.start()
    assert browser.wait(name, FIND_S)
    announcer.close()


def test_a_second_hub_of_the_name_is_found_beside_the_first(name: str, browser: Browser) -> None:
    announcers = [Announcer(HubRecord(name=name, url=f"tcp://127.0.0.1:{port}")) for port in (5996, 5997)]
    for each in announcers:
        each.start()
        assert browser.wait(name, FIND_S)
    wait_for(lambda: len(of(browser, name)) == 2, FIND_S, "both")
    for each in announcers:
        each.close()


def test_a_strangers_announcement_is_left_out_and_counted(name: str, browser: Browser) -> None:
    link = zeroconf.Zeroconf(interfaces=list(LOOPBACK))
    label = name.replace(" ", "-")
    for number, txt in enumerate(({"txtvers": "7"}, {})):
        info = zeroconf.ServiceInfo(
            "_robolink._tcp.local.",
            f"{label}-{number}._robolink._tcp.local.",
            port=1,
            properties=txt,
            parsed_addresses=["127.0.0.1"],
        )
        link.register_service(info)
    wait_for(lambda: browser.counters["impossible"] >= 2, FIND_S, "the refusals")
    assert not of(browser, name)
    link.close()


def test_an_interface_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"203\.0\.113\.9"):
        Browser(("203.0.113.9",))


def test_a_real_hub_is_found_listed_and_connected_to_by_name(make_hub: MakeHub, name: str) -> None:
    hub = make_hub(f'name = "{name}"\ndiscovery = {{announce = true, site = "bench"}}')
    with robolink.connect(f"mdns:{name}") as client:
        assert client.robots() == []

    def listed() -> list[dict[str, object]]:
        command = [sys.executable, "-m", "robolink.cli", "discover", "--json", "--timeout-s", "1"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return [each for each in json.loads(shown.stdout)["hubs"] if each["name"] == name]

    (entry,) = wait_for(listed, FIND_S, "the hub")
    assert (entry["url"], entry["site"], entry["version"]) == (hub.url, "bench", "1.0")
    assert (entry["source"], entry["key"], entry["curve"]) == ("mdns", "not needed", False)
    command = [sys.executable, "-m", "robolink.cli", "robots", "--hub", f"mdns:{name}", "--json"]
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def test_a_hub_with_keys_is_connected_to_only_once_its_key_is_listed(
    make_hub: MakeHub, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert curve._main([str(tmp_path / "keys"), "hub", "me"]) == 0
    secret = {each: tmp_path / "keys" / f"{each}.key_secret" for each in ("hub", "me")}
    public = {each: curve.load_keys(path).public for each, path in secret.items()}
    peers = f"peers = [{{name = 'me', public_key = '{public['me']}', roles = ['observe']}}]"
    hub = make_hub(
        f'name = "{name}"\ndiscovery = {{announce = true}}\n'
        f"curve = {{secret_key_file = '{secret['hub']}', {peers}}}"
    )
    monkeypatch.setenv("ROBOLINK_SECRET_KEY_FILE", str(secret["me"]))
    monkeypatch.delenv("ROBOLINK_HUB_PUBLIC_KEY", raising=False)
    with pytest.raises(ConfigError, match="public key is not known here"):
        robolink.connect(f"mdns:{name}")
    lists = tmp_path / "robolink"
    lists.mkdir()
    entry = f"[[hub]]\nname = '{name}'\nurl = 'tcp://127.0.0.1:1'\npublic_key = '{public['hub']}'\n"
    (lists / "hubs.toml").write_text(entry)
    with robolink.connect(f"mdns:{name}") as client:
        assert client.robots() == []
    assert hub.url != "tcp://127.0.0.1:1"


async def test_by_name_with_asyncio(make_hub: MakeHub, name: str) -> None:
    make_hub(f'name = "{name}"\ndiscovery = {{announce = true}}')
    async with robolink.connect_async(f"hub:{name}") as client:
        assert await client.robots() == []


def test_a_hub_says_nothing_unless_it_is_told_to(hub: HubProcess, browser: Browser) -> None:
    assert not browser.wait("robolink", 1.0)


def test_a_hub_that_should_announce_and_cannot_says_why(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(f'discovery = {{announce = true}}\n[store]\npath = "{tmp_path / "store"}"\n')
    hidden = tmp_path / "zeroconf.py"
    hidden.write_text("raise ImportError('not here')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "robolink.hub", "--config", str(config)]
    ended = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "robolink[discovery]" in ended.stderr


def test_what_we_announce_is_what_we_read(name: str) -> None:
    # The round trip through the library's own encoding of TXT, without a network.
    from robolink.transports.hubs import to_txt

    info = zeroconf.ServiceInfo(
        "_robolink._tcp.local.",
        "x._robolink._tcp.local.",
        properties=to_txt(HubRecord(name=name, url="tcp://h:1")),
    )
    assert from_mdns(info.properties, "127.0.0.1", 1).name == name
