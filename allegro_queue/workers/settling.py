"""What becomes of the job that a dead worker held: retried or failed, in words; put back if it was never begun.

A job counts as started from the step that takes it, and has begun when its function is called. Whoever shares the
worker's memory (``begun.py``) knows of the latter; for everybody else, what has started has begun.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.executions import Execution
from rq.job import Job, JobStatus

from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.run_record import RunOutcome, RunRecord
from allegro_queue.stores.workers import LostWorker
from allegro_queue.tellings import Telling
from allegro_queue.workers.filing import FilingWorker, Value, queue_what_is_ready
from allegro_queue.workers.holding import free_overlap_now, terms_of
from allegro_queue.workers.quarantine import quarantine
from allegro_queue.workers.recorder import name_of, run_of, run_without_job

log = logging.getLogger(__name__)


def settle(
    stores: Stores, worker: str, *, host: str, pid: int, reason: Telling, begun: str | None = None
) -> LostWorker | None:
    """Settle one dead worker; ``None`` when somebody else is doing it, or it died with nothing to its name.

    Args:
        reason: how it died, such as ``was killed by signal 9 (SIGKILL)``; becomes the job's failure, in English.
        begun: the attempt whose function it had called last, by the execution's id; ``None`` when that is not known.
    """
    if not stores.workers.begin_settling(worker, by=f"{socket.gethostname()}:{os.getpid()}"):
        return None
    try:
        held = stores.reservations.of(worker)
        outcome, job = settle_job(stores, held, f"worker {pid} on {host} {reason}", begun) if held else ("", None)
        queue_what_is_ready(stores)
        lost = LostWorker(
            name=worker,
            host=host,
            pid=pid,
            lost_at=time.time(),
            reason=reason.english,
            reason_said=reason,
            job_id=held.job_id if held else "",
            job_name=name_of(job) if job else "",
            outcome=outcome,
        )
        stores.workers.add_lost(lost)
        stores.workers.remove(worker)
    finally:
        stores.workers.end_settling(worker)
    log.warning("worker lost name=%s reason=%s job=%s outcome=%s", worker, reason, lost.job_id or "-", outcome or "-")
    return lost


class StandIn(FilingWorker):
    """Files the job of a dead worker in that worker's name."""

    fails_as: RunOutcome = "lost"

    def patiently(self, step: Callable[..., Value], *args: Any) -> Value:
        """Try once: whoever settles has others to look after, and comes again."""
        return step(*args)

    def fail(self, job: Job, execution: Execution | None, reason: str) -> bool:
        """File a job as failed, in words, or put it on its queue again if it has tries left.

        Returns:
            whether it will be tried again.
        """
        job.ended_at = datetime.now(UTC)
        will_retry = bool(job.should_retry)
        self.handle_job_failure(
            job, self.queues[0], exc_string=f"allegro_queue.errors.WorkerLost: {reason}", execution=execution
        )
        return will_retry


def settle_job(stores: Stores, held: Reservation, reason: str, begun: str | None = None) -> tuple[str, Job | None]:
    """What became of a reserved job (``put back``, ``failed``, ``retried`` or ``ended``), and the job."""
    try:
        job = HorizonJob.fetch(held.job_id, connection=stores.client)
        terms_of(job)
    except NoSuchJobError:
        forget_reservation(stores, held, None, reason)
        return "gone", None
    except Exception as error:  # noqa: BLE001 - whatever the hash holds, it must not stop the one who settles
        quarantine(stores, held, error)
        return "failed", None
    status = job.get_status(refresh=False)
    execution = attempt_left_by(job, held)
    if status == JobStatus.QUEUED:
        if execution is not None:
            with stores.client.pipeline() as pipeline:
                execution.delete(job=job, pipeline=pipeline)
                pipeline.execute()
        stores.reservations.put_back(held)
        free_overlap_now(stores, job, held)
        return "put back", job
    if status != JobStatus.STARTED or job.worker_name != held.worker:
        # Somebody else ended it meanwhile, such as by cancelling it.
        forget_reservation(stores, held, job, reason)
        return "ended", job
    if begun is not None and begun != held.execution_id and stores.reservations.put_back_unbegun(held):
        free_overlap_now(stores, job, held)
        return "put back", job
    stand_in = StandIn(
        [get_queue(held.queue, stores.client)], name=held.worker, connection=stores.client, prepare_for_work=False
    )
    stand_in.held = held
    record = stores.workers.get(held.worker)
    stand_in.supervisor = record.supervisor if record else ""
    retried = stand_in.fail(job, execution, reason)
    return ("retried" if retried else "failed"), job


def attempt_left_by(job: Job, held: Reservation) -> Execution | None:
    """RQ's record of the dead worker's attempt, if it got that far."""
    if held.execution_id:
        known = Execution(held.execution_id, held.job_id, job.connection, worker_name=held.worker)
        known.created_at = job.started_at or known.created_at
        return known
    for execution_id in job.execution_registry.get_execution_ids():
        try:
            execution = Execution.fetch(id=execution_id, job_id=job.id, connection=job.connection)
        except ValueError:
            # Its hash has expired; the registry entry follows by itself.
            continue
        if execution.worker_name == held.worker:
            return execution
    return None


def forget_reservation(stores: Stores, held: Reservation, job: Job | None, reason: str) -> None:
    """Forget that a job is held, and RQ's records of the attempt: there is nothing to file but that it was lost."""
    if held.execution_id:
        stub = HorizonJob(held.job_id, connection=stores.client)
        stub.origin = held.origin
        with stores.client.pipeline() as pipeline:
            attempt = Execution(held.execution_id, held.job_id, stores.client, worker_name=held.worker)
            attempt.delete(stub, pipeline)
            pipeline.execute()
    stores.reservations.drop(held, lost_run(held, job, reason), stores.runs.kept)
    if job is not None:
        free_overlap_now(stores, job, held)


def lost_run(held: Reservation, job: Job | None, reason: str) -> RunRecord | None:
    """The record of an attempt that died with its worker; ``None`` when it had not begun."""
    if not held.execution_id:
        return None
    error, version = f"allegro_queue.errors.WorkerLost: {reason}", horizon_settings().version
    if job is None:
        return run_without_job(held, "lost", version=version, error=error)
    job.ended_at = datetime.now(UTC)
    return run_of(job, held, "lost", supervisor="", version=version, exc_string=error)
