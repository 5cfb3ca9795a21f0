"""What the schedule pages show: each cron entry, when it runs next, and what became of its last times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.formats import ago, count, duration, in_words, plural, until
from allegro_queue.dashboard.states import ENTRY_LATE, Status
from allegro_queue.scheduling.entries import DATABASE
from allegro_queue.scheduling.table import Fault, ScheduleRow, faults_in, rows_of
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Account
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.schedule import SchedulerRecord

LATE_START = 30
"""Seconds between due and queued from which a run counts as late."""

RUNS_SHOWN = 24
NAMES_SHOWN = 3

FAILED = ("failed", "stopped", "canceled")
"""RQ's words for a job that did not do its work."""

OVERLAP_WORDS = {"skip": "skips a time while the run before has not ended", "allow": "runs beside the run before"}
MISSED_WORDS = {
    "once": "makes up for missed times with one run",
    "skip": "skips missed times",
    "all": "makes up for each missed time",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRow:
    """One entry of the schedule."""

    row: ScheduleRow
    state: Status
    accounts: tuple[Account, ...]
    """What became of its last times, newest first."""
    last_run: Account | None
    """Its last time that a job was queued for."""
    runs: SafeString
    """Its last times as a strip."""
    result: Status | None
    """How its last run ended."""
    late_seconds: float
    """How late its last run was queued; 0 when in time."""
    coming: tuple[float, ...]
    rules: str

    @property
    def from_database(self) -> bool:
        return self.row.entry.source == DATABASE


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulePage:
    """What runs when, and did it run?"""

    tone: str
    sentence: str
    sub: str
    scheduler: SchedulerRecord | None
    rows: tuple[EntryRow, ...]
    faults: tuple[Fault, ...]


def read_schedule_page(stores: Stores, pulse: Pulse) -> SchedulePage:
    """The page, from the settings and the stores: three round trips besides the pulse's two."""
    rows, faults = read_rows(stores, pulse)
    tone, sentence = say(rows, faults, pulse)
    return SchedulePage(
        tone=tone, sentence=sentence, sub=holder(pulse), scheduler=pulse.scheduler, rows=rows, faults=faults
    )


def read_rows(stores: Stores, pulse: Pulse) -> tuple[tuple[EntryRow, ...], tuple[Fault, ...]]:
    """Every entry, and those of the database that cannot run."""
    known = stores.entries.known(pulse.at)
    rows = rows_of(stores, known, pulse.at)
    accounts = stores.entries.accounts([row.entry.name for row in rows])
    return tuple(entry_row(row, accounts[row.entry.name], pulse) for row in rows), tuple(faults_in(known))


def entry_row(row: ScheduleRow, accounts: Sequence[Account], pulse: Pulse) -> EntryRow:
    """An entry with its state."""
    last_run = next((each for each in accounts if each.job_id), None)
    late = last_run.start_delay if last_run is not None and last_run.what == "run" else 0.0
    return EntryRow(
        row=row,
        state=entry_state(row, last_run, late, pulse),
        accounts=tuple(accounts),
        last_run=last_run,
        runs=strip(accounts[:RUNS_SHOWN]),
        result=result_of(last_run) if last_run is not None else None,
        late_seconds=late if late >= LATE_START else 0.0,
        coming=row.coming(),
        rules=f"{OVERLAP_WORDS[row.entry.overlap]}; {MISSED_WORDS[row.entry.missed]}"
        + (f", {row.entry.missed_limit} at most" if row.entry.missed == "all" else ""),
    )


def entry_state(row: ScheduleRow, last_run: Account | None, late: float, pulse: Pulse) -> Status:
    """The worst that is known of an entry."""
    if not row.entry.enabled:
        return Status(tone="idle", icon="idle", word="Not enabled")
    if row.state.error:
        return Status(tone="bad", icon="bad", word="Not queued")
    if row.pause is not None:
        return Status(tone="warn", icon="pause", word="Paused")
    if row.late_seconds > ENTRY_LATE:
        return Status(tone="bad" if pulse.scheduler is None else "warn", icon="warn", word="Overdue")
    if pulse.scheduler is None:
        return Status(tone="warn", icon="unknown", word="No scheduler")
    if last_run is not None and last_run.result in FAILED:
        return Status(tone="bad", icon="bad", word="Failed")
    if row.last is not None and row.last.what in ("skipped", "missed"):
        return Status(tone="warn", icon="warn", word=row.last.what.capitalize())
    if late >= LATE_START:
        return Status(tone="warn", icon="warn", word="Was late")
    if row.next_at is None:
        return Status(tone="idle", icon="wait", word="Being installed")
    return Status(tone="ok", icon="ok", word="On time" if row.last is not None else "Planned")


def result_of(account: Account) -> Status | None:
    """How a run ended, in a word; nothing for a time that had none."""
    if not account.job_id:
        return None
    took = f" in {duration(account.seconds)}" if account.seconds is not None else ""
    if not account.result:
        return Status(tone="run", icon="run", word="not ended yet")
    if account.result == "finished":
        return Status(tone="ok", icon="ok", word=f"done{took}")
    if account.result == "gone":
        return Status(tone="idle", icon="unknown", word="no longer listed")
    return Status(tone="bad", icon="bad", word=f"{account.result}{took}")


def strip(accounts: Sequence[Account]) -> SafeString:
    """The last times, oldest first. Those that had no run are one frame, however many they were."""
    shapes = [charts.Run(shape_of(each), each.seconds) for each in reversed(accounts)]
    kinds = {"done": "done", "late": "late", "failed": "failed", "missed": "without a run"}
    said = [
        f"{count(number)} {words}"
        for kind, words in kinds.items()
        if (number := sum(each.result == kind for each in shapes))
    ]
    return charts.runs(shapes, f"Last {plural(len(shapes), 'time')}: {', '.join(said)}") if shapes else SafeString("")


def shape_of(account: Account) -> charts.RunResult:
    if not account.job_id:
        return "missed"
    if account.result in FAILED:
        return "failed"
    return "late" if account.what == "run" and account.start_delay >= LATE_START else "done"


def say(rows: Sequence[EntryRow], faults: Sequence[Fault], pulse: Pulse) -> tuple[str, str]:
    """The page's tone and sentence."""
    if not rows and not faults:
        return "ok", "Nothing is scheduled. HORIZON[“schedule”] names no entry."
    overdue = [each.row.entry.name for each in rows if each.row.late_seconds > ENTRY_LATE]
    refused = [each.row.entry.name for each in rows if each.row.state.error] + [each.name for each in faults]
    if pulse.scheduler is None:
        late = f" {names(overdue)} {'is' if len(overdue) == 1 else 'are'} overdue." if overdue else ""
        return "bad", f"No scheduler runs, so nothing is queued by the clock.{late}"
    if refused:
        return "bad", f"{names(refused)} cannot be queued."
    if overdue:
        return "warn", f"{names(overdue)} {'is' if len(overdue) == 1 else 'are'} overdue."
    paused = [each.row.entry.name for each in rows if each.row.pause is not None]
    if paused:
        return "warn", f"{names(paused)} {'is' if len(paused) == 1 else 'are'} paused."
    coming = min(
        (each.row for each in rows if each.row.next_at is not None), key=lambda row: row.next_at or 0.0, default=None
    )
    if coming is None or coming.next_at is None:
        return "ok", f"{plural(len(rows), 'entry is', 'entries are')} being installed."
    return (
        "ok",
        f"{plural(len(rows), 'entry is', 'entries are')} on plan; {coming.entry.name} is next, {until(coming.next_at, pulse.at)}.",
    )


def names(given: Sequence[str]) -> str:
    """Some names, and how many more."""
    shown = list(given[:NAMES_SHOWN])
    if len(given) > NAMES_SHOWN:
        shown.append(f"{count(len(given) - NAMES_SHOWN)} more")
    return in_words(shown)


def holder(pulse: Pulse) -> str:
    """Who runs the schedule."""
    if pulse.scheduler is None:
        return ""
    record = pulse.scheduler
    alone = "" if record.master else ", started by hand"
    return (
        f"Run by {record.host}, process {record.pid}{alone}, for {duration(float(int(pulse.at - record.started_at)))}."
    )


# ------------------------------------------------------------------------------------------------- One entry


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPage:
    """What became of one entry's last times."""

    tone: str
    sentence: str
    sub: str
    each: EntryRow
    lines: tuple[tuple[Account, Status | None], ...]


def read_entry(stores: Stores, pulse: Pulse, name: str) -> EntryPage | None:
    """The page of one entry; nothing when there is none of this name."""
    rows, _ = read_rows(stores, pulse)
    each = next((row for row in rows if row.row.entry.name == name), None)
    if each is None:
        return None
    row = each.row
    return EntryPage(
        tone={"run": "ok", "idle": "ok"}.get(each.state.tone, each.state.tone),
        sentence=sentence_on(each, pulse),
        sub=f"{count(row.state.runs)} run, {count(row.state.missed)} missed, {count(row.state.skipped)} skipped since it was installed.",
        each=each,
        lines=tuple((account, result_of(account)) for account in each.accounts),
    )


def sentence_on(each: EntryRow, pulse: Pulse) -> str:
    """How one entry fares."""
    row = each.row
    if row.state.error:
        return f"{row.entry.name} cannot be queued: {row.state.error}"
    if not row.entry.enabled:
        return f"{row.entry.name} is not enabled."
    if row.pause is not None:
        by = f" by {row.pause.by}" if row.pause.by else ""
        return f"{row.entry.name} is paused{by}, since {duration(float(int(pulse.at - row.pause.since)))}."
    if row.next_at is None:
        return f"{row.entry.name} is being installed."
    if row.late_seconds > ENTRY_LATE:
        return f"{row.entry.name} was due {ago(row.next_at, pulse.at)} and is not queued yet."
    return f"{row.entry.name} runs next {until(row.next_at, pulse.at)}."
