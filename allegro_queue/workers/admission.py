"""Whether a taken job may run now. One that may not is put off to a time of its own, which costs it no attempt."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime

from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue

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


def put_off(worker: FilingWorker, job: Job, queue: Queue, execution: Execution, wait: Wait) -> None:
    """Let the job go and schedule it by RQ's own methods, in one transaction, as if it had not been taken."""
    job.started_at = job.worker_name = None
    with worker.connection.pipeline() as pipeline:
        execution.delete(job, pipeline)
        worker.stores.reservations.release(worker.name, pipeline)
        pipeline.hset(job.key, REASON_FIELD, wait.reason)
        queue.schedule_job(job, datetime.fromtimestamp(wait.until, UTC), pipeline=pipeline)
        pipeline.execute()
