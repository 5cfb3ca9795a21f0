"""Horizon as it runs: what its workers do is found in history, whoever dies in between."""

from __future__ import annotations

import html
import json
import os
import signal
import socket
import sqlite3
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.migrated import migrated_copy
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_attempt_is_in_history_when_workers_and_collectors_die(
    redis: Redis, stores: Stores, tmp_path: Path
) -> None:
    file = tmp_path / "history.sqlite3"
    url = migrated_copy(file)
    seen, release = tmp_path / "seen", tmp_path / "release"

    def outcomes() -> dict[str, int]:
        connection = sqlite3.connect(file)
        try:
            rows = connection.execute("SELECT outcome, count(*) FROM allegro_queue_run GROUP BY outcome")
            return dict(rows.fetchall())
        finally:
            connection.close()

    with running("horizon", DATABASE_URL=url) as horizon:
        for _ in range(50):
            dispatch(jobs.nothing)
        dispatch(jobs.fail, options=JobOptions(tries=2))
        eventually(lambda: outcomes() == {"succeeded": 50, "retried": 1, "failed": 1}, explain=horizon.said)

        record = stores.collecting.collector()
        assert record is not None
        assert os.getpriority(os.PRIO_PROCESS, record.pid) >= 10
        os.kill(record.pid, signal.SIGKILL)
        dispatch(jobs.hold, str(seen), str(release))
        eventually(seen.exists, explain=horizon.said)
        (worker,) = stores.workers.living()
        os.kill(worker.pid, signal.SIGKILL)
        for _ in range(50):
            dispatch(jobs.nothing)

        # A killed collector's lease has to end first.
        eventually(
            lambda: outcomes() == {"succeeded": 100, "retried": 1, "failed": 1, "lost": 1},
            within=25,
            explain=lambda: f"{outcomes()}\n{horizon.said()}",
        )
        another = stores.collecting.collector()
        assert another is not None
        assert another.pid != record.pid
        horizon.send(signal.SIGTERM)
        assert horizon.wait(within=15) == 0
    assert redis.exists("horizon:collecting") == 0


def test_without_history_runs_are_counted_and_not_kept_and_the_pages_say_so(
    redis: Redis, stores: Stores, tmp_path: Path
) -> None:
    file = tmp_path / "history.sqlite3"
    environment = {
        "DATABASE_URL": migrated_copy(file),
        "DJANGO_SETTINGS_MODULE": "tests.support.supervised",
        "TEST_SUPERVISORS": json.dumps({"supervisor-1": {"queue": ["high", "default", "audience-sync"]}}),
        "TEST_HORIZON": json.dumps({"history": False}),
    }

    def one(statement: str) -> Any:
        connection = sqlite3.connect(file)
        try:
            return connection.execute(statement).fetchone()[0]
        finally:
            connection.close()

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        running("horizon", **environment) as horizon,
        running("runserver", "--noreload", "--skip-checks", f"127.0.0.1:{port}", **environment) as web,
    ):
        dispatch(jobs.nothing)
        dispatch(jobs.fail)
        counted = "SELECT sum(started) FROM allegro_queue_series WHERE kind = 'queue' AND seconds = 86400"
        eventually(lambda: one(counted) == 2, within=30, explain=horizon.said)
        assert one("SELECT count(*) FROM allegro_queue_run") == one("SELECT count(*) FROM allegro_queue_runtag") == 0

        def page(path: str) -> str:
            with urlopen(f"http://127.0.0.1:{port}/horizon/{path}", timeout=30) as answer:
                return str(html.unescape(answer.read().decode()))

        eventually(lambda: "Starting development server" in web.said(), within=30, explain=web.said)
        (job_id,) = (each.decode() for each in redis.zrange("rq:failed:default", 0, -1))
        failed = page("jobs/?state=failed")
        assert "History is switched off (HORIZON['history'])" in failed
        assert job_id in failed
        assert "ValueError: as asked" in page(f"jobs/{job_id}/")
        assert "History is switched off" in page("jobs/?state=all&q=fail")
        assert "History is switched off" in page("monitoring/")
        # What is counted is there all the same.
        assert "tests.support.jobs.fail" in page("metrics/")
        group = one("SELECT fingerprint FROM allegro_queue_failuregroup")
        assert group in page("failures/")
        assert "History is switched off" in page(f"failures/{group}/")
        assert "1 job" in page("")
