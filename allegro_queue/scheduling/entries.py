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

from allegro_queue.arguments import check_arguments
from allegro_queue.conf import snake_case
from allegro_queue.errors import InvalidJob, did_you_mean
from allegro_queue.jobs import declared_options, is_allowed
from allegro_queue.stores.schedule import OWN_PREFIX

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
        yield from problems_of_entry(where, given, known_queues, allowed)
        names.append(str(given.get("name")))
    for name in sorted({each for each in names if names.count(each) > 1}):
        yield f"HORIZON['schedule'] names {name!r} twice; each entry needs a name of its own."


def problems_of_entry(
    where: str, given: Mapping[Any, Any], known_queues: Collection[str], allowed: Sequence[str] = ("*",)
) -> Iterator[str]:
    """Every fault of one entry, wherever it is declared."""
    values = {snake_case(str(key)): value for key, value in given.items()}
    for key in values:
        if key not in KEYS:
            yield f"{where} has an unknown key {key!r}{did_you_mean(key, KEYS)}"
    for key in NEEDED:
        text = values.get(key)
        if not isinstance(text, str) or not text or len(text) > LONGEST_TEXT:
            yield f"{where} has {key} = {text!r}; it must be text of up to {LONGEST_TEXT} characters."
        elif key == "name" and not NAME.fullmatch(text):
            yield f"{where} has a name with other characters than letters, digits, '_' and '-'."
        elif key == "job":
            yield from problems_of_job(where, text, allowed)
    yield from problems_of_times(where, values)
    yield from problems_of_rules(where, values)
    queue = values.get("queue")
    if queue is not None and queue not in known_queues:
        yield f"{where} goes to the queue {queue!r}, which RQ_QUEUES does not have{did_you_mean(str(queue), known_queues)}"
    timeout = values.get("timeout")
    if timeout is not None and not is_whole(timeout, 1):
        yield f"{where} has timeout = {timeout!r}; it must be a whole number of seconds from 1 up."
    args, kwargs = values.get("args", ()), values.get("kwargs", {})
    if not isinstance(args, list | tuple) or not isinstance(kwargs, Mapping) or not all(map(is_text, kwargs)):
        yield f"{where} has args = {args!r} and kwargs = {kwargs!r}; they must be a list and a dict with names as keys."
        return
    try:
        check_arguments(where, tuple(args), dict(kwargs), LARGEST_ARGUMENTS)
    except InvalidJob as error:
        yield f"{where} has args or kwargs that cannot be queued: {error}"


def problems_of_times(where: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Faults of ``cron``, ``every`` and ``zone``."""
    cron, every, zone = values.get("cron") or "", values.get("every"), values.get("zone") or ""
    if bool(cron) == bool(every):
        yield f"{where} has cron = {cron!r} and every = {every!r}; it must have one of the two."
    if cron and (not isinstance(cron, str) or not is_cron(cron)):
        yield f"{where} has cron = {cron!r}; it must have five fields, such as '*/5 * * * *'."
    if every and not is_whole(every, 1, LONGEST_EVERY):
        yield f"{where} has every = {every!r}; it must be a whole number of seconds, from 1 to {LONGEST_EVERY:,}."
    if zone and not is_zone(zone):
        yield f"{where} has zone = {zone!r}; it must be the name of a time zone, such as 'Europe/Berlin'."


def problems_of_rules(where: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Faults of what says how times are treated."""
    overlap, missed = values.get("overlap", OVERLAP[0]), values.get("missed", MISSED[0])
    if overlap not in OVERLAP:
        yield f"{where} has overlap = {overlap!r}; it must be 'skip' or 'allow'."
    if missed not in MISSED:
        yield f"{where} has missed = {missed!r}; it must be 'once', 'skip' or 'all'."
    elif missed == "all" and overlap == "skip":
        yield f"{where} has missed = 'all', which queues several runs at once; give it overlap = 'allow' too."
    limit, enabled = values.get("missed_limit", 1), values.get("enabled", True)
    if not is_whole(limit, 1, MOST_MADE_UP):
        yield f"{where} has missed_limit = {limit!r}; it must be a whole number from 1 to {MOST_MADE_UP}."
    if not isinstance(enabled, bool):
        yield f"{where} has enabled = {enabled!r}; it must be True or False."


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


def problems_of_job(where: str, path: str, allowed: Sequence[str]) -> Iterator[str]:
    """Faults of the function. One that may not run here is not imported either."""
    if not is_allowed(path, tuple(allowed)):
        yield f"{where} has job = {path!r}, which is not under HORIZON['allowed_jobs'], so no worker would run it."
        return
    try:
        found = import_string(path)
    except ImportError as error:
        yield f"{where} has job = {path!r}, which cannot be imported ({error})."
        return
    if not callable(found):
        yield f"{where} has job = {path!r}, which is not a function."
