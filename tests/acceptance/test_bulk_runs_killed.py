"""A run over many jobs whose worker is killed is carried on by another, and no job is acted on twice."""

from __future__ import annotations

import os
import signal
import time
from uuid import uuid4

import pytest
from django.db import connection
from redis import Redis

from allegro_queue.bulk import work
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.pauses import Pause
from tests.support.eventually import eventually
from tests.support.failures import run_all
from tests.support.many_failed import many_failed
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = 20_000


def is_whole(redis: Redis, run: BulkRun) -> None:
    """Every job waits, once, and has one result."""
    run.refresh_from_db()
    waiting = redis.lrange("rq:queue:default", 0, -1)
    results = list(BulkResult.objects.filter(run=run).values_list("job_id", "result"))
    assert (run.state, run.total, run.noted, run.done) == ("done", JOBS, JOBS, JOBS)
    assert len(waiting) == len(set(waiting)) == JOBS
    assert len(results) == JOBS
    assert {job_id for job_id, _ in results} == {job_id.decode() for job_id in waiting}
    assert redis.zcard("rq:failed:default") == 0
    assert redis.keys("horizon:bulk:*:todo") == []


def database() -> str:
    """The test's own database, for a process."""
    return f"sqlite:///{connection.settings_dict['NAME']}"


def acted(stores: Stores, run: BulkRun) -> int:
    return JOBS - stores.bulk.left(run.pk)


def test_a_killed_command_leaves_a_run_that_a_worker_carries_on(redis: Redis, stores: Stores) -> None:
    many_failed(redis, JOBS, time.time() - 3600)
    with running("horizon_retry", "--all", DATABASE_URL=database()) as command:
        run = eventually(lambda: BulkRun.objects.filter(state="running").first(), within=30, explain=command.said)
        eventually(lambda: 1_000 < acted(stores, run) < JOBS, within=30, explain=command.said)
        command.send(signal.SIGKILL)
        command.wait()
    assert 0 < stores.bulk.left(run.pk) < JOBS
    stores.pauses.pause(Pause(queue="default", since=time.time()))

    work.queue_slice(stores, run, 1)
    run_all(redis, "high")

    is_whole(redis, run)


def test_workers_that_are_killed_again_and_again_do_not_stop_it(redis: Redis, stores: Stores) -> None:
    many_failed(redis, JOBS, time.time() - 3600)
    stores.pauses.pause(Pause(queue="default", since=time.time()))
    now = time.time()
    run, _ = work.begin(BulkAct.RETRY, Selection(), token=uuid4(), cut_off=now, now=now, who="ada", via="page")
    with running("horizon", DATABASE_URL=database()) as horizon:
        work.queue_slice(stores, run, 1)
        for share in (0.1, 0.4):
            eventually(
                lambda share=share: has_begun(run) and acted(stores, run) > share * JOBS,
                within=40,
                explain=horizon.said,
            )
            for worker in stores.workers.living():
                if worker.job_id.startswith("run-"):
                    os.kill(worker.pid, signal.SIGKILL)

        eventually(lambda: BulkRun.objects.filter(pk=run.pk, state="done").exists(), within=60, explain=horizon.said)

    is_whole(redis, run)


def has_begun(run: BulkRun) -> bool:
    return BulkRun.objects.filter(pk=run.pk).exclude(total=None).exists()
