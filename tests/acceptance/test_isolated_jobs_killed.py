"""Isolated jobs whose workers are killed at random: nothing is lost, and with one try nothing runs twice."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.tellings import verbatim
from allegro_queue.workers.settling import settle
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["default"]
JOBS = 200


def test_no_isolated_job_is_lost_or_run_twice_when_workers_are_killed(redis: Redis, stores: Stores, tmp_path: Path):
    trail = tmp_path / "trail"
    asks = JobOptions(isolate=True, without_overlapping=True, overlap_key="member:{word}", unique=True)
    ids = [dispatch(jobs.note, str(trail), str(number), options=asks) for number in range(JOBS)]
    chance = random.Random(7)
    for _ in range(4):
        with running("rqworker", *QUEUES) as first, running("rqworker", *QUEUES) as second:
            wait_until_ended(stores, ended(stores) + chance.randint(10, 40), first)
            for process in (first, second):
                process.send(signal.SIGKILL)
                process.wait()
        for held in stores.reservations.all():
            settle(stores, held.worker, host="here", pid=1, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    with running("rqworker", *QUEUES) as last:
        wait_until_ended(stores, JOBS, last)
        finish_up(last)

    statuses = [row.status for row in stores.jobs.rows(ids)]
    noted = trail.read_text().splitlines()
    assert statuses.count("finished") + statuses.count("failed") == JOBS
    # Each killed worker held one job at most.
    assert statuses.count("failed") <= 8
    assert len(noted) == len(set(noted)) >= statuses.count("finished")
    assert stores.reservations.all() == []
    assert redis.keys(f"{stores.keys.prefix}unique:*") == []
    assert redis.keys(f"{stores.keys.prefix}overlap:*") == []


def wait_until_ended(stores: Stores, count: int, process: Running) -> None:
    """Until so many jobs have ended, in whatever way."""
    eventually(lambda: ended(stores) >= count, within=60, explain=process.said)


def finish_up(process: Running) -> None:
    """Have it leave."""
    process.send(signal.SIGTERM)
    assert process.wait() == 0


def ended(stores: Stores) -> int:
    """Jobs in a final registry."""
    counts = stores.jobs.counts(QUEUES)
    return counts[State.FINISHED] + counts[State.FAILED]
