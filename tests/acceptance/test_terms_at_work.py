"""What jobs ask for, with real workers beside each other."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from redis import Redis
from rq.scheduler import RQScheduler

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support import jobs, term_jobs
from tests.support.eventually import eventually
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["default"]


def move_all(redis: Redis) -> None:
    """Make every scheduled job due, and have RQ's own scheduler move them."""
    for job_id in redis.zrange("rq:scheduled:default", 0, -1):
        redis.zadd("rq:scheduled:default", {job_id: 1})
    scheduler = RQScheduler([get_queue("default", redis)], connection=redis)
    scheduler.acquire_locks()
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()


def test_jobs_that_must_not_overlap_never_do_although_several_workers_are_free(
    redis: Redis, stores: Stores, tmp_path: Path
):
    trail = tmp_path / "trail"
    alone = JobOptions(without_overlapping=True, overlap_key="x")
    ids = [dispatch(term_jobs.work_alone, str(trail), str(number), options=alone) for number in range(12)]

    def are_done() -> bool:
        move_all(redis)
        return stores.jobs.counts(QUEUES)[State.FINISHED] == 12

    with running("rqworker", *QUEUES) as first, running("rqworker", *QUEUES) as second, running("rqworker", *QUEUES):
        eventually(are_done, within=30, explain=lambda: first.said() + second.said())
        said = first.said() + second.said()

    lines = trail.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["begin", "end"] * 12
    assert [begin.split()[1] for begin in lines[::2]] == [end.split()[1] for end in lines[1::2]]
    assert "another job works on 'x'" in said
    assert [row.status for row in stores.jobs.rows(ids)] == ["finished"] * 12
    assert not redis.exists(stores.keys.overlap("x"))


def test_several_workers_together_keep_to_a_rate(redis: Redis, stores: Stores, tmp_path: Path):
    trail = tmp_path / "trail"
    limited = JobOptions(rate_limit="5/h", rate_key="mail")
    for number in range(15):
        dispatch(jobs.note, str(trail), str(number), options=limited)

    with running("rqworker", *QUEUES) as first, running("rqworker", *QUEUES) as second:
        eventually(
            lambda: stores.jobs.counts(QUEUES)[State.SCHEDULED] == 10,
            within=20,
            explain=lambda: first.said() + second.said(),
        )

    assert len(trail.read_text().splitlines()) == 5
    assert stores.jobs.counts(QUEUES)[State.FINISHED] == 5


def test_a_supervisor_can_have_every_job_of_its_queues_isolated(redis: Redis, stores: Stores, tmp_path: Path):
    # As stock RQ queues it, so nothing in the job asks for it.
    job = get_queue("default", redis).enqueue(
        "tests.support.term_jobs.sleep_long", str(tmp_path / "pid"), job_timeout=30
    )

    with running(
        "horizon",
        DJANGO_SETTINGS_MODULE="tests.support.supervised",
        TEST_SUPERVISORS=json.dumps({"one": {"queue": QUEUES, "isolate": True}}),
    ) as horizon:
        noted = tmp_path / "pid"
        pid = int(eventually(lambda: noted.exists() and noted.read_text().split(), within=15, explain=horizon.said)[0])
        assert pid not in [each.pid for each in stores.workers.living()]
        killed_at = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: stores.jobs.rows([job.id])[0].status == "failed", explain=horizon.said)
        assert time.monotonic() - killed_at < 5
    assert stores.workers.lost(0) == []
