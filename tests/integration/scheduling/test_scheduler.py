from __future__ import annotations

import json
import pickle
import threading
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.job import JobStatus, Retry
from rq.rate_limit import RateLimit
from rq.registry import ScheduledJobRegistry

from allegro_queue.connection import new_client
from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import get_queue
from allegro_queue.scheduling.install import install
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import SCHEDULED
from allegro_queue.terms import FIELD, Terms, decode_terms
from tests.support import jobs
from tests.support.schedule import entry, everything_in, scheduler_over

NOON = 1764000000.0 - 1764000000.0 % 3600
DUE = NOON + 300
LATER = NOON + 600


@pytest.fixture(autouse=True)
def _allowed(settings):
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def waiting(redis: Redis, queue: str = "default") -> list[str]:
    return [each.decode() for each in redis.lrange(f"rq:queue:{queue}", 0, -1)]


def test_nothing_is_queued_before_its_time(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry()], scheduler, NOON)

    assert scheduler.enqueue_jobs(DUE - 0.01) == []
    assert waiting(redis) == []


def test_a_due_entry_becomes_a_job_of_its_own_and_comes_again(redis: Redis, stores: Stores):
    scheduler = scheduler_over(redis)
    install([entry(queue="high", args=(1, "two"), kwargs={"a": [3]}, timeout=7)], scheduler, NOON)

    assert scheduler.enqueue_jobs(DUE + 0.5) == [f"tick-{DUE:.0f}"]

    assert waiting(redis, "high") == [f"tick-{DUE:.0f}"]
    job = HorizonJob.fetch(f"tick-{DUE:.0f}", connection=redis)
    assert (job.func_name, list(job.args), job.kwargs) == ("tests.support.jobs.nothing", [1, "two"], {"a": [3]})
    assert (job.origin, job.timeout, job.description) == ("high", 7, "tests.support.jobs.nothing")
    assert (job.result_ttl, job.failure_ttl, job.retries_left) == (3600, 7 * 24 * 3600, None)
    assert job.get_status() == JobStatus.QUEUED
    assert job.enqueued_at == datetime.fromtimestamp(DUE + 0.5, UTC)
    assert job.meta == {}
    assert redis.smembers("rq:queues") == {b"rq:queue:high"}
    assert redis.zscore(SCHEDULED, "cron-tick") == LATER
    state = stores.entries.known(DUE).state("tick")
    assert (state.last.due_at, state.last.at, state.last.job_id) == (DUE, DUE + 0.5, f"tick-{DUE:.0f}")
    assert (state.runs, state.error) == (1, "")


def test_the_job_runs_like_any_other(redis: Redis, tmp_path):
    scheduler = scheduler_over(redis)
    install([entry(job="tests.support.jobs.note", args=(str(tmp_path / "notes"), "ran"))], scheduler, NOON)
    (job_id,) = scheduler.enqueue_jobs(DUE)

    HorizonJob.fetch(job_id, connection=redis).perform()

    assert (tmp_path / "notes").read_text() == "ran\n"


def test_a_run_has_the_tags_that_its_function_declares_and_one_that_names_the_entry(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry(job="tests.support.jobs.refresh", args=(42,))], scheduler, NOON)

    (job_id,) = scheduler.enqueue_jobs(DUE)

    # That no run is queued beside another is the entry's own rule, not the function's lock.
    assert decode_terms(redis.hget(f"rq:job:{job_id}", FIELD)) == Terms(tags=("member:42", "entry:tick"))


def test_an_entry_whose_tags_cannot_be_made_runs_without_them(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry(job="tests.support.jobs.refresh", kwargs={"force": True})], scheduler, NOON)

    (job_id,) = scheduler.enqueue_jobs(DUE)

    assert decode_terms(redis.hget(f"rq:job:{job_id}", FIELD)) == Terms(tags=("entry:tick",))


def test_two_looks_at_one_due_time_queue_it_once(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry()], scheduler, NOON)

    assert len(scheduler.enqueue_jobs(DUE)) == 1
    assert scheduler.enqueue_jobs(DUE) == []
    assert len(waiting(redis)) == 1


def test_a_look_that_was_overtaken_queues_nothing(redis: Redis):
    slow, quick = scheduler_over(redis), scheduler_over(redis)
    install([entry()], slow, NOON)
    seen = slow.store.read_due({"cron-tick": DUE})

    quick.enqueue_jobs(DUE)

    assert slow.settle(seen, DUE) == ([], False)
    assert len(waiting(redis)) == 1
    assert redis.zscore(SCHEDULED, "cron-tick") == LATER


def test_many_schedulers_at_once_queue_each_of_many_entries_once(redis: Redis):
    entries = [entry(f"tick{number}") for number in range(40)]
    install(entries, scheduler_over(redis), NOON)
    start = threading.Barrier(4)

    def look() -> None:
        client = new_client()
        scheduler = scheduler_over(client)
        start.wait()
        scheduler.enqueue_jobs(DUE)
        client.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(waiting(redis)) == sorted(f"tick{number}-{DUE:.0f}" for number in range(40))


def test_times_that_were_missed_are_run_once_and_the_next_is_computed_from_now(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry()], scheduler, NOON)

    assert scheduler.enqueue_jobs(NOON + 7201) == [f"tick-{DUE:.0f}"]
    assert redis.zscore(SCHEDULED, "cron-tick") == NOON + 7500


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda redis: redis.hset("rq:job:cron-bad", "data", b"\x80\x04not json"), "cannot be read"),
        (
            lambda redis: redis.hset("rq:job:cron-bad", "meta", pickle.dumps({"cron_string": "* * * * *"})),
            "is not JSON",
        ),
        (lambda redis: redis.hset("rq:job:cron-bad", "meta", '{"cron_string": "nonsense"}'), "cannot be told"),
        (
            lambda redis: redis.hset("rq:job:cron-bad", "meta", '{"cron_string": "* * * * *", "zone": "No/Where"}'),
            "No/Where",
        ),
        (lambda redis: redis.hset("rq:job:cron-bad", "created_at", "yesterday"), "cannot be read"),
        (
            lambda redis: redis.hset("rq:job:cron-bad", "data", payload("tests.support.jobs.gone")),
            "jobs.gone cannot be imported",
        ),
        (
            lambda redis: redis.hset("rq:job:cron-bad", "data", payload("os.getcwd")),
            "not under HORIZON['allowed_jobs']",
        ),
    ],
)
def test_a_broken_entry_is_noted_and_tried_later_and_stops_no_other(redis: Redis, stores: Stores, spoil, said):
    scheduler = scheduler_over(redis)
    install([entry("bad"), entry("good"), entry("zest")], scheduler, NOON)
    spoil(redis)

    assert scheduler.enqueue_jobs(DUE) == [f"good-{DUE:.0f}", f"zest-{DUE:.0f}"]

    known = stores.entries.known(DUE)
    state = known.state("bad")
    assert said in state.error
    assert (state.last.what, state.last.job_id, state.last.due_at) == ("refused", "", DUE)
    assert redis.zscore(SCHEDULED, "cron-bad") > DUE
    assert known.state("good").error == ""


def payload(path: str) -> bytes:
    return zlib.compress(json.dumps([path, None, [], {}]).encode())


def test_nothing_from_redis_is_unpickled(redis: Redis, tmp_path):
    scheduler = scheduler_over(redis)
    install([entry("bad")], scheduler, NOON)
    bomb = pickle.dumps(Bomb(str(tmp_path / "exploded")))
    redis.hset("rq:job:cron-bad", mapping={"data": zlib.compress(bomb), "meta": bomb, "result": bomb})

    scheduler.enqueue_jobs(DUE)
    list(scheduler.get_jobs())

    assert not (tmp_path / "exploded").exists()


class Bomb:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_redis_holds_no_pickle_of_entries_runs_and_jobs_of_other_code(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry(args=(1,))], scheduler, NOON)
    scheduler.cron("* * * * *", jobs.add, args=[1, 2], id="theirs")
    scheduler.enqueue_in(timedelta(hours=1), jobs.add, 1, 2)
    scheduler.schedule(datetime(2026, 1, 1, tzinfo=UTC), jobs.nothing, interval=60, meta={"who": "me"})
    scheduler.enqueue_jobs(DUE)

    values = everything_in(redis)
    unpacked = [zlib.decompress(each) if each.startswith(b"\x78") else each for each in values]
    assert len(unpacked) > 50
    assert not [each for each in unpacked if each.startswith(b"\x80")]


def test_an_entry_whose_data_was_evicted_is_mended_and_still_runs(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry()], scheduler, NOON)
    redis.delete("rq:job:cron-tick")

    scheduler.enqueue_jobs(DUE)

    assert scheduler.enqueue_jobs(DUE + 1) == [f"tick-{DUE:.0f}"]


def test_a_cron_entry_of_other_code_gets_a_job_for_each_run_that_does_not_stay_for_ever(redis: Redis):
    scheduler = scheduler_over(redis)
    scheduler.cron("* * * * *", jobs.add, args=[1, 2], id="theirs", queue_name="high")
    first = redis.zscore(SCHEDULED, "theirs")

    assert scheduler.enqueue_jobs(first) == [f"theirs-{first:.0f}"]
    assert scheduler.enqueue_jobs(first + 60) == [f"theirs-{first + 60:.0f}"]

    job = HorizonJob.fetch(f"theirs-{first:.0f}", connection=redis)
    assert (job.origin, job.timeout, job.result_ttl) == ("high", 60, 3600)
    assert len(waiting(redis, "high")) == 2


def test_an_interval_that_repeats_twice_runs_twice_and_leaves_nothing(redis: Redis):
    scheduler = scheduler_over(redis)
    scheduler.schedule(datetime.fromtimestamp(NOON, UTC), jobs.nothing, interval=60, repeat=2, id="twice")

    assert scheduler.enqueue_jobs(NOON) == [f"twice-{NOON:.0f}"]
    assert scheduler.enqueue_jobs(NOON + 59) == []
    assert scheduler.enqueue_jobs(NOON + 60) == [f"twice-{NOON + 60:.0f}"]
    assert scheduler.enqueue_jobs(NOON + 6000) == []
    assert not redis.exists(SCHEDULED, "rq:job:twice")


def test_a_job_that_other_code_scheduled_is_moved_to_its_queue_when_due(redis: Redis):
    scheduler = scheduler_over(redis)
    job = scheduler.enqueue_at(datetime.fromtimestamp(NOON, UTC), jobs.add, 1, 2, queue_name="high")

    assert scheduler.enqueue_jobs(NOON - 1) == []
    assert scheduler.enqueue_jobs(NOON) == [job.id]

    assert waiting(redis, "high") == [job.id]
    assert job.get_status() == JobStatus.QUEUED
    assert redis.hget(f"rq:job:{job.id}", "timeout") == b"60"
    assert not redis.exists(SCHEDULED)


def test_a_job_that_waits_for_another_one_is_deferred_when_due(redis: Redis):
    scheduler = scheduler_over(redis)
    first = get_queue("default", redis).enqueue_call("tests.support.jobs.nothing")
    job = scheduler.enqueue_at(datetime.fromtimestamp(NOON, UTC), jobs.nothing, depends_on=first)

    scheduler.enqueue_jobs(NOON)

    assert job.get_status() == JobStatus.DEFERRED
    assert waiting(redis) == [first.id]
    assert not redis.exists(SCHEDULED)


def test_a_job_that_rq_scheduled_is_moved_when_due(redis: Redis):
    queue = get_queue("high", redis)
    job = queue.enqueue_at(datetime.fromtimestamp(NOON, UTC), "tests.support.jobs.add", 1, 2)
    front = queue.enqueue_at(datetime.fromtimestamp(NOON, UTC), "tests.support.jobs.nothing", at_front=True)
    scheduler = scheduler_over(redis)

    assert scheduler.enqueue_jobs(NOON - 1) == []
    assert sorted(scheduler.enqueue_jobs(NOON)) == sorted([job.id, front.id])

    assert waiting(redis, "high") == [front.id, job.id]
    assert job.get_status() == JobStatus.QUEUED
    assert ScheduledJobRegistry(queue=queue).count == 0


def test_a_retry_after_a_while_comes_back_to_its_queue(redis: Redis):
    queue = get_queue("default", redis)
    job = queue.enqueue_call("tests.support.jobs.fail", retry=Retry(max=1, interval=30))
    redis.delete("rq:queue:default")
    with redis.pipeline() as pipeline:
        job.retry(queue, pipeline)
        pipeline.execute()
    assert ScheduledJobRegistry(queue=queue).get_job_ids() == [job.id]

    scheduler_over(redis).enqueue_jobs((datetime.now(UTC) + timedelta(seconds=31)).timestamp())

    assert waiting(redis) == [job.id]


def test_a_job_with_a_rate_limit_waits_for_its_slot_when_due(redis: Redis):
    queue = get_queue("default", redis)
    one_at_a_time = RateLimit(key="shop", concurrency=1)
    made = [
        queue.enqueue_at(datetime.fromtimestamp(NOON, UTC), "tests.support.jobs.nothing", rate_limit=one_at_a_time)
        for _ in range(2)
    ]

    scheduler_over(redis).enqueue_jobs(NOON)

    assert len(waiting(redis)) == 1
    assert sorted(job.get_status() for job in made) == [JobStatus.QUEUED, JobStatus.RATE_LIMITED]
    assert ScheduledJobRegistry(queue=queue).count == 0


def test_a_pickled_job_of_stock_rq_is_moved_without_being_read(redis: Redis):
    stock = Queue("default", connection=redis)
    job = stock.enqueue_at(datetime.fromtimestamp(NOON, UTC), "tests.support.jobs.add", 1, 2, meta={"who": "me"})
    data = redis.hmget(f"rq:job:{job.id}", "data", "meta")

    scheduler_over(redis).enqueue_jobs(NOON)

    assert waiting(redis) == [job.id]
    assert redis.hmget(f"rq:job:{job.id}", "data", "meta") == data


def test_a_cancelled_job_is_not_queued(redis: Redis):
    scheduler = scheduler_over(redis)
    job = scheduler.enqueue_at(datetime.fromtimestamp(NOON, UTC), jobs.nothing)
    job.cancel()

    assert scheduler.enqueue_jobs(NOON) == []
    assert not redis.exists(SCHEDULED)


def test_a_scheduled_job_can_be_queued_before_its_time(redis: Redis):
    scheduler = scheduler_over(redis)
    job = scheduler.enqueue_at(datetime.now(UTC) + timedelta(days=1), jobs.nothing)

    scheduler.enqueue_job(job)

    assert waiting(redis) == [job.id]
    assert not redis.exists(SCHEDULED)
