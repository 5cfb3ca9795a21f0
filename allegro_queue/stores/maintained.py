"""Which queues do not run since the application is under maintenance. Pure."""

from __future__ import annotations

from collections.abc import Collection

from allegro_queue.stores.masters import MasterRecord
from allegro_queue.stores.workers import WorkerRecord


def maintained_queues(masters: Collection[MasterRecord], workers: Collection[WorkerRecord]) -> tuple[str, ...]:
    """Queues of supervisors in maintenance mode that nobody else serves: neither a supervisor that goes on nor a worker
    that was started by hand, since those do not ask."""
    supervisors = [each for master in masters for each in master.supervisors]
    served = {queue for each in supervisors if not each.maintenance for queue in each.queue}
    served |= {queue for worker in workers if not worker.supervisor for queue in worker.queues}
    held = dict.fromkeys(queue for each in supervisors if each.maintenance for queue in each.queue)
    return tuple(queue for queue in held if queue not in served)
