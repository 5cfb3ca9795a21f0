"""The collector as a real process: killed at random, two at once, its database away."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

from allegro_queue.connection import new_client
from allegro_queue.stores import Stores
from tests.support.eventually import eventually
from tests.support.migrated import migrated_copy
from tests.support.postgres import a_postgres_server
from tests.support.running import manage, running
from tests.support.runs import RUNS, add_runs, failed_record, run_record


class Tables:
    """A database with the tables of history, for processes; looked at from outside."""

    def __init__(self, url: str) -> None:
        self.url = url

    def rows(self, statement: str) -> list[Any]:
        if self.url.startswith("sqlite"):
            connection = sqlite3.connect(self.url.removeprefix("sqlite:///"))
            try:
                return connection.execute(statement).fetchall()
            finally:
                connection.close()
        with psycopg.connect(self.url.replace("postgres://", "postgresql://")) as opened:
            return opened.execute(statement).fetchall()

    def one(self, statement: str) -> int:
        return int(self.rows(statement)[0][0] or 0)

    @property
    def read(self) -> int:
        """Entries that were collected."""
        found = self.rows("SELECT read FROM allegro_queue_collected")
        return int(found[0][0]) if found else 0

    def sums(self, seconds: int, kind: str, column: str = "started") -> dict[str, int]:
        """A column of the series, by name."""
        found = self.rows(
            f"SELECT name, sum({column}) FROM allegro_queue_series "
            f"WHERE kind = '{kind}' AND seconds = {seconds} GROUP BY name"
        )
        return {name: int(count) for name, count in found if count}


@pytest.fixture
def sqlite_tables(tmp_path: Path) -> Tables:
    return Tables(migrated_copy(tmp_path / "history.sqlite3"))


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tables]:
    if request.param == "sqlite":
        yield Tables(migrated_copy(tmp_path / "history.sqlite3"))
        return
    with a_postgres_server(request.getfixturevalue("postgres_programs"), tables=True) as url:
        yield Tables(url)


class Ledger(threading.Thread):
    """Appends records until it has as many as it should, and remembers how many of what."""

    def __init__(self, total: int, batch: int = 50) -> None:
        super().__init__()
        self.total, self.batch = total, batch
        self.by_queue: dict[str, int] = {}
        self.failed = 0
        self.written = 0

    def run(self) -> None:
        luck = random.Random(7)
        client = new_client()
        last = b""
        while self.written < self.total:
            with client.pipeline(transaction=False) as pipeline:
                for _ in range(self.batch):
                    queue = luck.choice(("high", "default", "audience-sync"))
                    fails = luck.random() < 0.1
                    record = (failed_record if fails else run_record)(
                        time.time(), queue=queue, call='[[], {"member_id": 5}]'
                    )
                    self.by_queue[queue] = self.by_queue.get(queue, 0) + 1
                    self.failed += fails
                    last = record.encode().encode()
                    pipeline.xadd(RUNS, {"run": last})
                # One record twice, as when a lost reply has a step repeated.
                pipeline.xadd(RUNS, {"run": last})
                pipeline.execute()
            self.written += self.batch
        client.close()


def assert_exact(ledger: Ledger, tables: Tables) -> None:
    """Rows, tags, groups and every series say what the ledger says."""
    assert tables.one("SELECT count(*) FROM allegro_queue_run") == ledger.total
    assert tables.one("SELECT count(*) FROM allegro_queue_runtag") == ledger.total
    assert tables.rows("SELECT runs, duplicates, missed FROM allegro_queue_collected") == [
        (ledger.total, ledger.total // ledger.batch, 0)
    ]
    for seconds in (60, 300, 3600, 86_400):
        assert tables.sums(seconds, "queue") == ledger.by_queue
        assert sum(tables.sums(seconds, "queue", "failed").values()) == ledger.failed
    assert tables.sums(300, "job") == tables.sums(86_400, "job") == {"shop.orders.jobs.pay": ledger.total}
    assert tables.one("SELECT sum(count) FROM allegro_queue_failuregroup") == ledger.failed
    assert sum(tables.sums(3600, "failure").values()) == ledger.failed


def test_killed_at_random_while_records_stream_in_it_loses_and_doubles_none(redis: Redis, tables: Tables) -> None:
    ledger = Ledger(15_000)
    luck = random.Random()
    entries = ledger.total + ledger.total // ledger.batch
    ledger.start()
    kills = at_work = 0
    while kills < 10:
        before = tables.read
        with running("horizon_collect", DATABASE_URL=tables.url) as process:
            # Once it works, at any instant of the next batches.
            eventually(lambda before=before: before == entries or tables.read > before, explain=process.said)
            threading.Event().wait(luck.random() * 0.2)
            process.send(signal.SIGKILL)
            process.wait()
        # Its lease would keep the next one waiting.
        redis.delete("horizon:collecting")
        kills += 1
        at_work += tables.read < entries
    ledger.join()
    done = manage("horizon_collect", "--until-empty", DATABASE_URL=tables.url)

    assert done.returncode == 0, done.stderr
    assert at_work >= 2, "hardly a kill came while there was work"
    assert_exact(ledger, tables)


def test_of_two_one_collects_and_the_other_takes_over_when_it_hangs(
    redis: Redis, stores: Stores, sqlite_tables: Tables
) -> None:
    ledger = Ledger(2_000)
    url = sqlite_tables.url
    with running("horizon_collect", DATABASE_URL=url) as first:
        eventually(stores.collecting.collector, explain=first.said)
        with running("horizon_collect", DATABASE_URL=url) as second:
            eventually(lambda: "collector started" in second.said())
            record = stores.collecting.collector()
            assert record is not None
            assert record.pid == first.pid
            ledger.start()
            eventually(lambda: sqlite_tables.read > 100, explain=first.said)
            first.send(signal.SIGSTOP)
            redis.delete("horizon:collecting")
            eventually(lambda: stores.collecting.collector().pid == second.pid, within=15, explain=second.said)
            first.send(signal.SIGCONT)
            ledger.join()
            eventually(lambda: sqlite_tables.read == 2_040, explain=second.said)
            assert_exact(ledger, sqlite_tables)
            assert os.getpriority(os.PRIO_PROCESS, second.pid) >= 10


def test_it_waits_for_a_database_that_is_away_and_says_so(redis: Redis, stores: Stores, tmp_path: Path) -> None:
    add_runs(redis, run_record(time.time()))
    url = f"sqlite:///{tmp_path / 'later.sqlite3'}"
    with running("horizon_collect", DATABASE_URL=url) as process:
        eventually(
            lambda: (stores.collecting.collector() or None) and stores.collecting.collector().trouble,
            explain=process.said,
        )
        assert manage("migrate", "allegro_queue", DATABASE_URL=url).returncode == 0
        eventually(lambda: "gets on again" in process.said(), within=20, explain=process.said)
        eventually(lambda: not stores.collecting.collector().trouble, explain=process.said)


def test_it_says_which_run_it_wrote_last(redis: Redis, stores: Stores, sqlite_tables: Tables) -> None:
    with running("horizon_collect", DATABASE_URL=sqlite_tables.url) as process:
        for _ in range(3):
            add_runs(redis, run_record(time.time()))
            newest = redis.xrevrange(RUNS, count=1)[0][0].decode()
            eventually(
                lambda newest=newest: (
                    (stores.collecting.collector() or None) and stores.collecting.collector().collected == newest
                ),
                explain=process.said,
            )


def test_it_leaves_within_two_seconds_of_a_signal_and_gives_its_lease_back(
    redis: Redis, stores: Stores, sqlite_tables: Tables
) -> None:
    with running("horizon_collect", DATABASE_URL=sqlite_tables.url) as process:
        eventually(stores.collecting.collector, explain=process.said)

        process.send(signal.SIGTERM)

        assert process.wait(within=2) == 0
        assert redis.exists("horizon:collecting", "horizon:collector") == 0
