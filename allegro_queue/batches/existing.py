"""A batch that is there: adding to it, how it stands, cancelling it, and retrying what failed of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, transaction

from allegro_queue.calls import Call, check_names
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import client
from allegro_queue.dispatch import Dispatched, DispatchedMany, portions
from allegro_queue.jobs import JobOptions, job_name
from allegro_queue.orders import Order, order_for
from allegro_queue.stores.batches import BatchRecord, BatchStore
from allegro_queue.stores.enqueue import NewJob
from allegro_queue.stores.failed_jobs import FailedJobStore, Tally
from allegro_queue.stores.keys import Keys

RETRIED_AT_ONCE = 500

_current: ContextVar[str] = ContextVar("allegro_queue_batch", default="")


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
            tally = jobs.retry(wanted[start : start + RETRIED_AT_ONCE], now=now, failed_until=now, cancelled=cancelled)
            done, gone, barred = done + tally.done, gone + tally.gone, barred | dict(tally.barred)
    return Tally(done=done, gone=gone, barred=barred)


def own_keys() -> Keys:
    return Keys(horizon_settings().prefix)


def batch_store() -> BatchStore:
    return BatchStore(client(), own_keys())
