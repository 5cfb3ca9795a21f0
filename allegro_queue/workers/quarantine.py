"""A job whose data RQ cannot read becomes a visible failure, instead of ending the worker that took it."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from rq.executions import Execution
from rq.job import JobStatus
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.utils import utcformat

from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import HorizonJob
from allegro_queue.stores import Stores
from allegro_queue.stores.reservations import Reservation
from allegro_queue.workers.recorder import run_without_job

log = logging.getLogger(__name__)


def quarantine(stores: Stores, held: Reservation, error: Exception) -> None:
    """File a reserved job as failed without reading it, and let it go, in one transaction.

    What its hash holds stays as it is, for whoever looks into it; only the status is set.
    """
    log.error("job unreadable id=%s queue=%s: %s", held.job_id, held.queue, error)
    reason = f"allegro_queue.errors.UnreadableJob: the job's data in Redis cannot be read: {error!r}"
    job = HorizonJob(held.job_id, connection=stores.client)
    job.origin = held.origin
    keep = horizon_settings().failed_minutes * 60
    now = time.time()
    with stores.client.pipeline() as pipeline:
        ended_at = utcformat(datetime.fromtimestamp(now, UTC))
        pipeline.hset(job.key, mapping={"status": JobStatus.FAILED.value, "origin": held.origin, "ended_at": ended_at})
        pipeline.expire(job.key, keep)
        pipeline.zadd(FailedJobRegistry(held.origin, connection=stores.client).key, {held.job_id: int(now + keep)})
        Result.create_failure(job, keep, reason, worker_name=held.worker, pipeline=pipeline)
        if held.execution_id:
            attempt = Execution(held.execution_id, held.job_id, stores.client, worker_name=held.worker)
            attempt.delete(job, pipeline)
        stores.reservations.release(held.worker, pipeline)
        stores.batches.ended("", held.job_id, "failed", pipeline)
        if held.execution_id:
            run = run_without_job(held, "failed", version=horizon_settings().version, error=reason)
            stores.runs.add(run, pipeline)
        pipeline.execute()
