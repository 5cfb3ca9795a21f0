from __future__ import annotations

import json
from pathlib import Path

import pytest
from redis import Redis
from rq import Retry

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import HorizonJob, JobOptions
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.run_record import ARGUMENTS_KEPT, RunRecord, decode_run
from allegro_queue.tellings import verbatim
from allegro_queue.terms import FIELD, Terms
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.settling import settle
from allegro_queue.workers.worker import HorizonWorker
from tests.support import jobs, scenario_jobs

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]
WORKER = "web-1.4121.abcd"


def runs(stores: Stores) -> list[RunRecord]:
    """Every run noted so far, oldest first."""
    return [decode_run(entry[b"run"].decode()) for _, entry in stores.client.xrange(stores.keys.runs)]


def worker(name: str = WORKER) -> HorizonWorker:
    made = make_worker(QUEUES, name=name)
    assert made is not None
    made.supervisor = "supervisor-1"
    return made


def work_off(name: str = WORKER) -> None:
    worker(name).work(burst=True)


def die(stores: Stores) -> None:
    """A worker takes a job, and is gone."""
    lost = worker()
    assert lost.take() is not None
    lost.steps.close()
    settle(stores, WORKER, host="web-1", pid=4121, reason=verbatim("was killed by signal 9 (SIGKILL)"))


def test_a_job_that_returns_leaves_one_record_of_all_that_is_known(stores: Stores, settings):
    settings.HORIZON = {**settings.HORIZON, "version": "a1b2c3"}
    job_id = dispatch(jobs.add, 1, 2, options=JobOptions(queue="high"))

    work_off()

    [run] = runs(stores)
    assert (run.job_id, run.name, run.queue) == (job_id, "tests.support.jobs.add", "high")
    assert (run.worker, run.supervisor, run.version) == (WORKER, "supervisor-1", "a1b2c3")
    assert (run.outcome, run.attempt, run.error, run.traceback, run.terms) == ("succeeded", 1, "", "", "")
    assert json.loads(run.call) == [[1, 2], {}]
    assert 0 < run.enqueued_at <= run.started_at + 1
    assert run.started_at <= run.ended_at
    detail = stores.jobs.get(job_id)
    assert detail is not None
    assert abs((detail.attempts[0].ended_at or 0) - run.ended_at) < 0.01


def test_a_job_that_raises_leaves_one_record_with_its_error_and_traceback(stores: Stores):
    dispatch(jobs.fail, "no such member")

    work_off()

    [run] = runs(stores)
    assert (run.outcome, run.error) == ("failed", "ValueError: no such member")
    assert run.traceback.startswith("Traceback")
    assert run.traceback.endswith(run.error)


def test_each_try_leaves_a_record_with_its_number(stores: Stores, tmp_path: Path):
    dispatch(jobs.note_and_fail, str(tmp_path / "trail"), options=JobOptions(tries=3))

    work_off()

    assert [(run.attempt, run.outcome) for run in runs(stores)] == [(1, "retried"), (2, "retried"), (3, "failed")]
    assert len({run.execution_id for run in runs(stores)}) == 3


def test_a_job_that_asks_to_be_tried_again_leaves_a_record_of_each_try(stores: Stores, redis: Redis):
    get_queue("default", redis).enqueue(scenario_jobs.ask_for_retry, 1)

    work_off()

    assert [(run.attempt, run.outcome) for run in runs(stores)] == [(1, "retried"), (2, "failed")]


def test_a_job_filed_by_rqs_own_methods_leaves_one_record(stores: Stores, redis: Redis):
    queue = get_queue("default", redis)
    first = queue.enqueue(jobs.add, 1, 1)
    queue.enqueue(jobs.add, 2, 2, depends_on=first)
    queue.enqueue(jobs.add, 3, 3, result_ttl=0)
    queue.enqueue(scenario_jobs.delete_itself)

    work_off()

    assert [run.outcome for run in runs(stores)] == ["succeeded"] * 4
    assert len({run.job_id for run in runs(stores)}) == 4


def test_a_job_stopped_on_request_is_noted_as_stopped(stores: Stores):
    dispatch(jobs.stop_itself_and_wait)

    work_off()

    assert [run.outcome for run in runs(stores)] == ["stopped"]


def test_the_job_of_a_dead_worker_is_noted_as_lost_once(stores: Stores):
    job_id = dispatch(jobs.nothing)

    die(stores)
    settle(stores, WORKER, host="web-1", pid=4121, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    [run] = runs(stores)
    assert (run.job_id, run.outcome, run.worker) == (job_id, "lost", WORKER)
    assert run.error.endswith("worker 4121 on web-1 was killed by signal 9 (SIGKILL)")


def test_the_job_of_a_dead_worker_with_tries_left_is_noted_as_retried_and_its_next_run_as_the_second(stores: Stores):
    dispatch(jobs.nothing, options=JobOptions(tries=2))

    die(stores)
    work_off("web-1.4122.abcd")

    assert [(run.attempt, run.outcome) for run in runs(stores)] == [(1, "retried"), (2, "succeeded")]


def test_a_worker_that_came_too_late_adds_no_record(stores: Stores):
    dispatch(jobs.be_taken_for_dead)

    work_off()

    assert [run.outcome for run in runs(stores)] == ["lost"]


@pytest.mark.parametrize("how", ["deleted", "cancelled"])
def test_a_dead_workers_job_that_somebody_ended_meanwhile_is_noted_as_lost(how: str, stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    lost = worker()
    lost.take()
    lost.steps.close()
    if how == "deleted":
        redis.delete(f"rq:job:{job_id}")
    else:
        HorizonJob.fetch(job_id, connection=redis).cancel()

    for _ in range(2):
        settle(stores, WORKER, host="web-1", pid=4121, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    assert [(run.job_id, run.outcome) for run in runs(stores)] == [(job_id, "lost")]


def test_a_job_that_cannot_be_read_leaves_a_record_that_says_so(stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", "created_at", "yesterday")

    work_off()

    [run] = runs(stores)
    assert (run.job_id, run.name, run.outcome) == (job_id, "unreadable", "failed")
    assert "cannot be read" in run.error


def test_terms_travel_into_the_record_and_a_plain_job_with_tags_still_ends_in_the_step(
    stores: Stores, redis: Redis, monkeypatch: pytest.MonkeyPatch
):
    terms = Terms(tags=("member:42",), tenant="fiat").encode()
    redis.hset(f"rq:job:{dispatch(jobs.nothing)}", FIELD, terms)
    monkeypatch.setattr(HorizonWorker, "handle_job_success", None)

    work_off()

    [run] = runs(stores)
    assert (run.outcome, run.terms) == ("succeeded", terms)


def test_a_job_with_terms_that_bind_is_filed_by_rqs_own_methods_with_its_record(stores: Stores, redis: Redis):
    terms = Terms(unique_key="sync:42", unique_seconds=60).encode()
    job_id = dispatch(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", FIELD, terms)
    seen = []

    class Watched(HorizonWorker):
        def handle_job_success(self, job, *args, **kwargs):
            seen.append(job.id)
            super().handle_job_success(job, *args, **kwargs)

    made = Watched([get_queue(each, redis) for each in QUEUES], name=WORKER, connection=redis)
    made.work(burst=True)

    assert seen == [job_id]
    assert [(run.outcome, run.terms) for run in runs(stores)] == [("succeeded", terms)]


def test_terms_that_cannot_be_read_fail_the_job_in_words_before_it_runs(stores: Stores, redis: Redis, tmp_path: Path):
    trail = tmp_path / "trail"
    redis.hset(f"rq:job:{dispatch(jobs.note, str(trail), 'ran')}", FIELD, '{"tags": 5}')

    work_off()

    assert not trail.exists()
    [run] = runs(stores)
    assert run.outcome == "failed"
    assert "tags" in run.error


def test_a_long_call_is_cut_short(stores: Stores):
    dispatch(jobs.fail, "x" * 5_000)

    work_off()

    [run] = runs(stores)
    assert len(run.call) == ARGUMENTS_KEPT
    assert run.call.startswith('[["xxx')


def test_no_more_records_are_kept_than_said(stores: Stores, settings):
    settings.HORIZON = {**settings.HORIZON, "runs_kept": 100}
    for _ in range(400):
        dispatch(jobs.nothing)

    work_off()

    # The server drops whole blocks of entries only.
    assert 100 <= stores.client.xlen(stores.keys.runs) < 400


def test_a_retry_that_rq_makes_by_itself_is_numbered_too(stores: Stores, redis: Redis):
    get_queue("default", redis).enqueue(jobs.fail, retry=Retry(max=1))

    work_off()

    assert [run.attempt for run in runs(stores)] == [1, 2]
