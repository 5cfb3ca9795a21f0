from __future__ import annotations

import base64
import pickle
import time
import zlib
from datetime import timedelta

import pytest
from redis import Redis
from rq.job import Retry
from rq.registry import FailedJobRegistry, StartedJobRegistry

from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.failed_jobs import AT_ONCE, Tally
from allegro_queue.stores.job_records import error_line, name_in, read_payload, read_value
from allegro_queue.stores.jobs import Matcher, State
from tests.support import jobs
from tests.support.failed_jobs import failed_ids
from tests.support.failures import failed, queued, run_all

QUEUES = ("high", "default", "audience-sync")


@pytest.fixture(autouse=True)
def _allowed(settings, redis):
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests", "builtins"]}


def status(redis: Redis, job_id: str) -> str:
    return HorizonJob.fetch(job_id, connection=redis).get_status().value


def test_a_job_that_ran_is_read_with_its_times_its_worker_and_its_result(redis: Redis, stores: Stores):
    job_id = queued(jobs.add, 1, kwargs={"right": 2}, queue="high")
    run_all(redis)

    detail = stores.jobs.get(job_id)

    assert detail is not None
    assert detail.row.name == "tests.support.jobs.add"
    assert (detail.row.queue, detail.row.status, detail.row.timeout) == ("high", "finished", 60)
    assert (detail.arguments, detail.keywords, detail.unreadable) == ([1], {"right": 2}, "")
    assert detail.row.wait_seconds is not None
    assert detail.row.run_seconds is not None
    assert 3500 < (detail.expires_in or 0) <= 3600
    [attempt] = detail.attempts
    assert (attempt.result, attempt.value, attempt.error) == ("finished", "3", "")
    assert attempt.started_at == pytest.approx(time.time(), abs=30)
    assert attempt.ended_at is not None
    assert attempt.worker


def test_a_failed_job_is_listed_with_the_error_itself(redis: Redis, stores: Stores):
    job_id = failed(redis, jobs.fail, "first line\nsecond line")

    [row], total = stores.jobs.page(State.FAILED, QUEUES)

    assert total == 1
    assert (row.id, row.status, row.error) == (job_id, "failed", "ValueError: first line")
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 1


def test_a_retried_job_leaves_the_failed_ones_and_runs_in_rqs_own_worker(redis: Redis, stores: Stores, tmp_path):
    job_id = failed(redis, jobs.note, str(tmp_path / "missing" / "ran"), "word")
    assert status(redis, job_id) == "failed"

    assert stores.failed_jobs.retry([job_id], now=time.time()).done

    assert FailedJobRegistry("default", connection=redis).count == 0
    assert redis.lrange("rq:queue:default", 0, -1) == [job_id.encode()]
    assert status(redis, job_id) == "queued"
    assert redis.ttl(f"rq:job:{job_id}") == -1

    (tmp_path / "missing").mkdir()
    run_all(redis)
    assert status(redis, job_id) == "finished"
    assert (tmp_path / "missing" / "ran").read_text() == "word\n"
    detail = stores.jobs.get(job_id)
    assert detail is not None
    assert [attempt.result for attempt in detail.attempts] == ["finished", "failed"]


def test_only_what_is_failed_now_can_be_retried(redis: Redis, stores: Stores):
    once = failed(redis, jobs.fail)
    waiting = queued(jobs.nothing)

    assert not stores.failed_jobs.retry([waiting], now=time.time()).done
    assert not stores.failed_jobs.retry(["no-such-job"], now=time.time()).done
    assert stores.failed_jobs.retry([once], now=time.time()).done
    assert not stores.failed_jobs.retry([once], now=time.time()).done
    assert redis.lrange("rq:queue:default", 0, -1) == [waiting.encode(), once.encode()]


def test_a_big_set_is_retried_in_order_in_a_few_round_trips(redis: Redis, stores: Stores, monkeypatch):
    ids = [failed_without_running(redis, f"job-{number:04}") for number in range(2 * AT_ONCE + 1)]
    trips = []
    execute = type(redis.pipeline()).execute

    def counted(pipeline, *args, **kwargs):
        trips.append(1)
        return execute(pipeline, *args, **kwargs)

    monkeypatch.setattr(type(redis.pipeline()), "execute", counted)
    tally = stores.failed_jobs.retry([*ids, "gone", ids[0]], now=time.time())

    assert tally == Tally(done=len(ids), gone=2)
    assert len(trips) == 6
    assert redis.lrange("rq:queue:default", 0, -1) == [job_id.encode() for job_id in ids]


def test_what_fails_after_the_set_was_shown_is_left_alone(redis: Redis, stores: Stores):
    before = failed(redis, jobs.fail)
    shown_at = time.time()
    after = failed(redis, jobs.fail)

    tally = stores.failed_jobs.retry([before, after], now=time.time(), failed_until=shown_at)

    assert tally == Tally(done=1, later=1)
    assert failed_ids(stores, QUEUES) == [after]


def failed_without_running(redis: Redis, job_id: str) -> str:
    """A failed job as RQ files it, without the time that running it takes."""
    job = HorizonJob.create("tests.support.jobs.nothing", id=job_id, connection=redis, origin="default")
    job.save()
    FailedJobRegistry("default", connection=redis, job_class=HorizonJob).add(job, ttl=3600, exc_string="x")
    return job_id


@pytest.mark.parametrize(
    "job_id", ["x:dependents", "", "../x", "a b", "x" * 201, "\x00", "<script>", "rq:job:x", "é", "a\n"]
)
def test_an_id_that_rq_would_not_take_reads_and_changes_nothing(redis: Redis, stores: Stores, job_id):
    redis.sadd("rq:job:x:dependents", "y")

    assert stores.jobs.get(job_id) is None
    assert stores.jobs.rows([job_id]) == []
    assert not stores.failed_jobs.retry([job_id], now=time.time()).done
    assert redis.exists("rq:job:x:dependents")


def test_running_jobs_are_listed_once_by_their_job_id(redis: Redis, stores: Stores):
    job_id = queued(jobs.nothing)
    job = HorizonJob.fetch(job_id, connection=redis)
    with redis.pipeline() as pipeline:
        job.prepare_for_execution("worker", pipeline)
        StartedJobRegistry("default", connection=redis).connection.zadd("rq:wip:default", {f"{job_id}:exec": 9e9})
        pipeline.execute()

    rows, total = stores.jobs.page(State.RUNNING, QUEUES)

    assert [row.id for row in rows] == [job_id]
    assert total == 1


def test_waiting_jobs_of_all_queues_are_paged_in_the_order_in_which_they_will_run(redis: Redis, stores: Stores):
    low = [queued(jobs.nothing, queue="audience-sync") for _ in range(3)]
    high = [queued(jobs.nothing, queue="high") for _ in range(2)]

    pages = [stores.jobs.page(State.WAITING, QUEUES, offset, 2) for offset in (0, 2, 4)]

    assert [row.id for rows, _ in pages for row in rows] == [*high, *low]
    assert {total for _, total in pages} == {5}


def test_a_search_by_name_says_how_far_it_looked(redis: Redis, stores: Stores):
    wanted = [queued(jobs.add, 1, 2) for _ in range(3)]
    for _ in range(4):
        queued(jobs.nothing)

    found = stores.jobs.search(
        State.WAITING, QUEUES, Matcher(holds=lambda row: row.name.endswith("jobs.add")), offset=1, limit=1, reach=5
    )

    assert [row.id for row in found.rows] == [wanted[1]]
    assert (found.matches, found.searched, found.total) == (3, 5, 7)


class Explosive:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (zlib.compress(pickle.dumps(("f", None, (Explosive(),), {}))), "not JSON"),
        (pickle.dumps(Explosive()), "not JSON"),
        (b"[" * 15_000, "not JSON"),
        (b'["f", null, 3, {}]', "not JSON"),
        (b'["f", null, [], 3]', "not JSON"),
        (b"{}", "not JSON"),
        (b"\xff\x00garbage", "not JSON"),
        (zlib.compress(b"0" * 1_000_000), "more than 20,000 bytes"),
        (None, "gone"),
    ],
)
def test_a_payload_that_is_not_json_is_not_read_and_says_why(payload, reason):
    name, arguments, keywords, unreadable = read_payload(payload)

    assert (name, arguments, keywords) == ("", None, None)
    assert reason in unreadable


def test_a_result_that_is_not_json_is_not_unpickled():
    assert read_value(base64.b64encode(pickle.dumps(Explosive()))) == (
        "",
        "The result is not JSON, and nothing else is read here.",
    )
    assert read_value(b"not base64 \xff") == ("", "The result is not JSON, and nothing else is read here.")
    assert read_value(None) == ("", "")


def test_arguments_never_reach_a_list_through_the_description(redis: Redis, stores: Stores):
    own = get_queue("default").enqueue(jobs.fail, "secret-1").id
    described = queued(jobs.fail, "x", description="Mail a@example.com the token secret-2")

    rows, _ = stores.jobs.page(State.WAITING, QUEUES)

    assert {row.id: row.name for row in rows} == {own: "tests.support.jobs.fail", described: "unnamed job"}
    detail = stores.jobs.get(described)
    assert detail is not None
    assert detail.row.name == "tests.support.jobs.fail"
    assert name_in("<script>alert(1)</script>") == "unnamed job"


def test_garbage_in_a_jobs_fields_does_not_break_its_list_or_its_page(redis: Redis, stores: Stores):
    job_id = queued(jobs.nothing)
    redis.hset(
        f"rq:job:{job_id}",
        mapping={
            "created_at": b"\xff", "enqueued_at": "soon", "started_at": "9999999-01-01", "timeout": "long",
            "retries_left": "x", "origin": b"\xfe", "status": "rate_limited", "worker_name": b"\x00",
        },
    )  # fmt: skip
    redis.xadd(
        f"rq:results:{job_id}",
        {"type": "99", "exc_string": "!!", "return_value": "??", "execution_started_at": "nan", "worker_name": b"\xff"},
    )

    detail = stores.jobs.get(job_id)

    assert detail is not None
    assert (detail.row.status, detail.row.created_at, detail.row.timeout) == ("rate_limited", None, None)
    assert detail.attempts[0].result == "unknown (99)"
    assert detail.attempts[0].started_at is None
    assert len(stores.jobs.page(State.WAITING, QUEUES)[0]) == 1


def test_scheduled_jobs_are_listed_soonest_first_with_the_time_they_are_due(redis: Redis, stores: Stores):
    queue = get_queue("default")
    later = queue.enqueue_in(timedelta(hours=2), "tests.support.jobs.nothing").id
    sooner = queue.enqueue_in(timedelta(hours=1), "tests.support.jobs.nothing").id

    rows, total = stores.jobs.page(State.SCHEDULED, QUEUES)

    assert [row.id for row in rows] == [sooner, later]
    assert total == 2
    assert rows[0].due_at == pytest.approx(time.time() + 3600, abs=30)


def test_a_job_that_failed_and_has_an_attempt_left_is_not_among_the_failed_ones(redis: Redis, stores: Stores):
    job_id = queued(jobs.fail, retry=Retry(max=2, interval=600))
    run_all(redis)

    rows, _ = stores.jobs.page(State.SCHEDULED, QUEUES)

    assert [(row.id, row.retries_left) for row in rows] == [(job_id, 1)]
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 0


@pytest.mark.parametrize(
    ("traceback", "line"),
    [
        ("", ""),
        ("Work-horse terminated unexpectedly; waitpid returned 9", "Work-horse terminated unexpectedly; waitpid returned 9"),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n    ^^^\nValueError: one\ntwo\n',
            "ValueError: one",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nKeyError: 1\n\nDuring handling of '
            'the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File "b.py", '
            "line 2, in h\n    i()\nOSError: last\n",
            "OSError: last",
        ),
    ],
)  # fmt: skip
def test_the_error_is_the_first_line_after_the_last_frame(traceback, line):
    assert error_line(traceback) == line
