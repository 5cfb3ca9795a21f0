"""What the pages of batches show: all of them, and one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.jobs.lines import Line, line_of
from allegro_queue.dashboard.page.formats import about, count, duration
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.looks import Look, look_of
from allegro_queue.dashboard.page.nouns import jobs
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.batches import BY_FAILURE, BY_SENDER, BatchRecord, Which
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

PAGE_SIZE = 50
JOBS_SHOWN = 50
OPEN_SHOWN = 20

MOMENTS: Mapping[Which, str] = {
    "then": gettext_noop("When all have succeeded"),
    "catch": gettext_noop("At the first failure"),
    "finally": gettext_noop("When all have ended"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLine:
    """One batch in the list."""

    record: BatchRecord
    name: str
    look: Look
    address: str
    bar: SafeString
    left: str
    """How long it still needs, or how long it took, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchTab:
    """One of the two lists."""

    word: str
    address: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchesPage:
    """How far are those bulk runs?"""

    tone: str
    sentence: str
    sub: str
    tabs: tuple[BatchTab, ...]
    lines: tuple[BatchLine, ...]
    empty: str
    previous: str
    next: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowRow:
    """What follows, and whether it has come to that."""

    moment: str
    follows: str
    """For those who do not see which moment it stands beside."""
    look: Look
    address: str
    """The job's page; empty before it is queued."""
    at: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPage:
    """How far is this bulk run?"""

    tone: str
    sentence: str
    sub: str
    record: BatchRecord
    name: str
    look: Look
    bar: SafeString
    left: str
    by: str
    """Who or what cancelled it, in words; empty when nobody did."""
    follows: tuple[FollowRow, ...]
    failed: tuple[Line, ...]
    failed_more: int
    failed_gone: int
    open: tuple[Line, ...]
    open_more: int
    can_cancel: bool
    retried: int
    """Jobs that a retry would queue; 0: there is nothing to retry, or somebody cancelled it."""


def read_batches(stores: Stores, pulse: Pulse, *, page: int, only_open: bool) -> BatchesPage:
    """One page of the list: two round trips besides the pulse's two."""
    offset = PAGE_SIZE * (page - 1)
    if only_open:
        records, total = stores.batches.open_page(offset, PAGE_SIZE)
    else:
        records, total = stores.batches.page(offset, PAGE_SIZE)
    tone, sentence = say_of_all(records, total, only_open=only_open)
    state = "open" if only_open else ""

    def at(number: int) -> str:
        return link("batches", query={"state": state, "page": number if number > 1 else ""})

    return BatchesPage(
        tone=tone,
        sentence=sentence,
        sub=gettext("A batch is a set of jobs that are counted together, with jobs that follow when they have ended."),
        tabs=(
            BatchTab(word=gettext("All"), address=link("batches"), current=not only_open),
            BatchTab(word=gettext("Not ended"), address=link("batches", query={"state": "open"}), current=only_open),
        ),
        lines=tuple(batch_line(record, pulse.at) for record in records),
        empty=gettext("Every batch has ended") if only_open else gettext("No batch was made lately"),
        previous=at(page - 1) if page > 1 else "",
        next=at(page + 1) if offset + PAGE_SIZE < total else "",
    )


def say_of_all(records: Sequence[BatchRecord], total: int, *, only_open: bool) -> tuple[str, str]:
    """Tone and sentence: what runs, and what went wrong."""
    if not records:
        return "ok", gettext("No batch is under way.") if only_open else gettext("There are no batches.")
    running = sum(record.finished_at is None for record in records)
    wrong = sum(record.failed > 0 or record.cancelled_by == BY_SENDER for record in records)
    under_way = (
        worded(ngettext("{n} batch is under way.", "{n} batches are under way.", running), n=count(running))
        if running
        else gettext("All batches have ended.")
    )
    if not wrong:
        return ("run" if running else "ok"), under_way
    tail = worded(gettext("{n} of {all} shown had failures."), n=count(wrong), all=count(len(records)))
    return "warn", f"{under_way} {tail}"


def batch_line(record: BatchRecord, now: float) -> BatchLine:
    return BatchLine(
        record=record,
        name=masked(record.name),
        look=look_of_batch(record),
        address=link("batch", batch_id=record.id),
        bar=bar_of(record),
        left=left_of(record, now),
    )


def bar_of(record: BatchRecord) -> SafeString:
    """How much of it has ended."""
    return charts.share_bar(record.processed / record.total if record.total else record.percent / 100)


def look_of_batch(record: BatchRecord) -> Look:
    """How it stands, in a word."""
    if record.finished_at is None:
        if record.cancelled_at is not None:
            return Look(tone="warn", icon="wait", word=gettext("Stopping"))
        if record.is_filling:
            return Look(tone="run", icon="run", word=gettext("Being filled"))
        if record.failed:
            return Look(tone="warn", icon="run", word=gettext("Running, with failures"))
        return Look(tone="run", icon="run", word=gettext("Running"))
    if record.cancelled_by in (BY_FAILURE, BY_SENDER):
        return Look(tone="bad", icon="bad", word=gettext("Stopped"))
    if record.cancelled_at is not None:
        return Look(tone="idle", icon="idle", word=gettext("Cancelled"))
    if record.failed:
        return Look(tone="bad", icon="bad", word=gettext("Ended with failures"))
    return Look(tone="ok", icon="ok", word=gettext("Finished"))


def left_of(record: BatchRecord, now: float) -> str:
    """How long it took, or about how long it still needs at the pace so far."""
    if record.finished_at is not None:
        return worded(gettext("took {time}"), time=duration(record.finished_at - record.created_at))
    elapsed = now - record.created_at
    if record.processed < 1 or elapsed <= 0 or not record.pending:
        return gettext("time left unknown")
    return worded(gettext("about {time} left"), time=about(record.pending * elapsed / record.processed))


def read_batch(stores: Stores, pulse: Pulse, batch_id: str) -> BatchPage | None:
    """One batch; ``None`` when there is none of this id. Four round trips besides the pulse's two."""
    record = stores.batches.get(batch_id)
    if record is None:
        return None
    failed_ids = stores.batches.failed_ids(batch_id, 0, JOBS_SHOWN)
    open_ids = stores.batches.open_ids(batch_id, OPEN_SHOWN)
    rows = {row.id: row for row in stores.jobs.rows([*failed_ids, *open_ids], with_errors=True)}
    failed = [rows[each] for each in failed_ids if each in rows]
    opened = [rows[each] for each in open_ids if each in rows]
    opened.sort(key=lambda row: (row.status != "started", row.created_at or 0, row.id))
    look = look_of_batch(record)
    return BatchPage(
        tone=look.tone if look.tone != "idle" else "ok",
        sentence=sentence_on(record),
        sub=sub_of(record, pulse.at),
        record=record,
        name=masked(record.name),
        look=look,
        bar=bar_of(record),
        left=left_of(record, pulse.at),
        by=by_of(record),
        follows=tuple(follow_rows(record)),
        failed=tuple(line_of(row, State.FAILED, pulse.at) for row in failed),
        failed_more=max(record.failed - JOBS_SHOWN, 0),
        failed_gone=len(failed_ids) - len(failed),
        open=tuple(line_of(row, state_of(row.status), pulse.at) for row in opened),
        open_more=max(record.pending - len(opened), 0),
        can_cancel=record.finished_at is None and not record.was_cancelled,
        retried=0 if record.was_cancelled else record.failed + record.skipped,
    )


def state_of(status: str) -> State:
    """The list whose way of showing times fits."""
    return {"started": State.RUNNING, "scheduled": State.SCHEDULED}.get(status, State.WAITING)


def sentence_on(record: BatchRecord) -> str:
    """How it stands."""
    name, all_jobs = masked(record.name), jobs(record.total)
    if record.finished_at is None:
        text, number = gettext("{batch}: {n} of {jobs} done."), record.processed
    elif record.was_cancelled:
        text, number = gettext("{batch} was cancelled: {n} of {jobs} succeeded."), record.succeeded
    elif record.cancelled_at is not None:
        text, number = gettext("{batch} stopped: {n} of {jobs} succeeded."), record.succeeded
    elif record.failed or record.dropped:
        text, number = gettext("{batch} ended: {n} of {jobs} succeeded."), record.succeeded
    elif record.total:
        text, number = gettext("{batch} finished: all {jobs} succeeded."), record.total
    else:
        text, number = gettext("{batch} had no jobs."), 0
    said = [worded(text, batch=name, n=count(number), jobs=all_jobs)]
    if record.failed:
        said.append(worded(ngettext("{n} failed.", "{n} failed.", record.failed), n=count(record.failed)))
    if record.finished_at is not None and record.skipped:
        said.append(worded(ngettext("{n} was skipped.", "{n} were skipped.", record.skipped), n=count(record.skipped)))
    if record.finished_at is not None and record.dropped:
        said.append(worded(ngettext("{n} was deleted.", "{n} were deleted.", record.dropped), n=count(record.dropped)))
    if record.finished_at is None and record.cancelled_at is not None:
        said.append(gettext("What waits is skipped."))
    return " ".join(said)


def sub_of(record: BatchRecord, now: float) -> str:
    if record.is_filling:
        return gettext("Whoever made it is still adding jobs.")
    if record.cancelled_by == BY_SENDER:
        return gettext("The process that added its jobs died or lost Redis before all were queued.")
    if record.finished_at is None:
        left = left_of(record, now)
        left = left[:1].upper() + left[1:]
        return worded(gettext("{left}, at the pace so far."), left=left) if record.processed else f"{left}."
    return worded(gettext("It took {time}."), time=duration(record.finished_at - record.created_at))


def by_of(record: BatchRecord) -> str:
    if record.cancelled_at is None:
        return ""
    return {BY_FAILURE: gettext("its first failure"), BY_SENDER: gettext("the death of its sender")}.get(
        record.cancelled_by, record.cancelled_by
    )


def follow_rows(record: BatchRecord) -> list[FollowRow]:
    """What follows, in the order of the moments."""
    rows = []
    for which, each in record.following.items():
        queued = each.queued_at is not None
        if queued:
            look = Look(tone="ok", icon="ok", word=gettext("Queued"))
        elif record.finished_at is not None:
            look = Look(tone="idle", icon="idle", word=gettext("Not needed"))
        else:
            look = look_of("scheduled")
            look = Look(tone=look.tone, icon=look.icon, word=gettext("Waits"))
        rows.append(
            FollowRow(
                moment=gettext(MOMENTS[which]),
                follows=worded(gettext("that follows {moment}"), moment=gettext(MOMENTS[which])),
                look=look,
                address=link("job", job_id=each.job_id) if queued else "",
                at=each.queued_at,
            )
        )
    return rows
