"""Records of hubs: what lists and announcements may say, and that a stranger's announcement breaks nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink.errors import ConfigError, RemoteProtocolError
from robolink.transports.hubs import (
    MAX_LABEL,
    HubRecord,
    fingerprint,
    from_mdns,
    from_toml,
    from_words,
    instance_label,
    to_txt,
)

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
URL = "tcp://10.0.0.5:5570"


def as_bytes(txt: dict[str, str]) -> dict[bytes, bytes | None]:
    return {key.encode(): value.encode() for key, value in txt.items()}


def test_an_announcement_says_all_but_a_key() -> None:
    record = HubRecord(
        name="hall 3",
        url=URL,
        safety_url="tcp://10.0.0.5:7001",
        site="Wien",
        curve=True,
        fingerprint=fingerprint(KEY),
        public_key=KEY,
    )
    txt = to_txt(record)
    assert KEY not in "".join(txt.values())
    read = from_mdns(as_bytes(txt), "10.0.0.5", 5570)
    assert (read.name, read.url, read.safety_url, read.site) == ("hall 3", URL, "tcp://10.0.0.5:7001", "Wien")
    assert (read.version, read.curve, read.fingerprint) == ("1.0", True, fingerprint(KEY))
    assert (read.source, read.public_key) == ("mdns", "")


def test_a_key_in_an_announcement_is_not_even_read() -> None:
    txt = as_bytes(to_txt(HubRecord(name="x", url=URL))) | {b"public_key": KEY.encode(), b"key": KEY.encode()}
    assert KEY not in repr(from_mdns(txt, "10.0.0.5", 5570))


@pytest.mark.parametrize(
    "change",
    [
        {b"txtvers": b"2"},
        {b"txtvers": None},
        {b"name": b""},
        {b"name": b"\xff"},
        {b"name": b"red \x1b[31m"},
        {b"site": b"s" * 201},
        {b"version": b"1"},
        {b"version": b"1.x"},
        {b"version": "1.²".encode()},
        {b"safety": b"0"},
        {b"safety": b"65536"},
        {b"safety": b"99999999999"},
    ],
)
def test_an_impossible_announcement_is_refused(change: dict[bytes, bytes | None]) -> None:
    txt = as_bytes(to_txt(HubRecord(name="x", url=URL)))
    with pytest.raises(RemoteProtocolError):
        from_mdns(txt | change, "10.0.0.5", 5570)


@given(
    st.dictionaries(
        st.sampled_from([b"txtvers", b"version", b"name", b"site", b"curve", b"safety", b"fp"])
        | st.binary(max_size=9),
        st.none() | st.sampled_from([b"1", b"1.0"]) | st.binary(max_size=300),
    ),
    st.integers(0, 70_000),
)
def test_any_announcement_is_a_record_or_refused(txt: dict[bytes, bytes | None], port: int) -> None:
    try:
        record = from_mdns(txt, "10.0.0.5", port)
    except RemoteProtocolError:
        return
    assert record.name.isprintable()
    assert not record.public_key


@given(st.text())
def test_every_name_has_a_label(name: str) -> None:
    label = instance_label(name)
    assert 0 < len(label.encode()) <= MAX_LABEL
    assert "." not in label


def test_too_long_a_site_is_our_own_error() -> None:
    with pytest.raises(ConfigError, match=r"discovery\.site"):
        to_txt(HubRecord(name="x", url=URL, site="s" * 201))


def test_lists() -> None:
    text = f"""
    [[hub]]
    name = "hall-3"
    url = "{URL}"
    public_key = '{KEY}'
    site = "Wien"
    [[hub]]
    name = "bench"
    url = "tcp://127.0.0.1:5570"
    """
    hall, bench = from_toml(text, "hubs.toml")
    assert (hall.name, hall.url, hall.public_key, hall.site, hall.curve) == ("hall-3", URL, KEY, "Wien", True)
    assert (bench.loopback, bench.curve, bench.source) == (True, False, "hubs.toml")
    words = from_words(f"hall-3={URL},{KEY}  bench=tcp://127.0.0.1:5570", "ROBOLINK_HUBS")
    assert [(each.name, each.url, each.public_key) for each in words] == [
        (each.name, each.url, each.public_key) for each in (hall, bench)
    ]
    assert from_toml("", "empty") == from_words("", "empty") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hub = 3", r"\[\[hub\]\]"),
        ("hub = [3]", r"\[\[hub\]\]"),
        ("[[hub]]", "needs a name and a url"),
        (f'[[hub]]\nname = "x"\nurl = "{URL}"\ncolour = "red"', "colour does not belong"),
        (f'[[hub]]\nname = 3\nurl = "{URL}"', "no text"),
        ('[[hub]]\nname = "x"\nurl = "ipc://x"', "no endpoint"),
        (f'[[hub]]\nname = "x"\nurl = "{URL}"\npublic_key = "short"', "40 characters, this one 5"),
        (f'[[hub]]\nname = "x"\nurl = "{URL}"\n' * 2, "twice"),
        ("[[hub", "not TOML"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        from_toml(text, "hubs.toml")


def test_wrong_words() -> None:
    for line in ("x", "x=", "=tcp://h:1", "x=tcp://h", f"x={URL},short"):
        with pytest.raises(ConfigError, match=r"ROBOLINK_HUBS|endpoint"):
            from_words(line, "ROBOLINK_HUBS")


def test_safety_lane_elsewhere_is_off_loopback() -> None:
    assert not HubRecord(name="x", url="tcp://127.0.0.1:1", safety_url="tcp://10.0.0.5:2").loopback
