"""What is noted of each ended attempt."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

from rq.exceptions import DeserializationError
from rq.job import Job

from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.run_record import ARGUMENTS_KEPT, TRACEBACK_KEPT, RunOutcome, RunRecord

UNREADABLE = "unreadable"


def run_of(
    job: Job, held: Reservation, outcome: RunOutcome, *, supervisor: str, version: str, exc_string: str = ""
) -> RunRecord:
    """The record of a job's attempt that has just ended.

    Args:
        exc_string: RQ's text of the failure: a traceback, or a line.
    """
    ended_at = unix(job.ended_at) or time.time()
    error = exc_string.rstrip()
    return RunRecord(
        execution_id=held.execution_id,
        job_id=job.id,
        name=name_of(job),
        queue=held.queue,
        worker=held.worker,
        supervisor=supervisor,
        attempt=getattr(job, "attempt", 1),
        enqueued_at=unix(job.enqueued_at) or 0.0,
        started_at=held.taken_at,
        ended_at=ended_at,
        outcome=outcome,
        terms=getattr(job, "terms_text", ""),
        call=call_of(job),
        error=error.rpartition("\n")[2],
        traceback=error[-TRACEBACK_KEPT:] if "\n" in error else "",
        version=version,
    )


def run_without_job(held: Reservation, outcome: RunOutcome, *, version: str, error: str) -> RunRecord:
    """The record of an attempt whose job cannot be read, or is gone; it ends now."""
    return RunRecord(
        execution_id=held.execution_id,
        job_id=held.job_id,
        name=UNREADABLE,
        queue=held.queue,
        worker=held.worker,
        supervisor="",
        attempt=1,
        enqueued_at=0.0,
        started_at=held.taken_at,
        ended_at=max(time.time(), held.taken_at),
        outcome=outcome,
        error=error,
        version=version,
    )


def call_of(job: Job) -> str:
    """A job's arguments as JSON, ``[[positional, ...], {named}]``, cut short; empty when they cannot be read."""
    try:
        # The usual call is JSON already, with the function's name before the arguments.
        head = f'["{job.func_name}", null, '.encode()
        data = job.data
        if data.startswith(head):
            return "[" + data[len(head) : len(head) + ARGUMENTS_KEPT - 1].decode(errors="ignore")
        return json.dumps([job.args, job.kwargs], default=repr)[:ARGUMENTS_KEPT]
    except (DeserializationError, TypeError, ValueError):
        return ""


def name_of(job: Job) -> str:
    """The job's dotted name; a fixed word when its data cannot be read."""
    try:
        return str(job.func_name)
    except DeserializationError:
        return UNREADABLE


def unix(moment: datetime | None) -> float | None:
    """Unix seconds of one of RQ's times, which may lack a zone and are UTC then."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
