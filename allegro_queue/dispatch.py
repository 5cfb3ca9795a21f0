"""Put jobs on their queue, after the database commit. The one way in for code that uses the library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, transaction

from allegro_queue.calls import Call, call, check_names
from allegro_queue.conf import HorizonSettings
from allegro_queue.errors import InvalidJob
from allegro_queue.jobs import JobOptions, job_name
from allegro_queue.orders import DEFAULT_QUEUE, Order, order_for, resolve_options
from allegro_queue.stores.enqueue import MOST_BYTES, MOST_JOBS, NewJob
from allegro_queue.tracing import dispatching

__all__ = [
    "DEFAULT_QUEUE",
    "Dispatched",
    "DispatchedMany",
    "call",
    "dispatch",
    "dispatch_many",
    "enqueue",
    "resolve_options",
]


DIGITS = 10
"""Hexadecimal digits of an id that count, in a bulk."""


class Dispatched(str):
    """The id of a dispatched job, which also says what became of it once the transaction is committed."""

    queued: bool | None = None
    """``None`` before the commit. ``False``: nothing was queued, as a unique job of the same key waits or runs."""

    holder: str = ""
    """The id of that job."""


def dispatch(
    function: Callable[..., Any],
    *args: Any,
    options: JobOptions | None = None,
    at: datetime | None = None,
    delay: float | timedelta | None = None,
    using: str = DEFAULT_DB_ALIAS,
    **kwargs: Any,
) -> Dispatched:
    """Queue a call of ``function`` and return the job's id.

    Inside a transaction the job goes out after the commit, and not at all after a roll-back. Options are taken from
    the call, then from ``@job``, then from the queue, then from the supervisor that serves it.

    Of a unique job that waits or runs already no second one is queued; that is no error, and the returned id says so
    (``queued``, ``holder``).

    Args:
        options: options for this call alone.
        at: when the job is due, with a time zone; a time that has passed means now.
        delay: seconds or a span from now on, instead of ``at``.
        using: alias of the database whose commit is waited for.

    Raises:
        InvalidJob: the function cannot be imported by name, is not allowed, or does not take these arguments; or an
            argument does not survive JSON, or an option or time is out of its bounds.
        UnknownQueue: the queue is not in ``RQ_QUEUES``.
        QueueUnavailable: Redis did not answer or refused; nothing was queued, unless the error says that it may be.
    """
    given = Call(args, kwargs)
    taken = {"options": options, "at": at, "delay": delay, "using": None if using == DEFAULT_DB_ALIAS else using}
    check_names(job_name(function), function, given, [name for name, value in taken.items() if value is not None])
    with dispatching(job_name(function)):
        order = order_for(function, options, at, delay)
        job_id = Dispatched(uuid4())
        job = order.new_job(job_id, given)

    def send() -> None:
        holder = order.send([job]).get(job_id, "")
        job_id.queued, job_id.holder = not holder, holder

    transaction.on_commit(send, using=using)
    return job_id


class DispatchedMany:
    """What became of the calls of one ``dispatch_many``. Counts what is sent, which is all only after the commit."""

    def __init__(self) -> None:
        # A random id whose last digits count: so a million ids take no room.
        self._prefix = str(uuid4())[:-DIGITS]
        self.count = 0
        """Calls."""
        self.queued = 0
        """Jobs queued."""
        self.held_back = 0
        """Unique jobs that were not queued, since one of the same key waits or runs."""

    @property
    def ids(self) -> Iterator[str]:
        """The id of each call's job, in the order of the calls."""
        return map(self.id, range(self.count))

    def id(self, number: int) -> str:
        """The id of one call's job, counted from 0."""
        return f"{self._prefix}{number:0{DIGITS}x}"


def dispatch_many(
    function: Callable[..., Any],
    calls: Iterable[tuple[Any, ...] | list[Any] | Mapping[str, Any] | Call],
    *,
    options: JobOptions | None = None,
    at: datetime | None = None,
    delay: float | timedelta | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> DispatchedMany:
    """Queue a call of ``function`` for each item of ``calls``, hundreds at a time.

    Outside a transaction the calls go out as they are read, so an iterator of any length takes little memory. Inside one
    all of them are checked and kept, compressed, until the commit; a roll-back queues nothing.

    Args:
        calls: a tuple or list of arguments, a dict of named ones, or ``call(1, name="x")`` for both.
        options, at, delay, using: for all of them, as of ``dispatch``.

    Raises:
        InvalidJob: as of ``dispatch``, with the number of the call. Those before it may be queued, outside a transaction.
        UnknownQueue: the queue is not in ``RQ_QUEUES``.
        QueueUnavailable: Redis did not answer or refused; later calls were not queued.
    """
    order = order_for(function, options, at, delay)
    made = DispatchedMany()

    def send(jobs: list[NewJob]) -> Callable[[], None]:
        def send_now() -> None:
            held_back = len(order.send(jobs))
            made.queued += len(jobs) - held_back
            made.held_back += held_back

        return send_now

    for jobs in portions(order, calls, made):
        transaction.on_commit(send(jobs), using=using)
    return made


def portions(order: Order, calls: Iterable[Any], made: DispatchedMany) -> Iterator[list[NewJob]]:
    """Checked jobs, as many at a time as one step takes."""
    jobs: list[NewJob] = []
    size = 0
    for given in calls:
        try:
            job = order.new_job(made.id(made.count), call_from(given))
        except InvalidJob as error:
            raise InvalidJob(f"Call {made.count + 1:,}, after {made.queued:,} that were queued: {error}") from error
        made.count += 1
        jobs.append(job)
        size += len(job.data)
        if len(jobs) == MOST_JOBS or size >= MOST_BYTES:
            yield jobs
            jobs, size = [], 0
    if jobs:
        yield jobs


def call_from(given: Any) -> Call:
    """One item of ``calls`` as a value.

    Raises:
        InvalidJob: it is nothing that holds arguments.
    """
    if isinstance(given, Call):
        return given
    if isinstance(given, tuple | list):
        return Call(tuple(given))
    if isinstance(given, Mapping):
        if not all(isinstance(name, str) for name in given):
            raise InvalidJob("its dict must have names of arguments as keys.")
        return Call(kwargs=given)
    raise InvalidJob(
        f"it is a {type(given).__name__}; write (value,) for one argument, a dict for named ones, or call(...) for both."
    )


def enqueue(
    settings: HorizonSettings,
    name: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    options: JobOptions,
    job_id: str,
) -> None:
    """Write a job that is only known by name to Redis, now.

    Args:
        options: without gaps.

    Raises:
        InvalidJob: an argument does not survive JSON.
        QueueUnavailable: Redis did not answer or refused.
    """
    order = Order(settings, name, None, options, created_at=datetime.now(UTC))
    order.send([order.new_job(job_id, Call(args, kwargs))])
