"""The cron table: each declared entry with its next time and its last run, as the dashboard and the command show it."""

from __future__ import annotations

from dataclasses import dataclass

from cron_descriptor import ExpressionDescriptor, Options

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import DEFAULT_QUEUE
from allegro_queue.scheduling.entries import CronEntry, entries_from
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import LastRun


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleRow:
    """One declared entry, now. Times are Unix seconds."""

    entry: CronEntry
    in_words: str
    """The cron line in plain language: ``Every 5 minutes``."""
    next_at: float | None
    """When it is due next; ``None`` until a scheduler has installed it."""
    last: LastRun | None
    """The last time it was due; ``None`` when it never was."""
    late_seconds: float = 0.0
    """How long it has been due without being queued (no scheduler runs, say); 0 when it is not due yet."""


def read_schedule(stores: Stores, now: float) -> list[ScheduleRow]:
    """A row for each declared entry, in the order of the settings, in two round trips."""
    entries = entries_from(horizon_settings().schedule, DEFAULT_QUEUE)
    next_times = stores.schedule.next_times([entry.scheduled_id for entry in entries])
    last_runs = stores.schedule.last_runs()
    return [
        ScheduleRow(
            entry=entry,
            in_words=in_words(entry.cron),
            next_at=next_at,
            last=last_runs.get(entry.name),
            late_seconds=max(now - next_at, 0.0) if next_at is not None else 0.0,
        )
        for entry, next_at in zip(entries, next_times, strict=True)
    ]


def in_words(cron: str) -> str:
    """A cron line in plain English, with times on the 24-hour clock."""
    options = Options()
    options.use_24hour_time_format = True
    options.locale_code = "en"
    return str(ExpressionDescriptor(cron, options).get_description())
