"""A cluster of each kind that is here: doubles always, real servers where `.ci/testbed` has built them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import HubProcess
from tests.kubeedge.cluster import Cluster, DoubleCluster
from tests.kubeedge.site import Site
from tests.kubeedge.testbed import real

KINDS = {"doubles": DoubleCluster, **real.kinds()}


@pytest.fixture(params=KINDS)
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cluster]:
    made = KINDS[request.param](tmp_path)
    yield made
    made.close()


@pytest.fixture
def site(cluster: Cluster, hub: HubProcess, tmp_path: Path) -> Iterator[Site]:
    made = Site(cluster, hub, tmp_path)
    yield made
    made.close()
