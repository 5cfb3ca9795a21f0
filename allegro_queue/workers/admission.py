"""Whether a taken job may run now. One that may not is put off to a time of its own, which costs it no attempt; one whose
batch was cancelled is never run."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.queue import Queue
from rq.registry import CanceledJobRegistry
from rq.utils import utcformat

from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import REASON_FIELD
from allegro_queue.stores.locks import Refusal
from allegro_queue.stores.reservations import Reservation
from allegro_queue.terms import Terms
from allegro_queue.workers.filing import FilingWorker
from allegro_queue.workers.holding import terms_of

log = logging.getLogger(__name__)

OVERLAP_PAUSE = 5.0
"""Seconds after which a job looks again whether what it works on is free."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Until when a job is put off, and why."""

    until: int
    """Unix time in whole seconds, as RQ keeps it."""

    reason: str


def wait_after(terms: Terms, refusal: Refusal, now: float) -> Wait:
    """When a refused job is to come back, in words too; never sooner than in the next second."""
    if refusal.holder:
        reason = f"another job works on {terms.overlap_key!r}; looks again every {OVERLAP_PAUSE:.0f} s"
        return Wait(math.ceil(now + OVERLAP_PAUSE), reason)
    reason = f"{terms.rate_key!r} is limited to {terms.rate_limit} runs in {terms.rate_seconds} s"
    return Wait(max(math.ceil(refusal.free_at), math.floor(now) + 1), reason)


def is_put_off(
    worker: FilingWorker, job: Job, queue: Queue, execution: Execution, held: Reservation, now: float
) -> bool:
    """Ask whether the job may run now, and put it off if not; whether it was."""
    terms = terms_of(job)
    if not (terms.overlap_key or terms.rate_key):
        return False
    locks = worker.stores.locks
    refusal = worker.patiently(lambda: locks.admit(terms, job_id=job.id, execution_id=held.execution_id))
    if refusal is None:
        return False
    wait = wait_after(terms, refusal, now)
    worker.until_filed(lambda: put_off(worker, job, queue, execution, wait))
    log.info("job put off id=%s queue=%s until=%d: %s", job.id, held.queue, wait.until, wait.reason)
    return True


def is_skipped(worker: FilingWorker, job: Job, execution: Execution) -> bool:
    """Ask whether the job's batch was cancelled, and end the job unrun if so; whether it was."""
    batch = terms_of(job).batch
    if not batch:
        return False
    if not worker.patiently(worker.stores.batches.is_cancelled, batch):
        return False
    worker.until_filed(lambda: skip(worker, job, execution))
    log.info("job skipped id=%s: its batch %s was cancelled", job.id, batch)
    return True


def skip(worker: FilingWorker, job: Job, execution: Execution) -> None:
    """File a job as cancelled, in one transaction; it stays listed as long as a failed one, so that it can be run yet."""
    terms = terms_of(job)
    now = datetime.now(UTC)
    keep = job.failure_ttl if job.failure_ttl and job.failure_ttl > 0 else horizon_settings().failed_minutes * 60
    registry = CanceledJobRegistry.key_template.format(job.origin)
    with worker.connection.pipeline() as pipeline:
        execution.delete(job, pipeline)
        worker.stores.reservations.release(worker.name, pipeline)
        pipeline.hset(
            job.key,
            mapping={
                "status": JobStatus.CANCELED.value,
                "started_at": "",
                "worker_name": "",
                "ended_at": utcformat(now),
            },
        )
        pipeline.expire(job.key, keep)
        # RQ never tidies this registry; an id whose job is gone tells nobody anything.
        pipeline.zremrangebyscore(registry, "-inf", int(now.timestamp()))
        pipeline.zadd(registry, {job.id: int(now.timestamp()) + keep})
        if terms.unique_key:
            worker.stores.locks.free_unique(terms, job.id, pipeline)
        worker.stores.batches.ended(terms.batch, job.id, "skipped", pipeline)
        pipeline.execute()


def put_off(worker: FilingWorker, job: Job, queue: Queue, execution: Execution, wait: Wait) -> None:
    """Let the job go and schedule it by RQ's own methods, in one transaction, as if it had not been taken."""
    job.started_at = job.worker_name = None
    with worker.connection.pipeline() as pipeline:
        execution.delete(job, pipeline)
        worker.stores.reservations.release(worker.name, pipeline)
        pipeline.hset(job.key, REASON_FIELD, wait.reason)
        queue.schedule_job(job, datetime.fromtimestamp(wait.until, UTC), pipeline=pipeline)
        pipeline.execute()
