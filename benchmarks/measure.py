"""Timing of one callable, the same for every path: latency one by one, throughput with N callers, summaries of rounds.

It knows no transport.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple


class Latency(NamedTuple):
    """Of single calls, us."""

    p50_us: float
    p99_us: float
    calls: int


class Ratio(NamedTuple):
    """Median of the per-round ratios, with their range."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}-{self.high:.2f}]"


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """The options that every measuring end of the command path has."""
    for name in ("calls", "warmup", "throughput-calls", "outstanding"):
        parser.add_argument(f"--{name}", type=int, default=1)


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def latency(call: Callable[[], object], *, calls: int, warmup: int) -> Latency:
    """Call after call from this thread, each timed from submission to result."""
    for _ in range(warmup):
        call()
    gc.collect()
    taken = []
    for _ in range(calls):
        begun = time.perf_counter_ns()
        call()
        taken.append((time.perf_counter_ns() - begun) / 1000)
    return Latency(percentile(taken, 50), percentile(taken, 99), calls)


async def awaited(call: Callable[[], Awaitable[object]], *, calls: int, warmup: int) -> Latency:
    """As `latency`, in an event loop."""
    for _ in range(warmup):
        await call()
    gc.collect()
    taken = []
    for _ in range(calls):
        begun = time.perf_counter_ns()
        await call()
        taken.append((time.perf_counter_ns() - begun) / 1000)
    return Latency(percentile(taken, 50), percentile(taken, 99), calls)


def in_threads(call: Callable[[], object], *, calls: int, outstanding: int) -> float:
    """Calls per second, with `outstanding` threads that each call one after another."""
    each = max(1, calls // outstanding)
    barrier = threading.Barrier(outstanding + 1)
    errors: list[BaseException] = []

    def caller() -> None:
        barrier.wait()
        try:
            for _ in range(each):
                call()
        except BaseException as exc:  # noqa: BLE001  # raised again by the main thread
            errors.append(exc)

    threads = [threading.Thread(target=caller, daemon=True) for _ in range(outstanding)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    taken_s = time.perf_counter() - begun
    if errors:
        raise errors[0]
    return each * outstanding / taken_s


async def in_tasks(call: Callable[[], Awaitable[object]], *, calls: int, outstanding: int) -> float:
    """Calls per second, with `outstanding` asyncio tasks that each call one after another."""
    each = max(1, calls // outstanding)

    async def caller() -> None:
        for _ in range(each):
            await call()

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(outstanding)))
    return each * outstanding / (time.perf_counter() - begun)


def ratio(values: Sequence[float], base: Sequence[float]) -> Ratio:
    """Round by round `values / base`: what a round did to both cancels out."""
    each = [value / other for value, other in zip(values, base, strict=True)]
    return Ratio(statistics.median(each), min(each), max(each))
