"""Jobs in processes of their own, with real workers and real signals."""

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
from tests.support import jobs, term_jobs
from tests.support.eventually import eventually
from tests.support.running import running

pytestmark = pytest.mark.django_db(transaction=True)

ALONE = JobOptions(isolate=True)


def pid_in(file: Path) -> int:
    """The process that a job has noted, once it has."""
    return int(eventually(lambda: file.exists() and file.read_text().split())[0])


def is_gone(pid: int) -> bool:
    """Whether the process has ended, as far as it can be without its parent's look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def status(stores: Stores, job_id: str) -> str:
    return str(stores.jobs.rows([job_id])[0].status)


def error(stores: Stores, job_id: str) -> str:
    detail = stores.jobs.get(job_id)
    assert detail is not None
    return detail.row.error


def test_a_job_whose_process_is_killed_fails_in_words_and_its_worker_goes_on(
    redis: Redis, stores: Stores, tmp_path: Path
):
    noted = tmp_path / "pid"
    killed = dispatch(term_jobs.sleep_long, str(noted), options=ALONE)
    with running("rqworker", "default") as worker:
        os.kill(pid_in(noted), signal.SIGKILL)

        eventually(lambda: status(stores, killed) == "failed", within=5, explain=worker.said)
        assert "was killed by signal 9 (SIGKILL); was it out of memory?" in error(stores, killed)
        good = dispatch(jobs.nothing)
        eventually(lambda: status(stores, good) == "finished", explain=worker.said)
        assert not worker.has_ended()


def test_an_isolated_job_dies_with_its_worker(redis: Redis, tmp_path: Path):
    noted = tmp_path / "pid"
    dispatch(term_jobs.sleep_deaf, str(noted), options=ALONE)
    with running("rqworker", "default") as worker:
        child = pid_in(noted)
        worker.send(signal.SIGKILL)
        worker.wait()

        eventually(lambda: is_gone(child), within=2)


def test_signals_to_the_whole_tree_kill_no_isolated_job(redis: Redis, stores: Stores, tmp_path: Path):
    noted, release = tmp_path / "pid", tmp_path / "release"
    job_id = dispatch(term_jobs.wait_for, str(noted), str(release), options=ALONE)
    with running("rqworker", "default") as worker:
        child = pid_in(noted)
        for pid in (child, worker.pid):
            os.kill(pid, signal.SIGTERM)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT):
            os.kill(child, number)
        release.touch()

        assert worker.wait() == 0
    assert status(stores, job_id) == "finished"


def test_a_second_signal_to_leave_stops_the_isolated_job(redis: Redis, stores: Stores, tmp_path: Path):
    noted = tmp_path / "pid"
    job_id = dispatch(term_jobs.sleep_deaf, str(noted), options=ALONE)
    with running("rqworker", "default") as worker:
        child = pid_in(noted)
        worker.send(signal.SIGTERM)
        # A worker takes two signals within a second for one wish to leave.
        again = time.monotonic() + 1.2
        eventually(lambda: time.monotonic() > again)
        worker.send(signal.SIGTERM)

        assert worker.wait() == 0
    assert "told twice to leave" in error(stores, job_id)
    assert is_gone(child)
