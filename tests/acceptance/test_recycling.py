"""Workers that have done their share leave, and fresh ones take their places."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support import jobs, term_jobs
from tests.support.eventually import eventually
from tests.support.running import Running, running

pytestmark = pytest.mark.django_db(transaction=True)


def supervising(**options: Any) -> AbstractContextManager[Running]:
    """A real master with one supervisor of these options."""
    return running(
        "horizon",
        DJANGO_SETTINGS_MODULE="tests.support.supervised",
        TEST_SUPERVISORS=json.dumps({"one": {"queue": ["high", "default"], **options}}),
    )


def all_done(stores: Stores, count: int) -> Callable[[], bool]:
    return lambda: stores.jobs.counts(["default"])[State.FINISHED] == count


def results(stores: Stores, ids: list[str]) -> list[str]:
    found = [stores.jobs.get(each) for each in ids]
    return [str(each.attempts[0].value) for each in found if each is not None]


def test_workers_are_replaced_after_so_many_jobs_and_nothing_is_lost(redis: Redis, stores: Stores):
    ids = [dispatch(term_jobs.process_id) for _ in range(12)]

    with supervising(max_jobs=3) as horizon:
        eventually(all_done(stores, 12), within=20, explain=horizon.said)
        pids = results(stores, ids)
        assert "it has run 3 jobs (max_jobs = 3)" in horizon.said()

    assert {pids.count(each) for each in pids} == {3}
    assert stores.workers.lost(0) == []


def test_workers_that_leak_are_replaced_and_nothing_is_lost(redis: Redis, stores: Stores):
    ids = [dispatch(term_jobs.grow, 60) for _ in range(8)]

    with supervising(memory=200) as horizon:
        eventually(all_done(stores, 8), within=30, explain=horizon.said)
        assert "MiB (memory = 200)" in horizon.said()

    assert [row.status for row in stores.jobs.rows(ids)] == ["finished"] * 8
    assert stores.workers.lost(0) == []


def test_a_worker_leaves_when_its_time_is_over(redis: Redis):
    with running("rqworker", "default", "--max-time", "1") as worker:
        assert worker.wait(within=15) == 0
        assert "(max_time = 1)" in worker.said()


def test_a_worker_by_hand_leaves_after_its_jobs_and_leaves_the_rest(redis: Redis, stores: Stores, tmp_path: Path):
    for number in range(3):
        dispatch(jobs.note, str(tmp_path / "trail"), str(number))

    with running("rqworker", "default", "--max-jobs", "2") as worker:
        assert worker.wait(within=15) == 0

    assert (tmp_path / "trail").read_text().splitlines() == ["0", "1"]
    assert stores.jobs.lengths(["default"]) == {"default": 1}


@pytest.mark.parametrize("option", ["--max-jobs", "--max-time", "--memory", "--max-idle-time"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_limit_that_is_none_is_refused(option: str, value: str):
    with pytest.raises(CommandError, match="give a whole number from 1 up, or leave the option out"):
        call_command("rqworker", "default", f"{option}={value}")
