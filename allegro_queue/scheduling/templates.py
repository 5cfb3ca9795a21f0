"""What rq-scheduler holds of an entry, and the job that one run of it becomes. Sends no command.

An entry in Redis is an ordinary RQ job hash that is never queued itself: a template. Its ``meta`` says when it repeats.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.module_loading import import_string
from django.utils.timezone import get_default_timezone_name
from redis import Redis
from rq.job import JobStatus, Retry

from allegro_queue.calls import Call
from allegro_queue.conf import HorizonSettings
from allegro_queue.dispatch import resolve_options
from allegro_queue.errors import HorizonError, InvalidJob
from allegro_queue.jobs import HorizonJob, JobOptions, declared_options, is_allowed
from allegro_queue.scheduling.entries import CronEntry, is_cron
from allegro_queue.scheduling.ticks import Following, Ticks, following_cron, following_every, ticks_due
from allegro_queue.stores.due import Due, Run, Tick
from allegro_queue.stores.schedule import OWN_PREFIX
from allegro_queue.supervisor_options import options_serving
from allegro_queue.tellings import telling
from allegro_queue.terms import FIELD as TERMS_FIELD
from allegro_queue.terms import Terms
from allegro_queue.terms_of import TermsMaker

log = logging.getLogger(__name__)

CRON, INTERVAL, REPEAT = "cron_string", "interval", "repeat"
"""Keys of ``meta`` that are rq-scheduler's own."""

ZONE, EVERY = "zone", "horizon_every"
OVERLAP, MISSED, LIMIT = "horizon_overlap", "horizon_missed", "horizon_missed_limit"
"""Keys of ``meta`` for what it does not have."""

OURS = (CRON, INTERVAL, REPEAT, ZONE, EVERY, OVERLAP, MISSED, LIMIT, "use_local_timezone")


class BrokenEntry(HorizonError):
    """What Redis holds of an entry cannot be run."""


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
        meta=meta_of(entry),
    )
    fields: dict[str, Any] = template.to_dict()
    fields[TERMS_FIELD] = terms_of(entry, options).encode()
    return fields


def terms_of(entry: CronEntry, options: JobOptions) -> Terms:
    """What each run of an entry asks for: what its function's ``@job`` says, but for being unique, which the entry's own
    rule for overlaps is about. A tag names the entry."""
    asked = replace(options, unique=False, unique_key=None)
    maker = TermsMaker(entry.job, function_of(entry.job), asked, options.tenant or "")
    try:
        terms = maker.terms(Call(tuple(entry.args), dict(entry.kwargs)))
    except InvalidJob as error:
        # The run itself is not to be lost for a name that cannot be made.
        log.warning("entry runs without its terms name=%s: %s", entry.name, error)
        terms = Terms()
    return replace(terms, tags=(*terms.tags, f"entry:{entry.name}"))


def meta_of(entry: CronEntry) -> dict[str, Any]:
    """When an entry comes, and by which rules."""
    times = {EVERY: entry.every} if entry.every else {CRON: entry.cron, ZONE: zone_of(entry)}
    return {**times, OVERLAP: entry.overlap, MISSED: entry.missed, LIMIT: entry.missed_limit}


def zone_of(entry: CronEntry) -> str:
    """Name of the zone in which its line is read."""
    return entry.zone or get_default_timezone_name()


def following_of(entry: CronEntry) -> Following:
    """The times at which an entry comes."""
    return following(meta_of(entry))


def function_of(path: str) -> Callable[..., Any] | None:
    """The function of a dotted path. ``None`` when it cannot be imported, which its run will say."""
    try:
        found: Callable[..., Any] = import_string(path)
    except ImportError:
        return None
    return found


def options_of(path: str) -> JobOptions:
    """What ``@job`` said of a function; nothing of one that cannot be imported."""
    function = function_of(path)
    return declared_options(function) if function is not None else JobOptions()


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
    """Whether the next time that Redis holds for an entry is still right: same line and zone, or same pace.

    Also when its hash is gone: then only the time is left, and a run that is due must not be dropped.
    """
    if not held:
        return True
    try:
        meta = read_meta(held)
    except BrokenEntry:
        return False
    wanted = meta_of(entry)
    return all(meta.get(key) == wanted.get(key) for key in (CRON, ZONE, EVERY))


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
        raise BrokenEntry(
            telling("Its data in Redis is not JSON. Was it scheduled by a program that pickles?")
        ) from error
    if not isinstance(meta, dict):
        raise BrokenEntry(telling("Its meta in Redis is {meta}; it must be a dict.", meta=repr(meta)))
    return meta


def repeats(meta: Mapping[str, Any]) -> bool:
    """Whether this comes again; else it is a job that waits for its own time."""
    return bool(meta.get(CRON) or meta.get(INTERVAL) or meta.get(EVERY))


def following(meta: Mapping[str, Any]) -> Following:
    """The times that a ``meta`` names.

    Raises:
        ValueError, TypeError, LookupError, OSError: its line, pace or zone cannot be read.
    """
    if meta.get(EVERY):
        return following_every(max(int(meta[EVERY]), 1))
    if meta.get(CRON):
        if not is_cron(str(meta[CRON])):
            raise ValueError(f"{str(meta[CRON])[:100]!r} is no cron line of five fields")
        return following_cron(str(meta[CRON]), ZoneInfo(str(meta.get(ZONE) or get_default_timezone_name())))
    interval = max(int(meta[INTERVAL]), 1)
    return lambda after: after + interval


def ticks_of(due: Due, meta: Mapping[str, Any], now: float) -> Ticks:
    """What is to be done about a due entry.

    Raises:
        BrokenEntry: its line, pace or zone cannot be read.
    """
    try:
        times = following(meta)
        if meta.get(MISSED):
            return ticks_due(due.due_at, now, times, str(meta[MISSED]), int(meta.get(LIMIT, 1)))
        # As rq-scheduler does it: one run makes up for all, and intervals are counted from one queueing to the next.
        return Ticks((due.due_at,), 0, times(now))
    except (ValueError, TypeError, LookupError, OSError) as error:
        raise BrokenEntry(
            telling("When it comes next cannot be told from {meta} ({error}).", meta=repr(dict(meta)), error=str(error))
        ) from error


def tick_of(due: Due, meta: Mapping[str, Any], settings: HorizonSettings, connection: Redis, now: float) -> Tick:
    """The step that settles a due entry.

    Raises:
        BrokenEntry: what Redis holds of it cannot be read, imported, or may not run.
    """
    ticks = ticks_of(due, meta, now)
    next_at: float | None = ticks.next_at
    new_meta: bytes | None = None
    if meta.get(REPEAT) is not None:
        try:
            left = int(meta[REPEAT]) - 1
        except (ValueError, TypeError) as error:
            raise BrokenEntry(
                telling("How often it still repeats cannot be told from {number}.", number=repr(meta[REPEAT]))
            ) from error
        next_at = ticks.next_at if left > 0 else None
        new_meta = json.dumps({**meta, REPEAT: left}).encode()
    return Tick(
        entry=entry_name(due.id),
        jobs={run_id(due.id, at): at for at in ticks.runs},
        run=run_of(due, meta, settings, connection, now),
        next_at=next_at,
        meta=new_meta,
        missed=ticks.missed,
        missed_reason=ticks.reason,
        alone=meta.get(OVERLAP) == "skip",
    )


def run_of(due: Due, meta: Mapping[str, Any], settings: HorizonSettings, connection: Redis, now: float) -> Run:
    """The job of one run: its own id, everything else as the template has it.

    Raises:
        BrokenEntry: the template's function or arguments cannot be read, imported, or may not run.
    """
    job = HorizonJob(run_id(due.id, due.due_at), connection=connection)
    try:
        job.restore(dict(due.fields))
        name = str(job.func_name)
    except Exception as error:  # a hash can hold anything
        raise BrokenEntry(telling("Its data in Redis cannot be read ({error}).", error=cause_of(error))) from error
    if not is_allowed(name, tuple(settings.allowed_jobs)):
        raise BrokenEntry(telling("{job} is not under HORIZON['allowed_jobs'], so no worker would run it.", job=name))
    try:
        importable = callable(job.func)
    except Exception as error:  # an import runs code
        raise BrokenEntry(telling("{job} cannot be imported ({error}).", job=name, error=cause_of(error))) from error
    if not importable:
        raise BrokenEntry(telling("{job} is not a function.", job=name))
    if not job.origin:
        raise BrokenEntry(telling("It names no queue."))
    job.created_at = job.enqueued_at = datetime.fromtimestamp(now, UTC)
    job._status = JobStatus.QUEUED
    job.meta = {key: value for key, value in meta.items() if key not in OURS}
    job.timeout = job.timeout or options_serving(settings, job.origin).timeout
    # rq-scheduler keeps its templates for ever (-1). A run must not stay for ever.
    if job.result_ttl is None or job.result_ttl < 0:
        job.result_ttl = settings.completed_minutes * 60
    if job.failure_ttl is None:
        job.failure_ttl = settings.failed_minutes * 60
    # RQ reads and writes the fields that it knows.
    asked = {TERMS_FIELD: due.fields[TERMS_FIELD.encode()]} if TERMS_FIELD.encode() in due.fields else {}
    return Run(
        queue=job.origin,
        fields={**job.to_dict(), **asked},
        ttl=job.ttl if job.ttl and job.ttl > 0 else None,
        at_front=bool(job.enqueue_at_front),
    )


def run_id(scheduled_id: str, due_at: float) -> str:
    """``audience-sync-tick-1764000300``: whoever queues the run of this time makes the same id."""
    return f"{entry_name(scheduled_id)}-{int(due_at)}"


def entry_name(scheduled_id: str) -> str:
    """The declared name of what is ours; the id itself of what other code scheduled."""
    return scheduled_id.removeprefix(OWN_PREFIX)


def cause_of(error: BaseException) -> str:
    """An error in words; RQ hides the reason behind an error without a text."""
    inner = error.__cause__ if error.__cause__ is not None and not str(error) else error
    return f"{type(inner).__name__}: {inner}"
