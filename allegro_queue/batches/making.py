"""A batch in the making: its jobs are collected, and queued once it is whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, transaction
from redis.exceptions import ConnectionError, RedisError, TimeoutError

from allegro_queue.batches.existing import Batch, batch_store, tell
from allegro_queue.batches.follow_ups import Follows, following
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import address, client
from allegro_queue.dispatch import Dispatched, DispatchedMany
from allegro_queue.errors import InvalidJob, QueueUnavailable
from allegro_queue.orders import Order
from allegro_queue.stores.batches import Which
from allegro_queue.stores.enqueue import MOST_BYTES, MOST_JOBS, PAUSES, NewJob

LONGEST_NAME = 200


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
