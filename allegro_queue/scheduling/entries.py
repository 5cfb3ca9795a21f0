"""Cron entries as values, from ``HORIZON["schedule"]``. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from croniter import croniter
from django.utils.module_loading import import_string

from allegro_queue.arguments import check_arguments
from allegro_queue.conf import snake_case
from allegro_queue.errors import InvalidJob, did_you_mean

OWN_PREFIX = "cron-"
"""Start of the ids that are ours in rq-scheduler's sorted set; what else is there was put by other code."""

NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_CRON = 100
LARGEST_ARGUMENTS = 64 * 1024
KEYS = ("name", "cron", "job", "queue", "args", "kwargs", "timeout")
NEEDED = ("name", "cron", "job")


@dataclass(frozen=True, kw_only=True, slots=True)
class CronEntry:
    """One line of the schedule: what is queued, where, and when."""

    name: str
    """Letters, digits, ``_`` and ``-``; its identity over deploys."""
    cron: str
    """Five fields, read in Django's ``TIME_ZONE``."""
    job: str
    """Dotted path of the function."""
    queue: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    timeout: int | None = None
    """Seconds that a run may take; the queue's default when ``None``."""

    @property
    def scheduled_id(self) -> str:
        """Its id in rq-scheduler's sorted set. RQ takes letters, digits, ``_`` and ``-`` in an id, no colon."""
        return OWN_PREFIX + self.name


def entries_from(schedule: Sequence[Mapping[str, Any]], default_queue: str) -> tuple[CronEntry, ...]:
    """The checked schedule as values."""
    entries = []
    for given in schedule:
        values = {snake_case(str(key)): value for key, value in given.items()}
        values["args"] = tuple(values.get("args", ()))
        values.setdefault("queue", default_queue)
        entries.append(CronEntry(**values))
    return tuple(entries)


def problems_in_schedule(schedule: Sequence[Any], known_queues: Collection[str]) -> Iterator[str]:
    """Every fault of the schedule, each a sentence that says how to mend it."""
    names: list[str] = []
    for place, given in enumerate(schedule):
        if not isinstance(given, Mapping):
            yield f"HORIZON['schedule'][{place}] is {given!r}; it must be a dict with {', '.join(NEEDED)}."
            continue
        where = f"HORIZON schedule entry {given.get('name', place)!r}"
        yield from problems_of_entry(where, given, known_queues)
        names.append(str(given.get("name")))
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield f"HORIZON['schedule'] names {name!r} twice; each entry needs a name of its own."


def problems_of_entry(where: str, given: Mapping[Any, Any], known_queues: Collection[str]) -> Iterator[str]:
    values = {snake_case(str(key)): value for key, value in given.items()}
    for key in values:
        if key not in KEYS:
            yield f"{where} has an unknown key {key!r}{did_you_mean(key, KEYS)}"
    for key in NEEDED:
        if not isinstance(values.get(key), str) or not values[key]:
            yield f"{where} has {key} = {values.get(key)!r}; it must be text."
    name, cron, job = (values.get(key) for key in NEEDED)
    if isinstance(name, str) and name and not NAME.fullmatch(name):
        yield f"{where} has a name with other characters than letters, digits, '_' and '-'."
    if isinstance(cron, str) and cron and not is_cron(cron):
        yield f"{where} has cron = {cron!r}; it must have five fields, such as '*/5 * * * *'."
    if isinstance(job, str) and job:
        yield from problems_of_job(where, job)
    queue = values.get("queue")
    if queue is not None and queue not in known_queues:
        yield f"{where} goes to the queue {queue!r}, which RQ_QUEUES does not have{did_you_mean(str(queue), known_queues)}"
    timeout = values.get("timeout")
    if timeout is not None and (not isinstance(timeout, int) or isinstance(timeout, bool) or timeout < 1):
        yield f"{where} has timeout = {timeout!r}; it must be a whole number of seconds from 1 up."
    try:
        check_arguments(where, tuple(values.get("args", ())), values.get("kwargs", {}), LARGEST_ARGUMENTS)
    except (InvalidJob, TypeError, AttributeError) as error:
        yield f"{where} has args or kwargs that cannot be queued: {error}"


def is_cron(line: str) -> bool:
    """Whether a line is a plain five-field cron line; bounded before it is expanded."""
    return len(line) <= LONGEST_CRON and len(line.split()) == 5 and bool(croniter.is_valid(line))


def problems_of_job(where: str, path: str) -> Iterator[str]:
    try:
        found = import_string(path)
    except ImportError as error:
        yield f"{where} has job = {path!r}, which cannot be imported ({error})."
        return
    if not callable(found):
        yield f"{where} has job = {path!r}, which is not a function."
