"""A cluster of each kind that is here: doubles always, real servers where `.ci/testbed` has built them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import HubProcess
from tests.kubeedge.cluster import Cluster, DoubleCluster
from tests.kubeedge.ground import Ground
from tests.kubeedge.site import Site
from tests.kubeedge.testbed import kubeedge, real

KINDS = {"doubles": DoubleCluster, **real.kinds(), **kubeedge.kinds()}


@pytest.fixture(params=KINDS)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    made = KINDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def ground(cluster: Cluster) -> Iterator[Ground]:
    made = Ground(cluster)
    yield made
    made.close()


@pytest.fixture
def site(cluster: Cluster, hub: HubProcess, tmp_path: Path) -> Iterator[Site]:
    made = Site(cluster, hub, tmp_path)
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What ran against what."""
    if not real.asked():
        return
    write = terminalreporter.write_line
    terminalreporter.section("what ran against what")
    write(f"real API server: {real.missing() or real.describe()}")
    write(f"cloudcore, edgecore in [kubeedge]: {kubeedge.describe()}; doubles in [doubles] and [api-server]")
    write("hub, robot, mapper: real processes")
    for outcome in ("passed", "failed", "skipped"):
        for report in terminalreporter.stats.get(outcome, ()):
            if getattr(report, "when", "call") == "call" or outcome == "skipped":
                write(f"  {outcome:8} {report.nodeid.rpartition('/')[2]}")
