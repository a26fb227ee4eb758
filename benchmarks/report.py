"""What a benchmark ran on, and its section of RESULTS.md, replaced in place. It knows no figures of its own."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from benchmarks.processes import ROOT

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
HEADING: Final = (
    "# Results\n\nEach section is written by the command that it names; run it again to replace it.\n"
)


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
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
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


def command_line(module: str) -> str:
    """What to type to run this again, from the root of a checkout."""
    return " ".join(["python", "-m", module, *sys.argv[1:]])


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column left-aligned."""
    lines = [head, ["-", *["-:"] * (len(head) - 1)], *rows]
    return "\n".join("|" + "|".join(line) + "|" for line in lines)


def replace_section(title: str, text: str, path: Path = RESULTS) -> None:
    """Put `text` under `## title`, in place of what stood there; other sections stay."""
    before = path.read_text("utf-8") if path.exists() else HEADING
    section = f"## {title}\n\n{text.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if pattern.search(before):
        after = pattern.sub(lambda _match: section + "\n", before)
    else:
        after = before.rstrip("\n") + "\n\n" + section
    path.write_text(after.rstrip("\n") + "\n", "utf-8")
