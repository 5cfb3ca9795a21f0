from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime

import pytest
from django.db import transaction
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.errors import InvalidJob, UnknownQueue
from allegro_queue.jobs import JobOptions
from tests.support import jobs


@pytest.mark.django_db(transaction=True)
def test_a_job_is_queued_after_the_commit_and_holds_no_pickle(redis: Redis):
    with transaction.atomic():
        job_id = dispatch(jobs.add, 1, right=2)
        assert redis.llen("rq:queue:default") == 0

    assert redis.lrange("rq:queue:default", 0, -1) == [job_id.encode()]
    payload = json.loads(zlib.decompress(redis.hget(f"rq:job:{job_id}", "data")))
    assert payload == ["tests.support.jobs.add", None, [1], {"right": 2}]


@pytest.mark.django_db(transaction=True)
def test_a_roll_back_queues_nothing(redis: Redis):
    with pytest.raises(RuntimeError), transaction.atomic():
        dispatch(jobs.nothing)
        raise RuntimeError

    assert not redis.keys("rq:*")


@pytest.mark.django_db(transaction=True)
def test_a_job_that_says_nothing_gets_one_try_and_sixty_seconds(redis: Redis):
    job_id = dispatch(jobs.nothing)

    assert redis.hget(f"rq:job:{job_id}", "timeout") == b"60"
    assert redis.hget(f"rq:job:{job_id}", "retries_left") is None


@pytest.mark.django_db(transaction=True)
def test_options_of_the_call_win_over_the_declared_ones(redis: Redis):
    dispatch(jobs.urgent)
    job_id = dispatch(jobs.urgent, options=JobOptions(queue="audience-sync", tries=3, timeout=5))

    assert redis.llen("rq:queue:high") == 1
    assert redis.llen("rq:queue:audience-sync") == 1
    assert redis.hget(f"rq:job:{job_id}", "timeout") == b"5"
    assert redis.hget(f"rq:job:{job_id}", "retries_left") == b"2"


@pytest.mark.django_db(transaction=True)
def test_an_unknown_queue_is_refused_with_the_nearest_name(redis: Redis):
    with pytest.raises(UnknownQueue, match="no queue 'hihg' in RQ_QUEUES; did you mean 'high'"):
        dispatch(jobs.nothing, options=JobOptions(queue="hihg"))


@pytest.mark.django_db(transaction=True)
def test_an_argument_that_json_cannot_hold_is_refused_at_the_call(redis: Redis):
    with pytest.raises(InvalidJob, match=r"argument 'right'\['at'\]\[1\] is a datetime.*Pass value.isoformat"):
        dispatch(jobs.add, 1, right={"at": ["x", datetime(2026, 1, 1, tzinfo=UTC)]})

    assert not redis.keys("rq:*")


def test_a_function_that_no_worker_could_import_is_refused():
    with pytest.raises(InvalidJob, match="cannot be queued: a worker could not import it"):
        dispatch(lambda: None)
