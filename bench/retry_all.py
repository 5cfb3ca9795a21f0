"""Retrying all failed jobs from the dashboard: how long the request takes, how fast the run goes, what others feel of it.

    python bench/retry_all.py                  100,000 failed jobs, on SQLite and on PostgreSQL
    python bench/retry_all.py --jobs 20000 --on sqlite

Brings its own Redis server, databases and worker (``manage.py rqworker``), in a temporary folder, and removes them. The
queue that the jobs go back to is paused, so that the worker does nothing but the run. Meanwhile another process asks
Redis PING all the time: the slowest answer is how long the run made others wait.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT)]

from sites import VENDORS, a_site, measured_apart  # noqa: E402

LONGEST = 600
"""Seconds after which it is given up."""


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--jobs", type=int, default=100_000)
    asked.add_argument("--on", choices=VENDORS, help="one of them (default: both)")
    asked.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.measure:
        measure(given.jobs)
        return
    for vendor in [given.on] if given.on else VENDORS:
        measured_on(vendor, given.jobs)


def measured_on(vendor: str, jobs: int) -> None:
    """Start the servers and a worker, and measure in a child that has them in its settings."""
    with ExitStack() as stack:
        environment = stack.enter_context(a_site(vendor))
        if environment is None:
            return
        worker = subprocess.Popen([sys.executable, ROOT / "manage.py", "rqworker", "high", "default"], env=environment)
        stack.callback(worker.wait)
        stack.callback(worker.terminate)
        print(f"\n{vendor}", flush=True)
        measured_apart(__file__, environment, "--jobs", str(jobs))


def measure(jobs: int) -> None:
    """Fill, press the button, wait for the end."""
    import django

    django.setup()
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()
    from allegro_queue.bulk.models import BulkResult, BulkRun
    from allegro_queue.stores import open_stores
    from allegro_queue.stores.pauses import Pause
    from tests.support.many_failed import many_failed

    stores = open_stores()
    many_failed(stores.client, jobs, time.time() - 3600)
    stores.pauses.pause(Pause(queue="default", since=time.time()))
    client = Client()
    client.get("/horizon/")
    began = time.perf_counter()
    page = client.get("/horizon/confirm/retry/", {"all": "1"}).context["page"]
    print(f"  confirm page                  {1000 * (time.perf_counter() - began):6.0f} ms, counts {page.count:,}")
    slowest: list[float] = []
    is_over = threading.Event()
    watcher = threading.Thread(target=ping, args=(stores.client, is_over, slowest))
    watcher.start()
    form = {"all": "1", "token": page.token, "failed_until": page.failed_until, "count": page.count}
    pressed = time.perf_counter()
    answer = client.post("/horizon/actions/retry/", form)
    print(
        f"  request                       {1000 * (time.perf_counter() - pressed):6.0f} ms, status {answer.status_code}"
    )
    again = time.perf_counter()
    client.post("/horizon/actions/retry/", form)
    print(f"  the same, pressed again       {1000 * (time.perf_counter() - again):6.0f} ms")
    while not (run := BulkRun.objects.get()).ended_at:
        if time.perf_counter() - pressed > LONGEST:
            raise SystemExit(f"not over after {LONGEST} s: {run.noted:,} of {run.total}")
        time.sleep(0.05)
    is_over.set()
    watcher.join()
    assert run.began_at is not None
    took = run.ended_at - run.began_at
    print(
        f"  run                           {took:6.1f} s, {run.done / took:,.0f} jobs/s, in {run.slice} slices; "
        f"began {run.began_at - run.created_at:.2f} s after the request"
    )
    print(f"  slowest PING meanwhile        {1000 * max(slowest):6.0f} ms")
    waiting = stores.jobs.lengths(["default"])["default"]
    ids = stores.client.lrange("rq:queue:default", 0, -1)
    rows = BulkResult.objects.filter(run=run).count()
    print(f"  done {run.done:,}; waiting {waiting:,}, of them different {len(set(ids)):,}; results kept {rows:,}")


def ping(client: object, is_over: threading.Event, slowest: list[float]) -> None:
    from redis import Redis

    assert isinstance(client, Redis)
    while not is_over.is_set():
        began = time.perf_counter()
        client.ping()
        slowest.append(time.perf_counter() - began)
        time.sleep(0.002)


if __name__ == "__main__":
    main()
