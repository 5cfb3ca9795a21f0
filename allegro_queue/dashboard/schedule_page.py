"""What the schedule page shows: each cron entry, when it runs next, and what became of its last run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allegro_queue.dashboard.formats import duration, in_words, plural, until
from allegro_queue.dashboard.states import ENTRY_LATE, Status
from allegro_queue.scheduling.table import ScheduleRow, read_schedule
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.schedule import SchedulerRecord

LATE_START = 30
"""Seconds between due and queued from which a run counts as late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRow:
    """One entry of the schedule."""

    row: ScheduleRow
    state: Status
    late_seconds: float
    """How late its last run was queued; 0 when in time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulePage:
    """What runs when, and did it run?"""

    tone: str
    sentence: str
    sub: str
    scheduler: SchedulerRecord | None
    rows: tuple[EntryRow, ...]


def read_schedule_page(stores: Stores, pulse: Pulse) -> SchedulePage:
    """The page, from the settings and the stores: two round trips besides the pulse's two."""
    rows = tuple(entry_row(row, pulse) for row in read_schedule(stores, pulse.at))
    tone, sentence = say(rows, pulse)
    return SchedulePage(tone=tone, sentence=sentence, sub=holder(pulse), scheduler=pulse.scheduler, rows=rows)


def entry_row(row: ScheduleRow, pulse: Pulse) -> EntryRow:
    """An entry with its state."""
    late = max(row.last.enqueued_at - row.last.due_at, 0.0) if row.last is not None and not row.last.error else 0.0
    return EntryRow(row=row, state=entry_state(row, late, pulse), late_seconds=late if late >= LATE_START else 0.0)


def entry_state(row: ScheduleRow, late: float, pulse: Pulse) -> Status:
    """The worst that is known of an entry."""
    if row.last is not None and row.last.error:
        return Status(tone="bad", icon="bad", word="Not queued")
    if row.late_seconds > ENTRY_LATE:
        return Status(tone="bad" if pulse.scheduler is None else "warn", icon="warn", word="Overdue")
    if pulse.scheduler is None:
        return Status(tone="warn", icon="unknown", word="No scheduler")
    if late >= LATE_START:
        return Status(tone="warn", icon="warn", word="Was late")
    if row.next_at is None:
        return Status(tone="idle", icon="wait", word="Being installed")
    return Status(tone="ok", icon="ok", word="On time" if row.last is not None else "Planned")


def say(rows: Sequence[EntryRow], pulse: Pulse) -> tuple[str, str]:
    """The page's tone and sentence."""
    if not rows:
        return "ok", "Nothing is scheduled. HORIZON[“schedule”] names no entry."
    overdue = [each.row.entry.name for each in rows if each.row.late_seconds > ENTRY_LATE]
    refused = [each.row.entry.name for each in rows if each.row.last is not None and each.row.last.error]
    if pulse.scheduler is None:
        late = f" {in_words(overdue)} {'is' if len(overdue) == 1 else 'are'} overdue." if overdue else ""
        return "bad", f"No scheduler runs, so nothing is queued by the clock.{late}"
    if refused:
        return "bad", f"The last run of {in_words(refused)} could not be queued."
    if overdue:
        return "warn", f"{in_words(overdue)} {'is' if len(overdue) == 1 else 'are'} overdue."
    coming = min(
        (each.row for each in rows if each.row.next_at is not None), key=lambda row: row.next_at or 0.0, default=None
    )
    if coming is None or coming.next_at is None:
        return "ok", f"{plural(len(rows), 'entry is', 'entries are')} being installed."
    return (
        "ok",
        f"{plural(len(rows), 'entry is', 'entries are')} on plan; {coming.entry.name} is next, {until(coming.next_at, pulse.at)}.",
    )


def holder(pulse: Pulse) -> str:
    """Who runs the schedule."""
    if pulse.scheduler is None:
        return ""
    record = pulse.scheduler
    alone = "" if record.master else ", started by hand"
    return (
        f"Run by {record.host}, process {record.pid}{alone}, for {duration(float(int(pulse.at - record.started_at)))}."
    )
