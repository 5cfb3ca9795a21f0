from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.workers import WorkerRecord
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, manage, running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


@pytest.fixture
def horizon(stores: Stores) -> Iterator[Running]:
    """A real master with one real worker (``local``), ready for jobs."""
    with running("horizon") as process:
        eventually(lambda: idle_workers(stores), within=20, explain=process.said)
        yield process


def idle_workers(stores: Stores) -> list[WorkerRecord]:
    return [each for each in stores.workers.living() if each.state == "idle"]


def line_in(file: Path, line: str) -> Callable[[], bool]:
    return lambda: file.exists() and line in file.read_text().splitlines()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def test_a_killed_worker_is_replaced_and_its_job_ends_failed_in_words(horizon: Running, stores: Stores, tmp_path: Path):
    job_id = dispatch(jobs.hold, str(tmp_path / "trail"), str(tmp_path / "never"))
    eventually(line_in(tmp_path / "trail", "held"), explain=horizon.said)
    busy = eventually(lambda: [each for each in stores.workers.living() if each.job_id == job_id])[0]

    os.kill(busy.pid, signal.SIGKILL)

    eventually(lambda: stores.jobs.counts(QUEUES)[State.FAILED] == 1, within=2, explain=horizon.said)
    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert rows[0].error.endswith(
        f"worker {busy.pid} on {busy.host} was killed by signal 9 (SIGKILL); was it out of memory?"
    )
    fresh = eventually(lambda: [each for each in idle_workers(stores) if each.pid != busy.pid], explain=horizon.said)
    assert len(fresh) == 1
    assert stores.workers.lost(since=0)[0].name == busy.name


def test_term_finishes_the_running_job_takes_no_other_and_leaves(horizon: Running, stores: Stores, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    dispatch(jobs.hold, str(trail), str(release))
    dispatch(jobs.note, str(trail), "the next job")
    eventually(line_in(trail, "held"), explain=horizon.said)

    horizon.send(signal.SIGTERM)
    eventually(lambda: [each for each in stores.workers.living() if each.state == "leaving"], explain=horizon.said)
    release.touch()

    assert horizon.wait() == 0, horizon.said()
    assert trail.read_text().splitlines() == ["held", "held ended"]
    assert stores.jobs.lengths(["default"]) == {"default": 1}
    assert stores.jobs.counts(QUEUES)[State.FINISHED] == 1
    assert stores.masters.living() == []
    assert stores.workers.living() == []


def test_a_second_term_stops_the_running_job_which_ends_failed(horizon: Running, stores: Stores, tmp_path: Path):
    dispatch(jobs.hold, str(tmp_path / "trail"), str(tmp_path / "never"))
    eventually(line_in(tmp_path / "trail", "held"), explain=horizon.said)

    horizon.send(signal.SIGTERM)
    eventually(lambda: [each for each in stores.workers.living() if each.state == "leaving"], explain=horizon.said)

    def insist() -> bool:
        horizon.send(signal.SIGTERM)
        return horizon.has_ended()

    eventually(insist, within=10, explain=horizon.said)
    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert "told twice to leave" in rows[0].error


def test_a_running_lower_job_is_not_interrupted_and_the_late_high_one_goes_next(
    horizon: Running, stores: Stores, tmp_path: Path
):
    trail, release = tmp_path / "trail", tmp_path / "release"
    dispatch(jobs.hold, str(trail), str(release), "sync", options=JobOptions(queue="audience-sync"))
    eventually(line_in(trail, "sync"), explain=horizon.said)
    for queue in ("audience-sync", "default", "high"):
        dispatch(jobs.note, str(trail), queue, options=JobOptions(queue=queue))
    release.touch()

    eventually(line_in(trail, "audience-sync"), explain=horizon.said)
    assert trail.read_text().splitlines() == ["sync", "sync ended", "high", "default", "audience-sync"]


def test_paused_workers_take_nothing_until_they_may_continue(horizon: Running, stores: Stores):
    assert manage("horizon_pause", "--reason", "maintenance").returncode == 0
    assert manage("horizon_status").returncode == 1
    job_id = dispatch(jobs.nothing)
    assert "maintenance" in manage("horizon_status").stdout
    assert stores.jobs.lengths(["default"]) == {"default": 1}

    assert manage("horizon_continue").returncode == 0
    eventually(lambda: stores.jobs.rows([job_id])[0].status == "finished", explain=horizon.said)
    assert manage("horizon_status").returncode == 0


def test_signals_pause_and_continue_a_master(horizon: Running, stores: Stores):
    horizon.send(signal.SIGUSR2)
    eventually(lambda: [each for each in stores.workers.living() if each.state == "paused"], explain=horizon.said)
    assert manage("horizon_status").returncode == 1

    horizon.send(signal.SIGCONT)
    eventually(lambda: idle_workers(stores), explain=horizon.said)
    eventually(lambda: stores.masters.living()[0].status == "running", explain=horizon.said)


def test_usr1_replaces_the_workers_by_fresh_ones(horizon: Running, stores: Stores):
    old = idle_workers(stores)[0].pid

    horizon.send(signal.SIGUSR1)

    eventually(lambda: [each for each in idle_workers(stores) if each.pid != old], explain=horizon.said)
    eventually(lambda: not is_alive(old), explain=horizon.said)


def test_workers_of_a_killed_master_finish_their_job_and_leave(horizon: Running, stores: Stores, tmp_path: Path):
    trail, release = tmp_path / "trail", tmp_path / "release"
    dispatch(jobs.hold, str(trail), str(release))
    eventually(line_in(trail, "held"), explain=horizon.said)
    worker = stores.workers.living()[0]

    horizon.send(signal.SIGKILL)
    eventually(lambda: [each for each in stores.workers.living() if each.state == "leaving"], explain=horizon.said)
    release.touch()

    eventually(lambda: not is_alive(worker.pid), explain=horizon.said)
    assert stores.jobs.counts(QUEUES)[State.FINISHED] == 1


def test_a_job_that_ignores_its_time_limit_is_killed_with_its_worker(horizon: Running, stores: Stores):
    dispatch(jobs.ignore_everything, options=JobOptions(timeout=1))

    eventually(lambda: stores.jobs.counts(QUEUES)[State.FAILED] == 1, within=12, explain=horizon.said)
    rows, _ = stores.jobs.page(State.FAILED, QUEUES)
    assert "SIGKILL" in rows[0].error


def test_terminate_ends_the_masters_of_this_host(horizon: Running, stores: Stores):
    result = manage("horizon_terminate", "--wait")

    assert result.returncode == 0, result.stderr
    assert horizon.wait() == 0
    assert manage("horizon_status").returncode == 2


def test_the_list_shows_masters_and_workers(horizon: Running, stores: Stores):
    plain = manage("horizon_list").stdout
    data = json.loads(manage("horizon_list", "--json").stdout)

    assert "supervisor-1  running  1 of 1 workers  high > default > audience-sync" in plain
    assert [each["pid"] for each in data["masters"]] == [horizon.pid]


def test_another_connection_than_redis_starts_no_worker_and_says_so_loudly(stores: Stores):
    with running("horizon", QUEUE_CONNECTION="sync") as process:
        master = eventually(stores.masters.living, within=20, explain=process.said)[0]
        assert "QUEUE_CONNECTION is 'sync', so Horizon starts no worker" in process.said()
        assert (master.status, master.supervisors, stores.workers.living()) == ("idle", (), [])
    assert "starts no worker" in manage("check", QUEUE_CONNECTION="sync").stderr


def test_rqworker_works_alone_in_strict_order(stores: Stores, tmp_path: Path):
    trail = tmp_path / "trail"
    for queue in reversed(QUEUES):
        dispatch(jobs.note, str(trail), queue, options=JobOptions(queue=queue))

    result = manage("rqworker", *QUEUES, "--burst")

    assert result.returncode == 0, result.stderr
    assert trail.read_text().splitlines() == QUEUES


def test_rqworker_refuses_an_unknown_queue_with_the_nearest_name():
    result = manage("rqworker", "high", "defualt")

    assert result.returncode == 1
    assert "no queue 'defualt' in RQ_QUEUES; did you mean 'default'?" in result.stderr
