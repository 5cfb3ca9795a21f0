"""Cron entries as values, from ``HORIZON["schedule"]``. Pure."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from allegro_queue.arguments import check_arguments
from allegro_queue.conf import snake_case
from allegro_queue.errors import InvalidJob, nearest
from allegro_queue.jobs import declared_options, is_allowed
from allegro_queue.stores.schedule import OWN_PREFIX
from allegro_queue.tellings import Telling, telling, told_by

NAME = re.compile(r"[A-Za-z0-9_-]+")
RANDOM = re.compile(r"\b[rR]\b|\b[rR]\(")
"""croniter's extension for a random value, which would be another one each time it is read."""

LONGEST_CRON = 100
LONGEST_TEXT = 200
LARGEST_ARGUMENTS = 64 * 1024
LONGEST_EVERY = 366 * 24 * 3600
MOST_MADE_UP = 100
"""Largest ``missed_limit``: what is queued at once after a time without a scheduler."""

OVERLAP = ("skip", "allow")
MISSED = ("once", "skip", "all")
KEYS = (
    "name", "cron", "every", "zone", "job", "queue", "args", "kwargs", "timeout", "overlap", "missed", "missed_limit",
    "enabled",
)  # fmt: skip
NEEDED = ("name", "job")

SETTINGS, DATABASE = "settings", "database"
"""Where an entry can be declared."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CronEntry:
    """One line of the schedule: what is queued, where, and when."""

    name: str
    """Letters, digits, ``_`` and ``-``; its identity over deploys."""
    cron: str = ""
    """Five fields, read in its ``zone``; empty when it has ``every`` instead."""
    every: int = 0
    """Seconds between two runs, counted from the Unix epoch and not from a start, so that a restart shifts nothing."""
    zone: str = ""
    """Name of the time zone of ``cron``; Django's ``TIME_ZONE`` when empty."""
    job: str
    """Dotted path of the function."""
    queue: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    timeout: int | None = None
    """Seconds that a run may take; the queue's default when ``None``."""
    overlap: str = "skip"
    """What happens at a time when the last run has not ended: ``skip`` it, or ``allow`` another run beside it."""
    missed: str = "once"
    """What happens to times that passed while no scheduler ran: ``once`` makes up for all with one run, ``skip`` drops
    them, ``all`` runs the last ``missed_limit`` of them."""
    missed_limit: int = 10
    enabled: bool = True
    source: str = SETTINGS

    @property
    def scheduled_id(self) -> str:
        """Its id in rq-scheduler's sorted set. RQ takes letters, digits, ``_`` and ``-`` in an id, no colon."""
        return OWN_PREFIX + self.name


def entries_from(
    schedule: Iterable[Mapping[str, Any]], default_queue: str, source: str = SETTINGS
) -> tuple[CronEntry, ...]:
    """The checked schedule as values."""
    entries = []
    for given in schedule:
        values = {snake_case(str(key)): value for key, value in given.items()}
        values["args"] = tuple(values.get("args", ()))
        for key in ("cron", "zone"):
            values[key] = values.get(key) or ""
        values["every"] = values.get("every") or 0
        if values.get("queue") is None:
            values["queue"] = declared_queue(values["job"]) or default_queue
        entries.append(CronEntry(**values, source=source))
    return tuple(entries)


def declared_queue(path: str) -> str | None:
    """The queue that ``@job`` says a function belongs on."""
    try:
        return declared_options(import_string(path)).queue
    except ImportError:
        return None


def problems_in_schedule(
    schedule: Sequence[Any], known_queues: Collection[str], allowed: Sequence[str] = ("*",)
) -> Iterator[str]:
    """Every fault of the schedule, each a sentence that says how to mend it."""
    names: list[str] = []
    for place, given in enumerate(schedule):
        if not isinstance(given, Mapping):
            yield f"HORIZON['schedule'][{place}] is {given!r}; it must be a dict with name, job, and cron or every."
            continue
        where = f"HORIZON schedule entry {given.get('name', place)!r}"
        yield from (each.english for each in problems_of_entry(where, given, known_queues, allowed))
        names.append(str(given.get("name")))
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield f"HORIZON['schedule'] names {name!r} twice; each entry needs a name of its own."


def problems_of_entry(
    where: str | Telling, given: Mapping[Any, Any], known_queues: Collection[str], allowed: Sequence[str] = ("*",)
) -> Iterator[Telling]:
    """Every fault of one entry, wherever it is declared.

    Args:
        where: how the entry is named in each sentence, whose first word it is.
    """
    values = {snake_case(str(key)): value for key, value in given.items()}
    for key in values:
        if key not in KEYS:
            yield unknown_key(where, key)
    for key in NEEDED:
        text = values.get(key)
        if not isinstance(text, str) or not text or len(text) > LONGEST_TEXT:
            yield telling(
                "{where} has {key} = {found}; it must be text of up to {most} characters.",
                where=where,
                key=key,
                found=repr(text),
                most=LONGEST_TEXT,
            )
        elif key == "name" and not NAME.fullmatch(text):
            yield telling("{where} has a name with other characters than letters, digits, '_' and '-'.", where=where)
        elif key == "job":
            yield from problems_of_job(where, text, allowed)
    yield from problems_of_times(where, values)
    yield from problems_of_rules(where, values)
    queue = values.get("queue")
    if queue is not None and queue not in known_queues:
        yield unknown_queue(where, queue, known_queues)
    timeout = values.get("timeout")
    if timeout is not None and not is_whole(timeout, 1):
        yield telling(
            "{where} has timeout = {found}; it must be a whole number of seconds from 1 up.",
            where=where,
            found=repr(timeout),
        )
    args, kwargs = values.get("args", ()), values.get("kwargs", {})
    if not isinstance(args, list | tuple) or not isinstance(kwargs, Mapping) or not all(map(is_text, kwargs)):
        yield telling(
            "{where} has args = {args} and kwargs = {kwargs}; they must be a list and a dict with names as keys.",
            where=where,
            args=repr(args),
            kwargs=repr(kwargs),
        )
        return
    try:
        check_arguments(str(where), tuple(args), dict(kwargs), LARGEST_ARGUMENTS)
    except InvalidJob as error:
        yield telling("{where} has args or kwargs that cannot be queued: {error}", where=where, error=told_by(error))


def unknown_key(where: str | Telling, key: str) -> Telling:
    """With the nearest that there is, or all."""
    near = nearest(key, KEYS)
    text = (
        gettext_noop("{where} has an unknown key {key}; did you mean {near}?")
        if near
        else gettext_noop("{where} has an unknown key {key}; known are {known}.")
    )
    return telling(text, where=where, key=repr(key), near=repr(near), known=named(KEYS))


def unknown_queue(where: str | Telling, queue: Any, known: Collection[str]) -> Telling:
    """The same of a queue."""
    near = nearest(str(queue), known)
    text = (
        gettext_noop("{where} goes to the queue {queue}, which RQ_QUEUES does not have; did you mean {near}?")
        if near
        else gettext_noop("{where} goes to the queue {queue}, which RQ_QUEUES does not have; known are {known}.")
    )
    return telling(text, where=where, queue=repr(queue), near=repr(near), known=named(known))


def named(words: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(words)))


def problems_of_times(where: str | Telling, values: Mapping[str, Any]) -> Iterator[Telling]:
    """Faults of ``cron``, ``every`` and ``zone``."""
    cron, every, zone = values.get("cron") or "", values.get("every"), values.get("zone") or ""
    if bool(cron) == bool(every):
        yield telling(
            "{where} has cron = {cron} and every = {every}; it must have one of the two.",
            where=where,
            cron=repr(cron),
            every=repr(every),
        )
    if cron and (not isinstance(cron, str) or not is_cron(cron)):
        yield telling(
            "{where} has cron = {found}; it must have five fields, such as '*/5 * * * *'.",
            where=where,
            found=repr(cron),
        )
    if every and not is_whole(every, 1, LONGEST_EVERY):
        yield telling(
            "{where} has every = {found}; it must be a whole number of seconds, from 1 to {most}.",
            where=where,
            found=repr(every),
            most=LONGEST_EVERY,
        )
    if zone and not is_zone(zone):
        yield telling(
            "{where} has zone = {found}; it must be the name of a time zone, such as 'Europe/Berlin'.",
            where=where,
            found=repr(zone),
        )


def problems_of_rules(where: str | Telling, values: Mapping[str, Any]) -> Iterator[Telling]:
    """Faults of what says how times are treated."""
    overlap, missed = values.get("overlap", OVERLAP[0]), values.get("missed", MISSED[0])
    if overlap not in OVERLAP:
        yield telling("{where} has overlap = {found}; it must be 'skip' or 'allow'.", where=where, found=repr(overlap))
    if missed not in MISSED:
        yield telling(
            "{where} has missed = {found}; it must be 'once', 'skip' or 'all'.", where=where, found=repr(missed)
        )
    elif missed == "all" and overlap == "skip":
        yield telling(
            "{where} has missed = 'all', which queues several runs at once; give it overlap = 'allow' too.", where=where
        )
    limit, enabled = values.get("missed_limit", 1), values.get("enabled", True)
    if not is_whole(limit, 1, MOST_MADE_UP):
        yield telling(
            "{where} has missed_limit = {found}; it must be a whole number from 1 to {most}.",
            where=where,
            found=repr(limit),
            most=MOST_MADE_UP,
        )
    if not isinstance(enabled, bool):
        yield telling("{where} has enabled = {found}; it must be True or False.", where=where, found=repr(enabled))


def is_whole(value: Any, least: int, most: int | None = None) -> bool:
    """Whether a value is a whole number within bounds; ``True`` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_zone(name: Any) -> bool:
    """Whether there is a time zone of this name."""
    if not isinstance(name, str) or len(name) > LONGEST_TEXT:
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


@functools.lru_cache(maxsize=2048)
def is_cron(line: str) -> bool:
    """Whether a line is a plain five-field cron line that comes due at all; bounded before it is expanded."""
    if len(line) > LONGEST_CRON or len(line.split()) != 5 or RANDOM.search(line):
        return False
    try:
        croniter(line, 0.0).get_next()
    except CroniterError:
        return False
    return True


def problems_of_job(where: str | Telling, path: str, allowed: Sequence[str]) -> Iterator[Telling]:
    """Faults of the function. One that may not run here is not imported either."""
    if not is_allowed(path, tuple(allowed)):
        yield telling(
            "{where} has job = {job}, which is not under HORIZON['allowed_jobs'], so no worker would run it.",
            where=where,
            job=repr(path),
        )
        return
    try:
        found = import_string(path)
    except ImportError as error:
        yield telling(
            "{where} has job = {job}, which cannot be imported ({error}).",
            where=where,
            job=repr(path),
            error=str(error),
        )
        return
    if not callable(found):
        yield telling("{where} has job = {job}, which is not a function.", where=where, job=repr(path))
