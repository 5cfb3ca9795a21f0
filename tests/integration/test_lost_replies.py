"""Redis has acted, and its reply never arrives: the caller sees one success, and there is one job."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from allegro_queue.connection import client, forget_client
from allegro_queue.dispatch import dispatch, dispatch_many
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions
from tests.support import jobs
from tests.support.proxy import Proxy, proxy_to

pytestmark = pytest.mark.django_db(transaction=True)

STEP = b"EVALSHA"
"""Stands once in each step."""

UNIQUE = JobOptions(unique=True)


@pytest.fixture
def proxy(redis: Redis, settings: Any) -> Iterator[Proxy]:
    """A proxy that all clients of this process lead through; ``redis`` still leads to the server itself."""
    with proxy_to(os.environ["REDIS_URL"].removeprefix("unix://")) as made:
        settings.RQ_QUEUES = {
            name: {"HOST": "127.0.0.1", "PORT": made.port, "DB": 0, "SERIALIZER": config["SERIALIZER"]}
            for name, config in settings.RQ_QUEUES.items()
        }
        forget_client()
        # The server knows the script from now on.
        dispatch(jobs.nothing)
        redis.flushdb()
        yield made
        forget_client()


def queued(redis: Redis) -> list[bytes]:
    found: list[bytes] = redis.lrange("rq:queue:default", 0, -1)
    return found


@pytest.mark.parametrize("times", [1, 3])
def test_a_job_whose_reply_is_lost_is_queued_once_and_its_caller_told_so(redis: Redis, proxy: Proxy, times: int):
    proxy.lose_reply(STEP, times=times)

    job = dispatch(jobs.add, 1, right=2)

    assert proxy.lost == times
    assert job.queued is True
    assert queued(redis) == [job.encode()]


def test_a_unique_job_whose_reply_is_lost_is_not_taken_for_its_own_double(redis: Redis, proxy: Proxy):
    proxy.lose_reply(STEP)

    job = dispatch(jobs.add, 1, right=2, options=UNIQUE)

    assert proxy.lost == 1
    assert (job.queued, job.holder) == (True, "")
    assert queued(redis) == [job.encode()]


def test_a_job_for_later_whose_reply_is_lost_waits_once(redis: Redis, proxy: Proxy):
    proxy.lose_reply(STEP)

    job = dispatch(jobs.nothing, delay=600)

    assert redis.zrange("rq:scheduled:default", 0, -1) == [job.encode()]
    assert queued(redis) == []


def test_many_jobs_are_queued_once_each_when_the_reply_to_one_step_is_lost(redis: Redis, proxy: Proxy):
    proxy.lose_reply(STEP, nth=2)

    made = dispatch_many(jobs.add, ((number, number) for number in range(1200)))

    assert proxy.lost == 1
    assert (made.count, made.queued) == (1200, 1200)
    assert queued(redis) == [each.encode() for each in made.ids]


def test_a_caller_is_told_that_nobody_knows_when_every_reply_is_lost(redis: Redis, proxy: Proxy):
    proxy.lose_reply(STEP, times=4)

    with pytest.raises(QueueUnavailable, match="may have been queued: its reply was lost each time") as raised:
        dispatch(jobs.nothing)

    assert raised.value.may_be_queued
    assert proxy.lost == 4
    assert len(queued(redis)) == 1


def test_a_reply_that_never_comes_is_given_up_and_the_step_sent_again(redis: Redis, proxy: Proxy):
    forget_client()
    client().connection_pool.connection_kwargs["socket_timeout"] = 0.3
    proxy.lose_reply(STEP, ending="silence")

    started = time.monotonic()
    job = dispatch(jobs.nothing)

    assert 0.3 <= time.monotonic() - started < 5
    assert proxy.lost == 1
    assert queued(redis) == [job.encode()]


def test_a_kept_connection_that_the_server_has_closed_costs_nothing_but_a_new_one(redis: Redis, proxy: Proxy):
    dispatch(jobs.nothing)
    proxy.cut()

    assert dispatch(jobs.nothing).queued
    assert len(queued(redis)) == 2
