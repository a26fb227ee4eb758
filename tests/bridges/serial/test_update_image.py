"""Signed images: what was signed is what comes out, and nothing of anything else does."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robolink.errors import ConfigError
from robolink_serial.update.image import (
    MANIFEST,
    MAX_FILES,
    SIGNATURE,
    Image,
    ImageError,
    ImageFile,
    is_board_path,
    load_private,
    load_trusted,
    make_key,
    read_image,
    write_image,
)
from tests.firmware import FIRMWARE

from robolink_board import slotfiles  # type: ignore[import-not-found]  # isort: skip

assert FIRMWARE.exists()
IMAGE = Image(
    version="1.2.3",
    architecture="armv6m",
    bytecode=6,
    files=(
        ImageFile(path="robolink_board/__init__.mpy", data=b""),
        ImageFile(path="robolink_board/app.mpy", data=bytes(range(256))),
    ),
)


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """An image on the disk, its maker's key beside it."""
    make_key(tmp_path / "maker")
    write_image(IMAGE, load_private(tmp_path / "maker"), tmp_path / "image")
    return tmp_path / "image"


def read(path: Path, *keys: str) -> tuple[Image, str]:
    return read_image(path, load_trusted(path.parent / each for each in keys or ("maker.pub",)))


def test_what_was_signed_comes_out(signed: Path) -> None:
    assert read(signed) == (IMAGE, "maker.pub")
    again = signed.with_name("again")
    write_image(IMAGE, load_private(signed.parent / "maker"), again)
    assert again.read_bytes() == signed.read_bytes(), "the same image is the same file"
    assert (signed.parent / "maker").stat().st_mode & 0o077 == 0


def test_a_key_that_is_not_trusted_signs_nothing(signed: Path) -> None:
    make_key(signed.parent / "other")
    with pytest.raises(ImageError, match=r"not signed by a key that is trusted here \(other.pub\)"):
        read(signed, "other.pub")
    with pytest.raises(ImageError, match="none"):
        read_image(signed, {})
    assert read(signed, "other.pub", "maker.pub")[1] == "maker.pub"


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Change members of an image as somebody would who has no key."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _other_file(members: dict[str, bytes]) -> None:
    members["files/robolink_board/app.mpy"] = bytes(256)


def _longer_file(members: dict[str, bytes]) -> None:
    members["files/robolink_board/app.mpy"] += b"!"


def _other_version(members: dict[str, bytes]) -> None:
    members[MANIFEST] = members[MANIFEST].replace(b"1.2.3", b"1.2.4")


def _other_format(members: dict[str, bytes]) -> None:
    members[MANIFEST] = json.dumps(json.loads(members[MANIFEST]) | {"format": 2}).encode()


def _no_signature(members: dict[str, bytes]) -> None:
    del members[SIGNATURE]


def _long_signature(members: dict[str, bytes]) -> None:
    members[SIGNATURE] += b"\0"


def _missing_file(members: dict[str, bytes]) -> None:
    del members["files/robolink_board/app.mpy"]


@pytest.mark.parametrize(
    "change",
    [_other_file, _longer_file, _other_version, _other_format, _no_signature, _long_signature, _missing_file],
)
def test_what_was_changed_is_refused(signed: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    rewritten(signed, change)
    with pytest.raises(ImageError):
        read(signed)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_is_no_other_image(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("image")
    make_key(folder / "maker")
    write_image(IMAGE, load_private(folder / "maker"), folder / "image")
    data = bytearray((folder / "image").read_bytes())
    data[at % len(data)] ^= 1 << bit
    (folder / "image").write_bytes(data)
    try:
        found, _ = read(folder / "image")
    except ImageError:
        return
    assert found == IMAGE, "a bit that nothing depends on"


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (Image(version="1", architecture="", bytecode=0, files=()), "1 to"),
        (Image(version="1", architecture="", bytecode=0, files=(ImageFile(path="a", data=b""),)), "without"),
        (Image(version="", architecture="", bytecode=0, files=(ImageFile(path="a", data=b"1"),)), "version"),
        (
            Image(version="1", architecture="", bytecode=0, files=(ImageFile(path="../a", data=b"1"),)),
            "no path",
        ),
        (
            Image(version="1", architecture="", bytecode=0, files=(ImageFile(path="a", data=b"1"),) * 2),
            "twice",
        ),
        (
            Image(
                version="1",
                architecture="",
                bytecode=0,
                files=tuple(ImageFile(path=f"f{n}", data=b"1") for n in range(MAX_FILES + 1)),
            ),
            "1 to",
        ),
    ],
)
def test_what_no_board_takes_is_not_made(tmp_path: Path, image: Image, match: str) -> None:
    make_key(tmp_path / "maker")
    with pytest.raises(ImageError, match=match):
        write_image(image, load_private(tmp_path / "maker"), tmp_path / "image")
    assert not (tmp_path / "image").exists()


@given(st.text(max_size=100) | st.from_regex(r"[a-z./_-]{0,20}", fullmatch=True))
def test_host_and_board_agree_on_what_a_path_is(path: str) -> None:
    if path.isascii():
        assert is_board_path(path) == bool(slotfiles.is_path(path))


def test_keys_are_never_overwritten_and_others_are_told_apart(tmp_path: Path) -> None:
    make_key(tmp_path / "maker")
    with pytest.raises(ConfigError, match="there already"):
        make_key(tmp_path / "maker")
    with pytest.raises(ConfigError, match="no key"):
        load_private(tmp_path / "maker.pub")
    with pytest.raises(ConfigError, match="cannot read"):
        load_trusted([tmp_path / "none.pub"])
    (tmp_path / "text.pub").write_text("hello")
    with pytest.raises(ConfigError, match="no key"):
        load_trusted([tmp_path / "text.pub"])
