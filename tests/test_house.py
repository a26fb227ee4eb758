"""The house rules that no checker knows: sizes, docstrings, words, machine names, public names, light import.

Every rule is asked of the files that git tracks, so a new file is held to it from its first commit.
"""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_FILE_LINES = 425  # about 400: past it, look for the second thing hiding in the file
MAX_FUNCTION_LINES = 50
BINARY = {".binpb", ".png", ".gif", ".mpy", ".ico"}
DISCLAIMER = "not safety rated"

# Put together here, so that this file keeps the rules as well.
FORBIDDEN_WORDS = re.compile(r"\be[-_ ]?" + r"stop(s|ped|ping)?\b|\bemergency[-_ ]" + "stop", re.IGNORECASE)
MACHINE_PATHS = re.compile(r"(?<![\w.~}\])>*])/(?:" + "|".join(("work", "root", "home/[a-z]+")) + r")(?=/)")
REGISTRIES = re.compile(
    r"\bpypi\." + r"org|python" + r"hosted|registry\.npm" + r"js|\bcrates\." + r"io|deb\.deb" + r"ian|"
    r"proxy\.go" + r"lang|repo1?\.mav" + r"en|index-" + r"url|find-" + "links",
    re.IGNORECASE,
)

PUBLIC_NAMES = {
    "robolink.cloud": (
        "AsyncFleet AsyncGoalHandle AsyncIteration AsyncRobotHandle AsyncTwin Fleet GoalHandle Iteration KubeApi "
        "KubeConfig Options RobotHandle Twin"
    ),
    "robolink": ("__version__ connect connect_async stop_all"),
    "robolink.robot": (
        "Arg Arm AsyncGoal Base Battery Camera Component Driver Goal GoalEnded Gpio Gripper Imu Motor Order "
        "Reading Robot RobotHandler RobotLink Sensor Servo Setting SettingRejectedError "
        "StopOutcome StopView Stream command goal setpoint"
    ),
    "robolink.client": (
        "AsyncGoalHandle AsyncHub AsyncIteration AsyncLease AsyncRobotHandle AsyncTwin Discovery FoundHub GoalHandle "
        "Hub Iteration Lease Options RobotHandle StreamSample TERMINAL Twin cause_name connect "
        "connect_async discover state_name stop_all"
    ),
}


def tracked() -> list[Path]:
    """What git tracks and is there, as paths below the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def generated(path: Path) -> bool:
    return path.stem.endswith(("_pb2", "_pb2_grpc")) or path == Path("robolink/v1/__init__.py")


FILES = tracked()
TEXTS = {path: (ROOT / path).read_text("utf-8") for path in FILES if path.suffix not in BINARY}
MODULES = {path: text for path, text in TEXTS.items() if path.suffix == ".py" and not generated(path)}


def found(pattern: re.Pattern[str]) -> list[str]:
    """`file:line: words` of every match."""
    return [
        f"{path}:{number}: {match[0]}"
        for path, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]


def test_there_is_something_to_check() -> None:
    assert Path("robolink/errors.py") in MODULES
    assert Path("proto/robolink/v1/command.proto") in TEXTS


def test_files_are_short() -> None:
    sources = {**MODULES, **{p: t for p, t in TEXTS.items() if p.suffix in {".proto", ".c", ".h"}}}
    long = {str(path): n for path, text in sources.items() if (n := len(text.splitlines())) > MAX_FILE_LINES}
    assert not long, f"over {MAX_FILE_LINES} lines is two files"


def test_functions_are_short() -> None:
    long = {}
    for path, text in MODULES.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1 - docstring_lines(node)
                if lines > MAX_FUNCTION_LINES:
                    long[f"{path}:{node.lineno} {node.name}"] = lines
    assert not long, f"over {MAX_FUNCTION_LINES} lines, docstring not counted, is two functions"


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    return (node.body[0].end_lineno or 0) - node.body[0].lineno + 1


def test_modules_say_their_job() -> None:
    silent = [
        str(path)
        for path, text in MODULES.items()
        if not ast.get_docstring(ast.parse(text)) and not (path.parts[0] == "tests" and not text.strip())
    ]
    assert not silent, "a module starts with its job and what it must not do"


def test_no_word_promises_more_than_a_software_stop() -> None:
    assert not found(FORBIDDEN_WORDS), "say: software stop, not safety rated"


def test_documents_that_speak_of_a_stop_say_what_it_is_not() -> None:
    documents = {path: text for path, text in TEXTS.items() if path.suffix in {".md", ".rst"}}
    silent = [
        str(path)
        for path, text in documents.items()
        if re.search(r"\bstop\b", text, re.IGNORECASE) and DISCLAIMER not in " ".join(text.split())
    ]
    assert not silent, f'add "{DISCLAIMER}"'


def test_help_of_the_stop_command_says_what_it_is_not() -> None:
    robolink = Path(sysconfig.get_path("scripts")) / "robolink"
    environment = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    for arguments in (["stop", "--help"], ["release", "--help"]):
        shown = subprocess.run(
            [robolink, *arguments], capture_output=True, text=True, check=False, env=environment, timeout=60
        )
        assert shown.returncode == 0, shown.stderr
        assert DISCLAIMER in " ".join(shown.stdout.split()), f"robolink {' '.join(arguments)}"


def test_no_name_of_a_machine_or_registry() -> None:
    assert not found(MACHINE_PATHS)
    assert not found(REGISTRIES)


def test_patterns_bite() -> None:
    assert FORBIDDEN_WORDS.search("an E-" + "Stop button")
    assert FORBIDDEN_WORDS.search("e" + "stop")
    assert not FORBIDDEN_WORDS.search("the stop, the stop latch, one stopped")
    assert MACHINE_PATHS.search('open("/' + 'work/main")')
    assert not MACHINE_PATHS.search("docs/work/x, {base}/root/y")


@pytest.mark.parametrize("module", PUBLIC_NAMES)
def test_public_names_are_these(module: str) -> None:
    loaded = importlib.import_module(module)
    assert sorted(loaded.__all__) == PUBLIC_NAMES[module].split(), "a public name comes and goes on purpose"
    assert all(hasattr(loaded, name) for name in loaded.__all__)


def test_import_robolink_is_light() -> None:
    heavy = {
        "asyncio",
        "google.protobuf",
        "grpc",
        "numpy",
        "pydantic",
        "rclpy",
        "rich",
        "serial",
        "typer",
        "zmq",
    }
    code = "import sys; before = set(sys.modules); import robolink; print(*(set(sys.modules) - before))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not heavy & set(shown.stdout.split()), "import it where it is used"
