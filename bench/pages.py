"""What each page costs with much in it: server time, round trips to Redis, queries, size.

    python bench/pages.py                        on SQLite and on PostgreSQL; half an hour, most of it filling
    python bench/pages.py --on sqlite --runs 100000

Fills a server and a database of its own twice: with 1,000 of each, and with 100,000 waiting jobs, 1,000,000 runs and
20,000 failed jobs; then once more with 1,000,000 waiting. Serves the product as ``manage.py dev`` does, signs in, and
asks for every address of the dashboard that answers a GET, one request after the other. The time is that of the outermost
middleware. A round trip is a command or a pipeline of them; queries count the session's and the user's.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from sites import VENDORS, a_site  # noqa: E402

TIMES = int(os.environ.get("BENCH_TIMES", 25))
"""Requests that each page is asked for, after two that do not count."""

MOST_MS, MOST_TRIPS, MOST_QUERIES, MOST_BYTES, MOST_SCRIPT = 150, 6, 8, 60_000, 12_000
"""What a page may take: 95 of 100 requests, a request, a request, compressed, all scripts compressed."""

EMPTY = ("api_nothing", "api_root")
"""Addresses with nothing at them."""

MOST_POLLED_MS = 30
"""What a part that the page's own script asks for anew may take, 95 of 100 requests."""

MOST_AT_REST_MS, TRIPS_AT_REST, QUERIES_AT_REST = 10, 1, 2
"""What it may take while nothing has changed: the session and the user are asked for, and Redis once."""

POLLED = ("overview", "jobs", "queues", "workers", "failures", "schedule")
"""Pages that are also asked for as their own script does it: all of it, and with the tag of what it has."""

ONLY = os.environ.get("BENCH_ONLY", "")
"""Measure only the addresses with this in their names."""

SMALL = (1_000, 1_000, 1_000)
"""Runs, waiting and failed jobs of the first filling."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a page took."""

    median: float
    p95: float
    cpu: float
    """Of the web server's own, in milliseconds: on a busy machine this tells more."""
    trips: int
    queries: int
    size: int
    most_ms: int = MOST_MS
    most_trips: int = MOST_TRIPS
    most_queries: int = MOST_QUERIES

    @property
    def over(self) -> list[str]:
        """What it has too much of."""
        given = (self.p95, self.trips, self.queries, self.size)
        words = (f"{self.p95:.0f} ms", f"{self.trips} trips", f"{self.queries} queries", f"{self.size:,} bytes")
        most = (self.most_ms, self.most_trips, self.most_queries, MOST_BYTES)
        return [word for word, value, limit in zip(words, given, most, strict=True) if value > limit]


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--runs", type=int, default=1_000_000)
    asked.add_argument("--waiting", type=int, default=100_000)
    asked.add_argument("--failed", type=int, default=20_000)
    asked.add_argument("--on", choices=VENDORS, help="one of them (default: both)")
    asked.add_argument("--part", choices=["fill", "wait", "measure"], help=argparse.SUPPRESS)
    given = asked.parse_args()
    # So that what was started ends with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if given.part:
        part(given)
        return
    scripts = sum(
        len(gzip.compress(each.read_bytes())) for each in (ROOT / "allegro_queue/static/horizon").glob("*.js")
    )
    print(f"All scripts, compressed: {scripts:,} bytes of {MOST_SCRIPT:,}{' – over' if scripts > MOST_SCRIPT else ''}")
    for vendor in [given.on] if given.on else VENDORS:
        measured_on(vendor, given)


def part(given: argparse.Namespace) -> None:
    """What a child does: fill, add waiting jobs, or measure; the last line says what came of it."""
    import django

    django.setup()
    import page_scene
    from django.test.utils import setup_test_environment

    setup_test_environment()
    if given.part == "fill":
        print(page_scene.fill(given.runs, given.waiting, given.failed))
    elif given.part == "wait":
        from allegro_queue.stores import open_stores

        page_scene.add_waiting(open_stores(), given.waiting)
    else:
        print(json.dumps({name: asdict(cost) for name, cost in costs().items()}))


def measured_on(vendor: str, given: argparse.Namespace) -> None:
    """The small filling and the large one, each with servers of its own; then the table."""
    found: list[dict[str, Cost]] = []
    for runs, waiting, failed in (SMALL, (given.runs, given.waiting, given.failed)):
        with ExitStack() as stack:
            environment = stack.enter_context(site(vendor))
            if not environment:
                return
            filled = time.perf_counter()
            amounts = ["--runs", str(runs), "--waiting", str(waiting), "--failed", str(failed)]
            environment["BENCH_COOKIE"] = child(environment, "fill", *amounts)
            print(f"{vendor}: {runs:,} runs, {waiting:,} waiting, {failed:,} failed: filled in "
                  f"{time.perf_counter() - filled:.0f} s", file=sys.stderr)  # fmt: skip
            with web_server(environment):
                found.append(measured(environment))
                if (runs, waiting, failed) != SMALL:
                    child(environment, "wait", "--waiting", str(9 * waiting))
                    found.append(measured(environment))
    table(vendor, found)


def child(environment: Mapping[str, str], named: str, *arguments: str) -> str:
    """Run a part in a process of its own; the last line that it prints."""
    command = [sys.executable, __file__, "--part", named, *arguments]
    done = subprocess.run(command, env=environment, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return (done.stdout.splitlines() or [""])[-1]


def measured(environment: Mapping[str, str]) -> dict[str, Cost]:
    return {name: Cost(**each) for name, each in json.loads(child(environment, "measure")).items()}


@contextmanager
def site(vendor: str) -> Iterator[dict[str, str]]:
    """Servers of its own; the environment that leads the product to them, as it is in production, and empty where this
    machine has no such database."""
    with a_site(vendor) as found, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        yield (
            {}
            if found is None
            else {
                **found,
                "APP_ENV": "staging",
                "DEBUG": "false",
                "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
                "SITE_URL": f"http://127.0.0.1:{port}",
                "ALLOWED_HOSTS": "127.0.0.1,testserver",
                "EMAIL_URL": "consolemail://",
                "DEFAULT_FROM_EMAIL": "bench@bench.example",
                "HORIZON_ALLOWED_JOBS": "allegro,allegro_queue,tests",
                "DJANGO_SETTINGS_MODULE": "page_settings",
                "PYTHONPATH": f"{ROOT / 'bench'}:{ROOT}",
                "PORT": str(port),
            }
        )


@contextmanager
def web_server(environment: Mapping[str, str]) -> Iterator[None]:
    """The pages, served as ``manage.py dev`` serves them."""
    from allegro.dev.processes import start_leashed

    command = [sys.executable, ROOT / "manage.py", "runserver", "--noreload", "--skip-checks"]
    address = f"127.0.0.1:{environment['PORT']}"
    process = start_leashed([*command, address], output=subprocess.DEVNULL, environment=environment)
    try:
        ends = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", int(environment["PORT"]))).close()
                break
            except OSError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


# ------------------------------------------------------------------------------------------------------- Measuring


def addresses() -> dict[str, str]:
    """Every address of the dashboard that can be looked at, by its name; and some with more asked."""
    import page_scene
    from django.urls import reverse

    from allegro_queue.bulk.models import BulkRun
    from allegro_queue.history.filters import Filter
    from allegro_queue.history.models import FailureGroup
    from allegro_queue.history.run_pages import find_runs
    from allegro_queue.stores import open_stores
    from tests.support import every_page

    stores = open_stores()
    run = find_runs(Filter(outcomes=("failed",))).rows[0]
    job = stores.client.lindex("rq:queue:default", 5).decode()
    failed = stores.client.zrange("rq:failed:default", 0, 0)[0].decode()
    group = FailureGroup.objects.order_by("-last_at").first()
    assert group is not None
    places: dict[str, Any] = {
        "job_id": job, "fingerprint": group.fingerprint, "job_name": "shop.orders.jobs.job_0", "run_id": run.id,
        "run": BulkRun.objects.latest("pk").pk, "batch_id": stores.client.zrange(stores.keys.batches, -1, -1)[0].decode(),
    }  # fmt: skip
    found = every_page.addresses(places, waiting=job, failed=failed)
    more = {
        "jobs": [
            "state=failed", "state=failed&still=yes", "state=finished", "state=all", "state=scheduled", "page=900",
            "state=waiting&func=job_3", "state=waiting&q=nothing", "state=all&tag=import", "state=all&tenant=77",
            "state=failed&error=KeyError&queue=high", "state=all&q=closed+alpha", "state=all&q=zebra",
            "state=finished&func=job_3&queue=high&q=golf", "state=all&tag=import&run=%3E1s&tenant=77",
            "state=all&host=elsewhere", "state=all&-queue=high&attempt=%3E1", "state=failed&age=%3C24h",
            "state=all&args.member_id=7",
        ],
        "failures": ["state=all", "job=shop.orders.jobs.job_0"],
        "failure": ["range=24h", "range=30d", "range=400d"],
        "metrics": ["range=1h", "range=7d", "range=30d", "range=400d"],
        "queue_metrics": ["range=1h", "range=7d", "range=30d", "range=400d"],
        "job_metrics": ["range=7d", "range=30d", "range=400d"],
        "queue": ["range=7d"],
        "activity": [f"who={quote(page_scene.EMAIL)}"],
        "api_runs": ["queue=high", "q=alpha", "q=zebra", "tag=import"],
        "api_jobs": ["state=failed"],
    }  # fmt: skip
    for name, queries in more.items():
        for query in queries:
            address = found[name].partition("?")[0]
            found[f"{name}?{query}"] = f"{address}?{query}"
    ended = {"job, failed": failed, "job, only in history": run.job_id}
    found |= {name: reverse("horizon:job", kwargs={"job_id": each}) for name, each in ended.items()}
    for name in POLLED:
        found[f"{name}, polled"] = found[f"{name}, at rest"] = found[name]
    return found


def costs() -> dict[str, Cost]:
    """Each address, asked for again and again."""
    import page_scene
    from page_counts import HEADER

    from allegro_queue.stores import open_stores

    stores = open_stores()
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=60)
    found: dict[str, Cost] = {}
    for name, address in addresses().items():
        if ONLY not in name:
            continue
        page_scene.alive(stores)
        is_at_rest = name.endswith(", at rest")
        is_polled = is_at_rest or name.endswith(", polled")
        headers = {"Cookie": os.environ["BENCH_COOKIE"], **({"X-Horizon-Fragment": "1"} if is_polled else {})}
        taken: list[list[float]] = []
        for _ in range(TIMES + 2):
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status == 405:
                break
            if answer.status >= 400 and name not in EMPTY:
                print(f"{name}: {address}: {answer.status} {body[:300]!r}", file=sys.stderr)
                break
            if is_at_rest:
                headers["If-None-Match"] = answer.headers["ETag"]
            taken.append([float(each) for each in answer.headers[HEADER].split()])
        if taken:
            times, cpu, trips, queries = (sorted(each) for each in zip(*taken[2:], strict=True))
            found[name] = Cost(
                median=times[len(times) // 2],
                p95=times[int(0.95 * len(times))],
                cpu=cpu[len(cpu) // 2],
                trips=int(trips[-1]),
                queries=int(queries[-1]),
                size=len(gzip.compress(body, 6)),
                most_ms=MOST_AT_REST_MS if is_at_rest else MOST_POLLED_MS if is_polled else MOST_MS,
                most_trips=TRIPS_AT_REST if is_at_rest else MOST_TRIPS,
                most_queries=QUERIES_AT_REST if is_at_rest else MOST_QUERIES,
            )
    return found


def table(vendor: str, found: list[dict[str, Cost]]) -> None:
    """Side by side; what is over a limit is named."""
    print(f"\n## {vendor}\n")
    print("| page | 1,000 of each: ms, median / p95 | full | ten times the waiting jobs | of the processor, full | trips "
          "| queries | compressed | over |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for name, full in found[1].items():
        each = [cost[name] for cost in found if name in cost]
        words = [f"{cost.median:.0f} / {cost.p95:.0f}" for cost in each]
        over = sorted({word for cost in each for word in cost.over})
        print(f"| `{name}` | {' | '.join(words)} | {full.cpu:.0f} | {max(cost.trips for cost in each)} "
              f"| {max(cost.queries for cost in each)} | {max(cost.size for cost in each):,} | {', '.join(over)} |")  # fmt: skip


if __name__ == "__main__":
    main()
