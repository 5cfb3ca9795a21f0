"""How one organization of 100,000 members is dispatched and synced: time of each step, memory, and pace.

    python bench/audience.py [--members 100000] [--drain 3000]

A Redis server of its own is started, and a PostgreSQL server if this machine has the programs for one (else SQLite is
used); the source is a local HTTP server in a process of its own, so that what is measured is ours. Each part runs in
a fresh process, whose memory says what that part took. The last result is kept in ``bench/results/audience.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from redis import Redis  # noqa: E402

from allegro.dev.valkey import engine_of, server_binary  # noqa: E402
from tests.support.postgres import a_postgres_server, programs  # noqa: E402
from tests.support.server import start_server  # noqa: E402

RESULT = HERE / "results" / "audience.md"
PARTS = HERE / "audience_parts.py"
JOB_LIMIT = 60


def part(name: str, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Run one part in a process of its own; what it measured."""
    done = subprocess.run(
        [sys.executable, str(PARTS), name, *arguments],
        env={**os.environ, **environment, "PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{name} ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def source() -> Iterator[str]:
    """The local source, at the URL that it prints."""
    process = subprocess.Popen(
        [sys.executable, str(PARTS), "source"],
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def servers() -> Iterator[tuple[Redis, dict[str, str], str]]:
    """Redis, the environment that leads to all of them, and the database's name."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        process = start_server(server_binary(), folder)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        found = programs()
        url = stack.enter_context(a_postgres_server(found)) if found else f"sqlite:///{folder / 'db.sqlite3'}"
        environment = {
            "ENV_FILE": "/dev/null",
            "APP_ENV": "local",
            "SECRET_KEY": "only-for-the-bench",
            "LOG_LEVEL": "WARNING",
            "REDIS_URL": f"unix://{folder / 'redis.sock'}",
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "allegro.settings",
        }
        yield Redis(unix_socket_path=str(folder / "redis.sock")), environment, "PostgreSQL" if found else "SQLite"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    parser.add_argument("--drain", type=int, default=3000, help="members that are synced one by one")
    given = parser.parse_args()
    with servers() as (redis, environment, database), source() as url:
        part("prepare", environment, str(given.members), url)
        small = part("dispatch", environment, str(given.members // 10))
        redis.flushall()
        before = redis.info("memory")["used_memory"]
        large = part("dispatch", environment, str(given.members))
        redis_bytes = (redis.info("memory")["used_memory"] - before) / given.members
        again = part("dispatch", environment, str(given.members))
        redis.flushall()
        first = part("drain", environment, str(given.drain))
        redis.flushall()
        second = part("drain", environment, str(given.drain))
        redis.flushall()
        listed = part("list", environment, str(given.members))
    report(given, database, small, large, again, redis_bytes, first, second, listed)


def report(
    given: argparse.Namespace,
    database: str,
    small: dict[str, Any],
    large: dict[str, Any],
    again: dict[str, Any],
    redis_bytes: float,
    first: dict[str, Any],
    second: dict[str, Any],
    listed: dict[str, Any],
) -> None:
    rows = [
        "# One organization's audience",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, Python {platform.python_version()}, "
        f"{engine_of(server_binary())} and {database} on this host.",
        "",
        f"## Dispatch of a round, one job a member (a job may take {JOB_LIMIT} s)",
        "",
        "| members | jobs queued | steps | longest step s | all s | members/s | growth of the process, MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {each['members']:,}{note} | {each['queued']:,} | {len(each['steps'])} | {max(each['steps']):.1f} "
        f"| {sum(each['steps']):.1f} | {each['members'] / sum(each['steps']):,.0f} | {each['grown']:.1f} |"
        for each, note in ((small, ""), (large, ""), (again, ", all of them waiting already"))
    ]
    rows += [
        "",
        f"A waiting job takes {redis_bytes:,.0f} bytes of Redis.",
        "",
        "## Syncing, one worker process, a source that answers at once",
        "",
        "| | members | s | members/s | ms of the processor, a member |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {name} | {each['members']:,} | {each['seconds']:.1f} | {each['members'] / each['seconds']:,.0f} "
        f"| {each['processor'] / each['members'] * 1000:.2f} |"
        for name, each in (
            ("one by one, first time", first),
            ("one by one, unchanged (304)", second),
            ("from the source's list, 1,000 a page", listed),
        )
    ]
    rows += ["", f"The longest job that read the list took {listed['longest']:.1f} s.", ""]
    text = "\n".join(rows)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(text)
    print(text)


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"({time.monotonic() - started:.0f} s in all)")
