"""The suite works: tiny scenarios with real processes, and what is written of made-up data. No figure is judged here."""

from __future__ import annotations

import copy
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as runner
from benchmarks import profiling, render, report, soak
from benchmarks.measure import ratio
from benchmarks.processes import ROOT
from benchmarks.scenario import Goal, Metric, Scenario, sizes_of
from benchmarks.scenarios import ALL, stages
from benchmarks.scenarios import stop as stop_scenario
from tests.conftest import wait_for

TINY = {
    "command": {"calls": 5, "warmup": 2, "throughput_calls": 8, "outstanding": 2},
    "telemetry": {"subscribers": 1, "paced": 20, "rate_hz": 500, "flood": 50},
}


@pytest.fixture(autouse=True)
def _unsettled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.scenario.SETTLE_S", 0.0)


def fake(measured: list[str] | None = None, **changes: Any) -> Scenario:
    def measure(bench: Any, path: str) -> dict[str, float]:
        if measured is not None:
            measured.append(path)
        return {"us": {"bare": 10.0, "ours": 20.0}[path], "lost": 0.0}

    parts: dict[str, Any] = {
        "name": "fake",
        "title": "Made up",
        "peers": {"bare": "bare", "ours": "ours of {calls}"},
        "bases": {"bare": "bare"},
        "tables": (("one", (Metric("us", "us at {calls}"), Metric("lost", "lost", compared=False))),),
        "measure": measure,
        "sizes": {"calls": 3},
        "goals": (
            Goal(text="time", path="ours", metric="us", base="bare", at_most=3.0),
            Goal(text="time", path="ours", metric="us", at_most=15.0, unit="us"),
        ),
        "notes": "{calls} calls.",
    }
    return Scenario(**(parts | changes))


def data_of(scenario: Scenario, rounds: int = 2) -> dict[str, Any]:
    facts = report.facts("python -m benchmarks --only fake", ("pyzmq",))
    found = scenario.run(rounds, scenario.sizes, progress=lambda _text: None)
    return {"facts": facts, "sizes": dict(scenario.sizes), "rounds": found}


def test_scenarios_can_be_told_and_asked_for() -> None:
    motion = ["command", "setpoint", "telemetry", "stop", "twin", "edge"]
    assert list(ALL) == [*motion, "journal", "serial", "ros2", "startup", "memory"]
    for scenario in ALL.values():
        keys = {metric.key for metric in scenario.metrics}
        assert set(scenario.bases) | set(scenario.needs) <= set(scenario.peers)
        assert set(scenario.quick) <= set(scenario.sizes)
        assert all(goal.path in scenario.peers and goal.metric in keys for goal in scenario.goals)
        assert all(goal.base in {"", *scenario.peers} for goal in scenario.goals)
        assert scenario.profiled is None or scenario.profiled[0] in scenario.peers
        scenario.notes.format(**scenario.sizes)


def test_rounds_are_interleaved() -> None:
    measured: list[str] = []
    found = fake(measured).run(3, {"calls": 3}, progress=lambda _text: None)
    assert measured == ["bare", "ours", "ours", "bare", "bare", "ours"]
    assert [list(each) for each in found] == [["bare", "ours"]] * 3


def test_what_is_missing_here_is_left_out_and_told() -> None:
    scenario = fake(needs={"bare": lambda: "bare is not installed"})
    data = data_of(scenario) | {"left_out": scenario.left_out()}
    assert [list(each) for each in data["rounds"]] == [["ours"]] * 2
    text = render.section(scenario, data)
    assert "Left out on this machine: bare (bare is not installed)." in text
    assert [each.goal.base for each in render.judge(scenario, data["rounds"])] == [""]


def test_a_section_holds_figures_ratios_and_verdicts() -> None:
    scenario = fake()
    text = render.section(scenario, data_of(scenario))
    assert "|ours of 3|20 [20-20]|2.00 [2.00-2.00]|0 [0-0]|" in text
    assert "|ours of 3: time / bare|≤ 3|2.00 [2.00-2.00]|met|" in text
    assert "|ours of 3: time|≤ 15 us|20.00 [20.00-20.00]|**not met**|" in text
    assert "2 rounds. 3 calls." in text
    assert "`python -m benchmarks --only fake`" in text


def test_a_ratio_is_taken_round_by_round() -> None:
    assert ratio([10, 40, 30], [10, 20, 10]) == (2.0, 1.0, 3.0)


def test_one_section_is_replaced_alone(tmp_path: Path) -> None:
    file, scenario = tmp_path / "results.json", fake()
    report.keep("fake", data_of(scenario), file)
    other = data_of(fake(name="other"))
    report.keep("other", other, file)
    newer = copy.deepcopy(other)
    newer["rounds"][0]["ours"]["us"] = newer["rounds"][1]["ours"]["us"] = 77.0
    kept = report.keep("other", newer, file)
    assert kept == report.load(file)
    text = render.document({"fake": scenario, "other": fake(name="other", title="Second")}, kept, {})
    assert (
        text.index("## Made up")
        < text.index("20 [20-20]")
        < text.index("## Second")
        < text.index("77 [77-77]")
    )


def test_sizes_are_checked() -> None:
    assert sizes_of(fake(), quick=False, changes={"calls": 9, "unknown": 1}) == {"calls": 9}
    with pytest.raises(Exception, match="calls must be over 0"):
        sizes_of(fake(), quick=False, changes={"calls": 0})


def test_profile_counts_functions_and_leaves_imports_out() -> None:
    samples = "\n".join(
        (
            "thread (1): MainThread;main (a/b/app.py:1);work (a/b/app.py:7) 6",
            "thread (1): MainThread;main (a/b/app.py:3) 2",
            "thread (1): MainThread;x (<frozen importlib._bootstrap>:3) 90",
            "thread (2): idle 5",
        )
    )
    found = profiling.top(samples)
    assert found[0] == {"function": "work (a/b/app.py)", "self": 0.75, "total": 0.75}
    assert found[1] == {"function": "main (a/b/app.py)", "self": 0.25, "total": 1.0}
    told = render.profile({"of": "the hub", "top": found, "error": ""})
    assert "|`work (a/b/app.py)`|75.0%|75.0%|" in told
    assert render.profile({"error": "py-spy is not installed"}) == "No profile: py-spy is not installed."


def test_stops_and_orders_are_matched_by_generation() -> None:
    called = [[1, 10.0, 10.5], [3, 20.0, 20.5]]
    found = stop_scenario.figures(called, [[1, 10.001], [1, 10.4], [3, 20.003]])
    assert found["p50_us"] == pytest.approx(1000) and found["max_us"] == pytest.approx(3000)
    with pytest.raises(RuntimeError, match="1 of 2 stops"):
        stop_scenario.figures(called, [[1, 10.001]])


def soaked(growth_kb: float, age_ms: float) -> dict[str, Any]:
    samples = []
    for number in range(1, 13):
        age = 10.0 if number <= 6 else age_ms
        ages = {"count": 5, "p50_ms": age, "p99_ms": 2 * age, "max_ms": 3 * age}
        samples.append(
            {
                "t_s": number * 60.0,
                "rss_kb": 90_000 + growth_kb * number,
                "hub_cpu": 0.1,
                "telemetry": ages,
                "twin": ages,
                "lost": 0,
                "hub": {"a_refusal": 2},
                "client": {},
            }
        )
    options = vars(soak.parse(["--warmup-s", "1"]))
    return {"facts": report.facts("python -m benchmarks.soak", ()), "options": options, "samples": samples}


def test_a_soak_is_judged_by_its_data() -> None:
    assert all(each.met for each in soak.judge(soaked(1.0, 10.0)))
    assert [each.met for each in soak.judge(soaked(500.0, 10.0))] == [False, True, True, True, True]
    assert [each.met for each in soak.judge(soaked(1.0, 16.0))] == [True, False, False, False, False]
    text = soak.render(soaked(500.0, 10.0))
    assert "+500.0 kB/min|**not met**" in text and "hub a_refusal 2" in text


@pytest.mark.parametrize(("name", "paths"), [("command", "raw,robolink"), ("telemetry", "")])
def test_a_tiny_scenario_runs_through(name: str, paths: str, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = ALL[name]
    sizes = [f"--set={key}={value}" for key, value in TINY[name].items()]
    arguments = ["--only", name, "--rounds", "1", "--no-write", "--no-profile", "--paths", paths, *sizes]
    assert runner.main(arguments) == 0
    out = capsys.readouterr().out
    for path in paths.split(",") if paths else scenario.peers:
        assert f"|{scenario.peers[path]}|" in out
    assert "|goal|bound|measured|verdict|" in out


@pytest.mark.skipif("mqtt" in ALL["command"].left_out(), reason="no MQTT broker, or no client of it")
def test_the_broker_ends_with_its_path() -> None:
    before = brokers()
    figures = ALL["command"].once("mqtt", TINY["command"])
    assert figures["per_s"] > 0
    assert brokers() <= before


def brokers() -> set[str]:
    """Process ids of brokers that a benchmark has started."""
    commands = {each.name: each / "cmdline" for each in Path("/proc").iterdir() if each.name.isdigit()}
    found = set()
    for pid, command in commands.items():
        try:
            if b"mosquitto" in command.read_bytes() and b"robolink-bench" in command.read_bytes():
                found.add(pid)
        except OSError:
            continue  # It has ended meanwhile.
    return found


def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "command", "--paths", "robolink", "--no-write"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    running = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children")
    if not children.exists():
        running.kill()
        pytest.skip("this system does not tell a process's children")
    pids = wait_for(
        lambda: [pid for pid in children.read_text().split() if _commands(pid)], 30, "the children"
    )
    running.send_signal(signal.SIGINT)
    _out, told = running.communicate(timeout=30)
    assert running.returncode == 130, told
    until = time.monotonic() + 10
    while any(_commands(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in pids if _commands(pid)]
    assert not list(tmp_path.iterdir()), "stores and logs are gone too"


def _commands(pid: str) -> bool:
    try:
        return re.search(rb"benchmarks\.ends", Path(f"/proc/{pid}/cmdline").read_bytes()) is not None
    except (FileNotFoundError, ProcessLookupError):
        return False


def marks_of_one_call(at: int) -> dict[str, list[tuple[int, str]]]:
    """Each stage takes 1 us more than the one before it."""
    marks: dict[str, list[tuple[int, str]]] = {"blocking": [(at, "call<")], "driver": [], "hub": []}
    # The hub's first and third send are no ends of a stage; the client also hears of ACCEPTED.
    for number, (_, process, label, _) in enumerate(stages.STAGES, start=1):
        at += number * 1000
        marks[process] += [(at, label)] * (2 if (process, label) == ("hub", "send>") else 1)
    return marks


def test_a_call_is_taken_apart_into_its_stages() -> None:
    marks: dict[str, list[tuple[int, str]]] = {"blocking": [], "driver": [], "hub": []}
    for begin in (0, 1_000_000, 2_000_000):
        for process, noted in marks_of_one_call(begin).items():
            marks[process] += noted
    # A beat of the driver falls into the second call: that one is left out.
    marks["hub"] = sorted([*marks["hub"], (1_001_500, "drain<")])

    found = stages.taken_apart(marks)

    assert found["of"].startswith("1 calls")
    assert [each["self"] for each in found["top"]] == [float(n) for n in range(1, len(stages.STAGES) + 1)]
    assert found["whole"] == sum(range(1, len(stages.STAGES) + 1))
    assert "|wire to the driver|7|5%|" in render.profile(found)


def test_nothing_to_take_apart_is_told() -> None:
    assert "could be taken apart" in render.profile(
        stages.taken_apart({"blocking": [(0, "call<")], "driver": [], "hub": []})
    )
