from __future__ import annotations

import json

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.stores import Stores
from allegro_queue.workers.child import make_worker
from tests.support import jobs
from tests.support.running import manage

pytestmark = pytest.mark.django_db(transaction=True)


def orphans(stores: Stores) -> list[str]:
    return [each.id for each in stores.audit.orphans(lambda: None)]


def test_jobs_that_wait_run_ended_or_failed_are_no_orphans(stores: Stores):
    dispatch(jobs.nothing)
    dispatch(jobs.fail)
    worker = make_worker(["high", "default"], name="web-1.1.abcd")
    assert worker is not None
    worker.work(burst=True)
    dispatch(jobs.nothing)
    dispatch(jobs.nothing)
    taker = make_worker(["high", "default"], name="web-1.2.abcd")
    assert taker is not None
    assert taker.take() is not None
    taker.steps.close()

    assert orphans(stores) == []


def test_a_job_that_stands_nowhere_is_found(stores: Stores, redis: Redis):
    ids = [dispatch(jobs.nothing) for _ in range(3)]
    redis.lrem("rq:queue:default", 0, ids[1])

    assert orphans(stores) == [ids[1]]


def test_a_job_in_the_longest_of_queues_is_found_there(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("allegro_queue.stores.audit.AT_ONCE", 7)
    for _ in range(50):
        dispatch(jobs.nothing)

    assert sum(len(ids) for ids in stores.audit.standing()) == 50
    assert orphans(stores) == []


def test_a_job_that_only_moves_between_two_looks_is_no_orphan(stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    redis.lrem("rq:queue:default", 0, job_id)

    assert stores.audit.orphans(lambda: redis.zadd("rq:finished:default", {job_id: 1})) == []
    redis.delete("rq:finished:default")
    changes = iter("123")
    assert stores.audit.orphans(lambda: redis.hset(f"rq:job:{job_id}", "started_at", next(changes))) == []
    assert stores.audit.orphans(lambda: redis.delete(f"rq:job:{job_id}")) == []


def test_the_command_prints_what_it_found_and_says_so_by_its_exit_code(stores: Stores, redis: Redis):
    clean = manage("horizon_audit")
    job_id = dispatch(jobs.nothing)
    redis.delete("rq:queue:default")
    found, data = manage("horizon_audit"), manage("horizon_audit", "--json")

    assert (clean.returncode, clean.stdout) == (0, "0 in no queue and no registry.\n")
    assert (found.returncode, found.stdout.splitlines()[-1]) == (1, "1 in no queue and no registry.")
    assert f"{job_id}  queued  default" in found.stdout
    assert data.returncode == 1
    assert json.loads(data.stdout)["orphans"][0]["id"] == job_id
