"""Which jobs end in a worker's next step, and what is written of them. The others end by RQ's own methods."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from operator import attrgetter
from typing import Any

from rq.defaults import UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
from rq.job import Job, Retry
from rq.results import Result

from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.steps import Finish
from allegro_queue.terms import decode_terms
from allegro_queue.workers.recorder import run_of, unix

saved_values = attrgetter(
    "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat", "worker_name", "origin", "description",
    "_data", "timeout", "result_ttl", "failure_ttl", "ttl", "group_id", "retries_left", "retry_intervals",
    "number_of_retries", "enqueue_at_front", "enqueue_at_front_on_retry", "allow_dependency_failures",
    "repeats_left", "repeat_intervals", "rate_limit_key", "rate_limit_concurrency", "_exc_info",
    "_success_callback_name", "_failure_callback_name", "_stopped_callback_name",
    "_success_callback_timeout", "_failure_callback_timeout", "_stopped_callback_timeout",
)  # fmt: skip
"""What RQ writes to a job's hash when the job ends: if the job has changed any of it, RQ must write it."""


def is_plain(job: Job, result: Any, result_ttl: int, before: tuple[Any, ...]) -> bool:
    """Whether nothing follows from the job's return but that it is filed as finished.

    Args:
        before: its ``saved_values`` when it began.
    """
    return not (
        isinstance(result, Retry)
        or result_ttl == 0
        or result_ttl < -1
        or job.repeats_left
        or job.webhooks
        or job.rate_limit_key
        or job._success_callback_name
        or saved_values(job) != before
        or not decode_terms(getattr(job, "terms_text", "")).are_plain
    )


def finish_of(
    job: Job,
    held: Reservation,
    result: Any,
    result_ttl: int,
    ended_at: datetime,
    *,
    supervisor: str = "",
    version: str = "",
) -> Finish:
    """What the next step writes of a plain job."""
    assert job.started_at is not None
    job.ended_at = ended_at
    started, ended = job.started_at.timestamp(), ended_at.timestamp()
    entry: list[str | bytes | int | float] = ["type", Result.Type.SUCCESSFUL.value, "worker_name", held.worker]
    if result is not None:
        entry += ["return_value", b64encode(written(job, result))]
    entry += [
        *("execution_id", held.execution_id),
        *("execution_started_at", repr(started)),
        *("execution_ended_at", repr(ended)),
    ]
    run = run_of(job, held, "succeeded", supervisor=supervisor, version=version)
    return Finish(
        held=held,
        ended_at=ended_at,
        result_ttl=result_ttl,
        has_dependencies=bool(job._dependency_ids),
        runtime_ms=(ended - started) * 1000,
        # Clocks of two hosts may differ: a wait below nothing is none.
        wait_ms=max(started - (unix(job.enqueued_at) or started), 0.0) * 1000,
        name=run.name,
        entry=tuple(entry),
        run=run.encode(),
    )


def written(job: Job, result: Any) -> bytes:
    """A result as it is kept; a fixed text when it cannot be."""
    try:
        return job.serializer.dumps(result)
    except Exception:  # noqa: BLE001 - whatever a serializer raises
        return job.serializer.dumps(UNSERIALIZABLE_RETURN_VALUE_PAYLOAD)
