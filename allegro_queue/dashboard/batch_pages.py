"""What the pages of batches show: all of them, and one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.formats import about, count, duration, plural
from allegro_queue.dashboard.job_lines import Line, line_of
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.looks import Look, look_of
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.batches import BY_FAILURE, BY_SENDER, BatchRecord, Which
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pulse import Pulse

PAGE_SIZE = 50
JOBS_SHOWN = 50
OPEN_SHOWN = 20

MOMENTS: Mapping[Which, str] = {
    "then": "When all have succeeded",
    "catch": "At the first failure",
    "finally": "When all have ended",
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
        sub="A batch is a set of jobs that are counted together, with jobs that follow when they have ended.",
        tabs=(
            BatchTab(word="All", address=link("batches"), current=not only_open),
            BatchTab(word="Not ended", address=link("batches", query={"state": "open"}), current=only_open),
        ),
        lines=tuple(batch_line(record, pulse.at) for record in records),
        empty="Every batch has ended" if only_open else "No batch was made lately",
        previous=at(page - 1) if page > 1 else "",
        next=at(page + 1) if offset + PAGE_SIZE < total else "",
    )


def say_of_all(records: Sequence[BatchRecord], total: int, *, only_open: bool) -> tuple[str, str]:
    """Tone and sentence: what runs, and what went wrong."""
    if not records:
        return "ok", "No batch is under way." if only_open else "There are no batches."
    running = sum(record.finished_at is None for record in records)
    wrong = sum(record.failed > 0 or record.cancelled_by == BY_SENDER for record in records)
    under_way = f"{plural(running, 'batch is', 'batches are')} under way" if running else "All batches have ended"
    tail = f"; {count(wrong)} of {count(len(records))} shown had failures." if wrong else "."
    return ("warn" if wrong else "run" if running else "ok"), under_way + tail


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
            return Look(tone="warn", icon="wait", word="Stopping")
        if record.is_filling:
            return Look(tone="run", icon="run", word="Being filled")
        if record.failed:
            return Look(tone="warn", icon="run", word="Running, with failures")
        return Look(tone="run", icon="run", word="Running")
    if record.cancelled_by in (BY_FAILURE, BY_SENDER):
        return Look(tone="bad", icon="bad", word="Stopped")
    if record.cancelled_at is not None:
        return Look(tone="idle", icon="idle", word="Cancelled")
    if record.failed:
        return Look(tone="bad", icon="bad", word="Ended with failures")
    return Look(tone="ok", icon="ok", word="Finished")


def left_of(record: BatchRecord, now: float) -> str:
    """How long it took, or about how long it still needs at the pace so far."""
    if record.finished_at is not None:
        return f"took {duration(record.finished_at - record.created_at)}"
    elapsed = now - record.created_at
    if record.processed < 1 or elapsed <= 0 or not record.pending:
        return "time left unknown"
    return f"about {about(record.pending * elapsed / record.processed)} left"


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
    """How it stands in one sentence."""
    name = masked(record.name)
    done = f"{count(record.processed)} of {plural(record.total, 'job')}"
    failures = f", {count(record.failed)} failed" if record.failed else ""
    if record.finished_at is None:
        stopping = "; what waits is skipped" if record.cancelled_at is not None else ""
        return f"{name}: {done} done{failures}{stopping}."
    if record.cancelled_at is not None:
        skipped = f", {count(record.skipped)} were skipped" if record.skipped else ""
        word = "was cancelled" if record.was_cancelled else "stopped"
        return (
            f"{name} {word}: {count(record.succeeded)} of {plural(record.total, 'job')} succeeded{failures}{skipped}."
        )
    if record.failed or record.dropped:
        dropped = f", {count(record.dropped)} were deleted" if record.dropped else ""
        return f"{name} ended: {count(record.succeeded)} of {plural(record.total, 'job')} succeeded{failures}{dropped}."
    return f"{name} finished: all {plural(record.total, 'job')} succeeded." if record.total else f"{name} had no jobs."


def sub_of(record: BatchRecord, now: float) -> str:
    if record.is_filling:
        return "Whoever made it is still adding jobs."
    if record.cancelled_by == BY_SENDER:
        return "The process that added its jobs died or lost Redis before all were queued."
    if record.finished_at is None:
        return f"{left_of(record, now).capitalize()}{', at the pace so far' if record.processed else ''}."
    return f"It {left_of(record, now)}."


def by_of(record: BatchRecord) -> str:
    if record.cancelled_at is None:
        return ""
    return {BY_FAILURE: "its first failure", BY_SENDER: "the death of its sender"}.get(
        record.cancelled_by, record.cancelled_by
    )


def follow_rows(record: BatchRecord) -> list[FollowRow]:
    """What follows, in the order of the moments."""
    rows = []
    for which, each in record.following.items():
        queued = each.queued_at is not None
        if queued:
            look = Look(tone="ok", icon="ok", word="Queued")
        elif record.finished_at is not None:
            look = Look(tone="idle", icon="idle", word="Not needed")
        else:
            look = look_of("scheduled")
            look = Look(tone=look.tone, icon=look.icon, word="Waits")
        rows.append(
            FollowRow(
                moment=MOMENTS[which],
                look=look,
                address=link("job", job_id=each.job_id) if queued else "",
                at=each.queued_at,
            )
        )
    return rows
