"""How fast runs are collected, and how fast they are found again: on SQLite and on PostgreSQL.

    python bench/history.py                       both, 1,000,000 runs; some minutes
    python bench/history.py --runs 100000 --on sqlite

Brings its own Redis server and databases, in a temporary folder, and removes them. The collector runs in this process's
child, at its own low priority, with nobody beside it but the servers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT)]

from sites import VENDORS, a_site, measured_apart  # noqa: E402

CHUNK = 20_000
SAMPLE = 100_000
"""Runs whose rate is taken at the start, while the tables are small, and again at the end."""

PAGES = 15
"""Times that each page is read; the median counts, and the slowest is told."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=1_000_000)
    asked.add_argument("--on", choices=VENDORS, help="one of them (default: both)")
    asked.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.measure:
        measure(given.runs)
        return
    for vendor in [given.on] if given.on else VENDORS:
        measured_on(vendor, given.runs)


def measured_on(vendor: str, runs: int) -> None:
    """Start the servers, and measure in a child that has them in its settings."""
    with a_site(vendor, schema="allegro_queue") as environment:
        if environment is not None:
            print(f"\n{vendor}", flush=True)
            measured_apart(__file__, environment, "--runs", str(runs))


def measure(runs: int) -> None:
    """Collect, then read pages."""
    import django

    django.setup()
    from allegro_queue.conf import horizon_settings
    from allegro_queue.history.collector import Collector
    from allegro_queue.history.database import database
    from allegro_queue.stores import open_stores

    os.nice(10)
    stores = open_stores()
    collector = Collector(stores, horizon_settings())
    luck = random.Random(1)
    done, spent, cpu = 0, 0.0, 0.0
    rates: list[float] = []
    while done < runs:
        add(stores, luck, CHUNK, time.time() - 3600 * (1 - done / runs))
        began, used = time.perf_counter(), time.process_time()
        while collector.look(time.time()).read:
            pass
        took = time.perf_counter() - began
        spent, cpu, done = spent + took, cpu + time.process_time() - used, done + CHUNK
        rates.append(CHUNK / took)
        stores.client.xtrim(stores.keys.runs, maxlen=0, approximate=False)
    few = max(SAMPLE // CHUNK, 1)
    print(
        f"  collected {done:,} runs at {done / spent:,.0f}/s: {sum(rates[:few]) / len(rates[:few]):,.0f}/s at first, "
        f"{sum(rates[-few:]) / len(rates[-few:]):,.0f}/s at the end; {1e6 * cpu / done:.0f} us of the collector's CPU each"
    )
    with database().cursor() as cursor:
        cursor.execute("ANALYZE")
        for what, size in sizes(cursor).items():
            print(f"  {size / done:6,.0f} bytes a run in the database: {what}, indexes included")
    kept = horizon_settings().runs_kept
    add(stores, luck, kept, time.time())
    size = stores.client.memory_usage(stores.keys.runs, samples=0)
    print(f"  {size / kept:6,.0f} bytes a run in Redis, which keeps {kept:,}: {size / 1e6:,.0f} MB")
    pages()


def sizes(cursor: Any) -> dict[str, int]:
    """Bytes by what they hold."""
    from allegro_queue.history.database import database

    if database().vendor == "sqlite":
        cursor.execute(
            "SELECT coalesce((SELECT tbl_name FROM sqlite_schema WHERE name = dbstat.name), name), sum(pgsize) "
            "FROM dbstat GROUP BY 1"
        )
    else:
        cursor.execute("SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r'")
    found = {"all": 0, "runs": 0, "words": 0, "tags": 0, "series": 0}
    for table, size in cursor.fetchall():
        what = {"allegro_queue_run": "runs", "allegro_queue_runtag": "tags", "allegro_queue_series": "series"}.get(
            table
        )
        what = "words" if table.startswith("allegro_queue_runwords") else what
        found["all"] += size
        if what:
            found[what] += size
    # On PostgreSQL the words are one of the indexes of the runs.
    return {what: size for what, size in found.items() if size}


def add(stores: Any, luck: random.Random, count: int, at: float) -> None:
    """Records as a busy shop leaves them: two of a hundred fail, one of a hundred is tried again."""
    from tests.support.runs import RUNS, failed_record, run_record

    with stores.client.pipeline(transaction=False) as pipeline:
        for _ in range(count):
            member, tenant = luck.randrange(100_000), luck.randrange(500)
            chance = luck.random()
            given: dict[str, Any] = {
                "name": f"shop.orders.jobs.job_{min(int(luck.expovariate(0.1)), 199)}",
                "queue": luck.choice(("high", "default", "default", "audience-sync")),
                "terms": json.dumps({"tags": ["import"] if chance < 0.05 else [], "tenant": str(tenant)}),
                "call": json.dumps([[], {"member_id": member, "note": luck.choice(WORDS)}]),
                "version": "3f2a91c",
            }
            if chance < 0.03:
                error = f"{luck.choice(ERRORS)}: order {member} of {luck.choice(WORDS)} is closed"
                outcome = "failed" if chance < 0.02 else "retried"
                record = failed_record(at, error=error, outcome=outcome, **given)
            else:
                record = run_record(at, started_at=at - luck.expovariate(5), enqueued_at=at - 3, **given)
            pipeline.xadd(RUNS, {"run": record.encode()})
        pipeline.execute()


WORDS = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett"]
ERRORS = ["ValueError", "TimeoutError", "ConnectionError", "KeyError"]


def pages() -> None:
    """Each list's first page, its second, and what stands beside it."""
    from allegro_queue.history.counting import count_runs
    from allegro_queue.history.filters import Filter
    from allegro_queue.history.group_rows import find_groups
    from allegro_queue.history.rows import recorded_at
    from allegro_queue.history.run_pages import find_runs

    newest = find_runs(Filter()).rows[0]
    failed = find_runs(Filter(outcomes=("failed",))).rows[0]
    now = time.time()
    middle = recorded_at(newest.id) - 20
    asked: dict[str, Callable[[], object]] = {
        name: (lambda wanted=wanted: find_runs(wanted))
        for name, wanted in {
            "all": Filter(),
            "failed": Filter(outcomes=("failed",)),
            "succeeded": Filter(outcomes=("succeeded",)),
            "none of it: stopped": Filter(outcomes=("stopped",)),
            "queue": Filter(queue="high"),
            "name, frequent": Filter(name="shop.orders.jobs.job_0"),
            "name, rare": Filter(name="shop.orders.jobs.job_90"),
            "name, unknown": Filter(name="shop.nothing"),
            "tag, rare": Filter(tag=newest.tags[-1]),
            "tag, frequent": Filter(tag="import"),
            "tenant": Filter(tenant="77"),
            "time": Filter(since=middle - 5, until=middle),
            "exception": Filter(exception="KeyError"),
            "failure group": Filter(fingerprint=failed.fingerprint),
            "job": Filter(job_id=newest.job_id),
            "text, frequent": Filter(text="alpha"),
            "text, two words": Filter(text="closed alpha"),
            "text, rare": Filter(text=str(failed.tags[-1]).rpartition(":")[2]),
            "text, unknown": Filter(text="zebra"),
            "text, in every run": Filter(text="member"),
            "text, two letters": Filter(text="al"),
            "text, beginning of all": Filter(text="membe"),
            "text, common and rare": Filter(text=f"member {str(newest.tags[-1]).rpartition(':')[2]}"),
            "text of the failed": Filter(outcomes=("failed",), text="golf"),
            "failed in a queue of a tenant": Filter(outcomes=("failed",), queue="high", tenant="77"),
            "name and queue and text": Filter(name="shop.orders.jobs.job_3", queue="high", text="golf"),
            "by host, no index": Filter(host="elsewhere"),
        }.items()
    }
    asked["second page of failed"] = lambda: find_runs(
        Filter(outcomes=("failed",)), after=find_runs(Filter(outcomes=("failed",))).after
    )
    asked["count of failed"] = lambda: count_runs(Filter(outcomes=("failed",)))
    asked["count of all"] = lambda: count_runs(Filter())
    asked["failure groups with trends"] = lambda: find_groups(now=now)
    for name, ask in asked.items():
        times = []
        for _ in range(PAGES):
            began = time.perf_counter()
            ask()
            times.append(1000 * (time.perf_counter() - began))
        times.sort()
        print(f"  {name:32} {times[PAGES // 2]:7.1f} ms   slowest {times[-1]:7.1f}")


if __name__ == "__main__":
    main()
