"""Batches: many jobs that are counted together, and what is queued once they have ended. After Laravel's ``Bus::batch``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, transaction
from redis.exceptions import ConnectionError, RedisError, TimeoutError

from allegro_queue.calls import Call, check_names
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import address, client
from allegro_queue.dispatch import Dispatched, DispatchedMany, portions
from allegro_queue.errors import InvalidJob, QueueUnavailable
from allegro_queue.jobs import JobOptions, job_name
from allegro_queue.orders import Order, order_for
from allegro_queue.stores.batches import BatchRecord, BatchStore, Which
from allegro_queue.stores.enqueue import MOST_BYTES, MOST_JOBS, PAUSES, NewJob
from allegro_queue.stores.failed_jobs import FailedJobStore, Tally
from allegro_queue.stores.keys import Keys

LONGEST_NAME = 200

RETRIED_AT_ONCE = 500

_current: ContextVar[str] = ContextVar("allegro_queue_batch", default="")


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A call that a batch queues when its moment has come."""

    function: Callable[..., Any]
    given: Call
    options: JobOptions | None = None


def follow_up(function: Callable[..., Any], *args: Any, options: JobOptions | None = None, **kwargs: Any) -> FollowUp:
    """A call to be queued by a batch: ``batch("import", then=follow_up(report, import_id))``.

    Args:
        options: options for this job alone, as of ``dispatch``.
    """
    given = Call(args, kwargs)
    check_names(job_name(function), function, given, [] if options is None else ["options"])
    return FollowUp(function, given, options)


Follows = FollowUp | Callable[..., Any] | None
"""What follows: a call, or a function that takes no arguments."""


class Batch:
    """A batch that is there, by its id. Everything asks Redis; nothing is remembered."""

    def __init__(self, batch_id: str, *, using: str = DEFAULT_DB_ALIAS) -> None:
        self.id = batch_id
        self._using = using

    def add(
        self,
        function: Callable[..., Any],
        *args: Any,
        options: JobOptions | None = None,
        at: datetime | None = None,
        delay: float | timedelta | None = None,
        **kwargs: Any,
    ) -> Dispatched:
        """Queue a call that belongs to the batch, and return the job's id; arguments and errors as of ``dispatch``.

        A job of the batch that adds others keeps it from ending before them. To one that has ended a job can be added as
        well; what followed is not queued a second time.
        """
        given = Call(args, kwargs)
        taken = {"options": options, "at": at, "delay": delay}
        check_names(job_name(function), function, given, [name for name, value in taken.items() if value is not None])
        order = order_for(function, options, at, delay, batch=self.id)
        job_id = Dispatched(uuid4())
        self._send(order, [order.new_job(job_id, given)], job_id)
        return job_id

    def add_many(
        self,
        function: Callable[..., Any],
        calls: Iterable[tuple[Any, ...] | list[Any] | Mapping[str, Any] | Call],
        *,
        options: JobOptions | None = None,
        at: datetime | None = None,
        delay: float | timedelta | None = None,
    ) -> DispatchedMany:
        """Queue a call for each item of ``calls``; arguments and errors as of ``dispatch_many``."""
        order = order_for(function, options, at, delay, batch=self.id)
        made = DispatchedMany()
        for jobs in portions(order, calls, made):
            self._send(order, jobs, made)
        return made

    def _send(self, order: Order, jobs: list[NewJob], told: Dispatched | DispatchedMany) -> None:
        """Queue jobs after the commit."""
        transaction.on_commit(lambda: tell(told, jobs, order.send(jobs)), using=self._using)

    def record(self) -> BatchRecord | None:
        """How it stands; ``None`` when it is gone, or not there yet."""
        return batch_store().get(self.id)

    @property
    def is_cancelled(self) -> bool:
        """Whether its waiting jobs are skipped; a long job can ask, and leave early."""
        return batch_store().is_cancelled(self.id)

    def cancel(self, by: str = "") -> bool:
        """Have its waiting jobs skipped; running ones finish. False when it has ended, or was cancelled before.

        Args:
            by: who does it, for those who read it later.
        """
        return batch_store().cancel(self.id, by=by, now=time.time())

    def retry_failed(self) -> Tally:
        """Queue its failed jobs again, and those that were skipped because one had failed. What somebody cancelled stays
        cancelled: nothing is done then."""
        record = self.record()
        if record is None or record.was_cancelled:
            return Tally()
        return retry_failed(batch_store(), FailedJobStore(client(), own_keys()), self.id)


def tell(told: Dispatched | DispatchedMany, jobs: list[NewJob], refused: Mapping[str, str]) -> None:
    """Say what became of jobs that were sent."""
    if isinstance(told, DispatchedMany):
        told.queued += len(jobs) - len(refused)
        told.held_back += len(refused)
    else:
        told.holder = refused.get(told, "")
        told.queued = not told.holder


class NewBatch(Batch):
    """A batch in the making: its jobs are collected, and queued after the commit once its ``with`` block has ended well."""

    def __init__(
        self,
        name: str,
        *,
        then: Follows,
        catch: Follows,
        finally_: Follows,
        allow_failures: bool,
        using: str,
    ) -> None:
        super().__init__(str(uuid4()), using=using)
        if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidJob(f"A batch has the name {name!r}; give a text of up to {LONGEST_NAME} characters.")
        self.name = name
        self.allow_failures = allow_failures
        self.count = 0
        """Jobs collected so far."""
        given: dict[Which, Follows] = {"then": then, "catch": catch, "finally": finally_}
        self._following: dict[Which, tuple[str, Order, NewJob]] = {
            which: following(self.id, which, each) for which, each in given.items() if each is not None
        }
        self._portions: list[tuple[Order, list[NewJob], Dispatched | DispatchedMany]] = []
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_open = False
        if kind is None:
            transaction.on_commit(self._send_all, using=self._using)

    def _send(self, order: Order, jobs: list[NewJob], told: Dispatched | DispatchedMany) -> None:
        """Collect jobs; once the block has ended, queue them as those of any batch."""
        if not self._is_open:
            super()._send(order, jobs, told)
            return
        self.count += len(jobs)
        self._portions.append((order, jobs, told))

    def _send_all(self) -> None:
        """Make the batch, queue its jobs, and declare it full. Whoever keeps house ends one whose sender dies half-way."""
        store = batch_store()
        now = datetime.now(UTC)
        hashes = {
            which: (job_id, {**order.fields(now), "data": job.data, **({"horizon": job.terms} if job.terms else {})})
            for which, (job_id, order, job) in self._following.items()
        }
        life = horizon_settings().batch_days * 86_400
        insisting(
            self.name,
            lambda: store.make(
                self.id,
                name=self.name,
                now=now.timestamp(),
                life=life,
                allow_failures=self.allow_failures,
                following=hashes,
            ),
        )
        for order, jobs, told in together(self._portions):
            refused = order.send(jobs)
            for each, own in told:
                tell(each, own, {job.id: refused[job.id] for job in own if job.id in refused})
        insisting(self.name, lambda: store.declare_full(self.id, time.time()))
        self._portions.clear()


Told = tuple[Dispatched | DispatchedMany, list[NewJob]]


def together(
    portions: Iterable[tuple[Order, list[NewJob], Dispatched | DispatchedMany]],
) -> Iterator[tuple[Order, list[NewJob], list[Told]]]:
    """Neighbours of one kind in one step, as many as one takes: single calls are mostly of one function."""
    order: Order | None = None
    jobs: list[NewJob] = []
    told: list[Told] = []
    size = 0
    for next_order, more, each in portions:
        bytes_more = sum(len(job.data) for job in more)
        fits = len(jobs) + len(more) <= MOST_JOBS and size + bytes_more <= MOST_BYTES
        if order is not None and not (fits and is_same(order, next_order)):
            yield order, jobs, told
            jobs, told, size = [], [], 0
        order = next_order
        jobs, size = jobs + more, size + bytes_more
        told.append((each, more))
    if order is not None:
        yield order, jobs, told


def is_same(one: Order, other: Order) -> bool:
    """Whether jobs of both have the same hash but for what is each job's own."""
    return (one.name, one.options, one.due_at) == (other.name, other.options, other.due_at)


def following(batch_id: str, which: Which, given: FollowUp | Callable[..., Any]) -> tuple[str, Order, NewJob]:
    """The job that follows, checked and ready.

    Raises:
        InvalidJob: as of ``dispatch``; or it is a unique one.
    """
    wanted = given if isinstance(given, FollowUp) else follow_up(given)
    order = order_for(wanted.function, wanted.options, None, None, follows=batch_id)
    job_id = str(uuid4())
    job = order.new_job(job_id, wanted.given)
    if job.unique_key:
        raise InvalidJob(
            f"{order.name} is a unique job and cannot be what follows a batch ({which}): it might not be queued."
        )
    return job_id, order, job


def batch(
    name: str,
    *,
    then: Follows = None,
    catch: Follows = None,
    finally_: Follows = None,
    allow_failures: bool = False,
    using: str = DEFAULT_DB_ALIAS,
) -> NewBatch:
    """A set of jobs that are counted together::

        with batch("Import of members", then=follow_up(report, import_id)) as jobs:
            for member_id in member_ids:
                jobs.add(sync_member, member_id)

    The jobs go out after the block and the commit; an exception in the block or a roll-back queues nothing. What follows
    is queued once each, as a job of its own, in the step that files the job it waited for.

    Args:
        name: for people.
        then: queued when all jobs have succeeded.
        catch: queued when the first one has failed for good.
        finally_: queued when all have ended, whatever came of them.
        allow_failures: go on when one has failed; else what still waits is skipped.
        using: alias of the database whose commit is waited for.

    Raises:
        InvalidJob: the name is empty or too long, or what follows cannot be queued.
    """
    return NewBatch(name, then=then, catch=catch, finally_=finally_, allow_failures=allow_failures, using=using)


def current_batch() -> Batch | None:
    """The batch of the running job, or the one that it follows; ``None`` outside of any."""
    batch_id = _current.get()
    return Batch(batch_id) if batch_id else None


@contextmanager
def working_on(batch_id: str) -> Iterator[None]:
    """Run a job of this batch until the block ends."""
    token = _current.set(batch_id)
    try:
        yield
    finally:
        _current.reset(token)


def retry_failed(batches: BatchStore, jobs: FailedJobStore, batch_id: str) -> Tally:
    """Queue a batch's failed jobs again, and its skipped ones behind them. One that fails again meanwhile is left alone."""
    now = time.time()
    done = gone = 0
    barred: dict[str, str] = {}
    for ids, cancelled in ((batches.failed_ids, False), (batches.skipped_ids, True)):
        wanted = ids(batch_id, 0, -1)[::-1]
        for start in range(0, len(wanted), RETRIED_AT_ONCE):
            tally = jobs.retry_many(
                wanted[start : start + RETRIED_AT_ONCE], now=now, failed_until=now, cancelled=cancelled
            )
            done, gone, barred = done + tally.done, gone + tally.gone, barred | dict(tally.barred)
    return Tally(done=done, gone=gone, barred=barred)


def insisting(what: str, step: Callable[[], object]) -> None:
    """Do a step that may be repeated, again when its reply is lost.

    Raises:
        QueueUnavailable: Redis did not answer or refused.
    """
    for pause in (*PAUSES, None):
        try:
            step()
            return
        except RedisError as error:
            if pause is None or not isinstance(error, ConnectionError | TimeoutError):
                raise QueueUnavailable(
                    f"Redis at {address(client())} did not answer or refused ({error}); the batch {what!r} was not "
                    "queued, or not all of it. What was queued of it is skipped."
                ) from error
        time.sleep(pause)


def own_keys() -> Keys:
    return Keys(horizon_settings().prefix)


def batch_store() -> BatchStore:
    return BatchStore(client(), own_keys())
