"""Documents as tests: their blocks in order, done word for word as a reader would do them.

A python or toml block whose first line is `# NAME` is a file; a sh block is typed into one shell; a text block behind it
is what it prints, where `…` stands for anything. Other blocks are `not_done`: nobody does them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from robolink.cli.ports import free_ports

ROOT: Final = Path(__file__).parents[2]
LIMIT_S: Final = 60.0
PORT: Final = "5570"
# These change nothing: a reader who is too early looks again.
READING: Final = (
    "cat ",
    "robolink board list",
    "robolink robots",
    "robolink describe",
    "robolink why",
    "robolink top",
    "robolink twin get",
)
PIP: Final = '''#!{python}
"""pip as far as a tutorial needs it, without a network: what is here already, and an editable install."""
import os, pathlib, shutil, sys, tomllib

command, *what = sys.argv[1:]
assert command == "install", command
if what[0] == "-e":
    assert what[1:] == ["."], what
    project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
    name = project["name"].replace("-", "_")
    assert pathlib.Path(name, "__init__.py").exists(), f"no package {{name}}"
    site = pathlib.Path(os.environ["PYTHONPATH"])
    info = site / f"{{name}}-{{project['version']}}.dist-info"
    shutil.rmtree(info, ignore_errors=True)
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(
        f"Metadata-Version: 2.1\\nName: {{project['name']}}\\nVersion: {{project['version']}}\\n")
    groups = project.get("entry-points", {{}})
    info.joinpath("entry_points.txt").write_text("".join(
        f"[{{group}}]\\n" + "".join(f"{{key}} = {{value}}\\n" for key, value in entries.items())
        for group, entries in groups.items()))
    if not (site / name).exists():
        (site / name).symlink_to(pathlib.Path(name).resolve())
else:
    import robolink
'''


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """Its name, if it is a file."""
        named = re.match(r"# ([\w./-]+\.(?:py|toml))\n", self.text)
        return named[1] if named and self.language in ("python", "toml") else ""


def blocks(document: Path) -> list[Block]:
    """All of them, in order."""
    text = document.read_text()
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(each[1], each[2], text.count("\n", 0, each.start()) + 1) for each in found]


def programs(document: Path) -> list[str]:
    """Its python blocks alone."""
    return [each.text for each in blocks(document) if each.language == "python"]


def matches(shown: str, said: str) -> bool:
    """Whether it is what the document shows; `…` is anything within a line, alone in its line any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else r"[^\n]*".join(map(_loose, line.split("…"))) + r"[ ]*\n"
        for line in shown.splitlines()
    )
    return re.fullmatch(pattern, said if said.endswith("\n") or not said else said + "\n") is not None


def _loose(text: str) -> str:
    # Columns are as wide as what stands in them.
    return re.sub(r"(?:\\ ){2,}", " +", re.escape(text))


@dataclass
class Reader:
    """Follows one document in a folder of his own, on a port of his own."""

    document: Path
    folder: Path
    ran: list[str] = field(default_factory=list)
    not_done: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Sit down at a shell."""
        self._port = str(free_ports(4))
        self._tools = self.folder / ".tools"
        (self._tools / "site").mkdir(parents=True)
        pip = self._tools / "pip"
        pip.write_text(PIP.format(python=sys.executable))
        pip.chmod(0o755)
        path = os.pathsep.join([str(self._tools), str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = os.environ | {
            "PATH": path,
            "PYTHONPATH": str(self._tools / "site"),
            "ROBOLINK_HUB": f"tcp://127.0.0.1:{self._port}",
            "COLUMNS": "120",
        }
        self._log = (self._tools / "shell.log").open("wb")
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )

    def close(self) -> None:
        """End the shell and all that it has started: they are one session's."""
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
        self._log.close()

    def follow(self) -> None:
        """Do every block; the test fails at the first that does not do what it shows."""
        found = blocks(self.document)
        for block, behind in zip(found, [*found[1:], None], strict=True):
            if block.file:
                target = self.folder / block.file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(self._ours(block.text))
            elif block.language == "sh":
                self._type(block, behind.text if behind is not None and behind.language == "text" else None)
                self.ran.append(block.text)
            elif block.language != "text":
                self.not_done.append(block)

    def _type(self, block: Block, shown: str | None) -> None:
        until = time.monotonic() + LIMIT_S
        while True:
            code, said = self._run(self._ours(block.text))
            said = said.replace(self._port, PORT)
            # What it shows may be a refusal: then the words are the judge, not the exit code.
            good = code == 0 if shown is None else matches(shown, said)
            if good:
                return
            if not block.text.startswith(READING) or time.monotonic() > until:
                wanted = "exit code 0" if shown is None else f"\n{shown}"
                where = f"{self.document.name}:{block.line}"
                pytest.fail(
                    f"{where}: {block.text}wanted {wanted}\nexit code {code}, said\n{said}{self._logs()}"
                )

    def _run(self, text: str) -> tuple[int, str]:
        until = time.monotonic() + LIMIT_S
        step, said, code = (self._tools / name for name in ("step", "said", "code"))
        step.write_text(text)
        code.unlink(missing_ok=True)
        assert self._shell.stdin is not None
        # A failed line fails the block, as it would stop a reader; the code comes into its place in one go.
        self._shell.stdin.write(
            f"failed=0; trap 'failed=$?' ERR; . {step} > {said} 2>&1; trap - ERR; "
            f"echo $failed > {code}.new; mv {code}.new {code}\n"
        )
        self._shell.stdin.flush()
        while not code.exists():
            if time.monotonic() > until or self._shell.poll() is not None:
                pytest.fail(f"{self.document.name}: did not end: {text}{said.read_text()}{self._logs()}")
            time.sleep(0.01)
        return int(code.read_text()), said.read_text()

    def _ours(self, text: str) -> str:
        return text.replace(PORT, self._port)

    def _logs(self) -> str:
        return "".join(f"\n{each.name}:\n{each.read_text()[-1500:]}" for each in self.folder.glob("*.log"))
