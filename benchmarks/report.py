"""What a benchmark ran on, and the file of all data that RESULTS.md is written from. It judges and renders nothing."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import ROOT

DATA: Final = Path(__file__).with_name("results.json")


def machine() -> dict[str, str]:
    """The machine, as far as figures depend on it."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)):
        cpu = found[1]
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": cpu,
        "cores": str(usable),
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])} {platform.machine()}",
        "load before": " ".join(f"{each:.2f}" for each in os.getloadavg()),
    }


def versions(*packages: str) -> dict[str, str]:
    """Python and these packages; one that is not installed is left out."""
    found = {"Python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit that was measured; "" outside a clone."""
    git = ["git", "-C", str(ROOT)]
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            [*git, "status", "--porcelain", "--", "robolink"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{head} with changes in robolink" if changed else head


def date() -> str:
    """Now, UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def facts(command: str, packages: Sequence[str]) -> dict[str, Any]:
    """What a reader must know of a run beside its figures.

    Args:
        command: What makes the figures, as typed at the root of a checkout.
        packages: Whose versions matter.
    """
    return {
        "command": command,
        "date": date(),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(*packages),
    }


def load(path: Path = DATA) -> dict[str, Any]:
    """Every section's data; nothing if there is none yet."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def keep(name: str, section: dict[str, Any], path: Path = DATA) -> dict[str, Any]:
    """Replace one section's data; all of it. The file is swapped whole, so a reader never sees half of it."""
    data = load(path)
    data[name] = section
    half = path.with_suffix(".tmp")
    half.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n", "utf-8")
    half.replace(path)
    return data
