"""rq-scheduler with JSON, RQ's key prefix, a job of its own for every run, and no step that a crash can tear apart."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.timezone import get_default_timezone, get_default_timezone_name
from django_rq.queues import DjangoScheduler
from redis import Redis, WatchError
from rq.defaults import RQ_KEY_PREFIX
from rq.job import Job
from rq.queue import Queue

from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.templates import (
    CRON,
    REPEAT,
    ZONE,
    BrokenEntry,
    cause_of,
    entry_name,
    read_meta,
    repeats,
    template_fields,
    tick_of,
    ticks_of,
)
from allegro_queue.scheduling.times import next_due
from allegro_queue.stores import open_stores
from allegro_queue.stores.due import Due, Moved, Outcome, Parked, Tick
from allegro_queue.stores.schedule import OWN_PREFIX, SCHEDULED, scheduled_key
from allegro_queue.supervisor_options import options_serving
from allegro_queue.tellings import Telling, telling, told_by

log = logging.getLogger(__name__)

BATCH = 1000
"""Due ids that one look takes from each list; more follow in the next look, which then comes at once."""

STEPS_AT_ONCE = 50
"""Entries that are settled in one round trip, between two of which the server serves others."""

NEXT_TRY = 60
"""Seconds until a broken entry is tried again when its cron line cannot be read either."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look came to."""

    queued: tuple[str, ...]
    """Ids of the jobs that it queued."""
    more: bool = False
    """Whether more is due than one look takes."""
    deposed: bool = False
    """Whether another scheduler leads now."""


class HorizonScheduler(DjangoScheduler):
    """The scheduler that ``RQ["SCHEDULER_CLASS"]`` names, with rq-scheduler's interface.

    rq-scheduler's lock is left out. It guards steps that are not atomic, and it does so badly: it is dropped without a
    look at its owner, and whoever is killed while holding it stops the schedule for a minute. Here each step is a script
    that first looks whether the job is still due, so any number of schedulers may run at once. That one of them leads
    only spares the others the work.
    """

    redis_scheduler_namespace_prefix = f"{RQ_KEY_PREFIX}:scheduler_instance:"
    scheduler_key = f"{RQ_KEY_PREFIX}:scheduler"
    scheduler_lock_key = f"{RQ_KEY_PREFIX}:scheduler_lock"
    scheduled_jobs_key = SCHEDULED
    job_class = HorizonJob

    def __init__(self, *args: Any, connection: Redis, **kwargs: Any) -> None:
        super().__init__(*args, connection=connection, **kwargs)
        if not issubclass(self.job_class, HorizonJob):
            # RQ's own class would pickle.
            self.job_class = HorizonJob
        stores = open_stores(connection)
        self.store = stores.schedule
        self.schedulers = stores.schedulers
        self.entries = stores.entries
        self.declared: dict[str, CronEntry] = {}
        """The entries by id, as last installed, to mend what gets lost in Redis."""

    def cron(
        self,
        cron_string: str,
        func: Any,
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
        repeat: int | None = None,
        queue_name: str | None = None,
        result_ttl: int | None = None,
        ttl: int | None = None,
        id: str | None = None,
        timeout: int | None = None,
        description: str | None = None,
        meta: dict[str, Any] | None = None,
        use_local_timezone: bool = False,
        depends_on: Any = None,
        on_success: Any = None,
        on_failure: Any = None,
        at_front: bool = False,
    ) -> Job:
        """Schedule a function by a cron line, read in Django's ``TIME_ZONE`` whatever ``use_local_timezone`` says.

        Give an ``id``: without one, each call adds another entry. Entries of the settings are installed by themselves.
        """
        due_at = next_due(cron_string, time.time(), get_default_timezone())
        job: Job = self._create_job(  # type: ignore[no-untyped-call]
            func,
            args=args,
            kwargs=kwargs,
            commit=False,
            result_ttl=result_ttl,
            ttl=ttl,
            id=id,
            queue_name=queue_name,
            description=description,
            timeout=timeout,
            meta=dict(meta or {}),
            depends_on=depends_on,
            on_success=on_success,
            on_failure=on_failure,
        )
        job.meta |= {CRON: cron_string, ZONE: get_default_timezone_name()}
        if repeat is not None:
            job.meta[REPEAT] = int(repeat)
        if at_front:
            job.enqueue_at_front = True
        self.store.put(job.id, job.to_dict(), due_at, keep_time=False)
        return job

    def enqueue_jobs(self, now: float | None = None) -> list[str]:
        """Queue what is due and return the ids of the jobs: entries, jobs scheduled by other code, and RQ's own
        scheduled jobs (``enqueue_in``, retries with an interval)."""
        return list(self.look(self.store.now() if now is None else now).queued)

    def look(self, now: float, fence: int = 0, renew: Callable[[], float] | None = None) -> Look:
        """Queue what is due, ``BATCH`` of each list at most.

        Args:
            now: the server's time.
            fence: number of the leader, whose steps are refused once another one leads; nought to ask for no lead.
            renew: called between two round trips, to go on leading; gives the server's time then.
        """
        lists = self.lists()
        moved = self.move(lists, now, fence)
        queued = [job_id for each in moved.values() for job_id in each.queued]
        if moved[None].deposed:
            return Look(tuple(queued), deposed=True)
        more = any(len(each.queued) + len(each.others) >= BATCH for each in moved.values())
        for registry, each in moved.items():
            if registry is not None:
                for due in self.store.read_due(each.others):
                    queued += self.settle_through_rq(due, registry, registry)
        entries = moved[None].others
        for start in range(0, len(entries), STEPS_AT_ONCE):
            chosen = dict(list(entries.items())[start : start + STEPS_AT_ONCE])
            settled, deposed = self.settle(self.store.read_due(chosen), now, fence)
            queued += settled
            now = renew() if renew is not None else now
            if deposed:
                return Look(tuple(queued), deposed=True)
        return Look(tuple(queued), more)

    def lists(self) -> list[str | None]:
        """All lists of what waits for its time: rq-scheduler's set, and RQ's registry of each queue."""
        return [None, *all_queues()]

    def next_due_at(self) -> float | None:
        """When anything is due next."""
        return self.store.next_due_at(self.lists())

    def move(
        self, lists: Sequence[str | None], now: float, fence: int = 0, ids: Sequence[str] = ()
    ) -> Mapping[str | None, Moved]:
        """Queue the jobs whose own time has come."""
        settings = horizon_settings()
        return self.store.move_due(
            lists,
            now=now,
            limit=BATCH,
            fence=fence,
            timeouts={queue: options_serving(settings, queue).timeout for queue in all_queues()},
            timeout=options_serving(settings, "").timeout,
            default_queue=self.queue_name,
            ids=ids,
        )

    def enqueue_job(self, job: Job) -> None:
        """Queue one scheduled job now, as if it were due."""
        due_at = self.store.due_at(job.id)
        if due_at is not None:
            self.settle(self.store.read_due({job.id: due_at}), max(due_at, self.store.now()))

    def run(self, burst: bool = False) -> None:
        """Queue what comes due, until SIGTERM or SIGINT; with ``burst``, look once."""
        from allegro_queue.scheduling.loop import SchedulerLoop

        SchedulerLoop(self, interval=self._interval).run(burst=burst)

    def settle(self, dues: Sequence[Due], now: float, fence: int = 0) -> tuple[list[str], bool]:
        """Do what is to be done with due ids of rq-scheduler's set.

        The ids of the jobs that were queued, and whether another scheduler leads. One broken entry stops no other.
        """
        queued: list[str] = []
        work: list[tuple[Due, Tick | Parked]] = []
        for due in dues:
            if not due.fields:
                self.mend(due)
                continue
            try:
                meta = read_meta(due.fields)
                if due.id.startswith(OWN_PREFIX) and not repeats(meta):
                    raise BrokenEntry(telling("Its data in Redis does not say when it comes."))
                if repeats(meta):
                    work.append((due, tick_of(due, meta, horizon_settings(), self.connection, now)))
                elif due.field("rate_limit_key") or due.field("dependency_ids"):
                    queued += self.settle_through_rq(due, due.field("origin") or self.queue_name, None)
                else:
                    queued += self.move([None], now, fence, ids=[due.id])[None].queued
            except BrokenEntry as error:
                work.append((due, parked(due, now, told_by(error))))
        outcomes = self.store.settle(work, now=now, fence=fence)
        for (due, todo), outcome in zip(work, outcomes, strict=True):
            queued += self.tell(due, todo, outcome)
        return queued, Outcome.DEPOSED in outcomes

    def tell(self, due: Due, todo: Tick | Parked, outcome: Outcome) -> Iterator[str]:
        """Log what became of an entry; the ids of its jobs."""
        if outcome is Outcome.DONE and isinstance(todo, Tick):
            for job_id in todo.jobs:
                log.info("entry queued name=%s queue=%s id=%s", todo.entry, todo.run.queue, job_id)
                yield job_id
        elif outcome is Outcome.DONE and isinstance(todo, Parked):
            log.error("entry not queued name=%s: %s", todo.entry, todo.reason)
        elif outcome is Outcome.SKIPPED and isinstance(todo, Tick):
            log.info("entry skipped name=%s due=%d", todo.entry, due.due_at)

    def settle_through_rq(self, due: Due, queue_name: str, registry: str | None) -> list[str]:
        """Queue a job that waits for other jobs or for a free slot: RQ's own methods, in one transaction with ours.

        One that cannot be read stays where it is, and is looked at again a minute later.
        """
        key = scheduled_key(registry)
        queue = Queue(queue_name, connection=self.connection, job_class=HorizonJob)
        with self.connection.pipeline() as pipeline:
            try:
                pipeline.watch(key)
                if pipeline.zscore(key, due.id) is None:
                    return []
                job = HorizonJob(due.id, connection=self.connection)
                try:
                    job.restore(dict(due.fields))
                except Exception as error:  # noqa: BLE001 - a hash can hold anything
                    log.error("scheduled job not queued id=%s: its data cannot be read (%s)", due.id, cause_of(error))
                    pipeline.multi()
                    pipeline.zadd(key, {due.id: due.due_at + NEXT_TRY}, xx=True)
                    pipeline.execute()
                    return []
                if job.has_rate_limit:
                    pipeline.multi()
                    queue._enqueue_rate_limited_job(job, pipeline=pipeline, at_front=job.should_enqueue_at_front())
                else:
                    queue.enqueue_job(job, pipeline=pipeline, at_front=job.should_enqueue_at_front())
                pipeline.zrem(key, due.id)
                pipeline.execute()
            except WatchError:
                # Somebody changed the list meanwhile; the next look settles it.
                return []
        return [due.id]

    def mend(self, due: Due) -> None:
        """The data of a due id is gone (evicted, say). An entry is written afresh and stays due."""
        entry = self.declared.get(due.id)
        if entry is None:
            log.warning("scheduled job forgotten id=%s: its data is gone from Redis", due.id)
            self.store.remove([due.id])
            return
        log.warning("entry written afresh name=%s: its data was gone from Redis", entry.name)
        fields = template_fields(entry, horizon_settings(), self.connection)
        self.store.put(due.id, fields, due.due_at, keep_time=True)


def parked(due: Due, now: float, reason: Telling) -> Parked:
    """An entry that cannot be run is tried again when it comes next."""
    try:
        next_at = ticks_of(due, read_meta(due.fields), now).next_at
    except BrokenEntry:
        next_at = now + NEXT_TRY
    return Parked(entry=entry_name(due.id), next_at=next_at, reason=reason)
