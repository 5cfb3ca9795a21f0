"""rq-scheduler with JSON, RQ's key prefix, a job of its own for every run, and no step that a crash can tear apart."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.timezone import get_default_timezone, get_default_timezone_name
from django_rq.queues import DjangoScheduler
from redis import Redis, WatchError
from rq.defaults import RQ_KEY_PREFIX
from rq.job import Job
from rq.queue import Queue
from rq.utils import utcformat

from allegro_queue.conf import horizon_settings
from allegro_queue.jobs import HorizonJob
from allegro_queue.plan import options_serving
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.templates import (
    CRON,
    REPEAT,
    ZONE,
    BrokenEntry,
    entry_name,
    read_meta,
    repeats,
    repetition,
    run_of,
    template_fields,
)
from allegro_queue.scheduling.times import next_due
from allegro_queue.stores import open_stores
from allegro_queue.stores.schedule import SCHEDULED, Due, LastRun, scheduled_key

log = logging.getLogger(__name__)

BATCH = 1000
"""Due jobs that one look takes from each list; more follow in the next look, which then comes at once."""

NEXT_TRY = 60
"""Seconds until a broken entry is tried again when its cron line cannot be read either."""


class HorizonScheduler(DjangoScheduler):
    """The scheduler that ``RQ["SCHEDULER_CLASS"]`` names, with rq-scheduler's interface.

    rq-scheduler's lock is left out. It guards steps that are not atomic, and it does so badly: it is dropped without a
    look at its owner, and whoever is killed while holding it stops the schedule for a minute. Here each step is a script
    that first looks whether the job is still due, so any number of schedulers may run at once.
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
        self.store = open_stores(connection).schedule
        self.declared: dict[str, CronEntry] = {}
        """The entries of the settings by id, as last installed, to mend what gets lost in Redis."""

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
        scheduled jobs (``enqueue_in``, retries with an interval), which no other process looks after."""
        moment = time.time() if now is None else now
        queued: list[str] = []
        for due in self.store.due(moment, BATCH):
            queued += self.settle(due, moment)
        for queue in all_queues():
            for due in self.store.due(moment, BATCH, queue):
                queued += self.settle_waiting(due, moment, registry=queue)
        return queued

    def enqueue_job(self, job: Job) -> None:
        """Queue one scheduled job now, as if it were due."""
        due_at = self.store.due_at(job.id)
        if due_at is not None:
            self.settle(
                Due(id=job.id, due_at=due_at, fields=self.store.fields([job.id])[job.id]), max(due_at, time.time())
            )

    def run(self, burst: bool = False) -> None:
        """Queue what comes due, until SIGTERM or SIGINT; with ``burst``, look once."""
        from allegro_queue.scheduling.loop import SchedulerLoop

        SchedulerLoop(self, interval=self._interval).run(burst=burst)

    def settle(self, due: Due, now: float) -> list[str]:
        """Do what is to be done with one due id; the id of the job that was queued, if any. Only Redis's own errors pass."""
        if not due.fields:
            return self.mend(due)
        try:
            meta = read_meta(due.fields)
            if not repeats(meta):
                return self.settle_waiting(due, now)
            again = repetition(meta, now)
            run = run_of(due, meta, horizon_settings(), self.connection, now)
        except BrokenEntry as error:
            self.park(due, now, str(error))
            return []
        last = LastRun(entry=entry_name(due.id), due_at=due.due_at, enqueued_at=now, job_id=run.job_id)
        if not self.store.run(due, run, next_at=again.next_at, meta=again.meta, last=last):
            return []
        log.info("entry queued name=%s queue=%s id=%s", last.entry, run.queue, run.job_id)
        return [run.job_id]

    def settle_waiting(self, due: Due, now: float, registry: str | None = None) -> list[str]:
        """Queue a job whose own time has come."""
        queue = registry or due.field("origin") or self.queue_name
        if due.field("rate_limit_key") or (registry is None and due.field("dependency_ids")):
            done = self.settle_through_rq(due, queue, registry)
        else:
            in_front = due.field("enqueue_at_front") == "1" or (
                due.field("enqueue_at_front_on_retry") == "1" and bool(due.field("ended_at"))
            )
            done = self.store.move(
                due.id,
                queue,
                now=now,
                queued_at=utcformat(datetime.fromtimestamp(now, UTC)),
                timeout=options_serving(horizon_settings(), queue).timeout,
                in_front=in_front,
                registry=registry,
            )
        return [due.id] if done else []

    def settle_through_rq(self, due: Due, queue_name: str, registry: str | None) -> bool:
        """Queue a job that waits for other jobs or for a free slot: RQ's own methods, in one transaction with ours."""
        key = scheduled_key(registry)
        queue = Queue(queue_name, connection=self.connection, job_class=HorizonJob)
        with self.connection.pipeline() as pipeline:
            try:
                pipeline.watch(key)
                if pipeline.zscore(key, due.id) is None:
                    return False
                job = HorizonJob(due.id, connection=self.connection)
                job.restore(dict(due.fields))
                if job.has_rate_limit:
                    pipeline.multi()
                    queue._enqueue_rate_limited_job(job, pipeline=pipeline, at_front=job.should_enqueue_at_front())
                else:
                    queue.enqueue_job(job, pipeline=pipeline, at_front=job.should_enqueue_at_front())
                pipeline.zrem(key, due.id)
                pipeline.execute()
            except WatchError:
                # Somebody changed the list meanwhile; the next look settles it.
                return False
        return True

    def mend(self, due: Due) -> list[str]:
        """The data of a due id is gone (evicted, say). An entry of the settings is written afresh and stays due."""
        entry = self.declared.get(due.id)
        if entry is None:
            log.warning("scheduled job forgotten id=%s: its data is gone from Redis", due.id)
            self.store.remove([due.id])
            return []
        log.warning("entry written afresh name=%s: its data was gone from Redis", entry.name)
        fields = template_fields(entry, horizon_settings(), self.connection)
        self.store.put(due.id, fields, due.due_at, keep_time=True)
        return []

    def park(self, due: Due, now: float, reason: str) -> None:
        """Note what is wrong with an entry, and try it again when it comes next."""
        try:
            next_at = repetition(read_meta(due.fields), now).next_at
        except BrokenEntry:
            next_at = None
        last = LastRun(entry=entry_name(due.id), due_at=due.due_at, enqueued_at=now, job_id="", error=reason)
        if self.store.postpone(due, next_at=next_at or now + NEXT_TRY, last=last):
            log.error("entry not queued name=%s: %s", last.entry, reason)
