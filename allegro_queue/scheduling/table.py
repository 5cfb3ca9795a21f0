"""The cron table: each entry with its next time and what became of its last one, as pages and commands show it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cron_descriptor
from cron_descriptor import ExpressionDescriptor, Options
from django.utils.translation import get_language, ngettext, to_locale

from allegro_queue.scheduling.declared import declared_entries, read_installed
from allegro_queue.scheduling.entries import DATABASE, CronEntry
from allegro_queue.scheduling.templates import following_of, zone_of
from allegro_queue.scheduling.ticks import coming
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Account, EntryPause, EntryState, Known
from allegro_queue.tellings import Telling, read_telling

COMING = 5
"""Next times that are told of an entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleRow:
    """One declared entry, now. Times are Unix seconds."""

    entry: CronEntry
    in_words: str
    """When it comes, in plain language: ``Every 5 minutes``."""
    next_at: float | None
    """When it is due next; ``None`` until a scheduler has installed it, and when it is not enabled."""
    state: EntryState
    pause: EntryPause | None = None
    clash: bool = False
    """Whether the database has an entry of this name too, which is not used."""
    late_seconds: float = 0.0
    """How long it has been due without being queued (no scheduler runs, say); 0 when it is not due yet."""

    @property
    def last(self) -> Account | None:
        """What became of its last time; ``None`` when it was never due."""
        return self.state.last

    @property
    def zone(self) -> str:
        """Name of the zone in which its line is read; empty for one that only keeps a pace."""
        return "" if self.entry.every else zone_of(self.entry)

    @property
    def line(self) -> str:
        """When it comes, as it is declared."""
        return f"every {self.entry.every} s" if self.entry.every else self.entry.cron

    @property
    def comes_on_the_minute(self) -> bool:
        return self.entry.every % 60 == 0

    def coming(self) -> tuple[float, ...]:
        """Its next times."""
        return () if self.next_at is None else coming(self.next_at, following_of(self.entry), COMING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """An entry of the database that cannot run."""

    name: str
    fault: str
    """What is wrong with it, in English."""
    fault_said: Telling
    """The same, to be told in any language."""


def read_schedule(stores: Stores, now: float) -> list[ScheduleRow]:
    """A row for each entry, those of the settings first, in two round trips."""
    return rows_of(stores, stores.entries.known(now), now)


def rows_of(stores: Stores, known: Known, now: float) -> list[ScheduleRow]:
    """The rows, in one round trip more."""
    entries = known_entries(known)
    next_times = stores.schedule.next_times([entry.scheduled_id for entry in entries])
    return [
        ScheduleRow(
            entry=entry,
            in_words=in_words(entry),
            next_at=next_at,
            state=known.state(entry.name),
            pause=known.pauses.get(entry.name),
            clash=bool(known.installed.get(entry.name, {}).get("clash")),
            late_seconds=max(now - next_at, 0.0) if next_at is not None else 0.0,
        )
        for entry, next_at in zip(entries, next_times, strict=True)
    ]


def known_entries(known: Known) -> tuple[CronEntry, ...]:
    """The entries of the settings as this process has them, and those of the database that a scheduler found there."""
    ours = declared_entries()
    names = {entry.name for entry in ours}
    theirs = sorted(read_installed(known.installed, DATABASE), key=lambda entry: entry.name)
    return (*ours, *(entry for entry in theirs if entry.name not in names))


def faults_in(known: Known) -> Sequence[Fault]:
    """Entries of the database that cannot run, and why."""
    return [
        Fault(
            name=name, fault=str(given["fault"]), fault_said=read_telling(given.get("fault_said"), str(given["fault"]))
        )
        for name, given in sorted(known.installed.items())
        if given.get("fault")
    ]


def in_words(entry: CronEntry) -> str:
    """When an entry comes, in the reader's language, with times on the 24-hour clock."""
    if entry.every:
        return pace_in_words(entry.every)
    return cron_in_words(entry.cron, locale_for(get_language() or "en"))


@functools.lru_cache(maxsize=512)
def cron_in_words(cron: str, locale: str) -> str:
    """A cron line described. Kept, since describing one reads the catalogue of the language from its file each time."""
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = locale
    return str(ExpressionDescriptor(cron, options).get_description())


@functools.cache
def locale_for(language: str) -> str:
    """The locale in which cron lines can be described that fits a language best; English where there is none."""
    known = sorted((Path(cron_descriptor.__file__).parent / "locale").glob(f"{to_locale(language)}*.mo"))
    return known[0].stem if known else "en"


def pace_in_words(seconds: int) -> str:
    """``86400`` as ``Every day``, ``300`` as ``Every 5 minutes``, ``90`` as ``Every 90 seconds``."""
    if seconds % 86_400 == 0:
        number, text = seconds // 86_400, ngettext("Every day", "Every {n} days", seconds // 86_400)
    elif seconds % 3_600 == 0:
        number, text = seconds // 3_600, ngettext("Every hour", "Every {n} hours", seconds // 3_600)
    elif seconds % 60 == 0:
        number, text = seconds // 60, ngettext("Every minute", "Every {n} minutes", seconds // 60)
    else:
        number, text = seconds, ngettext("Every second", "Every {n} seconds", seconds)
    return text.format(n=number)
