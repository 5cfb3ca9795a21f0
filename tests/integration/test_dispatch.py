from __future__ import annotations

import json
import os
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from redis import Redis

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import call, dispatch, dispatch_many, enqueue, resolve_options
from allegro_queue.errors import InvalidConfiguration, InvalidJob, UnknownQueue
from allegro_queue.jobs import JobOptions
from allegro_queue.tenancy import acting_for
from allegro_queue.terms import Terms, decode_terms
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


def terms_of(redis: Redis, job_id: str) -> Terms:
    return decode_terms(redis.hget(f"rq:job:{job_id}", "horizon"))


def arguments_of(redis: Redis, job_id: str) -> Any:
    return json.loads(zlib.decompress(redis.hget(f"rq:job:{job_id}", "data")))[2:]


@pytest.mark.django_db(transaction=True)
def test_the_returned_id_says_what_became_of_the_job_once_it_is_committed(redis: Redis):
    with transaction.atomic():
        job = dispatch(jobs.nothing)
        assert job.queued is None

    assert job.queued is True


@pytest.mark.django_db(transaction=True)
def test_the_commit_of_the_named_database_is_waited_for(redis: Redis, monkeypatch: pytest.MonkeyPatch):
    waits: list[tuple[Any, str]] = []
    monkeypatch.setattr(transaction, "on_commit", lambda send, using: waits.append((send, using)))

    dispatch(jobs.nothing, using="other")
    dispatch(jobs.nothing, delay=60, using="other")
    dispatch_many(jobs.add, [(1, 2)], using="other")
    assert not redis.keys("rq:*")

    assert [using for _, using in waits] == ["other"] * 3
    for send, _ in waits:
        send()
    assert redis.llen("rq:queue:default") == 2
    assert redis.zcard("rq:scheduled:default") == 1


@pytest.mark.django_db(transaction=True)
def test_a_wrong_argument_inside_a_transaction_is_refused_at_the_call_and_never_after_the_commit(redis: Redis):
    with transaction.atomic():
        with pytest.raises(InvalidJob, match="does not take these arguments"):
            dispatch(jobs.add, 1)
        with pytest.raises(InvalidJob, match="is a set"):
            dispatch_many(jobs.add, [(1, 2), ({1}, 2)])
        with pytest.raises(InvalidJob, match="is negative"):
            dispatch(jobs.add, 1, 2, delay=-1)

    assert redis.llen("rq:queue:default") == 0


@pytest.mark.django_db(transaction=True)
def test_a_job_for_later_waits_in_its_queues_registry(redis: Redis):
    job = dispatch(jobs.urgent, delay=timedelta(minutes=10))

    assert redis.llen("rq:queue:high") == 0
    assert redis.zscore("rq:scheduled:high", job) == pytest.approx(time.time() + 600, abs=5)
    assert redis.hget(f"rq:job:{job}", "status") == b"scheduled"


@pytest.mark.django_db(transaction=True)
def test_a_time_that_has_passed_means_now(redis: Redis):
    job = dispatch(jobs.nothing, at=datetime.now(UTC) - timedelta(hours=1))

    assert redis.lrange("rq:queue:default", 0, -1) == [job.encode()]


@pytest.mark.django_db(transaction=True)
def test_a_unique_job_that_waits_is_not_queued_again_and_the_caller_can_know(redis: Redis):
    first = dispatch(jobs.refresh, 7)
    second = dispatch(jobs.refresh, 7, force=True)
    other = dispatch(jobs.refresh, 8)

    assert (first.queued, other.queued) == (True, True)
    assert (second.queued, second.holder) == (False, first)
    assert redis.lrange("rq:queue:default", 0, -1) == [first.encode(), other.encode()]
    assert not redis.exists(f"rq:job:{second}")
    assert redis.get("horizon:unique:member:7") == first.encode()
    assert 290 <= redis.ttl("horizon:unique:member:7") <= 300


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["finished", "failed", "stopped", "canceled", None])
def test_a_lock_whose_holder_has_ended_or_is_gone_is_taken_over(redis: Redis, status: str | None):
    first = dispatch(jobs.refresh, 7)
    if status is None:
        redis.delete(f"rq:job:{first}")
    else:
        redis.hset(f"rq:job:{first}", "status", status)

    second = dispatch(jobs.refresh, 7)

    assert second.queued
    assert redis.get("horizon:unique:member:7") == second.encode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("status", ["started", "scheduled", "deferred"])
def test_a_lock_whose_holder_is_under_way_stays_its_own(redis: Redis, status: str):
    first = dispatch(jobs.refresh, 7)
    redis.hset(f"rq:job:{first}", "status", status)

    assert dispatch(jobs.refresh, 7).holder == first


@pytest.mark.django_db(transaction=True)
def test_the_lock_of_a_job_for_later_outlives_its_wait(redis: Redis):
    dispatch(jobs.refresh, 7, delay=1000)

    assert 1290 <= redis.ttl("horizon:unique:member:7") <= 1301


@pytest.mark.django_db(transaction=True)
def test_of_the_same_unique_call_twice_in_one_bulk_one_is_queued(redis: Redis):
    made = dispatch_many(jobs.refresh, [(7,), (8,), {"member": 7, "force": True}])

    assert (made.count, made.queued, made.held_back) == (3, 2, 1)
    ids = list(made.ids)
    assert redis.lrange("rq:queue:default", 0, -1) == [ids[0].encode(), ids[1].encode()]
    assert redis.get("horizon:unique:member:7") == ids[0].encode()


@pytest.mark.django_db(transaction=True)
def test_many_calls_keep_their_order_and_their_arguments(redis: Redis):
    made = dispatch_many(jobs.add, [(1, 2), [3, 4], {"left": 5, "right": 6}, call(7, right=8)])

    assert redis.lrange("rq:queue:default", 0, -1) == [each.encode() for each in made.ids]
    assert [arguments_of(redis, each) for each in made.ids] == [
        [[1, 2], {}],
        [[3, 4], {}],
        [[], {"left": 5, "right": 6}],
        [[7], {"right": 8}],
    ]


@pytest.mark.django_db(transaction=True)
def test_many_calls_go_out_as_they_are_read_and_each_step_is_small(redis: Redis):
    waiting = []

    def calls() -> Any:
        for number in range(2000):
            waiting.append(redis.llen("rq:queue:default"))
            yield number, 1

    made = dispatch_many(jobs.add, calls())

    assert made.queued == 2000
    # What was read and is not yet queued.
    assert max(number - sent for number, sent in enumerate(waiting)) <= 500


@pytest.mark.django_db(transaction=True)
def test_many_calls_inside_a_transaction_that_rolls_back_queue_nothing(redis: Redis):
    with pytest.raises(RuntimeError), transaction.atomic():
        dispatch_many(jobs.add, ((number, 1) for number in range(1200)))
        raise RuntimeError

    assert not redis.keys("rq:*")


@pytest.mark.django_db(transaction=True)
def test_no_calls_are_no_jobs(redis: Redis):
    assert dispatch_many(jobs.add, []).count == 0
    assert not redis.keys("rq:*")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", ["ab", 7, {1: 2}, None])
def test_an_item_that_holds_no_arguments_is_named_with_its_number(redis: Redis, given: Any):
    with pytest.raises(InvalidJob, match=r"Call 2, after 0 that were queued: "):
        dispatch_many(jobs.add, [(1, 2), given])


@pytest.mark.django_db(transaction=True)
def test_many_large_arguments_are_split_by_their_size(redis: Redis, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("allegro_queue.dispatch.MOST_BYTES", 1000)
    redis.config_resetstat()

    # Such text does not compress to less than half.
    dispatch_many(jobs.add, [(os.urandom(2000).hex(), number) for number in range(4)])

    assert redis.llen("rq:queue:default") == 4
    assert redis.info("commandstats")["cmdstat_rpush"]["calls"] == 4


@pytest.mark.django_db(transaction=True)
def test_a_parameter_that_dispatch_takes_for_itself_is_no_silent_mistake(redis: Redis):
    with pytest.raises(InvalidJob, match="has a parameter 'at', a name that dispatch\\(\\) takes for itself"):
        dispatch(jobs.remind, 7, at="noon")  # type: ignore[arg-type]

    job = dispatch(jobs.remind, 7, "evening", at=datetime.now(UTC) + timedelta(hours=1))
    assert arguments_of(redis, job) == [[7, "evening"], {}]


@pytest.mark.django_db(transaction=True)
def test_options_come_from_the_call_then_the_job_then_the_queue_then_the_supervisor(redis: Redis, settings: Any):
    settings.HORIZON = {
        **settings.HORIZON,
        "defaults": {
            "one": {"queue": ["high", "default"], "tries": 2, "timeout": 10, "backoff": 1, "rate_limit": "9/s"}
        },
        "environments": {},
        "queues": {"high": {"tries": 3, "timeout": 20, "isolate": True, "backoff": 0}},
    }

    job = dispatch(jobs.urgent)
    assert redis.hmget(f"rq:job:{job}", "timeout", "retries_left") == [b"20", b"2"]
    assert terms_of(redis, job) == Terms(isolate=True, rate_key="supervisor:one", rate_limit=9, rate_seconds=1)

    job = dispatch(jobs.urgent, options=JobOptions(timeout=30, isolate=False, rate_limit="1/h", tries=1))
    assert redis.hmget(f"rq:job:{job}", "timeout", "retries_left") == [b"30", None]
    assert terms_of(redis, job) == Terms(rate_key="job:tests.support.jobs.urgent", rate_limit=1, rate_seconds=3600)

    job = dispatch(jobs.nothing)
    assert redis.hmget(f"rq:job:{job}", "timeout", "retries_left") == [b"10", b"1"]
    assert terms_of(redis, job).backoff == (1.0,)


@pytest.mark.django_db(transaction=True)
def test_a_rate_of_a_queue_is_counted_for_the_queue(redis: Redis, settings: Any):
    settings.HORIZON = {**settings.HORIZON, "queues": {"high": {"rateLimit": "5/10s"}}}

    found = terms_of(redis, dispatch(jobs.urgent))

    assert (found.rate_key, found.rate_limit, found.rate_seconds) == ("queue:high", 5, 10)


@pytest.mark.django_db(transaction=True)
def test_faulty_settings_of_queues_are_listed_when_a_job_needs_them(redis: Redis, settings: Any):
    settings.HORIZON = {**settings.HORIZON, "queues": {"default": {"backoff": "soon"}}}

    with pytest.raises(InvalidConfiguration, match="HORIZON queues 'default' has backoff = 'soon'"):
        dispatch(jobs.nothing)


@pytest.mark.django_db(transaction=True)
def test_a_job_acts_for_whom_its_caller_acts_unless_said(redis: Redis):
    with acting_for("acme"):
        inherited = dispatch(jobs.nothing)
        other = dispatch(jobs.nothing, options=JobOptions(tenant="globex"))
        nobody = dispatch(jobs.nothing, options=JobOptions(tenant=""))

    assert [terms_of(redis, each).tenant for each in (inherited, other, nobody)] == ["acme", "globex", ""]


@pytest.mark.django_db(transaction=True)
def test_a_job_known_by_its_name_alone_is_queued_once_however_often(redis: Redis):
    settings = horizon_settings()
    options = resolve_options(settings, JobOptions(unique_key="of {0} and {right}"))

    for _ in range(2):
        enqueue(settings, "tests.support.jobs.add", (1,), {"right": 2}, options, "one-id")

    assert redis.lrange("rq:queue:default", 0, -1) == [b"one-id"]
    assert terms_of(redis, "one-id").unique_key == "of 1 and 2"


def test_options_that_are_none_are_refused_in_words():
    with pytest.raises(InvalidJob, match=r"was given options as a dict; write JobOptions\(queue=\.\.\.\)"):
        dispatch(jobs.nothing, options={"queue": "high"})  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_no_argument_shows_in_a_message_or_in_the_log(redis: Redis, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    secret = "s3cret" * 40
    options = JobOptions(unique=True, unique_key="of {left}", tags=("a",))

    with pytest.raises(InvalidJob) as too_long:
        dispatch(jobs.add, secret, 1, options=options)
    with pytest.raises(InvalidJob) as no_list:
        dispatch_many(jobs.add, [secret])
    for _ in range(2):
        dispatch(jobs.add, "s3cret", 1, options=options)

    assert "one is there" in caplog.text
    assert "s3cret" not in f"{too_long.value} {no_list.value} {caplog.text}"


def test_of_a_unique_job_sent_by_many_at_once_one_is_queued(redis: Redis):
    settings = horizon_settings()
    options = resolve_options(settings, JobOptions(unique=True))
    start = threading.Barrier(8)

    def send(number: int) -> None:
        start.wait(timeout=10)
        enqueue(settings, "tests.support.jobs.nothing", (), {}, options, f"job-{number}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, range(8)))

    (queued,) = redis.lrange("rq:queue:default", 0, -1)
    assert redis.keys("rq:job:*") == [b"rq:job:" + queued]
