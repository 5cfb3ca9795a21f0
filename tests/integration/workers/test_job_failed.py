"""The signal of a job that has failed for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.signals import job_failed
from allegro_queue.workers.child import make_worker
from tests.support import jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    told: list[dict[str, Any]] = []

    def hear(**what: Any) -> None:
        told.append({name: what[name] for name in ("job_id", "job_name", "queue", "exception")})

    job_failed.connect(hear)
    yield told
    job_failed.disconnect(hear)


def work_off() -> None:
    worker = make_worker(["default"], name="web-1.4121.abcd")
    assert worker is not None
    worker.work(burst=True)


def test_a_failed_job_is_told_once_it_has_no_try_left(redis: Redis, heard: list[dict[str, Any]]):
    job_id = dispatch(jobs.fail, options=JobOptions(tries=3))
    dispatch(jobs.nothing)

    work_off()

    assert heard == [
        {"job_id": job_id, "job_name": "tests.support.jobs.fail", "queue": "default", "exception": "ValueError"}
    ]


def test_a_receiver_that_fails_stops_no_worker(redis: Redis, heard: list[dict[str, Any]]):
    def fails(**what: Any) -> None:
        raise RuntimeError

    job_failed.connect(fails)
    dispatch(jobs.fail)
    dispatch(jobs.fail)
    work_off()
    job_failed.disconnect(fails)

    assert len(heard) == 2
