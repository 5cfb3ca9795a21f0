"""Which jobs end in a worker's next step, and what is written of them. The others end by RQ's own methods."""

from __future__ import annotations

from base64 import b64encode
from operator import attrgetter
from typing import Any

from rq.defaults import UNSERIALIZABLE_RETURN_VALUE_PAYLOAD
from rq.job import Job, Retry

from allegro_queue.stores.run_record import decimal, decimal_of_us, run_text
from allegro_queue.stores.steps import Finish, Taken
from allegro_queue.workers.holding import holds_something
from allegro_queue.workers.recorder import call_of, unix

UNKNOWN = decimal(0.0)
"""A time that is not known."""

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
        or holds_something(job)
    )


def finish_of(
    job: Job,
    taken: Taken,
    name: str,
    result: Any,
    result_ttl: int,
    ended_us: int,
    *,
    supervisor: str = "",
    version: str = "",
) -> Finish:
    """What the next step writes of a plain job; ``name`` is that of the job (``name_of``)."""
    held = taken.held
    enqueued = job.enqueued_at
    started, ended = decimal_of_us(taken.started_us), decimal_of_us(ended_us)
    return Finish(
        held,
        ended_us,
        result_ttl,
        bool(job._dependency_ids),
        (ended_us - taken.started_us) / 1000,
        started,
        ended,
        b64encode(written(job, result)) if result is not None else b"",
        run_text(
            held.execution_id, held.job_id, name, held.queue, held.worker, supervisor,
            getattr(job, "attempt", 1), decimal(unix(enqueued) or 0.0) if enqueued is not None else UNKNOWN,
            started, ended, "succeeded", getattr(job, "terms_text", ""), call_of(job), "", "", version,
        ),
    )  # fmt: skip


def written(job: Job, result: Any) -> bytes:
    """A result as it is kept; a fixed text when it cannot be."""
    try:
        return job.serializer.dumps(result)
    except Exception:  # noqa: BLE001 - whatever a serializer raises
        return job.serializer.dumps(UNSERIALIZABLE_RETURN_VALUE_PAYLOAD)
