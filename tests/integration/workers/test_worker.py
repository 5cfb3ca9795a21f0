from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from django.utils import translation
from redis import Redis
from rq import Callback, Queue
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from setproctitle import getproctitle

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.workers.child import make_worker
from tests.support import jobs
from tests.support.runs import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


def work_off(name: str = "here.1.abcd") -> None:
    """Run a worker in this process until nothing is left to do."""
    worker = make_worker(QUEUES, name=name)
    assert worker is not None
    worker.work(burst=True)


def test_queues_are_drained_in_strict_order_and_a_late_high_job_goes_next(redis: Redis, tmp_path: Path):
    order = tmp_path / "order"
    for queue in reversed(QUEUES):
        for number in (1, 2):
            dispatch(jobs.note, str(order), f"{queue} {number}", options=JobOptions(queue=queue))
    dispatch(jobs.note_and_dispatch, str(order), "default 3", "late high", options=JobOptions(queue="default"))

    work_off()

    assert order.read_text().splitlines() == [
        *("high 1", "high 2", "default 1", "default 2", "default 3", "late high"),
        *("audience-sync 1", "audience-sync 2"),
    ]


def test_a_job_that_returns_ends_finished_with_its_result(stores: Stores):
    job_id = dispatch(jobs.add, 1, 2)

    work_off()

    detail = stores.jobs.get(job_id)
    assert detail is not None
    assert (detail.row.status, detail.attempts[0].value) == ("finished", "3")
    assert stores.reservations.all() == []


def test_a_job_that_raises_ends_failed_with_its_traceback(stores: Stores):
    job_id = dispatch(jobs.fail, "no such member")

    work_off()

    rows, total = stores.jobs.page(State.FAILED, QUEUES)
    assert (total, rows[0].id, rows[0].error) == (1, job_id, "ValueError: no such member")
    assert stores.reservations.all() == []


def test_a_job_past_its_time_limit_ends_failed_although_it_swallows_exceptions(stores: Stores):
    dispatch(jobs.swallow_time_limit, options=JobOptions(timeout=1))

    work_off()

    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert "longer than its limit of 1 seconds" in rows[0].error


def test_a_job_with_two_tries_is_tried_twice_and_then_fails(stores: Stores, tmp_path: Path):
    trail = tmp_path / "trail"
    dispatch(jobs.note_and_fail, str(trail), options=JobOptions(tries=2))

    work_off()

    assert trail.read_text().splitlines() == ["tried", "tried"]
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 1


def test_a_function_that_cannot_be_imported_ends_failed_in_words(stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    rewrite_function(redis, job_id, "tests.support.jobs.gone_since_the_deploy")

    work_off()

    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert "gone_since_the_deploy" in rows[0].error


def test_a_function_outside_the_allowed_ones_is_not_run(stores: Stores, redis: Redis):
    job_id = dispatch(jobs.nothing)
    rewrite_function(redis, job_id, "os.getcwd")

    work_off()

    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert "JobNotAllowed: 'os.getcwd' is not under HORIZON['allowed_jobs']" in rows[0].error


def test_data_that_is_no_json_ends_failed_and_the_next_job_runs(stores: Stores, redis: Redis):
    broken = dispatch(jobs.nothing)
    redis.hset(f"rq:job:{broken}", "data", b"\x80\x05garbage")
    good = dispatch(jobs.nothing)

    work_off()

    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert [row.id for row in rows] == [broken]
    detail = stores.jobs.get(good)
    assert detail is not None
    assert detail.row.status == "finished"


def test_a_paused_queue_hands_out_nothing_and_the_others_go_on(stores: Stores):
    dispatch(jobs.nothing, options=JobOptions(queue="high"))
    dispatch(jobs.nothing, options=JobOptions(queue="default"))
    stores.pauses.pause(Pause(queue="high", since=0))

    work_off()

    assert stores.jobs.lengths(QUEUES) == {"high": 1, "default": 0, "audience-sync": 0}


def test_a_pause_of_all_queues_ends_by_itself_when_its_time_is_over(stores: Stores):
    dispatch(jobs.nothing)
    stores.pauses.pause(Pause(queue=ALL_QUEUES, since=0))
    work_off()
    assert stores.jobs.lengths(["default"]) == {"default": 1}

    stores.pauses.pause(Pause(queue=ALL_QUEUES, since=0, until=1))
    work_off()
    assert stores.jobs.lengths(["default"]) == {"default": 0}


def test_a_suspended_rq_hands_out_nothing(stores: Stores, redis: Redis):
    dispatch(jobs.nothing)
    redis.set("rq:suspended", 1)

    work_off()

    assert stores.jobs.lengths(["default"]) == {"default": 1}


def test_no_job_sees_the_language_that_the_last_one_switched_on(redis: Redis, tmp_path: Path):
    seen = tmp_path / "seen"
    dispatch(jobs.note_language_and_switch, str(seen), "de")
    dispatch(jobs.note_language_and_switch, str(seen), "de")

    work_off()

    assert seen.read_text().splitlines() == [translation.get_language()] * 2


def test_every_ended_attempt_leaves_a_record(stores: Stores):
    dispatch(jobs.add, 1, 2)
    dispatch(jobs.fail, options=JobOptions(tries=2))

    work_off()

    assert outcomes(stores.client) == ["succeeded", "retried", "failed"]


def test_an_id_without_a_job_is_passed_over(stores: Stores, redis: Redis):
    redis.rpush("rq:queue:default", "no-such-job")
    job_id = dispatch(jobs.nothing)

    work_off()

    detail = stores.jobs.get(job_id)
    assert detail is not None
    assert detail.row.status == "finished"


def rewrite_function(redis: Redis, job_id: str, name: str) -> None:
    """Make a queued job call another function, as somebody with access to Redis could."""
    redis.hset(f"rq:job:{job_id}", "data", zlib.compress(json.dumps([name, None, [], {}]).encode()))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timeout", "soon"),
        ("created_at", "yesterday"),
        ("status", "excellent"),
        ("retry_intervals", "{"),
        ("meta", b"\x80"),
        ("origin", b"\xff"),
    ],
)
def test_a_garbage_field_becomes_a_visible_failure_and_the_next_job_runs(
    field: str, value: str | bytes, stores: Stores, redis: Redis
):
    poisoned = dispatch(jobs.nothing)
    redis.hset(f"rq:job:{poisoned}", field, value)
    good = dispatch(jobs.nothing)

    work_off()

    assert stores.jobs.rows([good])[0].status == "finished"
    assert stores.jobs.rows([poisoned])[0].status in ("failed", "finished")
    assert stores.jobs.counts(QUEUES)[State.RUNNING] == 0
    assert stores.reservations.all() == []
    assert redis.keys("rq:execution:*") == []


def test_rqs_stop_command_stops_the_running_job(stores: Stores, redis: Redis, tmp_path: Path):
    job_id = dispatch(jobs.stop_itself_and_wait)

    work_off()

    assert stores.jobs.rows([job_id])[0].status == "stopped"


@pytest.mark.parametrize("tries", [1, 2])
def test_a_worker_that_was_taken_for_dead_adds_no_second_verdict(tries: int, stores: Stores):
    job_id = dispatch(jobs.be_taken_for_dead, options=JobOptions(tries=tries))

    worker = make_worker(QUEUES, name="here.1.abcd")
    assert worker is not None
    worker.work(burst=True, max_jobs=4)

    counts = stores.jobs.counts(QUEUES)
    assert (counts[State.FAILED], counts[State.FINISHED], counts[State.RUNNING]) == (1, 0, 0)
    assert stores.jobs.rows([job_id])[0].status == "failed"
    assert len(outcomes(stores.client)) == tries
    assert stores.reservations.all() == []


def test_the_title_of_the_process_names_no_job_that_has_ended(stores: Stores):
    before = getproctitle()
    dispatch(jobs.nothing)

    work_off()

    assert getproctitle() == before


def test_a_birth_whose_reply_was_lost_is_registered_again_without_fuss(redis: Redis):
    worker = make_worker(QUEUES, name="here.1.abcd")
    assert worker is not None
    worker.be_born()
    worker.be_born()

    namesake = make_worker(QUEUES, name="here.1.abcd")
    assert namesake is not None
    with pytest.raises(ValueError, match="active worker named"):
        namesake.be_born()


def test_told_to_leave_while_redis_is_away_a_worker_runs_no_failure_callback_for_a_job_that_succeeded(
    redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    trail = tmp_path / "trail"
    Queue("default", connection=redis, serializer=JSONSerializer).enqueue(
        jobs.note, str(trail), "ran", on_failure=Callback(jobs.note_failure), on_success=Callback(jobs.note_success)
    )
    worker = make_worker(QUEUES, name="here.1.abcd")
    assert worker is not None

    def give_up(*given: object) -> None:
        raise StopRequested

    monkeypatch.setattr(worker, "until_filed", give_up)
    worker.work(burst=True)

    assert trail.read_text().splitlines() == ["ran", "succeeded"]
