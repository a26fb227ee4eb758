"""Rules for udev: what may stand in them, what they give a board, and that udev reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from robolink.errors import ConfigError
from robolink_serial.udev import VENDORS, rules


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_a_named_board_and_every_other() -> None:
    found = lines(rules({"E6614C": "arm-1"}, group="robots"))
    assert 'ENV{ID_SERIAL_SHORT}=="E6614C", SYMLINK+="robolink/arm-1"' in found
    assert 'SYMLINK+="robolink/$env{ID_SERIAL_SHORT}"' in found
    assert 'GROUP="robots", MODE="0660"' in found


def test_modem_manager_leaves_boards_alone_and_only_boards() -> None:
    found = lines(rules(vendors=["1209"]))
    known = "|".join([*VENDORS, "1209"])
    assert (
        f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{known}", ENV{{ID_MM_DEVICE_IGNORE}}="1"'
        in found
    )
    # What is no board has left before anything is given to it.
    guard = found.index(f'ENV{{ID_VENDOR_ID}}!="{known}", GOTO="robolink_end"')
    given = [number for number, line in enumerate(found) if re.search(r"PORT_IGNORE|GROUP|SYMLINK", line)]
    assert min(given) > guard


def test_each_line_is_a_list_of_matches_and_assignments() -> None:
    part = r'[A-Z]+(\{\w+\})?(==|!=|\+=|=)"[^"]*"'
    for line in lines(rules({"E6614C": "arm-1"})):
        assert re.fullmatch(rf"{part}(, {part})*", line), line
    assert not re.search("@[A-Z]+@", rules())


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        ({'x", RUN+="sh': "arm-1"}, {}, "USB serial number"),
        ({"x*": "arm-1"}, {}, "USB serial number"),
        ({"x": "../sda"}, {}, "robot id"),
        ({"x": "a", "y": "a"}, {}, "two boards"),
        ({}, {"vendors": ["12"]}, "vendor id"),
        ({}, {"group": 'a"'}, "group"),
    ],
)
def test_what_cannot_stand_in_a_rule_is_refused(
    names: dict[str, str], more: dict[str, object], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        rules(names, **more)  # type: ignore[arg-type]


def test_udev_reads_them(tmp_path: Path) -> None:
    udevadm = shutil.which("udevadm")
    if udevadm is None:
        pytest.skip("udevadm is not on this machine")
    file = tmp_path / "70-robolink-serial.rules"
    file.write_text(rules({"E6614C": "arm-1"}))
    done = subprocess.run([udevadm, "verify", file], capture_output=True, text=True, timeout=60, check=False)
    if "Unknown command verb" in done.stderr:
        pytest.skip("this udevadm has no verify: it came with systemd 254")
    assert done.returncode == 0, done.stdout + done.stderr
