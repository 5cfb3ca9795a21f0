from __future__ import annotations

import signal

import pytest
from django.db.models import Sum
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.history.collected import read_place
from allegro_queue.history.models import Series
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.tellings import verbatim
from allegro_queue.workers.settling import settle
from tests.support import jobs
from tests.support.eventually import eventually
from tests.support.running import Running, running
from tests.support.runs import collected

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ["default"]
JOBS = 3000


def test_no_job_is_lost_or_counted_twice_when_workers_are_killed_and_cut_off(redis: Redis, stores: Stores):
    ids = [dispatch(jobs.nothing) for _ in range(JOBS)]
    for share in (0.2, 0.4, 0.6, 0.8):
        with running("rqworker", *QUEUES) as first, running("rqworker", *QUEUES) as second:
            wait_for_share(share, stores, first)
            redis.client_kill_filter(_type="normal", skipme=True)
            wait_for_share(share + 0.05, stores, first)
            for process in (first, second):
                process.send(signal.SIGKILL)
                process.wait()
    for held in stores.reservations.all():
        settle(stores, held.worker, host="here", pid=1, reason=verbatim("was killed by signal 9 (SIGKILL)"))

    with running("rqworker", *QUEUES) as last:
        eventually(lambda: stores.jobs.lengths(QUEUES)["default"] == 0, within=30, explain=last.said)
        eventually(lambda: ended(stores) == JOBS, explain=last.said)

    statuses = [row.status for row in stores.jobs.rows(ids)]
    killed = statuses.count("failed")
    assert statuses.count("finished") == JOBS - killed
    # Each killed worker held one job at most.
    assert killed <= 8
    assert stores.reservations.all() == []
    assert stores.audit.orphans(lambda: None) == []
    assert redis.keys("rq:execution:*") == []
    assert redis.zcard("rq:wip:default") == 0
    collected(stores)
    whole = Series.objects.filter(kind="queue", seconds=86_400).aggregate(runs=Sum("started"), done=Sum("succeeded"))
    assert whole == {"runs": JOBS, "done": JOBS - killed}
    assert read_place().duplicates == 0


def wait_for_share(share: float, stores: Stores, process: Running) -> None:
    """Until so large a part of the jobs has ended."""
    eventually(lambda: ended(stores) >= JOBS * share, within=30, explain=process.said)


def ended(stores: Stores) -> int:
    """Jobs in a final registry."""
    counts = stores.jobs.counts(QUEUES)
    return counts[State.FINISHED] + counts[State.FAILED]
