"""Batches: counted once a job, whatever becomes of it; and what follows is queued once."""

from __future__ import annotations

import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from redis import Redis

from allegro_queue.batches import Batch, NewBatch, batch, current_batch, follow_up
from allegro_queue.calls import Call
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import InvalidJob, QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.orders import order_for
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.batches import BatchRecord
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.tellings import verbatim
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.housekeeping import keep_house
from allegro_queue.workers.settling import settle
from allegro_queue.workers.worker import HorizonWorker
from tests.support import batch_jobs, jobs
from tests.support.burst import work_off_with_terms

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "ledger")


@pytest.fixture
def noting(path: str) -> Callable[..., NewBatch]:
    """Makes a batch whose three followers each note their moment."""

    def make(**given: object) -> NewBatch:
        return batch(
            "Import",
            then=follow_up(batch_jobs.work, path, "then"),
            catch=follow_up(batch_jobs.work, path, "catch"),
            finally_=follow_up(batch_jobs.work, path, "finally"),
            **given,  # type: ignore[arg-type]
        )

    return make


def said(path: str) -> list[str]:
    found = Path(path)
    return sorted(found.read_text().split("\n")[:-1]) if found.exists() else []


def record(made: Batch) -> BatchRecord:
    found = made.record()
    assert found is not None
    adds_up = found.pending + found.succeeded + found.failed + found.skipped + found.dropped
    assert adds_up == found.total
    return found


def test_a_batch_whose_jobs_all_succeed_queues_then_and_finally(
    redis: Redis, path: str, noting: Callable[..., NewBatch]
):
    with noting() as made:
        made.add(batch_jobs.work, path, "one")
        sent = made.add_many(batch_jobs.work, [(path, "two"), {"path": path, "word": "three"}])
    before = record(made)

    assert work_off_with_terms(redis) == []

    assert (before.total, before.pending, before.processed, before.percent) == (3, 3, 0, 0)
    assert sent.queued == 2
    after = record(made)
    assert (after.succeeded, after.pending, after.percent) == (3, 0, 100)
    assert after.finished_at is not None
    assert after.following["then"].queued_at is not None
    assert after.following["catch"].queued_at is None
    assert said(path) == ["finally", "one", "then", "three", "two"]


def test_nothing_is_queued_by_a_block_that_raises_or_a_transaction_that_rolls_back(
    redis: Redis, stores: Stores, noting: Callable[..., NewBatch]
):
    with pytest.raises(RuntimeError), noting() as raised:
        raised.add(jobs.nothing)
        raise RuntimeError
    with pytest.raises(RuntimeError), transaction.atomic():
        with noting() as rolled_back:
            rolled_back.add(jobs.nothing)
        raise RuntimeError

    assert redis.keys("*") == []


def test_a_batch_goes_out_after_the_commit(redis: Redis, stores: Stores, noting: Callable[..., NewBatch]):
    with transaction.atomic():
        with noting() as made:
            job_id = made.add(jobs.nothing)
        assert redis.keys("*") == []
        assert job_id.queued is None

    assert job_id.queued is True
    assert record(made).total == 1


def test_the_first_failure_skips_what_waits_and_queues_catch_once(
    redis: Redis, stores: Stores, path: str, noting: Callable[..., NewBatch]
):
    once = JobOptions(tries=1)
    with noting() as made:
        made.add(jobs.nothing)
        for _ in range(2):
            made.add(jobs.fail, options=once)
        waiting = made.add(batch_jobs.work, path, "never")

    work_off_with_terms(redis)

    found = record(made)
    assert (found.succeeded, found.failed, found.skipped) == (1, 1, 2)
    assert found.cancelled_by == "failure"
    assert said(path) == ["catch", "finally"]
    assert [row.status for row in stores.jobs.rows([waiting])] == ["canceled"]
    assert stores.audit.orphans(lambda: None) == []


def test_with_failures_allowed_the_others_go_on_and_then_waits_for_a_retry(
    redis: Redis, stores: Stores, path: str, tmp_path: Path, noting: Callable[..., NewBatch]
):
    flag = tmp_path / "flag"
    once = JobOptions(tries=1)
    with noting(allow_failures=True) as made:
        for _ in range(2):
            made.add(batch_jobs.fail_unless, str(flag), options=once)
        made.add(batch_jobs.work, path, "one")
    work_off_with_terms(redis)
    before = record(made)
    first = said(path)

    flag.touch()
    tally = made.retry_failed()
    between = record(made)
    work_off_with_terms(redis)

    assert (before.failed, before.succeeded, before.cancelled_at) == (2, 1, None)
    assert first == ["catch", "finally", "one"]
    assert tally.done == 2
    assert (between.pending, between.finished_at) == (2, None)
    assert record(made).succeeded == 3
    assert said(path) == ["catch", "finally", "one", "then"]


def test_retrying_a_batch_that_stopped_at_a_failure_runs_what_was_skipped(
    redis: Redis, path: str, tmp_path: Path, noting: Callable[..., NewBatch]
):
    flag = tmp_path / "flag"
    with noting() as made:
        made.add(batch_jobs.fail_unless, str(flag), options=JobOptions(tries=1))
        made.add(batch_jobs.work, path, "one")
    work_off_with_terms(redis)
    flag.touch()

    assert made.retry_failed().done == 2
    work_off_with_terms(redis)

    found = record(made)
    assert (found.succeeded, found.skipped, found.cancelled_at) == (2, 0, None)
    assert said(path) == ["catch", "finally", "one", "then"]


def test_a_failed_job_that_is_retried_by_itself_counts_once(redis: Redis, stores: Stores, tmp_path: Path):
    flag = tmp_path / "flag"
    with batch("Import", allow_failures=True) as made:
        job_id = made.add(batch_jobs.fail_unless, str(flag), options=JobOptions(tries=1))
    work_off_with_terms(redis)
    stores.failed_jobs.retry([job_id], now=time.time())
    work_off_with_terms(redis)
    again = record(made)
    flag.touch()
    stores.failed_jobs.retry([job_id], now=time.time())
    work_off_with_terms(redis)

    assert (again.failed, again.total) == (1, 1)
    assert (record(made).succeeded, record(made).failed) == (1, 0)


def test_an_attempt_that_is_followed_by_another_does_not_count(redis: Redis):
    with batch("Import") as made:
        made.add(jobs.fail, options=JobOptions(tries=3, backoff=300))

    work_off_with_terms(redis)

    assert (record(made).pending, record(made).failed) == (1, 0)


def test_a_cancelled_batch_skips_what_waits_and_never_queues_then(
    redis: Redis, path: str, noting: Callable[..., NewBatch]
):
    with noting() as made:
        made.add(batch_jobs.cancel_own, path)
        made.add(batch_jobs.work, path, "never")

    work_off_with_terms(redis)

    found = record(made)
    assert (found.succeeded, found.skipped, found.cancelled_by) == (1, 1, "itself")
    assert said(path) == ["cancelled True True", "finally"]
    assert made.cancel() is False
    assert made.retry_failed().done == 0


def test_a_job_adds_jobs_to_its_own_batch_which_ends_after_the_last(
    redis: Redis, path: str, noting: Callable[..., NewBatch]
):
    with noting() as made:
        made.add(batch_jobs.add_more, path, 3)

    work_off_with_terms(redis)

    assert record(made).succeeded == 4
    assert said(path) == ["finally", "more", "more", "more", "more", "then"]


def test_a_follower_knows_its_batch_and_nobody_else_one(redis: Redis, path: str):
    with batch("Import", then=follow_up(batch_jobs.note_batch, path, "then")) as made:
        made.add(batch_jobs.note_batch, path, "member")
    work_off_with_terms(redis)

    assert said(path) == [f"member {made.id}", f"then {made.id}"]
    assert current_batch() is None


def test_a_batch_without_jobs_ends_at_once(redis: Redis, path: str, noting: Callable[..., NewBatch]):
    with noting() as made:
        pass

    work_off_with_terms(redis)

    assert record(made).percent == 100
    assert said(path) == ["finally", "then"]


def test_the_isolated_jobs_of_a_batch_count_and_know_it(redis: Redis, path: str):
    with batch("Import") as made:
        made.add(batch_jobs.add_more, path, 1, options=JobOptions(isolate=True))

    work_off_with_terms(redis)

    assert (record(made).succeeded, record(made).total) == (2, 2)


def test_waiting_jobs_that_are_cleared_count_as_dropped(
    redis: Redis, stores: Stores, path: str, noting: Callable[..., NewBatch]
):
    with noting() as made:
        made.add_many(jobs.nothing, [()] * 3)

    call_command("horizon_clear", "default", "--force", stdout=StringIO())
    work_off_with_terms(redis)

    assert record(made).dropped == 3
    assert said(path) == ["finally"]


def test_jobs_that_another_program_deleted_or_ended_are_counted_by_whoever_keeps_house(
    redis: Redis, stores: Stores, path: str, noting: Callable[..., NewBatch]
):
    with noting() as made:
        ids = [made.add(jobs.nothing) for _ in range(3)]
    redis.delete(f"rq:job:{ids[0]}")
    redis.hset(f"rq:job:{ids[1]}", "status", "finished")
    redis.lrem("rq:queue:default", 0, ids[1])

    keep_house(stores, QUEUES, time.time())
    between = record(made)
    work_off_with_terms(redis)

    assert (between.dropped, between.succeeded, between.pending) == (1, 1, 1)
    assert (record(made).succeeded, record(made).pending) == (2, 0)
    assert said(path) == ["finally"]


def test_a_lost_job_counts_as_failed(redis: Redis, stores: Stores):
    with batch("Import") as made:
        made.add(jobs.be_taken_for_dead, options=JobOptions(tries=1))

    work_off_with_terms(redis)

    assert (record(made).failed, record(made).pending) == (1, 0)


def test_a_job_of_a_batch_that_cannot_be_read_counts_as_failed(redis: Redis):
    with batch("Import") as made:
        job_id = made.add(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", "timeout", "soon")

    HorizonWorker([get_queue("default", redis)], connection=redis).work(burst=True)

    assert (record(made).failed, record(made).pending) == (1, 0)


def test_a_unique_job_that_is_not_queued_does_not_count(redis: Redis):
    with batch("Import") as made:
        first, second = made.add(batch_jobs.only_once), made.add(batch_jobs.only_once)

    assert (first.queued, second.queued, second.holder) == (True, False, first)
    assert record(made).total == 1


def test_what_follows_must_not_be_unique(redis: Redis):
    with pytest.raises(InvalidJob, match=r"only_once is a unique job"):
        batch("Import", then=batch_jobs.only_once)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "a\nb"])
def test_a_batch_needs_a_name(redis: Redis, name: str):
    with pytest.raises(InvalidJob, match="A batch has the name"):
        batch(name)


def test_a_batch_is_one_even_of_thousands_of_jobs(redis: Redis, path: str, noting: Callable[..., NewBatch]):
    with noting() as made:
        made.add_many(jobs.nothing, [()] * 1200)
        for _ in range(700):
            made.add(jobs.nothing)

    assert (made.count, record(made).total, redis.llen("rq:queue:default")) == (1900, 1900, 1900)


def test_a_batch_cannot_end_while_it_is_being_filled(
    redis: Redis, stores: Stores, path: str, noting: Callable[..., NewBatch], monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as during:
        during.setattr("allegro_queue.stores.batches.BatchStore.declare_full", lambda *_: work_off_with_terms(redis))
        with noting() as made:
            made.add(jobs.nothing)
    between = record(made)

    stores.batches.declare_full(made.id, time.time())
    work_off_with_terms(redis)

    assert (between.pending, between.finished_at, between.is_filling) == (0, None, True)
    assert record(made).finished_at is not None
    assert said(path) == ["finally", "then"]


def test_a_batch_whose_sender_died_half_way_ends_and_says_so(
    redis: Redis, stores: Stores, path: str, noting: Callable[..., NewBatch], monkeypatch: pytest.MonkeyPatch
):
    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("allegro_queue.stores.batches.BatchStore.declare_full", die)
    with pytest.raises(SystemExit), noting() as made:
        made.add(jobs.nothing)
    stores.batches.tidy()
    early = record(made)
    redis.hset(stores.keys.batch(made.id), "filling_until", int(time.time()) - 1)

    stores.batches.tidy()
    work_off_with_terms(redis)

    assert early.cancelled_at is None
    found = record(made)
    assert (found.cancelled_by, found.skipped, found.is_filling) == ("sender", 1, False)
    assert said(path) == ["catch", "finally"]


def test_redis_away_is_said_in_words(redis_away: None, noting: Callable[..., NewBatch]):
    with pytest.raises(QueueUnavailable, match="the batch 'Import' was not queued"), noting() as made:
        made.add(jobs.nothing)


def test_a_batch_is_forgotten_its_days_after_its_end(redis: Redis, stores: Stores, path: str):
    with batch("Import", then=follow_up(jobs.fail), catch=follow_up(batch_jobs.work, path, "catch")) as made:
        made.add(jobs.nothing)
    assert redis.ttl(stores.keys.batch(made.id)) == -1
    work_off_with_terms(redis)

    keys = [key for key in redis.keys("*") if made.id.encode() in key]
    lives = {redis.ttl(key) for key in keys}
    assert all(7 * 86_400 - 60 < life <= 7 * 86_400 for life in lives)

    for key in keys:
        redis.delete(key)
    stores.batches.tidy()
    assert redis.zcard(stores.keys.batches) == redis.scard(stores.keys.open_batches) == 0


def test_a_follower_that_never_comes_goes_with_its_batch(redis: Redis, stores: Stores, path: str):
    with batch("Import", catch=follow_up(batch_jobs.work, path, "catch")) as made:
        made.add(jobs.nothing)
    work_off_with_terms(redis)

    assert redis.ttl(f"{stores.keys.batch(made.id)}:catch") > 0


def test_settling_a_job_that_is_put_back_leaves_it_open(redis: Redis):
    stores = open_stores(redis)
    with batch("Import") as made:
        made.add(jobs.nothing)
    worker = make_worker(["default"], name="w")
    assert worker is not None
    assert worker.take() is not None
    settle(stores, "w", host="here", pid=1, reason=verbatim("died"), begun="")

    assert record(made).pending == 1
    work_off_with_terms(redis)
    assert record(made).succeeded == 1


def test_jobs_that_are_sent_again_since_their_reply_was_lost_count_once(redis: Redis):
    with batch("Import") as made:
        pass
    order = order_for(jobs.nothing, None, None, None, batch=made.id)
    job = order.new_job("the-job", Call())

    order.send([job])
    order.send([job])

    assert (record(made).total, redis.llen("rq:queue:default")) == (1, 1)


def test_a_batch_that_is_made_again_since_its_reply_was_lost_stays_as_it_was(redis: Redis, stores: Stores):
    with batch("Import") as made:
        made.add(jobs.nothing)

    again = stores.batches.make(made.id, name="other", now=time.time(), life=60, allow_failures=True, following={})
    full_again = stores.batches.declare_full(made.id, time.time())

    assert (again, full_again) == (False, False)
    assert (record(made).name, record(made).total, record(made).is_filling) == ("Import", 1, False)


def test_what_is_added_to_a_batch_that_has_ended_counts_and_nothing_follows_twice(
    redis: Redis, path: str, noting: Callable[..., NewBatch]
):
    with noting() as made:
        made.add(batch_jobs.work, path, "one")
    work_off_with_terms(redis)

    Batch(made.id).add(batch_jobs.work, path, "two")
    between = record(made)
    work_off_with_terms(redis)

    assert (between.pending, between.finished_at) == (1, None)
    assert record(made).succeeded == 2
    assert said(path) == ["finally", "one", "then", "two"]


def test_what_is_added_to_a_batch_that_is_gone_runs_all_the_same(redis: Redis, path: str):
    Batch("long-gone").add(batch_jobs.note_batch, path, "member")

    assert work_off_with_terms(redis) == []

    assert said(path) == ["member long-gone"]
    assert redis.keys("horizon:batch:*") == []


def test_a_repeated_end_of_the_same_job_counts_once(redis: Redis, stores: Stores):
    with batch("Import", allow_failures=True) as made:
        one, _ = made.add(jobs.nothing), made.add(jobs.nothing)

    for how in ("succeeded", "succeeded", "failed", "dropped"):
        with redis.pipeline() as pipeline:
            stores.batches.ended(made.id, one, how, pipeline)
            pipeline.execute()

    assert (record(made).succeeded, record(made).pending) == (1, 1)


def test_a_deleted_failed_job_stays_counted_as_failed_and_a_retry_says_it_is_gone(redis: Redis, stores: Stores):
    with batch("Import") as made:
        job_id = made.add(jobs.fail, options=JobOptions(tries=1))
    work_off_with_terms(redis)
    stores.bulk.act(BulkAct.DELETE, [job_id], now=time.time())

    tally = made.retry_failed()

    assert (tally.done, tally.gone) == (0, 1)
    assert record(made).failed == 1


def test_a_unique_job_that_is_skipped_frees_its_place(redis: Redis, stores: Stores):
    with batch("Import") as made:
        made.add(batch_jobs.only_once)
    made.cancel()
    work_off_with_terms(redis)

    assert record(made).skipped == 1
    assert dispatch(batch_jobs.only_once).queued is True
