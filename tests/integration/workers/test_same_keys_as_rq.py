"""The same jobs, run by RQ's SimpleWorker and by ours, leave the same keys: stock RQ tools see no difference."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from rq import Callback, Queue, Repeat, Retry, SimpleWorker
from rq.group import Group
from rq.job import Dependency
from rq.rate_limit import RateLimit
from rq.serializers import JSONSerializer
from rq.webhook import Webhook

from allegro_queue.jobs import HorizonJob
from allegro_queue.workers.child import make_worker
from tests.support import scenario_jobs as jobs
from tests.support.keyspace import keyspace

pytestmark = pytest.mark.django_db(transaction=True)

WORKER = "same.1.abcd"
QUEUES = ["high", "default", "audience-sync"]

MAINTENANCE = "says when maintenance last ran, which RQ's worker does before its first job and ours when it is idle"

OTHER_KEYS: dict[str, str] = {
    "rq:clean_registries": MAINTENANCE,
    "rq:clean_groups": MAINTENANCE,
}
"""Start of a key that only one of the two may leave: why."""

OTHER_WORDS: dict[tuple[str, str], str] = {
    (
        # RQ's timer for threads rewrites the number in this exception's text for the whole process.
        r"rq\.timeouts\.JobTimeoutException: Task exceeded maximum timeout value \(\d+ seconds\)",
        "allegro_queue.workers.time_limit.TimeLimitExceeded: The job ran longer than its limit of 1 seconds.",
    ): "ours is no Exception, so that a job does not swallow it",
    ("'state': 'started'", "'state': 'idle'"): "a worker that finds RQ suspended: ours says that it does nothing",
}
"""What RQ's worker writes (a pattern), and ours: why."""

OUR_FIELDS: dict[str, str] = {
    r"'horizon_attempt': '\d+', ": "which attempt of a retried job comes next: RQ does not count them",
}
"""A field (a pattern) of RQ's hashes that only ours writes: why."""

Put = Callable[..., Any]
Scenario = Callable[[Put, Redis], object]


def ordinary(function: str, *args: Any, **options: Any) -> Scenario:
    """One call on the queue ``default``."""
    return lambda put, redis: put(function, *args, **options)


def dependents_on_two_queues(put: Put, redis: Redis) -> None:
    first = put("give", 1, job_id="first")
    put("give", 2, queue="high", job_id="second", depends_on=first)
    put("give", 3, queue="audience-sync", job_id="third", depends_on=first)


def dependents_of_a_failure(put: Put, redis: Redis) -> None:
    first = put("fail", job_id="first")
    put("give", 2, job_id="waits", depends_on=first)
    put("give", 3, job_id="runs", depends_on=Dependency(jobs=[first], allow_failure=True))


def chain(put: Put, redis: Redis) -> None:
    first = put("give", 1, job_id="first")
    second = put("give", 2, job_id="second", depends_on=first)
    put("give", 3, job_id="third", depends_on=[first, second])


def group(put: Put, redis: Redis) -> None:
    Group(redis, name="few").enqueue_many(
        queue_of("default", redis),
        [Queue.prepare_data(named("give"), args=(each,), job_id=f"member-{each}") for each in (1, 2)],
    )


def group_without_results(put: Put, redis: Redis) -> None:
    Group(redis, name="few").enqueue_many(
        queue_of("default", redis),
        [Queue.prepare_data(named("give"), args=(each,), job_id=f"member-{each}", result_ttl=0) for each in (1, 2)],
    )


def front_of_the_queue(put: Put, redis: Redis) -> None:
    put("give", 1, job_id="first")
    put("enqueue_another", "high", "late", job_id="second", at_front=True)


def many(put: Put, redis: Redis) -> None:
    for queue in reversed(QUEUES):
        for number in range(3):
            put("give", number, queue=queue, job_id=f"{queue}-{number}")


def limited(put: Put, redis: Redis) -> None:
    for number in range(3):
        put("give", number, job_id=f"limited-{number}", rate_limit=RateLimit(key="few", concurrency=1))


def vanished(put: Put, redis: Redis) -> None:
    put("give", 1, job_id="gone")
    redis.delete("rq:job:gone")
    put("give", 2, job_id="here")


def cancelled_before(put: Put, redis: Redis) -> None:
    put("give", 1, job_id="first").cancel()
    put("give", 2, job_id="second")


def suspended(put: Put, redis: Redis) -> None:
    put("give", 1, job_id="first")
    redis.set("rq:suspended", 1)


def unreadable(put: Put, redis: Redis) -> None:
    put("give", 1, job_id="first")
    redis.hset("rq:job:first", "data", b"garbage")


def run_again(put: Put, redis: Redis) -> None:
    put("fail", job_id="first")
    put("give", 1, job_id="second")


def webhooks(put: Put, redis: Redis) -> None:
    # Nobody listens there.
    put("give", 1, job_id="first", webhooks=[Webhook("http://127.0.0.1:9/", "finished", timeout=1)])


SCENARIOS: dict[str, Scenario] = {
    "returns nothing": ordinary("nothing"),
    "returns a number": ordinary("give", 42),
    "returns text": ordinary("give", "grüße"),
    "returns a structure": ordinary("give", {"a": [1, None, {"b": 2.5}]}),
    "returns false": ordinary("give", False),
    "returns what JSON cannot hold": ordinary("unserializable"),
    "takes named arguments": ordinary("give", kwargs={"value": 1}),
    "is a coroutine": ordinary("coroutine", 1),
    "is a static method": ordinary("Shelf.double", 4),
    "is a class method": ordinary("Shelf.name"),
    "keeps its result for 100 seconds": ordinary("give", 1, result_ttl=100),
    "keeps its result for ever": ordinary("give", 1, result_ttl=-1),
    "keeps no result": ordinary("give", 1, result_ttl=0),
    "has a life in the queue": ordinary("give", 1, ttl=400),
    "has a life in the queue and keeps its result for ever": ordinary("give", 1, ttl=400, result_ttl=-1),
    "has no time limit": ordinary("look_at_own_registration", timeout=-1),
    "has a time limit": ordinary("look_at_own_registration", timeout=40),
    "has the usual time limit": ordinary("look_at_own_registration"),
    "fails": ordinary("fail"),
    "fails with a cause": ordinary("fail_with_cause"),
    "fails and is kept for 100 seconds": ordinary("fail", failure_ttl=100),
    "leaves the process": ordinary("leave_the_process"),
    "raises a keyboard interrupt": ordinary("interrupt_with_keyboard"),
    "is not there": ordinary("no_such_function"),
    "is in no module": ordinary("tests.support.no_such_module.function"),
    "gets the wrong arguments": ordinary("nothing", 1, 2),
    "runs longer than it may": ordinary("sleep", 5, timeout=1),
    "fails and is retried": ordinary("fail", retry=Retry(max=2)),
    "fails and is retried later": ordinary("fail", retry=Retry(max=2, interval=[40, 80])),
    "fails and is retried at the front": ordinary("fail", retry=Retry(max=1, enqueue_at_front=True)),
    "succeeds at the third try": ordinary("fail_until", 3, retry=Retry(max=5)),
    "asks to be retried": ordinary("ask_for_retry", 2),
    "asks to be retried later": ordinary("ask_for_retry", 2, 40),
    "repeats at once": ordinary("give", 1, repeat=Repeat(times=2)),
    "repeats later": ordinary("give", 1, repeat=Repeat(times=2, interval=40)),
    "has a success callback": ordinary("give", 1, on_success=Callback(jobs.on_success)),
    "has a success callback that raises": ordinary("give", 1, on_success=Callback(jobs.on_success_that_raises)),
    "has a success callback that is too slow": ordinary(
        "give", 1, on_success=Callback(jobs.on_success_that_is_slow, timeout=1)
    ),
    "has a success callback that changes it": ordinary("give", 1, on_success=Callback(jobs.on_success_that_changes)),
    "has a failure callback": ordinary("fail", on_failure=Callback(jobs.on_failure)),
    "has a failure callback that raises": ordinary("fail", on_failure=Callback(jobs.on_failure_that_raises)),
    "has callbacks and retries": ordinary(
        "fail", on_failure=Callback(jobs.on_failure), on_success=Callback(jobs.on_success), retry=Retry(max=1)
    ),
    "has a stopped callback that is not needed": ordinary("give", 1, on_stopped=Callback(jobs.on_failure)),
    "has meta": ordinary("give", 1, meta={"tag": "x"}),
    "saves meta": ordinary("keep_meta"),
    "changes meta and does not save it": ordinary("change_meta_without_saving"),
    "changes its description and saves": ordinary("change_description_and_save"),
    "changes how long its result is kept": ordinary("change_result_ttl", 200),
    "changes its result to none kept": ordinary("change_result_ttl", 0),
    "changes how long its failure is kept": ordinary("change_failure_ttl_and_fail", 200),
    "deletes itself": ordinary("delete_itself"),
    "deletes itself and fails": ordinary("delete_itself_and_fail"),
    "cancels itself": ordinary("cancel_itself"),
    "queues another": ordinary("enqueue_another", "high", "late"),
    "adds a dependent while it runs": ordinary("add_a_dependent", "late"),
    "is unique": ordinary("give", 1, unique=True),
    "has a description": ordinary("give", 1, description="a description"),
    "has dependents on two queues": dependents_on_two_queues,
    "fails before its dependents": dependents_of_a_failure,
    "is a chain": chain,
    "is in a group": group,
    "is in a group and keeps no result": group_without_results,
    "was put at the front": front_of_the_queue,
    "is one of many on three queues": many,
    "has a rate limit": limited,
    "has vanished": vanished,
    "was cancelled before": cancelled_before,
    "waits while RQ is suspended": suspended,
    "cannot be read": unreadable,
    "fails before another succeeds": run_again,
    "has a webhook": webhooks,
}


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_job_leaves_the_same_keys_as_with_rqs_worker_if_it(scenario: Scenario, redis: Redis):
    theirs = trace(scenario, redis, run_by_rq)
    ours = trace(scenario, redis, run_by_us)

    for theirs_says, ours_says in OTHER_WORDS:
        theirs = {key: re.sub(theirs_says, ours_says, value) for key, value in theirs.items()}
    for our_field in OUR_FIELDS:
        ours = {key: re.sub(our_field, "", value) for key, value in ours.items()}
    different = {key for key in theirs | ours if theirs.get(key) != ours.get(key)}
    assert {key: ours.get(key) for key in different} == {key: theirs.get(key) for key in different}


def test_every_scenario_leaves_keys_to_compare(redis: Redis):
    assert len(SCENARIOS) >= 50
    assert any(key.startswith("rq:results:") for key in trace(SCENARIOS["returns a number"], redis, run_by_us))


def trace(scenario: Scenario, redis: Redis, run: Callable[[Redis], None]) -> dict[str, str]:
    """RQ's keys after the scenario as text, without those that may differ."""
    redis.flushall()

    def put(function: str, *args: Any, queue: str = "default", **options: Any) -> Any:
        options.setdefault("job_id", "only")
        return queue_of(queue, redis).enqueue_call(named(function), args=args, **options)

    scenario(put, redis)
    with signals_as_they_were():
        run(redis)
    found = keyspace(redis)
    return {key: repr(value) for key, value in found.items() if not key.startswith(tuple(OTHER_KEYS))}


class DeafWorker(SimpleWorker):
    """RQ's worker without its ear for commands, whose thread may outlive it by a minute."""

    def subscribe(self) -> None:
        pass


def run_by_rq(redis: Redis) -> None:
    queues = [queue_of(name, redis) for name in QUEUES]
    worker = DeafWorker(queues, name=WORKER, connection=redis, job_class=HorizonJob, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")


def run_by_us(redis: Redis) -> None:
    worker = make_worker(QUEUES, name=WORKER)
    assert worker is not None
    # What django-rq would pass on; RQ's own default is what RQ's worker has here.
    worker.default_result_ttl = 500
    worker.work(burst=True)


def queue_of(name: str, redis: Redis) -> Queue:
    return Queue(name, connection=redis, job_class=HorizonJob, serializer=JSONSerializer)


def named(function: str) -> str:
    return function if "no_such_module" in function else f"{jobs.__name__}.{function}"


@contextmanager
def signals_as_they_were() -> Iterator[None]:
    """RQ's worker leaves its handlers behind."""
    kept = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)
