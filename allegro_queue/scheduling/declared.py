"""Which entries there are, wherever they are declared: in the settings, and in the database. The settings win a clash."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.db import Error, connections

from allegro_queue.conf import horizon_settings, queue_configs
from allegro_queue.dispatch import DEFAULT_QUEUE
from allegro_queue.scheduling.entries import DATABASE, CronEntry, entries_from, problems_of_entry
from allegro_queue.tellings import Telling, one_after_another, telling

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """All entries that are declared."""

    entries: tuple[CronEntry, ...] = ()
    faults: Mapping[str, Telling] = field(default_factory=dict)
    """What is wrong with entries of the database, by name; these do not run."""
    clashes: frozenset[str] = frozenset()
    """Entries of the settings whose name the database has too; the database's is not used."""
    database_known: bool = True
    """Whether the database answered. If not, what it declared before still holds."""


def declared_entries() -> tuple[CronEntry, ...]:
    """The entries of the settings as they are now."""
    return entries_from(horizon_settings().schedule, DEFAULT_QUEUE)


def read_declared(theirs: Sequence[Mapping[str, Any]] | None) -> Declared:
    """The entries of the settings, and these of the database; ``None`` when it did not answer."""
    ours = declared_entries()
    names = {entry.name for entry in ours}
    if theirs is None:
        return Declared(entries=ours, database_known=False)
    settings = horizon_settings()
    entries, faults, clashes = list(ours), {}, set()
    for given in theirs:
        name = given["name"]
        problems = list(
            problems_of_entry(telling("Entry {name}", name=repr(name)), given, queue_configs(), settings.allowed_jobs)
        )
        if name in names:
            clashes.add(name)
        elif problems:
            faults[name] = one_after_another(*problems)
        else:
            entries += entries_from([given], DEFAULT_QUEUE, DATABASE)
    return Declared(entries=tuple(entries), faults=faults, clashes=frozenset(clashes))


def read_database() -> list[Mapping[str, Any]] | None:
    """The entries that were made in admin; ``None`` when the database does not answer, or has no table for them."""
    from allegro_queue.scheduling.models import ScheduleEntry

    try:
        return [each.as_given() for each in ScheduleEntry.objects.order_by("name")]
    except Error as error:
        log.debug("entries of the database are not known: %s", error)
        # A connection that broke is of no use for the next time.
        connections[ScheduleEntry.objects.db].close()
        return None


def as_data(declared: Declared) -> dict[str, dict[str, Any]]:
    """Each entry as it is kept for those who show it, by name."""
    data = {entry.name: asdict(entry) | {"clash": entry.name in declared.clashes} for entry in declared.entries}
    return data | {
        name: {"name": name, "source": DATABASE, "fault": fault.english, "fault_said": fault.as_data()}
        for name, fault in declared.faults.items()
    }


def read_installed(installed: Mapping[str, Mapping[str, Any]], source: str) -> Iterator[CronEntry]:
    """The entries of one source among those that a scheduler has installed."""
    known = {each.name for each in fields(CronEntry)}
    for given in installed.values():
        if given.get("source") == source and "job" in given:
            values = {key: value for key, value in given.items() if key in known}
            yield CronEntry(**{**values, "args": tuple(values.get("args", ()))})
