"""The failed jobs that there are, as RQ files them."""

from __future__ import annotations

from collections.abc import Sequence

from rq.registry import FailedJobRegistry

from allegro_queue.stores import Stores


def failed_ids(stores: Stores, queues: Sequence[str]) -> list[str]:
    """Ids of all failed jobs of these queues, the oldest of each first."""
    return [
        job_id
        for queue in queues
        for job_id in FailedJobRegistry(queue, connection=stores.client).get_job_ids(cleanup=False)
    ]
