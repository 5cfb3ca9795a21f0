"""Put a job on its queue, after the database commit. The one way in for code that uses the library."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, transaction
from rq.exceptions import DuplicateJobError
from rq.job import Retry

from allegro_queue.arguments import check_arguments
from allegro_queue.conf import HorizonSettings, horizon_settings, queue_configs
from allegro_queue.connection import UNREACHABLE, address, client
from allegro_queue.errors import InvalidJob, QueueUnavailable
from allegro_queue.jobs import JobOptions, declared_options, is_allowed, job_name
from allegro_queue.plan import options_serving
from allegro_queue.queues import check_queue, get_queue

log = logging.getLogger(__name__)

DEFAULT_QUEUE = "default"


def dispatch(
    function: Callable[..., Any],
    *args: Any,
    options: JobOptions | None = None,
    using: str = DEFAULT_DB_ALIAS,
    **kwargs: Any,
) -> str:
    """Queue a call of ``function`` and return the job's id.

    Inside a transaction the job goes out after the commit, and not at all after a roll-back. Options are taken from
    the call, then from ``@job``, then from the supervisor that serves the queue.

    Args:
        options: queue, tries and timeout for this call alone.
        using: alias of the database whose commit is waited for.

    Raises:
        InvalidJob: the function cannot be imported by name, is not allowed, or an argument does not survive JSON.
        UnknownQueue: the queue is not in ``RQ_QUEUES``.
        QueueUnavailable: Redis did not answer; nothing was queued.
    """
    settings, name, chosen = prepare(function, args, kwargs, options)
    job_id = str(uuid4())
    transaction.on_commit(lambda: enqueue(settings, name, args, kwargs, chosen, job_id), using=using)
    return job_id


def prepare(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], options: JobOptions | None
) -> tuple[HorizonSettings, str, JobOptions]:
    """The settings, the job's name, and its options without gaps; faults of the call are raised here, as by dispatch."""
    settings = horizon_settings()
    name = job_name(function)
    if not is_allowed(name, tuple(settings.allowed_jobs)):
        raise InvalidJob(
            f"{name} cannot be queued: it is not under HORIZON['allowed_jobs'] ({', '.join(settings.allowed_jobs)}), "
            "so no worker would run it. Add its package there (HORIZON_ALLOWED_JOBS)."
        )
    check_arguments(name, args, kwargs, settings.max_payload_bytes)
    return settings, name, resolve_options(settings, (options or JobOptions()).over(declared_options(function)))


def resolve_options(settings: HorizonSettings, given: JobOptions) -> JobOptions:
    """Options without gaps: what the job leaves open is taken from the supervisor that serves its queue.

    Raises:
        UnknownQueue: the queue is not in ``RQ_QUEUES``.
        InvalidJob: ``tries`` or ``timeout`` is not a whole number from 1 up.
    """
    queue = given.queue or DEFAULT_QUEUE
    check_queue(queue)
    for field in ("tries", "timeout"):
        value = getattr(given, field)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
            raise InvalidJob(f"A job for {queue!r} has {field} = {value!r}; it must be a whole number from 1 up.")
    supervisor = options_serving(settings, queue)
    timeout = queue_configs()[queue].get("DEFAULT_TIMEOUT") or supervisor.timeout
    return given.over(JobOptions(queue=queue, tries=supervisor.tries, timeout=timeout))


def enqueue(
    settings: HorizonSettings,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    options: JobOptions,
    job_id: str,
    *,
    once: bool = False,
) -> None:
    """Write the job to Redis, now.

    Args:
        once: not if Redis has a job of this id already, waiting, running or done.

    Raises:
        QueueUnavailable: Redis did not answer; nothing was queued.
    """
    assert options.queue is not None
    assert options.tries is not None
    connection = client()
    try:
        get_queue(options.queue, connection).enqueue_call(
            name,
            args=args,
            kwargs=kwargs,
            timeout=options.timeout,
            result_ttl=settings.completed_minutes * 60,
            failure_ttl=settings.failed_minutes * 60,
            # RQ's own description holds the arguments, which may be private, and ends up in logs.
            description=name,
            job_id=job_id,
            retry=Retry(max=options.tries - 1) if options.tries > 1 else None,
            unique=once,
        )
    except DuplicateJobError:
        log.debug("job was queued before name=%s id=%s", name, job_id)
        return
    except UNREACHABLE as error:
        raise QueueUnavailable(
            f"Redis at {address(connection)} did not answer ({error}); {name} was not queued. "
            "Is the server up, and are REDIS_HOST and REDIS_PORT (or REDIS_URL) right?"
        ) from error
    log.debug("job queued name=%s queue=%s id=%s", name, options.queue, job_id)
