"""The product's own tree of processes (``manage.py horizon``): how soon it works, how soon a killed worker is replaced,
and what five workers take of the memory. Called by ``worker.py``.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

ROOT = Path(__file__).resolve().parent.parent
STARTS = 5
KILLS = 12
WORKERS = 5
JOBS_EACH = 1000

STEADY_SECONDS = 5.5
"""A worker that dies younger counts as one that cannot work, and its successor is held back."""


def environ(port: int, environment: str, database: Path) -> dict[str, str]:
    """What the product is told, over the bench's server; ``local`` has one worker, ``staging`` five."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "HORIZON_"))},
        "ENV_FILE": "/dev/null",
        "APP_ENV": environment,
        "DEBUG": "false",
        "SECRET_KEY": "only-for-the-bench-" + "x" * 50,
        "SITE_URL": "https://bench.example",
        "ALLOWED_HOSTS": "bench.example",
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "DATABASE_URL": f"sqlite:///{database}",
        "EMAIL_URL": "consolemail://",
        "DEFAULT_FROM_EMAIL": "bench@bench.example",
        "HORIZON_ALLOWED_JOBS": "noop,allegro,allegro_queue",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT / "bench"),
    }


@cache
def empty_database(port: int) -> bytes:
    """A database with its tables, for the collector; made once."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        database = Path(folder) / "db.sqlite3"
        subprocess.run(
            [sys.executable, ROOT / "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=environ(port, "local", database),
            check=True,
        )
        return database.read_bytes()


@contextmanager
def horizon(port: int, environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """The tree of processes, on a fresh database."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        database = Path(folder) / "db.sqlite3"
        database.write_bytes(empty_database(port))
        process = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "horizon"],
            cwd=ROOT,
            env=environ(port, environment, database),
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


def put(redis: Redis, name: str, count: int = 1) -> None:
    queue = Queue("default", connection=redis, serializer=JSONSerializer)
    queue.enqueue_many([Queue.prepare_data(name) for _ in range(count)])


def first_line(redis: Redis) -> float:
    """When the job that says when ran, in Unix seconds."""
    answer = redis.blpop("bench:woke", timeout=60)
    if answer is None:
        raise SystemExit("no worker ran the job within a minute")
    return float(answer[1])


def workers(redis: Redis) -> list[int]:
    """Process ids of the living workers that have nothing to do; the record of a killed one may still be there."""
    records = [json.loads(redis.get(key) or "{}") for key in redis.scan_iter("*horizon:worker:*")]
    return [each["pid"] for each in records if each.get("state") == "idle" and Path(f"/proc/{each['pid']}").exists()]


def until_idle(redis: Redis, count: int) -> list[int]:
    """Wait for so many idle workers."""
    ends = time.monotonic() + 60
    while len(found := workers(redis)) < count:
        if time.monotonic() > ends:
            raise SystemExit(f"{len(found)} workers at rest after a minute, not {count}")
        time.sleep(0.05)
    return found


def proportional_memory(pid: int) -> float:
    """Mebibytes, with what is shared divided among those who share it."""
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:")) / 1024


def starts(redis: Redis, port: int) -> list[float]:
    """Seconds from the start of ``manage.py horizon`` to the first line of a job that waits."""
    took = []
    empty_database(port)
    for _ in range(STARTS):
        redis.flushall()
        put(redis, "noop.say_when")
        begun = time.time()
        with horizon(port, "local"):
            took.append(first_line(redis) - begun)
    return took


def replacements(redis: Redis, port: int) -> list[float]:
    """Milliseconds from the kill of the one worker to its successor's first line."""
    redis.flushall()
    took = []
    with horizon(port, "local"):
        for _ in range(KILLS):
            [pid] = until_idle(redis, 1)
            time.sleep(STEADY_SECONDS)
            killed = time.time()
            os.kill(pid, signal.SIGKILL)
            put(redis, "noop.say_when")
            took.append((first_line(redis) - killed) * 1000)
    return took


def memory(redis: Redis, port: int) -> list[float]:
    """Mebibytes of each of five workers after 1,000 jobs each, about."""
    redis.flushall()
    with horizon(port, "staging"):
        until_idle(redis, WORKERS)
        put(redis, "noop.nothing", WORKERS * JOBS_EACH)
        while redis.llen("rq:queue:default"):
            time.sleep(0.05)
        return sorted(proportional_memory(pid) for pid in until_idle(redis, WORKERS))


def measure(redis: Redis, port: int) -> str:
    """The table, as Markdown."""
    started, replaced, resident = starts(redis, port), replacements(redis, port), memory(redis, port)
    rows = [
        ("start of `manage.py horizon` to the first job, s", started, 2),
        ("a killed worker to its successor's first job, ms", replaced, 0),
        (f"proportional memory of a worker of {WORKERS} after {JOBS_EACH:,} jobs each, MiB", resident, 1),
    ]
    lines = ["", "## The product's tree of processes", "", "| | median | least | most |", "|---|---|---|---|"]
    lines += [
        f"| {title} ({len(each)}) | {statistics.median(each):.{digits}f} | {min(each):.{digits}f} "
        f"| {max(each):.{digits}f} |"
        for title, each, digits in rows
    ]
    return "\n".join(lines) + "\n"
