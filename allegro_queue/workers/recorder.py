"""What is counted of each ended attempt."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Literal

from rq.exceptions import DeserializationError
from rq.job import Job

from allegro_queue.stores.metrics import Outcome

Result = Literal["done", "failed", "retried"]

UNREADABLE = "unreadable"


def outcome_of(job: Job, result: Result) -> Outcome:
    """The outcome of a job that just ended, from the times that RQ noted on it."""
    ended_at = unix(job.ended_at) or time.time()
    started_at = unix(job.started_at) or ended_at
    enqueued_at = unix(job.enqueued_at) or started_at
    return Outcome(
        queue=job.origin,
        job=name_of(job),
        result=result,
        runtime_ms=max(ended_at - started_at, 0.0) * 1000,
        # Clocks of two hosts may differ: a wait below nothing is none.
        wait_ms=max(started_at - enqueued_at, 0.0) * 1000,
        ended_at=ended_at,
    )


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
