"""Horizon as it runs: what its workers do is found in history, whoever dies in between."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import manage, running

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_attempt_is_in_history_when_workers_and_collectors_die(
    redis: Redis, stores: Stores, tmp_path: Path
) -> None:
    file = tmp_path / "history.sqlite3"
    url = f"sqlite:///{file}"
    assert manage("migrate", DATABASE_URL=url).returncode == 0
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
