from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, running

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["high", "default", "audience-sync"]


def faulty(fault: str, folder: Path, times: int = 1) -> AbstractContextManager[Running]:
    """A real master whose workers die at this point, so often."""
    return running(
        "horizon",
        DJANGO_SETTINGS_MODULE="tests.support.faulty",
        FAULT=fault,
        FAULT_TRAIL=str(folder / "deaths"),
        FAULT_TIMES=str(times),
    )


def test_a_job_whose_worker_dies_before_it_is_begun_runs_once_and_first(stores: Stores, redis: Redis, tmp_path: Path):
    trail = tmp_path / "trail"
    first = dispatch(jobs.note, str(trail), "first")
    dispatch(jobs.note, str(trail), "second")

    with faulty("before it began", tmp_path, times=2) as process:
        eventually(lambda: stores.jobs.counts(QUEUES)[State.FINISHED] == 2, within=20, explain=process.said)

    assert (tmp_path / "deaths").read_bytes() == b".."
    assert trail.read_text().splitlines() == ["first", "second"]
    assert [each.outcome for each in stores.workers.lost(since=0)] == ["put back", "put back"]
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 0
    assert redis.zcard(f"rq:executions:{first}") == 0


@pytest.mark.parametrize(("tries", "outcome"), [(1, "failed"), (2, "retried")])
def test_a_job_whose_worker_dies_after_it_is_begun_has_used_up_a_try(
    tries: int, outcome: str, stores: Stores, tmp_path: Path
):
    trail = tmp_path / "trail"
    dispatch(jobs.note, str(trail), "ran", options=JobOptions(tries=tries))

    with faulty("after it began", tmp_path) as process:
        eventually(lambda: [each.outcome for each in stores.workers.lost(since=0)] == [outcome], explain=process.said)
        if outcome == "retried":
            eventually(trail.exists, within=20, explain=process.said)

    assert trail.exists() == (outcome == "retried")
