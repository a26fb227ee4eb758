"""The committed code is the schema's byte by byte, and no breach of the last release passes `buf breaking`.

`make lint` runs buf over the schema as it is; here is only what makes that worth something.
"""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUF = Path(sysconfig.get_path("scripts")) / "buf"


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.py*"))
        if path.suffix in {".py", ".pyi"}
    }


def test_generated_code_is_the_schemas(tmp_path: Path) -> None:
    script = str(ROOT / "proto" / "generate.py")
    made = subprocess.run(
        [sys.executable, script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    fresh, committed = files_below(tmp_path / "robolink" / "v1"), files_below(ROOT / "robolink" / "v1")
    assert sorted(fresh) == sorted(committed)
    differing = [name for name in fresh if fresh[name] != committed[name]]
    assert not differing, "run make proto and commit what it writes"


def test_generator_knows_every_schema_file() -> None:
    names = runpy.run_path(str(ROOT / "proto" / "generate.py"), run_name="generate")["NAMES"]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "proto" / "robolink" / "v1").glob("*.proto"))


class TestBaseline:
    """The schema of the last release; only a release renews it."""

    BASELINE = ROOT / "proto" / "baseline.binpb"

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        shutil.copy(ROOT / "buf.yaml", tmp_path)
        shutil.copytree(ROOT / "proto", tmp_path / "proto")
        return tmp_path

    def breaking(self, copy: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BUF, "breaking", "--against", self.BASELINE],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )

    def test_present_schema_keeps_it(self, copy: Path) -> None:
        result = self.breaking(copy)
        assert result.returncode == 0, result.stdout + result.stderr

    @pytest.mark.parametrize(
        ("now", "then", "complaint"),
        [
            ("uint32 major = 1;", "uint32 major = 200;", "major"),
            ("uint32 major = 1;", "string major = 1;", "type"),
            ("uint32 major = 1;", "", "deleted"),
        ],
        ids=["renumbered", "retyped", "deleted"],
    )
    def test_a_breach_is_refused(self, copy: Path, now: str, then: str, complaint: str) -> None:
        path = copy / "proto" / "robolink" / "v1" / "envelope.proto"
        text = path.read_text()
        assert now in text
        path.write_text(text.replace(now, then))
        result = self.breaking(copy)
        assert result.returncode != 0
        assert complaint in result.stdout

    def test_a_new_field_is_welcome(self, copy: Path) -> None:
        path = copy / "proto" / "robolink" / "v1" / "envelope.proto"
        text = path.read_text()
        path.write_text(text.replace("uint32 major = 1;", "uint32 major = 1;\n  uint32 brand_new = 15000;"))
        result = self.breaking(copy)
        assert result.returncode == 0, result.stdout + result.stderr
