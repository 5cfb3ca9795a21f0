"""What a saturated worker loses to the collector, the metrics and the alerts that run beside it on the same two processors.

    python bench/beside.py                       on SQLite and on PostgreSQL; about ten minutes
    python bench/beside.py --pairs 3 --jobs 10000 --on sqlite

Real processes: a Redis server, a database, ``rqworker`` with jobs that do nothing; beside it, in every second round,
``horizon_collect`` and ``horizon_alerts watch``, with a snapshot among the jobs. Everything, the servers too, is held to
two processors. A pair is one round with and one without, in turning order; what counts is the median of the ratios within a
pair. After a round the time is taken until the last run is in history. The last result is kept in
``bench/results/beside.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT)]

from sites import VENDORS, a_site, measured_apart  # noqa: E402

RESULT = ROOT / "bench" / "results" / "beside.md"
LONGEST = 300
"""Seconds after which it is given up."""

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Round:
    """One drain."""

    per_second: float
    seconds: float
    behind: int = 0
    """Runs that were not in history yet when the last job had ended."""
    caught_up: float = 0.0
    """Seconds from then until they were."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pairs", type=int, default=7)
    asked.add_argument("--jobs", type=int, default=30_000)
    asked.add_argument("--on", choices=VENDORS, help="one of them (default: both)")
    asked.add_argument("--measure", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.measure:
        measure(given.pairs, given.jobs, Path(given.measure))
        return
    processors = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, processors)
    parts = []
    for vendor in [given.on] if given.on else VENDORS:
        with a_site(vendor) as environment:
            if environment is None:
                continue
            environment |= {"HORIZON_ALLOWED_JOBS": "noop,allegro,allegro_queue", "PYTHONPATH": str(ROOT / "bench")}
            found = Path(environment["BENCH_FOLDER"]) / "beside.json"
            print(f"\n{NAMES[vendor]}", flush=True)
            measured_apart(__file__, environment, str(found), "--pairs", str(given.pairs), "--jobs", str(given.jobs))
            parts.append(report(NAMES[vendor], json.loads(found.read_text())))
    text = head(len(processors), given.pairs, given.jobs) + "".join(parts)
    print("\n" + text)
    if not given.on:
        RESULT.write_text(text)


def measure(pairs: int, jobs: int, found: Path) -> None:
    """All pairs, on the servers that the settings name."""
    import django

    django.setup()
    rounds: dict[str, list[dict[str, Any]]] = {"without": [], "with": []}
    for number in range(pairs):
        for kind in ("without", "with") if number % 2 == 0 else ("with", "without"):
            each = drained(jobs, beside=kind == "with")
            rounds[kind].append(asdict(each))
            late = f", {each.behind:,} behind, caught up in {each.caught_up:.1f} s" if kind == "with" else ""
            print(f"  {number + 1} {kind:8} {each.per_second:6,.0f} jobs/s, {each.seconds:.1f} s{late}", flush=True)
    found.write_text(json.dumps({**rounds, "load": os.getloadavg()[0]}))


def drained(jobs: int, *, beside: bool) -> Round:
    """Let one worker run so many jobs."""
    from rq import Queue
    from rq.utils import str_to_date

    from allegro_queue.history.collected import read_place
    from allegro_queue.queues import get_queue
    from allegro_queue.stores import open_stores
    from tests.support.eventually import eventually
    from tests.support.running import running

    stores = open_stores()
    redis = stores.client
    redis.flushall()
    queue = get_queue("default")
    names = ["noop.nothing"] * jobs
    names[jobs // 2] = "allegro_queue.history.snapshot.snapshot"
    ids: list[str] = []
    for first in range(0, jobs, 500):
        ids += [job.id for job in queue.enqueue_many([Queue.prepare_data(each) for each in names[first : first + 500]])]
    with ExitStack() as stack:
        if beside:
            stack.enter_context(the_others())
        worker = stack.enter_context(running("rqworker", "default"))
        eventually(lambda: redis.zcard("rq:finished:default") == jobs, within=LONGEST, explain=worker.said)
        _, stream = stores.collecting.standing()
        behind = stream.added - read_place().read
        ended_at = time.time()
        if beside:
            eventually(lambda: read_place().read == stream.added, within=LONGEST)
        caught_up = time.time() - ended_at
        worker.send(signal.SIGTERM)
        worker.wait()
    started = str_to_date(redis.hget(f"rq:job:{ids[0]}", "started_at"))
    ended = max(str_to_date(redis.hget(f"rq:job:{each}", "ended_at")) for each in ids[-8:])
    seconds = (ended - started).total_seconds()
    return Round(jobs / seconds, seconds, *((behind, caught_up) if beside else ()))


@contextmanager
def the_others() -> Iterator[None]:
    """The collector and the keeper of alerts, at work."""
    from tests.support.eventually import eventually
    from tests.support.running import running

    with (
        running("horizon_collect", LOG_LEVEL="INFO") as collector,
        running("horizon_alerts", "watch", LOG_LEVEL="INFO") as alerts,
    ):
        eventually(lambda: "collector started" in collector.said(), within=30, explain=collector.said)
        eventually(lambda: "alerts started" in alerts.said(), within=30, explain=alerts.said)
        yield


def head(processors: int, pairs: int, jobs: int) -> str:
    return (
        "# What a worker loses to collector, metrics and alerts beside it\n\n"
        f"`python bench/beside.py`, {datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}. {pairs} pairs of rounds "
        f"with and without, in turning order; {jobs:,} jobs that do nothing, one worker; that worker, Redis, the database, "
        f"the collector and the alerts on the same {processors} processors. Medians; in brackets the least and the most.\n"
    )


def report(name: str, found: dict[str, Any]) -> str:
    """One database's part, as Markdown."""
    without, beside = found["without"], found["with"]
    ratios = [mine["per_second"] / theirs["per_second"] for mine, theirs in zip(beside, without, strict=True)]
    shares = [each["caught_up"] / each["seconds"] for each in beside]

    def middle(values: list[float], form: str) -> str:
        return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"

    return "\n".join(
        [
            f"\n## {name}\n",
            "| | |",
            "|---|---|",
            f"| jobs/s alone | {middle([each['per_second'] for each in without], ',.0f')} |",
            f"| jobs/s with the others beside | {middle([each['per_second'] for each in beside], ',.0f')} |",
            f"| ratio within a pair | {middle(ratios, '.2f')} |",
            f"| runs not yet in history at the end | {middle([each['behind'] for each in beside], ',.0f')} |",
            f"| caught up after, s | {middle([each['caught_up'] for each in beside], '.1f')} |",
            f"| the same, as a share of the drain | {middle(shares, '.2f')} |",
            f"| load average at the end | {found['load']:.1f} |",
            "",
        ]
    )


if __name__ == "__main__":
    main()
