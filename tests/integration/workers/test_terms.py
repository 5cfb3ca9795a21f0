from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from redis import Redis
from rq.scheduler import RQScheduler

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import REASON_FIELD, HorizonJob, JobOptions
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.jobs import State
from allegro_queue.stores.keys import Keys
from allegro_queue.tellings import verbatim
from allegro_queue.terms import FIELD, Terms
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.settling import settle
from allegro_queue.workers.worker import HorizonWorker
from tests.support import jobs, term_jobs

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]
WORKER = "here.1.abcd"


def worker(name: str = WORKER) -> HorizonWorker:
    made = make_worker(QUEUES, name=name)
    assert made is not None
    return made


def work_off() -> None:
    """Run a worker in this process until nothing is left to do."""
    worker().work(burst=True)


def put(redis: Redis, function: object, *args: object, terms: Terms, tries: int = 1, job_id: str | None = None) -> str:
    """Queue a job that asks for just these terms."""
    made = dispatch(function, *args, options=JobOptions(tries=tries))  # type: ignore[arg-type]
    redis.hset(f"rq:job:{made}", FIELD, terms.encode())
    return made


def scheduled(redis: Redis) -> dict[str, float]:
    """Jobs that wait for their time, and when it comes."""
    return {job_id.decode(): due for job_id, due in redis.zrange("rq:scheduled:default", 0, -1, withscores=True)}


def let_time_pass(redis: Redis) -> None:
    """Make every scheduled job due, and have RQ's own scheduler move them."""
    for job_id in redis.zrange("rq:scheduled:default", 0, -1):
        redis.zadd("rq:scheduled:default", {job_id: 1})
    scheduler = RQScheduler([get_queue("default", redis)], connection=redis)
    scheduler.acquire_locks()
    scheduler.enqueue_scheduled_jobs()
    scheduler.release_locks()


def reason(redis: Redis, job_id: str) -> str:
    return str((redis.hget(f"rq:job:{job_id}", REASON_FIELD) or b"").decode())


# Rest before another attempt


def test_a_failed_attempt_rests_before_the_next_and_the_last_one_fails(redis: Redis, stores: Stores, tmp_path: Path):
    trail = tmp_path / "trail"
    job_id = put(redis, jobs.note_and_fail, str(trail), terms=Terms(backoff=(30, 300)), tries=3)

    before = time.time()
    work_off()

    assert before + 30 <= scheduled(redis)[job_id] <= time.time() + 31
    assert stores.jobs.rows([job_id])[0].status == "scheduled"
    assert reason(redis, job_id).startswith("attempt 1 failed; ")
    let_time_pass(redis)
    before = time.time()
    work_off()
    assert before + 300 <= scheduled(redis)[job_id] <= time.time() + 301
    let_time_pass(redis)
    work_off()
    assert trail.read_text().splitlines() == ["tried"] * 3
    assert stores.jobs.rows([job_id])[0].status == "failed"
    assert scheduled(redis) == {}


def test_a_job_without_backoff_is_tried_again_at_once(redis: Redis, tmp_path: Path):
    trail = tmp_path / "trail"
    put(redis, jobs.note_and_fail, str(trail), terms=Terms(tags=("a",)), tries=2)

    work_off()

    assert trail.read_text().splitlines() == ["tried", "tried"]


def test_a_job_that_asks_to_be_tried_again_by_rqs_own_word_still_is(redis: Redis):
    job_id = put(redis, term_jobs.ask_again, 40, terms=Terms(backoff=(300,)))

    work_off()

    assert scheduled(redis)[job_id] == pytest.approx(time.time() + 40, abs=2)


def test_a_job_that_died_with_its_worker_rests_before_it_is_tried_again(redis: Redis, stores: Stores):
    job_id = put(redis, jobs.nothing, terms=Terms(backoff=(30,)), tries=2)
    dead = worker()
    dead.take()
    dead.steps.close()

    settle(stores, WORKER, host="here", pid=1, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    assert scheduled(redis)[job_id] == pytest.approx(time.time() + 30, abs=2)


def test_a_retry_is_written_as_a_whole_or_not_at_all(redis: Redis):
    job_id = dispatch(jobs.fail, options=JobOptions(tries=2))
    queue = get_queue("default", redis)
    job = HorizonJob.fetch(job_id, connection=redis)
    job.rest = 30

    with redis.pipeline() as pipeline:
        job.retry(queue, pipeline)
        assert redis.hget(f"rq:job:{job_id}", "status") == b"queued"
        assert scheduled(redis) == {}
        pipeline.execute()

    assert redis.hget(f"rq:job:{job_id}", "status") == b"scheduled"
    assert set(scheduled(redis)) == {job_id}


# Unique


def test_a_unique_job_lets_go_of_its_lock_when_it_has_succeeded(redis: Redis, stores: Stores):
    dispatch(jobs.nothing, options=JobOptions(unique=True, unique_key="sync"))
    assert redis.exists(stores.keys.unique("sync"))

    work_off()

    assert not redis.exists(stores.keys.unique("sync"))


def test_a_unique_job_keeps_its_lock_until_its_last_attempt_has_failed(redis: Redis, stores: Stores):
    job_id = dispatch(jobs.fail, options=JobOptions(unique=True, unique_key="sync", tries=2, backoff=60))

    work_off()
    assert redis.get(stores.keys.unique("sync")) == job_id.encode()

    let_time_pass(redis)
    work_off()
    assert stores.jobs.rows([job_id])[0].status == "failed"
    assert not redis.exists(stores.keys.unique("sync"))


def test_the_lock_of_a_unique_job_whose_worker_died_is_freed_when_it_is_settled(redis: Redis, stores: Stores):
    dispatch(jobs.nothing, options=JobOptions(unique=True, unique_key="sync"))
    dead = worker()
    dead.take()
    dead.steps.close()

    settle(stores, WORKER, host="here", pid=1, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    assert not redis.exists(stores.keys.unique("sync"))


def test_a_late_worker_frees_no_lock_that_another_has_taken_since(redis: Redis, stores: Stores):
    terms = Terms(unique_key="sync", unique_seconds=60, overlap_key="sync", overlap_seconds=60)
    put(redis, term_jobs.be_settled_and_run_again, "sync", terms=terms)

    work_off()

    assert redis.get(stores.keys.unique("sync")) == b"another"
    assert redis.get(stores.keys.overlap("sync")) == b"another"


def test_a_failed_unique_job_takes_its_lock_again_when_it_is_retried_by_hand(redis: Redis, stores: Stores):
    job_id = dispatch(jobs.fail, options=JobOptions(unique=100, unique_key="sync"))
    work_off()

    assert stores.failed_jobs.retry([job_id], now=time.time()).done

    assert redis.get(stores.keys.unique("sync")) == job_id.encode()
    assert 0 < redis.ttl(stores.keys.unique("sync")) <= 100


def test_a_failed_unique_job_stays_failed_while_another_of_its_kind_waits(redis: Redis, stores: Stores):
    first = dispatch(jobs.fail, options=JobOptions(unique=True, unique_key="sync"))
    work_off()
    second = dispatch(jobs.fail, options=JobOptions(unique=True, unique_key="sync"))

    tally = stores.failed_jobs.retry([first], now=time.time())

    assert (tally.done, tally.gone, dict(tally.barred)) == (0, 0, {first: second})
    assert stores.jobs.rows([first])[0].status == "failed"
    assert redis.zscore("rq:failed:default", first) is not None
    assert stores.jobs.lengths(["default"]) == {"default": 1}


@pytest.mark.parametrize("how", ["cleared", "deleted by RQ", "cancelled by RQ"])
def test_a_unique_job_that_is_gone_bars_no_other(how: str, redis: Redis, stores: Stores):
    alone = JobOptions(unique=True, unique_key="sync")
    first = dispatch(jobs.nothing, options=alone)
    dispatch(jobs.nothing, options=alone)
    assert redis.lrange("rq:queue:default", 0, -1) == [first.encode()]
    if how == "cleared":
        stores.bulk.act(BulkAct.DELETE, [first], now=time.time())
    elif how == "deleted by RQ":
        HorizonJob.fetch(first, connection=redis).delete()
    else:
        HorizonJob.fetch(first, connection=redis).cancel()

    second = dispatch(jobs.nothing, options=alone)

    assert redis.lrange("rq:queue:default", 0, -1) == [second.encode()]
    assert redis.get(stores.keys.unique("sync")) == second.encode()


# Rate


def test_a_job_over_its_rate_is_put_off_with_a_reason_and_no_attempt_used(redis: Redis, stores: Stores, tmp_path: Path):
    trail, terms = tmp_path / "trail", Terms(rate_key="mail", rate_limit=2, rate_seconds=60)
    ids = [put(redis, jobs.note, str(trail), str(number), terms=terms) for number in range(4)]

    before = time.time()
    work_off()

    assert trail.read_text().splitlines() == ["0", "1"]
    due = scheduled(redis)
    assert set(due) == set(ids[2:])
    assert all(before + 60 <= each <= time.time() + 62 for each in due.values())
    assert reason(redis, ids[2]) == "'mail' is limited to 2 runs in 60 s"
    assert stores.jobs.rows([ids[2]])[0].status == "scheduled"
    assert redis.hget(f"rq:job:{ids[2]}", "started_at") in (None, b"")
    assert stores.reservations.all() == []
    assert redis.zcard("rq:wip:default") == 0
    assert redis.keys("rq:execution*") == []
    assert redis.xlen(stores.keys.runs) == 2


def test_a_put_off_job_with_one_try_runs_when_its_time_has_come(redis: Redis, stores: Stores):
    terms = Terms(rate_key="mail", rate_limit=1, rate_seconds=60)
    ids = [put(redis, jobs.nothing, terms=terms) for _ in range(2)]
    work_off()
    assert set(scheduled(redis)) == {ids[1]}

    redis.delete(stores.keys.rate("mail"))
    let_time_pass(redis)
    work_off()

    assert [row.status for row in stores.jobs.rows(ids)] == ["finished", "finished"]


def test_no_period_sees_more_runs_than_the_rate_allows(stores: Stores):
    terms = Terms(rate_key="mail", rate_limit=7, rate_seconds=1)
    ran: list[tuple[float, float]] = []
    until = time.monotonic() + 3.2
    while time.monotonic() < until:
        before = time.monotonic()
        if stores.locks.admit(terms, job_id="job", execution_id="execution") is None:
            ran.append((before, time.monotonic()))

    # A run began at some moment between question and answer, however late the answer came: two are surely within a
    # second when the later one's answer is within a second of the earlier one's question.
    crowds = [sum(1 for other in ran if other[0] >= each[0] and other[1] < each[0] + 1) for each in ran]
    assert max(crowds) <= 7
    assert len(ran) >= 7 * 3
    assert stores.client.hlen(stores.keys.rate("mail")) <= 102


def test_jobs_over_a_rate_are_given_times_of_their_own_to_come_back(stores: Stores):
    terms = Terms(rate_key="mail", rate_limit=2, rate_seconds=60)
    answers = [stores.locks.admit(terms, job_id=f"job-{number}", execution_id="execution") for number in range(8)]

    now = time.time()
    waits = [each.free_at - now for each in answers if each is not None]
    assert [round(each / 60) for each in waits] == [1, 1, 2, 2, 3, 3]
    # Asking again costs no place in the line.
    again = stores.locks.admit(terms, job_id="job-7", execution_id="execution")
    assert again is not None
    assert round((again.free_at - now) / 60) == 3


# Without overlapping


def test_a_job_that_would_overlap_is_put_off_and_runs_when_the_other_has_ended(redis: Redis, stores: Stores):
    terms = Terms(overlap_key="member:42", overlap_seconds=90)
    redis.set(stores.keys.overlap("member:42"), "another")
    job_id = put(redis, jobs.nothing, terms=terms)

    work_off()

    assert set(scheduled(redis)) == {job_id}
    assert "another job works on 'member:42'" in reason(redis, job_id)
    assert redis.get(stores.keys.overlap("member:42")) == b"another"
    redis.delete(stores.keys.overlap("member:42"))
    let_time_pass(redis)
    work_off()
    assert stores.jobs.rows([job_id])[0].status == "finished"
    assert not redis.exists(stores.keys.overlap("member:42"))


@pytest.mark.parametrize("tries", [1, 2])
def test_what_a_failed_attempt_worked_on_is_free_again(tries: int, redis: Redis, stores: Stores):
    put(redis, jobs.fail, terms=Terms(overlap_key="x", overlap_seconds=90, backoff=(60,)), tries=tries)

    work_off()

    assert not redis.exists(stores.keys.overlap("x"))


def test_what_a_dead_worker_worked_on_is_free_when_it_is_settled(redis: Redis, stores: Stores):
    terms = Terms(overlap_key="x", overlap_seconds=90)
    put(redis, jobs.nothing, terms=terms)
    dead = worker()
    taken = dead.take()
    assert taken is not None
    dead.steps.close()
    assert stores.locks.admit(terms, job_id=taken.held.job_id, execution_id=taken.held.execution_id) is None

    settle(stores, WORKER, host="here", pid=1, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    assert not redis.exists(stores.keys.overlap("x"))


def test_a_lock_on_what_a_job_works_on_ends_by_itself_and_is_renewed_by_its_owner_alone(redis: Redis, stores: Stores):
    terms = Terms(overlap_key="x", overlap_seconds=90)
    assert stores.locks.admit(terms, job_id="job", execution_id="mine") is None
    redis.expire(stores.keys.overlap("x"), 5)

    assert not stores.locks.prolong_overlap(terms, "another")
    assert redis.ttl(stores.keys.overlap("x")) <= 5
    assert stores.locks.prolong_overlap(terms, "mine")
    assert 85 < redis.ttl(stores.keys.overlap("x")) <= 90


def test_a_run_that_overlaps_is_not_counted_against_the_rate(redis: Redis, stores: Stores):
    terms = Terms(overlap_key="x", overlap_seconds=90, rate_key="mail", rate_limit=1, rate_seconds=60)
    redis.set(stores.keys.overlap("x"), "another")
    refusal = stores.locks.admit(terms, job_id="job", execution_id="mine")
    assert refusal is not None
    assert refusal.holder == "another"

    redis.delete(stores.keys.overlap("x"))

    assert stores.locks.admit(terms, job_id="job", execution_id="mine") is None


def test_a_job_over_its_rate_does_not_hold_what_it_would_work_on(redis: Redis, stores: Stores):
    terms = Terms(overlap_key="x", overlap_seconds=90, rate_key="mail", rate_limit=1, rate_seconds=60)
    stores.locks.admit(terms, job_id="first", execution_id="first")
    redis.delete(stores.keys.overlap("x"))

    assert stores.locks.admit(terms, job_id="second", execution_id="second") is not None

    assert not redis.exists(stores.keys.overlap("x"))


@pytest.mark.parametrize(
    ("terms", "in_one_step"),
    [
        (Terms(), True),
        (Terms(tags=("member:42",), tenant="acme"), True),
        (Terms(backoff=(5,), jitter=0.1), True),
        (Terms(isolate=True), True),
        (Terms(rate_key="mail", rate_limit=9, rate_seconds=60), True),
        (Terms(unique_key="x", unique_seconds=60), False),
        (Terms(overlap_key="x", overlap_seconds=60), False),
        (Terms(batch="b"), False),
    ],
)
def test_a_job_that_returns_is_filed_with_the_next_step_unless_it_holds_something(
    terms: Terms, in_one_step: bool, redis: Redis
):
    put(redis, jobs.nothing, terms=terms)
    at_work = worker()
    taken = at_work.take()
    assert taken is not None

    finish = at_work.run(taken)

    assert (finish is not None) is in_one_step
    at_work.step(finish, take=False)
    at_work.steps.close()
    assert redis.zcard("rq:finished:default") == 1


# Tenants, and what cannot be read


def test_a_job_acts_for_its_tenant_and_the_next_one_for_nobody(redis: Redis, tmp_path: Path):
    seen = tmp_path / "seen"
    put(redis, term_jobs.tenant, str(seen), terms=Terms(tenant="acme"))
    dispatch(term_jobs.tenant, str(seen))
    put(redis, term_jobs.tenant, str(seen), terms=Terms(tenant="other", unique_key="x", unique_seconds=5))

    work_off()

    assert seen.read_text().splitlines() == ["acme", "nobody", "other"]


@pytest.mark.parametrize("terms", ["garbage", "[1]", '{"rate_limit": "many"}', b"\xff\xfe", '{"backoff": 3}'])
def test_terms_that_cannot_be_read_become_a_visible_failure_and_the_next_job_runs(
    terms: str | bytes, redis: Redis, stores: Stores
):
    poisoned = dispatch(jobs.nothing)
    redis.hset(f"rq:job:{poisoned}", FIELD, terms)
    good = dispatch(jobs.nothing)

    work_off()

    assert stores.jobs.rows([poisoned, good])[0].status == "failed"
    assert stores.jobs.rows([good])[0].status == "finished"
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 1
    assert stores.reservations.all() == []


def test_a_dead_workers_job_whose_terms_cannot_be_read_is_settled_as_failed(redis: Redis, stores: Stores):
    job_id = dispatch(jobs.nothing)
    dead = worker()
    dead.take()
    dead.steps.close()
    redis.hset(f"rq:job:{job_id}", FIELD, json.dumps([1]))

    settle(stores, WORKER, host="here", pid=1, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    assert stores.jobs.rows([job_id])[0].status == "failed"
    assert stores.reservations.all() == []


def test_locks_and_rates_have_keys_of_their_own():
    keys = Keys("horizon:")

    assert len({keys.unique("x"), keys.overlap("x"), keys.rate("x"), keys.line("x")}) == 4
