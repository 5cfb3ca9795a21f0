from __future__ import annotations

import pytest
from rq.suspension import resume, suspend

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.stores.workload import Workload
from tests.support import jobs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _two_waiting(stores: Stores) -> None:
    for queue in ("high", "default"):
        dispatch(jobs.nothing, options=JobOptions(queue=queue))


@pytest.mark.usefixtures("_two_waiting")
def test_waiting_and_running_jobs_are_counted_per_queue(stores: Stores):
    stores.client.zadd("rq:wip:default", {"some-job:some-execution": 4_000_000_000})

    assert stores.workload.read(["high", "default", "audience-sync"], now=0) == {
        "high": Workload(waiting=1, running=0),
        "default": Workload(waiting=1, running=1),
        "audience-sync": Workload(waiting=0, running=0),
    }


@pytest.mark.usefixtures("_two_waiting")
def test_jobs_of_a_paused_queue_ask_for_no_worker(stores: Stores):
    def waiting(now: float) -> list[int]:
        return [each.waiting for each in stores.workload.read(["high", "default"], now).values()]

    stores.pauses.pause(Pause(queue="high", since=0, until=50))
    assert waiting(now=49) == [0, 1]
    assert waiting(now=51) == [1, 1]

    stores.pauses.pause(Pause(queue=ALL_QUEUES, since=0))
    assert waiting(now=51) == [0, 0]
    stores.pauses.resume_all()

    suspend(stores.client)
    assert waiting(now=51) == [0, 0]
    resume(stores.client)
    assert waiting(now=51) == [1, 1]


def test_the_run_time_is_what_the_collector_last_said(stores: Stores):
    def runtime_ms() -> float | None:
        return stores.workload.read(["default"], now=0)["default"].runtime_ms

    assert runtime_ms() is None

    stores.collecting.publish_runtimes({"default": 20.0, "high": 5.0})
    assert runtime_ms() == 20

    stores.collecting.publish_runtimes({"high": 5.0})
    assert runtime_ms() is None
