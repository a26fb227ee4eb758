"""The three fuzzers of the C library: that they compile, and a thousand inputs each. `make fuzz-c` looks for longer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.firmware_c.peer import build, need

RUNS = 1000
LIMIT_S = 300
NOTHING = (
    "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size) { return data == 0 && size; }"
)


@pytest.fixture(scope="module")
def fuzzers(built: Path) -> Path:
    """Where they are built, if this clang has libFuzzer and the sanitizers: Debian keeps those apart."""
    need("make", "clang")
    command = ["clang", "-fsanitize=fuzzer,address,undefined", "-x", "c", "-", "-o", str(built / "nothing")]
    if subprocess.run(command, input=NOTHING.encode(), capture_output=True, check=False).returncode:
        pytest.skip("clang has no libFuzzer here: install libclang-rt-dev of its version")
    return built / "fuzz"


@pytest.mark.parametrize("name", ["frame", "codec", "board"])
def test_a_thousand_inputs_break_nothing(fuzzers: Path, built: Path, tmp_path: Path, name: str) -> None:
    build(str(fuzzers / name), built)
    command = [fuzzers / name, f"-runs={RUNS}", "-seed=1", "-max_len=4096", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
