"""What the schedule pages show: each cron entry, when it runs next, and what became of its last times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.filters.state_words import state_words
from allegro_queue.dashboard.page.formats import ago, count, duration, in_words, until
from allegro_queue.dashboard.page.states import ENTRY_LATE, Status
from allegro_queue.scheduling.entries import DATABASE
from allegro_queue.scheduling.table import Fault, ScheduleRow, faults_in, rows_of
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Account
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.scheduler_record import SchedulerRecord
from allegro_queue.wording import worded

LATE_START = 30
"""Seconds between due and queued from which a run counts as late."""

RUNS_SHOWN = 24
NAMES_SHOWN = 3

FAILED = ("failed", "stopped", "canceled")
"""RQ's words for a job that did not do its work."""

OVERLAP_WORDS = {
    "skip": gettext_noop("It skips a time while the run before has not ended"),
    "allow": gettext_noop("It runs beside the run before"),
}
MISSED_WORDS = {
    "once": gettext_noop("makes up for missed times with one run"),
    "skip": gettext_noop("skips missed times"),
    "all": gettext_noop("makes up for each missed time, {n} at most"),
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
    """The page, from the settings and the stores: four round trips besides the pulse's two."""
    rows, faults = read_rows(stores, pulse)
    tone, sentence = say(rows, faults, pulse)
    return SchedulePage(
        tone=tone,
        sentence=sentence,
        sub=leader(pulse.scheduler, stores.schedulers.standing_by(), pulse.at),
        scheduler=pulse.scheduler,
        rows=rows,
        faults=faults,
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
        rules=gettext(OVERLAP_WORDS[row.entry.overlap])
        + "; "
        + worded(gettext(MISSED_WORDS[row.entry.missed]), n=row.entry.missed_limit)
        + ".",
    )


def entry_state(row: ScheduleRow, last_run: Account | None, late: float, pulse: Pulse) -> Status:
    """The worst that is known of an entry."""
    if not row.entry.enabled:
        return Status(tone="idle", icon="idle", word=gettext("Not enabled"))
    if row.state.error:
        return Status(tone="bad", icon="bad", word=gettext("Not queued"))
    if row.pause is not None:
        return Status(tone="warn", icon="pause", word=gettext("Paused"))
    if row.late_seconds > ENTRY_LATE:
        return Status(tone="bad" if pulse.scheduler is None else "warn", icon="warn", word=gettext("Overdue"))
    if pulse.scheduler is None:
        return Status(tone="warn", icon="unknown", word=gettext("No scheduler"))
    if last_run is not None and last_run.result in FAILED:
        return Status(tone="bad", icon="bad", word=gettext("Failed"))
    if row.last is not None and row.last.what in ("skipped", "missed"):
        return Status(
            tone="warn", icon="warn", word=gettext("Skipped") if row.last.what == "skipped" else gettext("Missed")
        )
    if late >= LATE_START:
        return Status(tone="warn", icon="warn", word=gettext("Was late"))
    if row.next_at is None:
        return Status(tone="idle", icon="wait", word=gettext("Being installed"))
    return Status(tone="ok", icon="ok", word=gettext("On time") if row.last is not None else gettext("Planned"))


def result_of(account: Account) -> Status | None:
    """How a run ended, in a word; nothing for a time that had none."""
    if not account.job_id:
        return None
    took = duration(account.seconds) if account.seconds is not None else ""
    if not account.result:
        return Status(tone="run", icon="run", word=gettext("not ended yet"))
    if account.result == "finished":
        return Status(
            tone="ok", icon="ok", word=worded(gettext("done in {time}"), time=took) if took else gettext("done")
        )
    if account.result == "gone":
        return Status(tone="idle", icon="unknown", word=gettext("no longer listed"))
    state = state_words(account.result)
    word = worded(gettext("{state} in {time}"), state=state, time=took) if took else state
    return Status(tone="bad", icon="bad", word=word)


def strip(accounts: Sequence[Account]) -> SafeString:
    """The last times, oldest first. Those that had no run are one frame, however many they were."""
    shapes = [charts.Run(shape_of(each), each.seconds) for each in reversed(accounts)]
    kinds = {
        "done": gettext("{n} done"),
        "late": gettext("{n} late"),
        "failed": gettext("{n} failed"),
        "missed": gettext("{n} without a run"),
    }
    said = [
        worded(words, n=count(number))
        for kind, words in kinds.items()
        if (number := sum(each.result == kind for each in shapes))
    ]
    if not shapes:
        return SafeString("")
    text = ngettext("Last {n} time: {results}", "Last {n} times: {results}", len(shapes))
    return charts.runs(shapes, worded(text, n=count(len(shapes)), results=", ".join(said)))


def shape_of(account: Account) -> charts.RunResult:
    if not account.job_id:
        return "missed"
    if account.result in FAILED:
        return "failed"
    return "late" if account.what == "run" and account.start_delay >= LATE_START else "done"


def say(rows: Sequence[EntryRow], faults: Sequence[Fault], pulse: Pulse) -> tuple[str, str]:
    """The page's tone and sentence."""
    if not rows and not faults:
        return "ok", gettext("Nothing is scheduled. HORIZON['schedule'] names no entry.")
    overdue = [each.row.entry.name for each in rows if each.row.late_seconds > ENTRY_LATE]
    refused = [each.row.entry.name for each in rows if each.row.state.error] + [each.name for each in faults]
    if pulse.scheduler is None:
        stopped = gettext("No scheduler runs, so nothing is queued by the clock.")
        return "bad", f"{stopped} {overdue_words(overdue)}" if overdue else stopped
    if refused:
        return "bad", worded(gettext("{entries} cannot be queued."), entries=names(refused))
    if overdue:
        return "warn", overdue_words(overdue)
    paused = [each.row.entry.name for each in rows if each.row.pause is not None]
    if paused:
        return "warn", worded(
            ngettext("{entries} is paused.", "{entries} are paused.", len(paused)), entries=names(paused)
        )
    coming = min(
        (each.row for each in rows if each.row.next_at is not None), key=lambda row: row.next_at or 0.0, default=None
    )
    if coming is None or coming.next_at is None:
        return "ok", worded(
            ngettext("{n} entry is being installed.", "{n} entries are being installed.", len(rows)), n=count(len(rows))
        )
    return (
        "ok",
        worded(
            ngettext(
                "{n} entry is on plan; {entry} is next, {time}.",
                "{n} entries are on plan; {entry} is next, {time}.",
                len(rows),
            ),
            n=count(len(rows)),
            entry=coming.entry.name,
            time=until(coming.next_at, pulse.at),
        ),
    )


def overdue_words(given: Sequence[str]) -> str:
    return worded(ngettext("{entries} is overdue.", "{entries} are overdue.", len(given)), entries=names(given))


def names(given: Sequence[str]) -> str:
    """Some names, and how many more."""
    if len(given) <= NAMES_SHOWN:
        return in_words(list(given))
    rest = len(given) - NAMES_SHOWN
    return worded(gettext("{names} and {n} more"), names=", ".join(given[:NAMES_SHOWN]), n=count(rest))


def leader(record: SchedulerRecord | None, standing_by: int, now: float) -> str:
    """Who runs the schedule, and who would if that one died."""
    if record is None:
        return ""
    text = (
        gettext("Led by {host}, process {pid}, for {time}.")
        if record.master
        else gettext("Led by {host}, process {pid}, started by hand, for {time}.")
    )
    since = duration(float(int(now - record.leads_since)))
    led = worded(text, host=record.host, pid=record.pid, time=since)
    if not standing_by:
        return led + " " + gettext("No other stands by.")
    others = worded(ngettext("{n} other stands by.", "{n} others stand by.", standing_by), n=count(standing_by))
    return f"{led} {others}"


# ------------------------------------------------------------------------------------------------- One entry


WHAT = {
    "run": gettext_noop("run"),
    "by hand": gettext_noop("by hand"),
    "skipped": gettext_noop("skipped"),
    "missed": gettext_noop("missed"),
    "refused": gettext_noop("refused"),
}
"""What became of a time, in a word; as the account has it when this version knows no such thing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLine:
    """One of its last times."""

    account: Account
    word: str
    result: Status | None


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryPage:
    """What became of one entry's last times."""

    tone: str
    sentence: str
    sub: str
    each: EntryRow
    lines: tuple[AccountLine, ...]


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
        sub=worded(
            gettext("{run} run, {missed} missed, {skipped} skipped since it was installed."),
            run=count(row.state.runs),
            missed=count(row.state.missed),
            skipped=count(row.state.skipped),
        ),
        each=each,
        lines=tuple(
            AccountLine(
                account=account,
                word=gettext(WHAT[account.what]) if account.what in WHAT else account.what,
                result=result_of(account),
            )
            for account in each.accounts
        ),
    )


def sentence_on(each: EntryRow, pulse: Pulse) -> str:
    """How one entry fares."""
    row = each.row
    if row.state.error:
        return worded(
            gettext("{entry} cannot be queued: {error}"), entry=row.entry.name, error=row.state.error_telling.words
        )
    if not row.entry.enabled:
        return worded(gettext("{entry} is not enabled."), entry=row.entry.name)
    if row.pause is not None:
        text = (
            gettext("{entry} is paused by {who}, since {time}.")
            if row.pause.by
            else gettext("{entry} is paused, since {time}.")
        )
        since = duration(float(int(pulse.at - row.pause.since)))
        return worded(text, entry=row.entry.name, who=row.pause.by, time=since)
    if row.next_at is None:
        return worded(gettext("{entry} is being installed."), entry=row.entry.name)
    if row.late_seconds > ENTRY_LATE:
        return worded(
            gettext("{entry} was due {ago} and is not queued yet."),
            entry=row.entry.name,
            ago=ago(row.next_at, pulse.at),
        )
    return worded(gettext("{entry} runs next {time}."), entry=row.entry.name, time=until(row.next_at, pulse.at))
