"""An order: one function, options without gaps, a time; what all calls of one dispatch have in common."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from rq.job import JobStatus, Retry

from allegro_queue.arguments import arguments_as_json, payload
from allegro_queue.calls import Call, check_fit
from allegro_queue.conf import HorizonSettings, horizon_settings, queue_configs
from allegro_queue.connection import client
from allegro_queue.errors import InvalidConfiguration, InvalidJob
from allegro_queue.jobs import HorizonJob, JobOptions, declared_options, is_allowed, job_name
from allegro_queue.later import due_time
from allegro_queue.plan_problems import problems_in
from allegro_queue.queues import check_queue
from allegro_queue.rates import Rate
from allegro_queue.stores.enqueue import EnqueueStore, NewJob
from allegro_queue.stores.keys import Keys
from allegro_queue.supervisor_options import options_serving, queue_options
from allegro_queue.tenancy import current_tenant
from allegro_queue.terms import Terms
from allegro_queue.terms_of import TermsMaker

log = logging.getLogger(__name__)

DEFAULT_QUEUE = "default"


def order_for(
    function: Callable[..., Any],
    options: JobOptions | None,
    at: datetime | None,
    delay: float | timedelta | None,
    *,
    batch: str = "",
    follows: str = "",
) -> Order:
    """What all calls of one dispatch have in common; errors as of ``dispatch``.

    Args:
        batch: id of the batch that its jobs belong to.
        follows: id of the batch that its job comes after.
    """
    settings = horizon_settings()
    name = job_name(function)
    if not is_allowed(name, tuple(settings.allowed_jobs)):
        raise InvalidJob(
            f"{name} cannot be queued: it is not under HORIZON['allowed_jobs'] ({', '.join(settings.allowed_jobs)}), "
            "so no worker would run it. Add its package there (HORIZON_ALLOWED_JOBS)."
        )
    if options is not None and not isinstance(options, JobOptions):
        raise InvalidJob(f"{name} was given options as a {type(options).__name__}; write JobOptions(queue=...).")
    declared = declared_options(function)
    chosen = resolve_options(settings, options.over(declared) if options is not None else declared)
    now = datetime.now(UTC)
    due_at = due_time(at, delay, now)
    return Order(settings, name, function, chosen, created_at=now, due_at=due_at, batch=batch, follows=follows)


def resolve_options(settings: HorizonSettings, given: JobOptions) -> JobOptions:
    """Options without gaps: what the job leaves open is taken from its queue, then from the supervisor that serves it.

    Raises:
        UnknownQueue: the queue is not in ``RQ_QUEUES``.
        InvalidConfiguration: what the settings say of queues and supervisors has faults; all are listed.
    """
    queue = given.queue or DEFAULT_QUEUE
    check_queue(queue)
    try:
        said, supervisor = queue_options(settings, queue), options_serving(settings, queue)
    except (TypeError, ValueError) as error:
        raise InvalidConfiguration(problems_in(settings, queue_configs())) from error
    limit: Rate | None = None
    if said.rate_limit is not None:
        limit = named(said.rate_limit, f"queue:{queue}")
    elif supervisor.rate_limit is not None:
        limit = named(supervisor.rate_limit, f"supervisor:{supervisor.name}")
    return given.over(
        JobOptions(
            queue=queue,
            tries=said.tries or supervisor.tries,
            timeout=said.timeout or queue_configs()[queue].get("DEFAULT_TIMEOUT") or supervisor.timeout,
            backoff=said.backoff or supervisor.backoff,
            isolate=supervisor.isolate if said.isolate is None else said.isolate,
            rate_limit=limit,
            keep_completed=settings.completed_minutes * 60,
            keep_failed=settings.failed_minutes * 60,
        )
    )


def named(rate: Rate, key: str) -> Rate:
    """A rate that counts what it was declared for, unless it names something itself."""
    return rate if rate.key else Rate(rate.runs, rate.seconds, key)


@dataclass(slots=True)
class Order:
    """What all calls of one dispatch have in common."""

    settings: HorizonSettings
    name: str
    function: Callable[..., Any] | None
    """``None`` where only the name is known."""
    options: JobOptions
    """Without gaps."""
    created_at: datetime
    due_at: datetime | None = None
    """``None``: now."""
    tenant: str = field(default_factory=current_tenant)
    batch: str = ""
    """Id of the batch that the jobs belong to; empty: none."""
    follows: str = ""
    """Id of the batch that the job comes after; empty: none."""

    _maker: TermsMaker = field(init=False)
    _terms: Terms | None = field(init=False)
    """Of every call, where they do not depend on its arguments."""
    _written: str = field(init=False)

    def __post_init__(self) -> None:
        tenant = self.tenant if self.options.tenant is None else self.options.tenant
        self._maker = TermsMaker(self.name, self.function, self.options, tenant, self.batch, self.follows)
        self._terms = None if self._maker.depends_on_arguments else self._maker.terms(Call())
        self._written = self._terms.encode() if self._terms is not None else ""

    def new_job(self, job_id: str, given: Call) -> NewJob:
        """One checked call, ready to be sent.

        Raises:
            InvalidJob: the arguments do not fit the function or JSON.
        """
        if self.function is not None:
            check_fit(self.name, self.function, given)
        arguments = arguments_as_json(self.name, given.args, given.kwargs, self.settings.max_payload_bytes)
        data = payload(self.name, arguments)
        if self._terms is not None:
            return NewJob(job_id, data, self._written)
        terms = self._maker.terms(given)
        # A job that waits for its time holds its lock meanwhile.
        wait = int((self.due_at - self.created_at).total_seconds()) + 1 if self.due_at is not None else 0
        return NewJob(job_id, data, terms.encode(), terms.unique_key, terms.unique_seconds + wait)

    def send(self, jobs: Sequence[NewJob]) -> dict[str, str]:
        """Write jobs to Redis, now; for those that were not queued, who holds their lock.

        Raises:
            QueueUnavailable: Redis did not answer or refused.
        """
        queue = str(self.options.queue)
        due_at = self.due_at.timestamp() if self.due_at is not None else None
        store = EnqueueStore(client(), Keys(self.settings.prefix))
        refused = store.enqueue(self.name, queue, self.fields(datetime.now(UTC)), jobs, due_at, self.batch)
        for job in jobs:
            holder = refused.get(job.id)
            if holder is None:
                log.debug("job queued name=%s queue=%s id=%s", self.name, queue, job.id)
            else:
                log.info("job not queued, one is there name=%s queue=%s id=%s", self.name, queue, holder)
        return refused

    def fields(self, now: datetime) -> dict[str, Any]:
        """The hash that the jobs have in common, as RQ writes it: all but ``data``."""
        options = self.options
        job = HorizonJob.create(
            self.name,
            connection=client(),
            origin=str(options.queue),
            status=JobStatus.QUEUED if self.due_at is None else JobStatus.SCHEDULED,
            timeout=options.timeout,
            result_ttl=options.keep_completed,
            failure_ttl=options.keep_failed,
            # RQ's own description holds the arguments, which may be private, and ends up in logs.
            description=self.name,
        )
        job.created_at = self.created_at
        if self.due_at is None:
            job.enqueued_at = now
        if options.tries is not None and options.tries > 1:
            retry = Retry(max=options.tries - 1)
            job.retries_left, job.retry_intervals = retry.max, retry.intervals
            job.enqueue_at_front_on_retry = retry.enqueue_at_front
        fields = job.to_dict()
        del fields["data"]
        return fields
