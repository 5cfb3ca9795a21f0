"""What running jobs say of themselves reaches Redis: masked, bounded, while they run and at their end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.job_notes import notebook, report_progress
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores, open_stores
from tests.support import jobs, talking_jobs
from tests.support.burst import work_off_with_terms
from tests.support.eventually import eventually
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

ISOLATED = pytest.mark.parametrize("isolate", [False, True], ids=["in the worker", "isolated"])


@pytest.fixture(autouse=True)
def info_level() -> Iterator[None]:
    logger = logging.getLogger("shop")
    before = logger.level
    logger.setLevel(logging.INFO)
    yield
    logger.setLevel(before)


@ISOLATED
def test_progress_and_log_of_a_job_are_kept(redis: Redis, stores: Stores, isolate: bool):
    job_id = dispatch(talking_jobs.talk, 3, options=JobOptions(isolate=isolate))

    work_off_with_terms(redis)

    said = stores.notes.of(job_id)
    assert said.progress is not None
    assert (said.progress.done, said.progress.total, said.progress.note) == (3, 3, "member 2")
    assert [line.words for line in said.lines] == ["line 0", "line 1", "line 2"]
    assert {(line.level, line.logger, line.attempt) for line in said.lines} == {("INFO", "shop.sync", 1)}
    assert said.left_out == 0


@ISOLATED
def test_secrets_are_masked_before_they_reach_redis(redis: Redis, stores: Stores, isolate: bool):
    job_id = dispatch(talking_jobs.talk_of_secrets, options=JobOptions(isolate=isolate))

    work_off_with_terms(redis)

    kept = [redis.lindex(stores.keys.log(job_id), 0), redis.hget(stores.keys.progress(job_id), "note")]
    assert [secret for secret in (b"abcdefgh", b"ada@", b"hunter2") for text in kept if secret in text] == []
    assert b"[masked: secret]" in kept[0]


@ISOLATED
def test_a_job_that_fails_leaves_its_words(redis: Redis, stores: Stores, isolate: bool):
    job_id = dispatch(talking_jobs.talk_and_fail, options=JobOptions(isolate=isolate, tries=1))

    assert len(work_off_with_terms(redis)) == 1

    said = stores.notes.of(job_id)
    assert said.progress is not None
    assert said.progress.done == 3
    assert [line.words for line in said.lines] == ["before"]


def test_the_words_of_an_isolated_job_that_died_are_kept(redis: Redis, stores: Stores):
    job_id = dispatch(talking_jobs.talk_and_die, options=JobOptions(isolate=True, tries=1))

    work_off_with_terms(redis)

    assert [line.words for line in stores.notes.of(job_id).lines] == ["last words"]


def test_an_attempt_writes_below_the_one_before(redis: Redis, stores: Stores):
    job_id = dispatch(talking_jobs.talk_and_fail, options=JobOptions(tries=2))

    work_off_with_terms(redis)

    assert [(line.attempt, line.words) for line in stores.notes.of(job_id).lines] == [(1, "before"), (2, "before")]


@ISOLATED
def test_only_the_last_lines_are_kept_and_the_others_counted(redis: Redis, stores: Stores, isolate: bool):
    job_id = dispatch(talking_jobs.talk_a_lot, 1000, 10, options=JobOptions(isolate=isolate))

    work_off_with_terms(redis)

    said = stores.notes.of(job_id)
    assert len(said.lines) == 200
    assert said.lines[-1].words.startswith("999 ")
    assert said.left_out == 800


def test_a_log_takes_so_many_bytes_at_most(redis: Redis, stores: Stores):
    job_id = dispatch(talking_jobs.talk_a_lot, 150, 5000)

    work_off_with_terms(redis)

    lines = redis.lrange(stores.keys.log(job_id), 0, -1)
    assert 40_000 < sum(map(len, lines)) <= 65_536
    assert stores.notes.of(job_id).left_out == 150 - len(lines)


def test_only_so_many_jobs_keep_their_words(redis: Redis, settings: Any):
    settings.HORIZON = {**settings.HORIZON, "notes_kept": 3}
    ids = [dispatch(talking_jobs.talk, 1) for _ in range(5)]

    work_off_with_terms(redis)

    stores = open_stores(redis)
    assert [bool(stores.notes.of(each).lines) for each in ids] == [False, False, True, True, True]
    assert redis.zcard(stores.keys.noted) == 3


def test_a_log_of_no_lines_is_none_and_progress_stays(redis: Redis, stores: Stores, settings: Any):
    settings.HORIZON = {**settings.HORIZON, "log_lines": 0}
    job_id = dispatch(talking_jobs.talk, 2)

    work_off_with_terms(redis)

    said = stores.notes.of(job_id)
    assert said.lines == ()
    assert said.progress is not None


def test_words_live_as_long_as_failed_jobs_and_go_with_the_job(redis: Redis, stores: Stores):
    job_id = dispatch(talking_jobs.talk_and_fail, options=JobOptions(tries=1))
    work_off_with_terms(redis)
    lives = [redis.ttl(stores.keys.progress(job_id)), redis.ttl(stores.keys.log(job_id))]

    stores.failed_jobs.forget(job_id)

    assert all(0 < life <= 7 * 86_400 for life in lives)
    assert redis.exists(stores.keys.progress(job_id), stores.keys.log(job_id)) == 0


def test_a_job_that_says_nothing_costs_no_command(redis: Redis, stores: Stores):
    for _ in range(20):
        dispatch(jobs.nothing)
    redis.config_resetstat()

    work_off_with_terms(redis)

    assert redis.keys("horizon:log:*") + redis.keys("horizon:progress:*") == []
    scripts = {name: numbers["calls"] for name, numbers in redis.info("commandstats").items()}
    assert scripts["cmdstat_evalsha"] < 40


def test_a_thread_that_goes_on_talking_does_not_spoil_the_result(redis: Redis, stores: Stores):
    job_id = dispatch(talking_jobs.talk_in_threads_without_end, options=JobOptions(isolate=True))

    assert work_off_with_terms(redis) == []

    detail = stores.jobs.get(job_id)
    assert detail is not None
    assert detail.attempts[0].unreadable.startswith("The result takes 3,000,002 bytes")


# Python may drop the first ring, in the garbage collector's callback of a library: the next one ends the job.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@ISOLATED
def test_a_job_that_talks_up_to_its_time_limit_fails_by_it(redis: Redis, stores: Stores, isolate: bool):
    job_id = dispatch(talking_jobs.talk_past_its_limit, options=JobOptions(isolate=isolate, timeout=1, tries=1))

    work_off_with_terms(redis)

    detail = stores.jobs.get(job_id)
    assert detail is not None
    # How it was ended, by its alarm or with its process, is a matter of load.
    assert "The job ran longer than its limit of 1 seconds" in detail.attempts[0].traceback


def test_a_line_whose_arguments_do_not_fit_harms_nobody(redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    job_id = dispatch(talking_jobs.log_wrongly)

    assert work_off_with_terms(redis) == []

    assert [line.words for line in stores.notes.of(job_id).lines] == ["%d members (its arguments do not fit)"]


@ISOLATED
def test_a_running_job_is_heard_within_seconds(redis: Redis, stores: Stores, tmp_path: Path, isolate: bool):
    path, release = tmp_path / "path", tmp_path / "release"
    job_id = dispatch(talking_jobs.talk_until, str(path), str(release), options=JobOptions(isolate=isolate))

    with running("rqworker", "default") as process:
        eventually(path.exists, within=20, explain=process.said)
        said_at = time.monotonic()
        eventually(lambda: stores.notes.of(job_id).progress is not None, within=5, explain=process.said)
        took = time.monotonic() - said_at
        status = stores.jobs.rows([job_id])[0].status
        release.touch()

    assert status == "started"
    assert took < 3
    assert [line.words for line in stores.notes.of(job_id).lines] == ["waiting"]


def test_two_jobs_never_get_each_others_words():
    notebook.begin("a", 1)
    report_progress(1)
    notebook.end()
    notebook.begin("b", 1)
    report_progress(2)
    try:
        assert notebook.take("a") is None
        said = notebook.take("b")
        assert said is not None
        assert said.progress is not None
        assert said.progress.done == 2
        assert notebook.take("b") is None
    finally:
        notebook.end()


def test_outside_of_a_job_nothing_is_noted():
    report_progress(1, 2)

    assert notebook.take("") is None


@pytest.mark.parametrize("given", [(-1,), (float("nan"),), ("three",), (True,), (1, -5), (1, "ten"), (None,)])
def test_what_is_no_number_is_refused(given: tuple[Any, ...]):
    with pytest.raises(ValueError, match="must be a number from 0 on"):
        report_progress(*given)


def test_the_last_progress_survives_two_threads(redis: Redis):
    notebook.begin("c", 1)
    heard: list[float] = []
    done = threading.Event()

    def listen() -> None:
        while not done.is_set():
            said = notebook.take("c")
            if said is not None and said.progress is not None:
                heard.append(said.progress.done)

    listener = threading.Thread(target=listen)
    listener.start()
    for number in range(20_000):
        report_progress(number)
    done.set()
    listener.join()
    said = notebook.take("c")
    notebook.end()

    assert said.progress.done == 19_999 if said is not None and said.progress else heard[-1] == 19_999
    assert heard == sorted(heard)
