from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.reservations import MOST_IN_A_ROW, Reservation
from allegro_queue.stores.workers import LostWorker
from allegro_queue.tellings import verbatim
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.settling import settle
from allegro_queue.workers.sweeping import Sweeper
from tests.support import jobs, records
from tests.support.runs import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = "web-1.4121.abcd"


def die(stores: Stores, begun: str | None = None) -> LostWorker | None:
    """The worker is gone; settle what it held."""
    return settle(
        stores, WORKER, host="web-1", pid=4121, reason=verbatim("was killed by signal 9 (SIGKILL)"), begun=begun
    )


def take(worker: str = WORKER) -> Reservation:
    """The worker takes a job, which starts it, and gets no further."""
    process = make_worker(["high", "default"], name=worker)
    assert process is not None
    taken = process.take()
    process.steps.close()
    assert taken is not None
    return taken.held


def take_without_starting(redis: Redis, stores: Stores) -> None:
    """A worker of the first release takes a job and gets no further: it noted that it holds it, nothing else."""
    job_id = redis.lpop("rq:queue:default")
    redis.hset(stores.keys.reserved, WORKER, json.dumps({"job": job_id.decode(), "queue": "default", "at": 1.0}))


def test_a_job_that_never_started_goes_back_to_the_front(stores: Stores, redis: Redis):
    first = dispatch(jobs.nothing)
    dispatch(jobs.nothing)
    take_without_starting(redis, stores)

    lost = die(stores)

    assert lost is not None
    assert (lost.outcome, lost.job_id) == ("put back", first)
    assert redis.lindex("rq:queue:default", 0) == first.encode()
    assert stores.reservations.all() == []


def test_a_started_job_with_one_try_fails_with_the_reason_in_words(stores: Stores):
    job_id = dispatch(jobs.nothing)
    take()

    lost = die(stores)

    assert lost is not None
    assert (lost.outcome, lost.job_name) == ("failed", "tests.support.jobs.nothing")
    rows, _ = stores.jobs.page(State.FAILED, ["default"])
    assert rows[0].id == job_id
    assert rows[0].error.endswith("worker 4121 on web-1 was killed by signal 9 (SIGKILL)")
    assert stores.jobs.counts(["default"])[State.RUNNING] == 0
    assert outcomes(stores.client) == ["lost"]


def test_a_started_job_with_tries_left_is_queued_again(stores: Stores):
    dispatch(jobs.nothing, options=JobOptions(tries=2))
    take()

    lost = die(stores)

    assert lost is not None
    assert lost.outcome == "retried"
    assert stores.jobs.lengths(["default"]) == {"default": 1}
    assert stores.reservations.all() == []


def test_settling_twice_changes_nothing_more(stores: Stores):
    dispatch(jobs.nothing)
    take()
    die(stores)

    again = die(stores)

    assert again is not None
    assert again.outcome == ""
    assert stores.jobs.counts(["default"])[State.FAILED] == 1


def test_while_one_process_settles_another_keeps_away(stores: Stores):
    dispatch(jobs.nothing)
    take()
    assert stores.workers.begin_settling(WORKER, by="another")

    assert die(stores) is None
    assert len(stores.reservations.all()) == 1


def test_a_job_deleted_meanwhile_leaves_no_reservation(stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    take()
    redis.delete(f"rq:job:{job_id}")

    die(stores)

    assert stores.reservations.all() == []


def test_a_worker_asking_again_after_a_lost_reply_gets_the_same_job(stores: Stores):
    dispatch(jobs.nothing)
    dispatch(jobs.nothing)

    first = take()
    again = take()

    assert first == again
    assert stores.jobs.lengths(["default"]) == {"default": 1}


def test_a_job_whose_function_was_never_called_goes_back_to_the_front_as_it_was(stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    dispatch(jobs.nothing)
    before = everything(redis)
    take()

    lost = die(stores, begun="the one before")

    assert lost is not None
    assert (lost.outcome, lost.job_id) == ("put back", job_id)
    after = everything(redis)
    assert rq_keys_of_jobs(after) == rq_keys_of_jobs(before)
    assert redis.lindex("rq:queue:default", 0) == job_id.encode()
    assert redis.hgetall(f"rq:job:{job_id}") == before[f"rq:job:{job_id}".encode()]
    assert stores.reservations.all() == []


def test_a_job_that_was_begun_is_settled_as_started(stores: Stores):
    dispatch(jobs.nothing)
    held = take()

    lost = die(stores, begun=held.execution_id)

    assert lost is not None
    assert lost.outcome == "failed"


def test_a_job_that_kills_each_worker_before_it_is_begun_fails_in_the_end(stores: Stores, redis: Redis):
    dispatch(jobs.nothing)
    outcomes = []
    for _ in range(MOST_IN_A_ROW + 1):
        take()
        lost = die(stores, begun="")
        assert lost is not None
        outcomes.append(lost.outcome)

    assert outcomes == ["put back"] * MOST_IN_A_ROW + ["failed"]


def rq_keys_of_jobs(keys: Iterable[bytes]) -> set[bytes]:
    """RQ's keys, but for that of the worker, which ends by itself."""
    return {key for key in keys if key.startswith(b"rq:") and not key.startswith(b"rq:worker:")}


def everything(redis: Redis) -> dict[bytes, Any]:
    """Every hash and list there is; of other keys, that they are there."""
    readers = {b"hash": redis.hgetall, b"list": lambda key: redis.lrange(key, 0, -1)}
    return {key: readers.get(redis.type(key), redis.type)(key) for key in redis.keys("*")}


def test_only_holders_that_nobody_reports_at_two_looks_are_settled(stores: Stores):
    for _ in range(4):
        dispatch(jobs.nothing)
    take()
    take("web-2.7.abcd")
    living = make_worker(["default"], name="web-2.7.abcd")
    assert living is not None
    stores.workers.write(living.record())
    take("web-3.9.abcd")
    take("web-4.1.abcd")
    stores.masters.write(records.master(0, supervisors=(records.supervisor(workers=(), leaving=("web-4.1.abcd",)),)))
    sweeper = Sweeper(stores, every=5)

    assert sweeper.look(100, spare=["web-3.9.abcd"]) == []
    assert sweeper.look(105, spare=["web-3.9.abcd"], may_settle=lambda: False) == []
    settled = sweeper.look(110, spare=["web-3.9.abcd"])

    assert [each.name for each in settled] == [WORKER]
    assert {each.worker for each in stores.reservations.all()} == {"web-2.7.abcd", "web-3.9.abcd", "web-4.1.abcd"}


def test_what_was_seen_before_a_long_pause_between_two_looks_counts_no_more(stores: Stores):
    dispatch(jobs.nothing)
    take()
    sweeper = Sweeper(stores, every=5)

    assert sweeper.look(100) == []
    assert sweeper.look(160) == []
    assert len(sweeper.look(165)) == 1


def test_who_could_not_end_settling_may_begin_again(stores: Stores):
    assert stores.workers.begin_settling(WORKER, by="me")

    assert stores.workers.begin_settling(WORKER, by="me")
    assert not stores.workers.begin_settling(WORKER, by="another")
