from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.job_records import JobDetail
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.heartbeat import memory_bytes
from allegro_queue.workers.worker import HorizonWorker
from tests.support import jobs, term_jobs
from tests.support.runs import outcomes, run_records

pytestmark = pytest.mark.django_db(transaction=True)

ALONE = JobOptions(isolate=True)


def worker() -> HorizonWorker:
    made = make_worker(["high", "default"], name="here.1.abcd")
    assert made is not None
    return made


def work_off() -> None:
    """Run a worker in this process until nothing is left to do."""
    worker().work(burst=True)


def ended(stores: Stores, job_id: str) -> JobDetail:
    detail = stores.jobs.get(job_id)
    assert detail is not None
    return detail


def verdict(stores: Stores, job_id: str) -> tuple[str, str]:
    """Status and error of a job that has ended."""
    detail = ended(stores, job_id)
    return detail.row.status, detail.row.error


def test_an_isolated_job_runs_in_another_process_and_its_result_is_kept(stores: Stores):
    alone, here = dispatch(term_jobs.process_id, options=ALONE), dispatch(term_jobs.process_id)

    work_off()

    assert ended(stores, here).attempts[0].value == str(os.getpid())
    assert ended(stores, alone).row.status == "finished"
    assert ended(stores, alone).attempts[0].value != str(os.getpid())


def test_a_queue_can_have_all_its_jobs_isolated(stores: Stores):
    job_id = dispatch(term_jobs.process_id)
    isolating = worker()
    isolating.isolated_queues = frozenset({"default"})

    isolating.work(burst=True)

    assert ended(stores, job_id).attempts[0].value != str(os.getpid())


def test_a_result_of_some_megabytes_comes_through(stores: Stores, redis: Redis):
    job_id = dispatch(term_jobs.text_of, 5_000_000, options=ALONE)

    work_off()

    _, entry = redis.xrevrange(f"rq:results:{job_id}", count=1)[0]
    assert ended(stores, job_id).row.status == "finished"
    assert len(entry[b"return_value"]) > 5_000_000


def test_a_result_that_is_no_json_ends_as_it_does_in_the_worker_itself(redis: Redis):
    alone, here = dispatch(term_jobs.no_json, options=ALONE), dispatch(term_jobs.no_json)

    work_off()

    first, second = (redis.xrevrange(f"rq:results:{each}", count=1)[0][1] for each in (alone, here))
    assert first[b"return_value"] == second[b"return_value"]


def test_an_isolated_job_that_raises_fails_with_the_traceback_of_its_own_process(stores: Stores):
    job_id = dispatch(term_jobs.fail_deep, options=ALONE)

    work_off()

    status, error = verdict(stores, job_id)
    assert (status, error) == ("failed", "KeyError: 'no such member: 42'")
    trace = ended(stores, job_id).attempts[0].traceback
    assert trace.startswith("Traceback (most recent call last):")
    assert "in fail_deep" in trace


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "was killed by signal 9 (SIGKILL); was it out of memory?"),
        (signal.SIGSEGV, "was killed by signal 11 (SIGSEGV)"),
        (signal.SIGABRT, "was killed by signal 6 (SIGABRT)"),
    ],
)
def test_a_job_whose_process_is_killed_fails_at_once_in_words_and_the_next_one_runs(
    number: signal.Signals, words: str, stores: Stores
):
    killed, good = dispatch(term_jobs.die, int(number), options=ALONE), dispatch(jobs.nothing)

    began = time.monotonic()
    work_off()

    assert time.monotonic() - began < 5
    status, error = verdict(stores, killed)
    assert status == "failed"
    assert error.endswith(f"the job's process {words}")
    assert ended(stores, good).row.status == "finished"


@pytest.mark.parametrize("code", [0, 3])
def test_a_job_that_leaves_its_process_without_a_word_has_not_succeeded(code: int, stores: Stores):
    job_id = dispatch(term_jobs.leave, code, options=ALONE)

    work_off()

    status, error = verdict(stores, job_id)
    assert status == "failed"
    assert f"left with exit code {code} before the job had returned" in error


def test_a_job_that_exits_has_failed(stores: Stores):
    job_id = dispatch(term_jobs.exit_politely, options=ALONE)

    work_off()

    assert verdict(stores, job_id) == ("failed", "SystemExit: 0")


def test_a_job_that_closes_every_file_fails_and_the_next_one_runs(stores: Stores):
    closed, good = dispatch(term_jobs.close_every_file, options=ALONE), dispatch(jobs.nothing)

    work_off()

    assert verdict(stores, closed)[0] == "failed"
    assert ended(stores, good).row.status == "finished"


def test_a_job_that_leaves_a_thread_and_a_process_behind_holds_nobody_up(stores: Stores, tmp_path: Path):
    pid = tmp_path / "pid"
    job_id = dispatch(term_jobs.leave_some_behind, str(pid), options=ALONE)

    began = time.monotonic()
    work_off()

    assert time.monotonic() - began < 5
    assert ended(stores, job_id).row.status == "finished"
    os.kill(int(pid.read_text()), signal.SIGKILL)


def test_a_job_that_takes_the_alarm_for_itself_is_killed_past_its_limit(stores: Stores):
    job_id = dispatch(term_jobs.take_the_alarm, options=JobOptions(isolate=True, timeout=1))

    began = time.monotonic()
    work_off()

    assert time.monotonic() - began < 1 + 5
    assert "paid no heed to the alarm" in verdict(stores, job_id)[1]


def test_a_killed_process_costs_an_attempt_like_any_failure(stores: Stores, redis: Redis):
    job_id = dispatch(term_jobs.die, int(signal.SIGKILL), options=JobOptions(isolate=True, tries=2))

    work_off()

    assert verdict(stores, job_id)[0] == "failed"
    assert outcomes(redis) == ["retried", "failed"]


def test_an_isolated_job_ends_at_its_time_limit_by_an_exception_in_it(stores: Stores, tmp_path: Path):
    job_id = dispatch(term_jobs.sleep_long, str(tmp_path / "pid"), options=JobOptions(isolate=True, timeout=1))

    work_off()

    status, error = verdict(stores, job_id)
    assert status == "failed"
    assert error.endswith("The job ran longer than its limit of 1 seconds.")
    assert "in sleep_long" in ended(stores, job_id).attempts[0].traceback


def test_an_isolated_job_that_is_deaf_to_its_limit_is_killed_within_five_seconds(stores: Stores, tmp_path: Path):
    pid = tmp_path / "pid"
    job_id = dispatch(term_jobs.sleep_deaf, str(pid), options=JobOptions(isolate=True, timeout=1))

    began = time.monotonic()
    work_off()

    assert time.monotonic() - began < 1 + 5
    status, error = verdict(stores, job_id)
    assert status == "failed"
    assert "limit of 1 seconds and paid no heed to the alarm" in error
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


def test_the_death_of_a_killed_job_may_be_seen_at_any_moment(
    stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kill = os.killpg

    def kill_and_see_it_dead(group: int, number: int) -> None:
        kill(group, number)
        os.waitid(os.P_PID, group, os.WEXITED | os.WNOWAIT)

    monkeypatch.setattr(os, "killpg", kill_and_see_it_dead)
    job_id = dispatch(term_jobs.sleep_deaf, str(tmp_path / "pid"), options=JobOptions(isolate=True, timeout=1))

    work_off()

    assert "limit of 1 seconds and paid no heed to the alarm" in verdict(stores, job_id)[1]


def test_rqs_stop_command_stops_an_isolated_job(stores: Stores):
    job_id = dispatch(term_jobs.stop_from_outside, options=ALONE)

    work_off()

    assert stores.jobs.rows([job_id])[0].status == "stopped"


def test_a_job_that_asks_to_be_tried_again_may_do_so_from_its_own_process(redis: Redis):
    job_id = dispatch(term_jobs.ask_again, 40, options=ALONE)

    work_off()

    assert redis.zscore("rq:scheduled:default", job_id) == pytest.approx(time.time() + 40, abs=2)


def test_an_isolated_job_has_no_socket_of_its_parent_and_may_use_redis_and_the_database(stores: Stores):
    sockets = term_jobs.open_sockets()
    assert sockets
    inherited = dispatch(term_jobs.sockets_of_the_parent, sockets, options=ALONE)
    used = dispatch(term_jobs.touch_redis_and_database, options=ALONE)

    work_off()

    assert ended(stores, inherited).attempts[0].value == "[]"
    assert ended(stores, used).row.status == "finished"


def test_an_isolated_job_that_forks_is_filed_once(stores: Stores):
    job_id = dispatch(term_jobs.fork_and_return, options=ALONE)

    work_off()

    assert [each.value for each in ended(stores, job_id).attempts] == ["1"]


def test_what_an_isolated_job_takes_of_memory_is_free_afterwards(stores: Stores):
    dispatch(term_jobs.grow, 200, options=ALONE)
    before = memory_bytes()

    work_off()

    assert memory_bytes() - before < 100 * 1024 * 1024
    assert term_jobs.kept == []


def test_an_isolated_job_acts_for_its_tenant(tmp_path: Path, redis: Redis):
    seen = tmp_path / "seen"
    dispatch(term_jobs.tenant, str(seen), options=JobOptions(isolate=True, tenant="acme"))

    work_off()

    assert seen.read_text().splitlines() == ["acme"]


def test_the_time_that_an_isolated_job_ran_is_noted(stores: Stores):
    dispatch(term_jobs.rest, 0.4, options=ALONE)

    work_off()

    [run] = run_records(stores.client)
    assert 0.4 <= run.ended_at - run.started_at < 3.0


def test_no_file_and_no_process_is_left_behind_by_isolated_jobs(stores: Stores):
    ids = [dispatch(term_jobs.process_id, options=ALONE) for _ in range(5)]
    before = len(os.listdir("/proc/self/fd"))

    work_off()

    # One connection may have been opened meanwhile.
    assert len(os.listdir("/proc/self/fd")) <= before + 1
    pids = {ended(stores, each).attempts[0].value for each in ids}
    assert len(pids) == 5
    assert not [each for each in pids if Path(f"/proc/{each}").exists()]


def test_an_isolated_job_that_waits_for_its_lock_is_put_off_before_it_is_forked(redis: Redis, stores: Stores):
    redis.set(stores.keys.overlap("x"), "another")
    job_id = dispatch(
        jobs.nothing, options=JobOptions(isolate=True, without_overlapping=True, overlap_key="x", tries=1)
    )

    work_off()

    assert redis.zscore("rq:scheduled:default", job_id) is not None
