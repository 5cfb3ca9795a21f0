"""How many jobs a process queues per second, one by one and in bulk, and what they take in Redis.

    python bench/dispatch.py

``dispatch`` and ``dispatch_many`` against RQ's ``enqueue_call`` and ``enqueue_many``, with the same options. Each round
queues with every kind once, in turning order; what counts is the median of the ratios within a round. A Redis server of
its own is started, without persistence. The last result is kept in ``bench/results/dispatch.md``.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from redis import Redis  # noqa: E402
from work import configure  # noqa: E402
from worker import server  # noqa: E402

from allegro.dev.valkey import engine_of, server_binary  # noqa: E402

KINDS = {
    "many": "dispatch_many",
    "one": "dispatch",
    "rq_many": "RQ enqueue_many",
    "rq_one": "RQ enqueue_call",
}
JOBS = {"many": 20_000, "one": 2_000, "rq_many": 2_000, "rq_one": 1_000}
LONG = 100_000
OPTIONS: dict[str, Any] = {"timeout": 60, "result_ttl": 3600, "failure_ttl": 604_800, "description": "noop.take"}
RESULT = HERE / "results" / "dispatch.md"


@dataclass(frozen=True, slots=True)
class Queued:
    """One kind, once."""

    per_second: float
    bytes_per_job: float
    """What Redis holds more than before."""


def kinds() -> dict[str, Callable[[int], object]]:
    """How each kind queues so many jobs."""
    from noop import take
    from rq import Queue

    from allegro_queue.dispatch import dispatch, dispatch_many
    from allegro_queue.queues import get_queue

    queue = get_queue("default")

    def one(count: int) -> None:
        for number in range(count):
            dispatch(take, number)

    def rq_one(count: int) -> None:
        for number in range(count):
            queue.enqueue_call("noop.take", args=(number,), **OPTIONS)

    return {
        "many": lambda count: dispatch_many(take, ((number,) for number in range(count))),
        "one": one,
        "rq_many": lambda count: queue.enqueue_many(
            [Queue.prepare_data("noop.take", args=(number,), **OPTIONS) for number in range(count)]
        ),
        "rq_one": rq_one,
    }


def measure(redis: Redis, queue_jobs: Callable[[int], object], count: int) -> Queued:
    # Said outright: Valkey would free the memory later, in the middle of the next measurement.
    redis.execute_command("FLUSHDB", "SYNC")
    queue_jobs(1)
    before = held(redis)
    started = time.perf_counter()
    queue_jobs(count)
    seconds = time.perf_counter() - started
    assert redis.llen("rq:queue:default") == count + 1
    return Queued(count / seconds, (held(redis) - before) / count)


def held(redis: Redis) -> int:
    """Bytes that the server has in use, without what it keeps for its connections."""
    memory = redis.info("memory")
    used: int = memory["used_memory"] - memory["mem_clients_normal"]
    return used


def report(rounds: dict[str, list[Queued]], long: Queued, grown: int) -> str:
    """The table, as Markdown."""

    def ratios(kind: str) -> str:
        each = [one.per_second / other.per_second for one, other in zip(rounds[kind], rounds["one"], strict=True)]
        return f"{statistics.median(each):.2f} ({min(each):.2f} to {max(each):.2f})"

    lines = [
        "# Queueing jobs from one process",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {len(rounds['one'])} rounds, {os.cpu_count()} processors, "
        f"Python {platform.python_version()}, {engine_of(server_binary())} on this host, JSON, one small argument. Medians; "
        "a ratio is taken within each round.",
        "",
        "| | jobs/s | × dispatch (least to most) | bytes/job in Redis |",
        "|---|---|---|---|",
    ]
    for kind, title in KINDS.items():
        each = rounds[kind]
        rate, size = (statistics.median(getattr(one, of) for one in each) for of in ("per_second", "bytes_per_job"))
        lines.append(f"| {title} | {rate:.0f} | {ratios(kind)} | {size:.0f} |")
    lines += [
        "",
        f"{LONG:,} jobs from an iterator: {long.per_second:.0f} jobs/s, {long.bytes_per_job:.0f} bytes/job in Redis, "
        f"{grown / 1024:.1f} MiB more at the peak of the process.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5, help="how often every kind is measured (5)")
    rounds = parser.parse_args().rounds
    with server() as (redis, port):
        configure(port)
        how = kinds()
        found: dict[str, list[Queued]] = {kind: [] for kind in KINDS}
        for queue_jobs in how.values():
            measure(redis, queue_jobs, 200)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        long = measure(redis, how["many"], LONG)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
        for number in range(rounds):
            turned = [*KINDS][number % len(KINDS) :] + [*KINDS][: number % len(KINDS)]
            for kind in turned:
                found[kind].append(measure(redis, how[kind], JOBS[kind]))
    text = report(found, long, grown)
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
