"""A run over many jobs: a frozen set, each job once, a result for each, and an end that is noted."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.test import TestCase
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.bulk import noting, selection, undoing, words, work
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.bulk.selection import Selection, count
from allegro_queue.dispatch import dispatch
from allegro_queue.history.filters import Filter
from allegro_queue.job_notes import LogLine, Progress, Said
from allegro_queue.jobs import CARRY_ON, JobOptions, is_allowed
from allegro_queue.queues import all_queues, get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.jobs import State
from tests.support import jobs, scenes
from tests.support.failed_jobs import failed_ids
from tests.support.failures import failed, queued, run_all
from tests.support.many_failed import many_failed
from tests.support.runs import collected, failed_record

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")


def a_run(act: BulkAct, selection: Selection, **given: Any) -> BulkRun:
    now = time.time()
    run, _ = work.begin(act, selection, **{"cut_off": now, "now": now, "who": "ada@alley.com", "via": "page", **given})
    return run


def done(stores: Stores, act: BulkAct, selection: Selection, **given: Any) -> BulkRun:
    run = a_run(act, selection, **given)
    assert work.do(stores, run)
    return run


def dispatched(*call: Any, **options: Any) -> str:
    """The id of a job that is queued, although the test's own transaction never ends."""
    with TestCase.captureOnCommitCallbacks(execute=True):
        return str(dispatch(*call, **options))


def in_background(redis: Redis, stores: Stores, run: BulkRun) -> BulkRun:
    work.queue_slice(stores, run, 1)
    run_all(redis)
    run.refresh_from_db()
    return run


def test_all_failed_jobs_are_retried_by_a_job_on_a_queue(redis: Redis, stores: Stores, settings: Any) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["nothing.but.this"]}
    ids = [scenes.failed_job(stores, time.time() - 10) for _ in range(600)]
    run = a_run(BulkAct.RETRY, Selection())

    work.queue_slice(stores, run, 1)
    assert stores.jobs.page(State.WAITING, QUEUES)[0][0].name == "allegro_queue.bulk.work.carry_on"
    worker_took = get_queue("high").jobs[0]
    assert worker_took.perform() == "Retried 600 jobs."

    run.refresh_from_db()
    assert (run.state, run.total, run.done, run.noted) == ("done", 600, 600, 600)
    assert failed_ids(stores, QUEUES) == []
    assert stores.jobs.lengths(QUEUES)["default"] == 600
    assert set(BulkResult.objects.filter(run=run).values_list("job_id", "result")) == {(each, "done") for each in ids}


def test_the_job_of_a_run_needs_no_leave_and_nothing_else_gets_in_that_way() -> None:
    assert is_allowed(CARRY_ON, ("shop",))
    assert f"{work.carry_on.__module__}.{work.carry_on.__name__}" == CARRY_ON
    assert not is_allowed("allegro_queue.bulk.work.begin", ("shop",))
    assert not is_allowed("os.system", ("shop",))


def test_its_end_is_noted_once_with_author_reason_and_count(redis: Redis, stores: Stores) -> None:
    scenes.failed_job(stores, time.time() - 10)
    run = a_run(BulkAct.RETRY, Selection(), reason="the mail server is back")

    in_background(redis, stores, run)
    work.queue_slice(stores, run, 2)
    run_all(redis)

    [noted] = Activity.objects.filter(run=run)
    assert (noted.who, noted.action, noted.reason) == ("ada@alley.com", "retry", "the mail server is back")
    assert noted.outcome == "Retried 1 job."
    assert noted.succeeded


def test_what_fails_after_the_cut_off_is_left_alone(redis: Redis, stores: Stores) -> None:
    early = failed(redis, jobs.fail)
    cut_off = time.time()
    late = failed(redis, jobs.fail)

    run = done(stores, BulkAct.RETRY, Selection(), cut_off=cut_off)

    assert words.outcome(run).english == "Retried 1 job. 1 failed only since and was left alone."
    assert failed_ids(stores, QUEUES) == [late]
    assert stores.jobs.page(State.WAITING, QUEUES)[0][0].id == early


def test_a_unique_job_whose_like_waits_stays_failed_and_says_which(redis: Redis, stores: Stores) -> None:
    unique = JobOptions(unique=True)
    first = dispatched(jobs.fail, options=unique)
    run_all(redis)
    second = dispatched(jobs.fail, options=unique)

    run = done(stores, BulkAct.RETRY, Selection())

    assert words.outcome(run).english == "Retried 0 jobs. 1 stayed failed, since another of its kind waits or runs."
    result = BulkResult.objects.get(run=run)
    assert (result.job_id, result.result, result.detail) == (first, "barred", second)


def test_the_rest_is_carried_on_after_a_step_whose_result_was_not_noted(redis: Redis, stores: Stores) -> None:
    for _ in range(5):
        failed(redis, jobs.fail)
    run = a_run(BulkAct.RETRY, Selection())
    work.choose(stores, run)
    ids = stores.bulk.next_ids(run.pk, 3)
    stores.bulk.act(BulkAct.RETRY, ids, now=time.time(), run=run.pk)
    # The three fail again before anybody notes that they were retried: they are not retried twice.
    run_all(redis)
    assert len(failed_ids(stores, QUEUES)) == 5

    again = stores.bulk.act(BulkAct.RETRY, ids, now=time.time(), run=run.pk)
    assert again == []
    assert work.do(stores, run)

    assert (run.total, run.noted, run.done) == (5, 5, 5)
    assert sorted(failed_ids(stores, QUEUES)) == sorted(ids)


def test_a_set_that_is_closed_lets_nobody_in_again(redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)
    run = a_run(BulkAct.RETRY, Selection())
    work.choose(stores, run)
    stores.bulk.act(BulkAct.RETRY, [job_id], now=time.time(), run=run.pk)

    stores.bulk.choose(run.pk, [job_id], 0)

    assert stores.bulk.left(run.pk) == 0


def test_a_slice_that_comes_late_does_nothing(redis: Redis, stores: Stores) -> None:
    failed(redis, jobs.fail)
    run = a_run(BulkAct.RETRY, Selection())
    assert work.claimed(run.pk, 3) is not None

    assert work.carry_on(run.pk, 2).startswith("nothing to do")
    assert len(failed_ids(stores, QUEUES)) == 1


def test_a_cancelled_run_acts_on_no_further_job(redis: Redis, stores: Stores) -> None:
    for _ in range(5):
        failed(redis, jobs.fail)
    run = a_run(BulkAct.RETRY, Selection())
    work.choose(stores, run)
    stores.bulk.act(BulkAct.RETRY, stores.bulk.next_ids(run.pk, 2), now=time.time(), run=run.pk)

    assert work.cancel(stores, run, who="eve@alley.com", now=time.time())

    assert words.outcome(run).english == "Retried 2 jobs. 3 jobs were not begun."
    assert (run.state, run.ended_by) == ("cancelled", "eve@alley.com")
    assert work.carry_on(run.pk, 9).startswith("nothing to do")
    assert len(failed_ids(stores, QUEUES)) == 3
    assert not work.cancel(stores, run, who="eve@alley.com", now=time.time())


def test_a_rate_is_kept_by_slices_that_are_due_later(redis: Redis, stores: Stores) -> None:
    for _ in range(9):
        scenes.failed_job(stores, time.time() - 10)
    run = a_run(BulkAct.RETRY, Selection(), per_minute=30)

    work.queue_slice(stores, run, 1)
    assert get_queue("high").jobs[0].perform() == "5 of 9"

    assert stores.jobs.lengths(QUEUES)["default"] == 5
    [next_slice] = stores.jobs.page(State.SCHEDULED, QUEUES)[0]
    assert next_slice.id == work.slice_id(run, 2)
    assert next_slice.due_at is not None
    assert next_slice.due_at - time.time() == pytest.approx(10, abs=3)
    assert work.carry_on(run.pk, 2) == "Retried 9 jobs."


def test_deleted_jobs_come_back_from_the_bin_whole(redis: Redis, stores: Stores) -> None:
    broken, waiting = failed(redis, jobs.fail), queued(jobs.add, 1, 2)
    before = {job_id: stores.jobs.get(job_id) for job_id in (broken, waiting)}

    run = done(stores, BulkAct.DELETE, Selection(ids=(broken, waiting)))
    assert run.done == 2
    assert stores.jobs.get(broken) is None
    assert stores.jobs.lengths(QUEUES)["default"] == 0
    binned, total = stores.bin.page(0, 10, time.time())
    assert (total, {each.row.id: each.state for each in binned}) == (2, {broken: "failed", waiting: "queued"})

    undone = done(stores, BulkAct.RESTORE, Selection(of_run=run.pk))

    assert words.outcome(undone).english == "Restored 2 jobs."
    assert failed_ids(stores, QUEUES) == [broken]
    assert [row.id for row in stores.jobs.page(State.WAITING, QUEUES)[0]] == [waiting]
    after = {job_id: stores.jobs.get(job_id) for job_id in (broken, waiting)}
    assert {key: (each.row, each.arguments, each.attempts) for key, each in after.items() if each} == {
        key: (each.row, each.arguments, each.attempts) for key, each in before.items() if each
    }
    assert stores.bin.page(0, 10, time.time()) == ([], 0)
    assert done(stores, BulkAct.RESTORE, Selection(of_run=run.pk)).gone == 2


def test_what_a_deleted_job_said_goes_with_it_and_comes_back_with_it(redis: Redis, stores: Stores) -> None:
    broken, now = failed(redis, jobs.fail), time.time()
    line = LogLine(at=now, level="INFO", logger="shop", attempt=1, words="before")
    progress = Progress(done=3, total=10, note="", at=now)
    stores.notes.add(Said(job_id=broken, progress=progress, lines=(line,), left_out=0), now)
    said = stores.notes.of(broken)
    kept = (stores.keys.progress(broken), stores.keys.log(broken))
    before = [redis.ttl(key) for key in kept]
    assert min(before) > 86_400

    run = done(stores, BulkAct.DELETE, Selection(ids=(broken,)))

    assert [redis.ttl(key) for key in kept] == [pytest.approx(86_400, abs=60)] * 2

    done(stores, BulkAct.RESTORE, Selection(of_run=run.pk))

    assert [redis.ttl(key) for key in kept] == [pytest.approx(each, abs=60) for each in before]
    assert stores.notes.of(broken) == said


def test_a_restored_job_runs(redis: Redis, stores: Stores) -> None:
    waiting = queued(jobs.add, 1, 2)
    done(stores, BulkAct.DELETE, Selection(ids=(waiting,)))
    done(stores, BulkAct.RESTORE, Selection(ids=(waiting,)))

    run_all(redis)

    detail = stores.jobs.get(waiting)
    assert detail is not None
    assert detail.row.status == "finished"


def test_the_bin_is_bounded_by_number_and_by_time(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.stores.bulk.BIN_MOST", 2)
    ids = [queued(jobs.add, 1, 2) for _ in range(3)]
    now = time.time()
    for place, job_id in enumerate(ids):
        stores.bulk.act(BulkAct.DELETE, [job_id], now=now + place)

    assert [each.row.id for each in stores.bin.page(0, 10, now + 3)[0]] == [ids[2], ids[1]]
    assert [key for key in redis.keys("*") if ids[0].encode() in key] == []
    assert 86_000 < redis.ttl(f"{stores.keys.bin_jobs}{ids[2]}") <= 86_400

    stores.bulk.act(BulkAct.DELETE, [queued(jobs.add, 1, 2)], now=now + 90_000)
    assert len(stores.bin.page(0, 10, now + 90_000)[0]) == 1
    assert redis.hlen(stores.keys.bin_places) == 1


def test_cancelled_jobs_never_run_and_say_that_they_were_cancelled(redis: Redis, stores: Stores) -> None:
    broken = failed(redis, jobs.fail)
    later = dispatched(jobs.add, 1, 2, delay=60)
    waiting = queued(jobs.add, 1, 2)

    run = done(stores, BulkAct.CANCEL, Selection(ids=(waiting, later, broken)))

    assert words.outcome(run).english == "Cancelled 2 jobs. 1 was in another state and left alone."
    run_all(redis)
    for job_id in (waiting, later):
        detail = stores.jobs.get(job_id)
        assert detail is not None
        assert (detail.row.status, detail.attempts) == ("canceled", ())
        assert detail.expires_in == pytest.approx(86_400, abs=60)
    assert stores.jobs.counts(QUEUES)[State.SCHEDULED] == 0


def test_waiting_jobs_are_moved_in_their_order_and_running_ones_are_left_alone(redis: Redis, stores: Stores) -> None:
    ids = [queued(jobs.add, 1, 2) for _ in range(3)]
    other = queued(jobs.fail, queue="high")
    redis.hset(f"rq:job:{ids[1]}", "status", "started")

    run = done(stores, BulkAct.MOVE, Selection(state=State.WAITING, queue="default"), to="high")

    assert words.outcome(run).english == "Moved 2 jobs to high. 1 was running already and left alone."
    rows, _ = stores.jobs.page(State.WAITING, ["high"])
    assert [row.id for row in rows] == [other, ids[0], ids[2]]
    assert {row.queue for row in rows} == {"high"}


def test_a_filter_by_name_takes_only_those_jobs(redis: Redis, stores: Stores) -> None:
    kept = failed(redis, jobs.fail)
    meant = failed(redis, jobs.add, 1, "x")

    for chosen in (Selection(words="ADD"), Selection(name="tests.support.jobs.add")):
        assert count(stores, chosen, all_queues(), time.time()).number == 1
        assert done(stores, BulkAct.RETRY, chosen).done == 1
        run_all(redis)
    assert sorted(failed_ids(stores, QUEUES)) == sorted([kept, meant])


def test_a_filter_of_history_takes_the_jobs_with_such_a_run_that_are_failed_still(redis: Redis, stores: Stores) -> None:
    now = time.time()
    ids = [scenes.failed_job(stores, now - 60) for _ in range(4)]
    collected(
        stores,
        *(
            failed_record(
                now - 60 + place, job_id=job_id, queue="default", terms='{"tags": ["member:7"]}' if place else ""
            )
            for place, job_id in enumerate(ids)
        ),
    )
    stores.failed_jobs.retry([ids[3]], now=now)
    chosen = Selection(runs=Filter(tag="member:7"))

    assert count(stores, chosen, all_queues(), now).number == 2
    run = done(stores, BulkAct.RETRY, chosen)

    assert (run.total, run.done) == (2, 2)
    assert failed_ids(stores, QUEUES) == [ids[0]]


def test_a_selection_reads_back_as_it_was_written() -> None:
    for chosen in (
        Selection(ids=("a", "b")),
        Selection(state=State.WAITING, queue="high", words="mail"),
        Selection(runs=Filter(tag="member:7", outcomes=("failed",), text="time out")),
        Selection(of_run=4),
    ):
        assert Selection.decode(chosen.encode()) == chosen
        assert chosen.subject.english


def test_results_beyond_the_first_are_counted_and_not_kept(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "ROWS_KEPT", 2)
    for _ in range(5):
        scenes.failed_job(stores, time.time() - 10)

    run = done(stores, BulkAct.RETRY, Selection())

    assert (run.noted, run.done) == (5, 5)
    assert BulkResult.objects.filter(run=run).count() == 2


def test_a_run_whose_results_are_not_all_kept_is_undone_from_the_bin_in_its_order(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "ROWS_KEPT", 2)
    monkeypatch.setattr(selection, "ROWS_KEPT", 2)
    done(stores, BulkAct.DELETE, Selection(ids=(dispatched(jobs.urgent),)))
    ids = [dispatched(jobs.nothing) for _ in range(6)]
    deleted = done(stores, BulkAct.DELETE, Selection(state=State.WAITING, queue="default"))

    undo, _ = undoing.begin(deleted, now=time.time(), who="ada", via="page")
    assert isinstance(undo, BulkRun)
    work.do(stores, undo)

    assert redis.lrange("rq:queue:default", 0, -1) == [each.encode() for each in ids]
    assert stores.jobs.lengths(["high"]) == {"high": 0}


def test_a_run_that_is_not_over_or_long_over_is_not_undone_and_the_reason_is_said(redis: Redis, stores: Stores) -> None:
    run = done(stores, BulkAct.DELETE, Selection(ids=(dispatched(jobs.nothing),)))
    now = time.time()
    assert undoing.hindrance(run, now) is None

    why_not, is_new = undoing.begin(run, now=now + 25 * 3600, who="ada", via="page")
    assert ("more than 24 hours ago" in str(why_not), is_new) == (True, False)
    run.state = BulkRun.State.RUNNING
    why_not, is_new = undoing.begin(run, now=now, who="ada", via="page")
    assert ("is not over yet" in str(why_not), is_new) == (True, False)


@pytest.mark.parametrize(
    ("act", "chosen", "why"),
    [
        (BulkAct.RETRY, {}, "Run {run} retried jobs; what has run since cannot be taken back."),
        (BulkAct.CANCEL, {}, "each can be run again as a new one."),
        (BulkAct.MOVE, {}, "Run {run} moved jobs of which nobody has noted from which queue each came."),
        (BulkAct.RESTORE, {}, "what is not wanted can be deleted again."),
        (BulkAct.MOVE, {"queue": "high"}, ""),
        (BulkAct.DELETE, {}, ""),
    ],
)
def test_a_run_that_nothing_undoes_says_why_of_its_own_act(act: BulkAct, chosen: dict[str, Any], why: str) -> None:
    run = a_run(act, Selection(state=State.WAITING, **chosen))
    run.state, run.done = BulkRun.State.DONE, 3

    why_not = undoing.hindrance(run, run.moved_at)
    assert (why.format(run=run.pk) in str(why_not)) if why else why_not is None
    run.done = 0
    assert str(undoing.hindrance(run, run.moved_at)) == f"Run {run.pk} did nothing, so there is nothing to undo."


def test_old_results_go_first_and_old_runs_later(redis: Redis, stores: Stores) -> None:
    scenes.failed_job(stores, time.time() - 10)
    run = done(stores, BulkAct.RETRY, Selection())

    noting.trim(run.created_at + 29 * noting.DAY)
    assert BulkResult.objects.count() == 1
    noting.trim(run.created_at + 31 * noting.DAY)
    assert (BulkResult.objects.count(), BulkRun.objects.count()) == (0, 1)
    noting.trim(run.created_at + 401 * noting.DAY)
    assert BulkRun.objects.count() == 0


def test_two_that_note_the_same_results_write_them_once(redis: Redis, stores: Stores) -> None:
    for _ in range(3):
        scenes.failed_job(stores, time.time() - 10)
    run = a_run(BulkAct.RETRY, Selection())
    work.choose(stores, run)
    stores.bulk.act(BulkAct.RETRY, stores.bulk.next_ids(run.pk, 3), now=time.time(), run=run.pk)
    late = BulkRun.objects.get(pk=run.pk)

    noting.note(stores, run, time.time())
    noting.note(stores, late, time.time())

    assert (late.noted, late.done, BulkResult.objects.count()) == (3, 3, 3)


def test_when_redis_has_lost_the_set_the_run_ends_and_says_so(redis: Redis, stores: Stores) -> None:
    for _ in range(3):
        scenes.failed_job(stores, time.time() - 10)
    run = a_run(BulkAct.RETRY, Selection())
    work.choose(stores, run)
    redis.flushall()

    assert work.do(stores, run)

    assert words.outcome(run).english == "Retried 0 jobs. What became of 3 jobs is unknown: Redis has lost it."


def test_the_set_of_a_large_state_is_chosen_whole(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.stores.candidates.MOST_IN_ORDER", 10)
    monkeypatch.setattr("allegro_queue.stores.candidates.LISTED_AT_ONCE", 7)
    many_failed(redis, 1_000, time.time() - 3600)
    for _ in range(20):
        queued(jobs.nothing, queue="high")

    assert len({each for part in stores.candidates.listed(State.FAILED, QUEUES) for each in part}) == 1_000
    waiting = [each for part in stores.candidates.listed(State.WAITING, QUEUES) for each in part]
    assert waiting == [row.id for row in stores.jobs.page(State.WAITING, QUEUES)[0]]
