"""A dispatched job leaves the keys that RQ's own ``enqueue_call`` and ``enqueue_at`` leave: no RQ tool sees a difference."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Retry
from rq.registry import ScheduledJobRegistry
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from allegro_queue.dispatch import dispatch, dispatch_many
from allegro_queue.jobs import JobOptions
from allegro_queue.queues import get_queue
from tests.support import jobs
from tests.support.burst import work_off
from tests.support.eventually import eventually
from tests.support.keyspace import keyspace

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "tests.support.jobs.add"

OTHER_FIELDS = {
    "horizon": "what the job asks for beyond what RQ knows, which RQ leaves alone",
}
"""Field that only one of the two may write: why."""

CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any], JobOptions, dict[str, Any]]] = {
    "a plain job": ((1,), {"right": 2}, JobOptions(), {}),
    "a job without arguments by name": ((1, 2), {}, JobOptions(), {}),
    "text that is not ASCII": (("grüße \x00 \ud800", "\u202e"), {}, JobOptions(), {}),
    "a large argument": (("x" * 100_000, [{"a": None}] * 50), {}, JobOptions(), {}),
    "another queue": ((1, 2), {}, JobOptions(queue="high"), {"queue": "high"}),
    "another time limit": ((1, 2), {}, JobOptions(timeout=5), {"timeout": 5}),
    "several tries": ((1, 2), {}, JobOptions(tries=4), {"retry": Retry(max=3)}),
    "other times to be kept": (
        (1, 2),
        {},
        JobOptions(keep_completed=100, keep_failed=200),
        {"result_ttl": 100, "failure_ttl": 200},
    ),
}


@pytest.fixture(autouse=True)
def one_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's id, as RQ is given it too."""
    monkeypatch.setattr("allegro_queue.dispatch.uuid4", lambda: "same")


def by_rq(args: tuple[Any, ...], kwargs: dict[str, Any], options: dict[str, Any], at: datetime | None = None) -> None:
    """What RQ's own way is given when nobody asks for anything."""
    given: dict[str, Any] = {
        "timeout": 60,
        "result_ttl": 3600,
        "failure_ttl": 7 * 86_400,
        "description": NAME,
        **options,
    }
    queue = get_queue(given.pop("queue", "default"))
    if at is None:
        queue.enqueue_call(NAME, args=args, kwargs=kwargs, job_id="same", **given)
    else:
        given["job_timeout"] = given.pop("timeout")
        queue.enqueue_at(at, NAME, args=args, kwargs=kwargs, job_id="same", **given)


@pytest.mark.parametrize("case", CALLS)
def test_a_dispatched_job_is_what_rq_enqueues(redis: Redis, case: str):
    args, kwargs, options, of_rq = CALLS[case]
    by_rq(args, kwargs, of_rq)
    wanted = keyspace(redis)
    redis.flushdb()

    dispatch(jobs.add, *args, options=options, **kwargs)

    assert keyspace(redis) == wanted
    assert not redis.keys("horizon:*")


@pytest.mark.parametrize("case", CALLS)
def test_a_job_for_later_is_what_rq_schedules(redis: Redis, case: str):
    args, kwargs, options, of_rq = CALLS[case]
    at = datetime.now(UTC) + timedelta(hours=1)
    by_rq(args, kwargs, of_rq, at)
    wanted = keyspace(redis)
    redis.flushdb()

    dispatch(jobs.add, *args, options=options, at=at, **kwargs)

    assert keyspace(redis) == wanted
    assert not redis.keys("horizon:*")


def test_one_of_many_is_what_rq_enqueues(redis: Redis, monkeypatch: pytest.MonkeyPatch):
    by_rq((1, 2), {}, {})
    wanted = keyspace(redis)
    redis.flushdb()
    monkeypatch.setattr("allegro_queue.dispatch.DispatchedMany.id", lambda self, number: "same")

    dispatch_many(jobs.add, [(1, 2)])

    assert keyspace(redis) == wanted


def test_terms_add_one_field_and_a_lock_adds_one_key_of_our_own(redis: Redis):
    by_rq((1, 2), {}, {})
    wanted = keyspace(redis)
    redis.flushdb()

    options = JobOptions(
        unique=300, backoff=[1, 5], rate_limit="30/m", without_overlapping=True, tags=("of:{left}",), isolate=True
    )
    dispatch(jobs.add, 1, 2, options=options)

    found = keyspace(redis)
    extra = found["rq:job:same"][1].keys() - wanted["rq:job:same"][1].keys()
    assert extra == set(OTHER_FIELDS)
    del found["rq:job:same"][1]["horizon"]
    assert found == wanted
    (lock,) = redis.keys("horizon:*")
    assert redis.get(lock) == b"same"
    assert 290 <= redis.ttl(lock) <= 300


def test_rqs_own_registry_knows_when_a_job_is_due(redis: Redis):
    at = datetime.now(UTC) + timedelta(days=2)

    dispatch(jobs.nothing, at=at)

    registry = ScheduledJobRegistry(queue=get_queue("default"))
    assert registry.get_job_ids() == ["same"]
    assert abs(registry.get_scheduled_time("same") - at) < timedelta(milliseconds=1)


def test_rqs_own_scheduler_queues_a_job_when_it_is_due_and_keeps_its_terms(redis: Redis):
    dispatch(jobs.add, 1, 2, delay=0.2, options=JobOptions(tags=("a",)))
    assert redis.llen("rq:queue:default") == 0
    scheduler = RQScheduler(["default"], redis, serializer=JSONSerializer)
    scheduler.acquire_locks()

    def is_queued() -> bool:
        scheduler.enqueue_scheduled_jobs()
        return bool(redis.llen("rq:queue:default"))

    eventually(is_queued)
    assert redis.hmget("rq:job:same", "status", "horizon") == [b"queued", b'{"tags":["a"]}']


def test_rqs_own_worker_runs_many_jobs_in_their_order(redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    noted = tmp_path / "noted"

    dispatch_many(jobs.note, [(str(noted), word) for word in ("one", "two", "three")])

    assert work_off(redis) == []
    assert noted.read_text().split() == ["one", "two", "three"]
