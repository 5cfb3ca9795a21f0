"""Taking a snapshot: the one function behind ``manage.py horizon_snapshot`` and the cron entry."""

from __future__ import annotations

import time

from allegro_queue.conf import horizon_settings
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores


def take_snapshot(stores: Stores, queues: tuple[str, ...], *, now: float, keep: int) -> int:
    """Freeze every tally; the number of queues and job names frozen. 0 when somebody else is at it.

    A queue is frozen also when nothing ran, since nothing is then what was measured.
    """
    if not stores.metrics.begin_snapshot():
        return 0
    started_at = stores.metrics.last_snapshot_at() or now - 300
    lengths = stores.jobs.lengths(queues)
    names = dict.fromkeys([*queues, *stores.metrics.names("queue")])
    for queue in names:
        length = lengths.get(queue, 0)
        stores.metrics.freeze("queue", queue, length=length, started_at=started_at, now=now, keep=keep)
    jobs = stores.metrics.names("job")
    for name in jobs:
        stores.metrics.freeze("job", name, length=0, started_at=started_at, now=now, keep=keep)
    stores.metrics.finish_snapshot(now)
    return len(names) + len(jobs)


def snapshot() -> int:
    """The job of the cron entry. Give it the highest queue: the thermometer must not queue behind the fever."""
    return take_snapshot(open_stores(), all_queues(), now=time.time(), keep=horizon_settings().snapshots)
