"""What rq-scheduler holds of an entry, and the job that one run of it becomes. Sends no command.

An entry in Redis is an ordinary RQ job hash that is never queued itself: a template. Its ``meta`` says when it repeats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.module_loading import import_string
from django.utils.timezone import get_default_timezone_name
from redis import Redis
from rq.job import JobStatus, Retry

from allegro_queue.conf import HorizonSettings
from allegro_queue.dispatch import resolve_options
from allegro_queue.errors import HorizonError
from allegro_queue.jobs import HorizonJob, JobOptions, declared_options, is_allowed
from allegro_queue.plan import options_serving
from allegro_queue.scheduling.entries import OWN_PREFIX, CronEntry
from allegro_queue.scheduling.times import next_due
from allegro_queue.stores.schedule import Due, Run

CRON, INTERVAL, REPEAT, ZONE = "cron_string", "interval", "repeat", "zone"
"""Keys of ``meta``; all but the zone are rq-scheduler's own."""

OURS = (CRON, INTERVAL, REPEAT, ZONE, "use_local_timezone")


class BrokenEntry(HorizonError):
    """What Redis holds of an entry cannot be run."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """When an entry comes again."""

    next_at: float | None
    """``None`` when this run is its last."""
    meta: bytes | None
    """What its ``meta`` becomes, when that changes."""


def template_fields(entry: CronEntry, settings: HorizonSettings, connection: Redis) -> dict[str, Any]:
    """The job hash of a declared entry. The same entry under the same settings gives the same hash, but for its age."""
    options = resolve_options(
        settings, JobOptions(queue=entry.queue, timeout=entry.timeout).over(options_of(entry.job))
    )
    tries = options.tries or 1
    template = HorizonJob.create(
        entry.job,
        args=list(entry.args),
        kwargs=dict(entry.kwargs),
        connection=connection,
        id=entry.scheduled_id,
        origin=entry.queue,
        status=JobStatus.SCHEDULED,
        timeout=options.timeout,
        retry=Retry(max=tries - 1) if tries > 1 else None,
        result_ttl=settings.completed_minutes * 60,
        failure_ttl=settings.failed_minutes * 60,
        # RQ's own description holds the arguments, which may be private, and ends up in logs.
        description=entry.job,
        meta={CRON: entry.cron, ZONE: get_default_timezone_name()},
    )
    return template.to_dict()


def options_of(path: str) -> JobOptions:
    """What ``@job`` said of a function. Nothing when it cannot be imported, which its run will say."""
    try:
        return declared_options(import_string(path))
    except ImportError:
        return JobOptions()


def is_same(fields: Mapping[str, Any], held: Mapping[bytes, bytes]) -> bool:
    """Whether Redis holds just this hash, but for its age."""
    wanted = {key.encode(): as_redis_keeps(value) for key, value in fields.items()}
    return {**wanted, b"created_at": b""} == {**held, b"created_at": b""}


def as_redis_keeps(value: Any) -> bytes:
    """A field's value as redis-py writes it."""
    if isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else str(value).encode()


def comes_at_same_times(entry: CronEntry, held: Mapping[bytes, bytes]) -> bool:
    """Whether the next time that Redis holds for an entry is still right: same line, same zone.

    Also when its hash is gone: then only the time is left, and a run that is due must not be dropped.
    """
    if not held:
        return True
    try:
        meta = read_meta(held)
    except BrokenEntry:
        return False
    return meta.get(CRON) == entry.cron and meta.get(ZONE) == get_default_timezone_name()


def read_meta(held: Mapping[bytes, bytes]) -> dict[str, Any]:
    """A hash's ``meta``; empty for a job that has none.

    Raises:
        BrokenEntry: it is not JSON (pickled by another program, say). Nothing is ever unpickled.
    """
    given = held.get(b"meta")
    if not given:
        return {}
    try:
        meta = json.loads(given)
    except ValueError as error:
        raise BrokenEntry("Its data in Redis is not JSON. Was it scheduled by a program that pickles?") from error
    if not isinstance(meta, dict):
        raise BrokenEntry(f"Its meta in Redis is {meta!r}; it must be a dict.")
    return meta


def repeats(meta: Mapping[str, Any]) -> bool:
    """Whether this comes again; else it is a job that waits for its own time."""
    return bool(meta.get(CRON) or meta.get(INTERVAL))


def repetition(meta: Mapping[str, Any], now: float) -> Repetition:
    """When an entry comes again, seen from now: what was missed meanwhile is made up for by this one run.

    Raises:
        BrokenEntry: its line, interval or zone cannot be read.
    """
    try:
        if meta.get(CRON):
            zone = ZoneInfo(str(meta.get(ZONE) or get_default_timezone_name()))
            next_at = next_due(str(meta[CRON]), now, zone)
        else:
            next_at = now + max(int(meta[INTERVAL]), 1)
        if meta.get(REPEAT) is None:
            return Repetition(next_at, None)
        left = int(meta[REPEAT]) - 1
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise BrokenEntry(f"When it comes next cannot be told from {dict(meta)!r} ({error}).") from error
    return Repetition(next_at if left > 0 else None, json.dumps({**meta, REPEAT: left}).encode())


def run_of(due: Due, meta: Mapping[str, Any], settings: HorizonSettings, connection: Redis, now: float) -> Run:
    """The job of one run: its own id, everything else as the template has it.

    Raises:
        BrokenEntry: the template's function or arguments cannot be read, imported, or may not run.
    """
    job = HorizonJob(run_id(due), connection=connection)
    try:
        job.restore(dict(due.fields))
        name = str(job.func_name)
    except Exception as error:  # a hash can hold anything
        raise BrokenEntry(f"Its data in Redis cannot be read ({cause_of(error)}).") from error
    if not is_allowed(name, tuple(settings.allowed_jobs)):
        raise BrokenEntry(f"{name} is not under HORIZON['allowed_jobs'], so no worker would run it.")
    try:
        importable = callable(job.func)
    except Exception as error:  # an import runs code
        raise BrokenEntry(f"{name} cannot be imported ({cause_of(error)}).") from error
    if not importable:
        raise BrokenEntry(f"{name} is not a function.")
    if not job.origin:
        raise BrokenEntry("It names no queue.")
    job.created_at = job.enqueued_at = datetime.fromtimestamp(now, UTC)
    job._status = JobStatus.QUEUED
    job.meta = {key: value for key, value in meta.items() if key not in OURS}
    job.timeout = job.timeout or options_serving(settings, job.origin).timeout
    # rq-scheduler keeps its templates for ever (-1). A run must not stay for ever.
    if job.result_ttl is None or job.result_ttl < 0:
        job.result_ttl = settings.completed_minutes * 60
    if job.failure_ttl is None:
        job.failure_ttl = settings.failed_minutes * 60
    return Run(
        job_id=job.id,
        queue=job.origin,
        fields=job.to_dict(),
        ttl=job.ttl if job.ttl and job.ttl > 0 else None,
        at_front=bool(job.enqueue_at_front),
    )


def run_id(due: Due) -> str:
    """``audience-sync-tick-1764000300``: whoever queues this run makes the same id."""
    return f"{entry_name(due.id)}-{int(due.due_at)}"


def entry_name(scheduled_id: str) -> str:
    """The declared name of what is ours; the id itself of what other code scheduled."""
    return scheduled_id.removeprefix(OWN_PREFIX)


def cause_of(error: BaseException) -> str:
    """An error in words; RQ hides the reason behind an error without a text."""
    inner = error.__cause__ if error.__cause__ is not None and not str(error) else error
    return f"{type(inner).__name__}: {inner}"
