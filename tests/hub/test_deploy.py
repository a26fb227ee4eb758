"""Files for systemd: printed with this installation's paths, understood by systemd, hardened, and true to what the hub does."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from robolink.errors import ConfigError
from robolink.hub import safety_process
from robolink.hub.units import FILES, executable, unit

MAX_EXPOSURE = 25  # systemd's own figure in tenths; an unhardened service has 96
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def parsed(text: str) -> configparser.RawConfigParser:
    """A unit; of a key that is written twice, the last."""
    read = configparser.RawConfigParser(strict=False, delimiters=("=",), interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read_string(text)
    return read


def written(folder: Path) -> list[Path]:
    """The service units as they would be installed; of the template, one instance."""
    paths = [folder / "robolink-hub.service", folder / "robolink-driver@arm-1.service"]
    for path, kind in zip(paths, ("hub", "driver"), strict=True):
        path.write_text(unit(kind))
    return paths


@needs_systemd
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", *written(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # It says what it ignores, and ends well all the same.
    assert (done.returncode, done.stderr) == (0, "")


@needs_systemd
def test_the_hub_stays_hardened(tmp_path: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={MAX_EXPOSURE}", "--no-pager"]
    done = subprocess.run(
        [*command, written(tmp_path)[0]], capture_output=True, text=True, timeout=60, check=False
    )
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze judges no files")
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_units_say_what_the_hub_does() -> None:
    service = parsed(unit("hub", config=Path("/etc/robolink/my hub.toml")))["Service"]
    assert service["ExecStart"] == f'{executable()} hub --config "/etc/robolink/my hub.toml"'
    assert executable().is_file()
    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) > 1
    assert int(service["LimitNICE"]) == safety_process.PRIORITY
    assert service["User"] == service["StateDirectory"] == "robolink"
    assert service["KillMode"] == "mixed", "the hub itself ends its safety process"


@pytest.mark.parametrize("kind", FILES)
def test_no_mark_is_left_and_the_user_is_the_one_asked_for(kind: str) -> None:
    text = unit(kind, user="robots")
    assert not [word for word in text.split() if word.strip("-").startswith("@") and word.endswith("@")]
    assert "@USER@" not in text
    assert "robots" in text


def test_a_name_or_path_that_would_break_a_unit_is_refused() -> None:
    with pytest.raises(ConfigError, match="no name of a system user"):
        unit("hub", user="a b\nExecStart=evil")
    with pytest.raises(ConfigError, match="cannot be written"):
        unit("hub", config=Path('/etc/a"b.toml'))
    with pytest.raises(ConfigError, match="no unit 'x'"):
        unit("x")
    assert "/etc/100%%.toml" in unit("hub", config=Path("/etc/100%.toml"))


@pytest.mark.parametrize("kind", FILES)
def test_the_command_prints_them(kind: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "robolink.cli", "hub", "unit", kind],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, unit(kind))


def test_where_no_program_is_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="no program"):
        unit("hub")
