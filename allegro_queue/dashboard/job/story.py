"""What happened to one job, in order, with the gaps named. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard.charts import attempt_bar
from allegro_queue.dashboard.filters.state_words import state_words
from allegro_queue.dashboard.page.formats import duration
from allegro_queue.dashboard.page.names import capitalized
from allegro_queue.masking import masked
from allegro_queue.stores.jobs import Attempt, JobDetail
from allegro_queue.wording import worded

GAP_WORTH_NAMING = 0.0005
"""Seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chapter:
    """A moment with its time and icon, or the gap between two."""

    words: str
    at: float | None = None
    """``None`` for a gap, and where RQ kept no time."""
    is_gap: bool = False
    icon: str = "step"
    tone: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """One attempt in the table."""

    number: int
    worker: str
    bar: SafeString | str
    wait_seconds: float | None
    run_seconds: float | None
    result: str
    tone: str
    icon: str
    error: str


RESULT_LOOKS = {
    "finished": ("ok", "ok"),
    "failed": ("bad", "bad"),
    "retried": ("run", "retry"),
    "stopped": ("idle", "idle"),
    "lost": ("bad", "unknown"),
}


def oldest_first(detail: JobDetail) -> list[Attempt]:
    return list(reversed(detail.attempts))


def queued_at(detail: JobDetail, attempts: Sequence[Attempt], place: int) -> float | None:
    """When an attempt's turn was queued: RQ keeps it for the newest alone; the first was queued when it was created."""
    row = detail.row
    attempt = attempts[place]
    if attempt.queued_at is not None:
        return attempt.queued_at
    is_newest = place == len(attempts) - 1
    if is_newest and row.enqueued_at is not None and within(row.enqueued_at, attempt.started_at):
        return row.enqueued_at
    if place == 0 and len(attempts) > 1 and within(row.created_at, attempt.started_at):
        return row.created_at
    return None


def within(moment: float | None, before: float | None) -> bool:
    return moment is not None and before is not None and moment <= before


def span_of(detail: JobDetail, now: float) -> float:
    """Seconds from creation to the end of the last attempt, or to now while one runs."""
    row = detail.row
    start = row.created_at
    ends = [each.ended_at for each in detail.attempts if each.ended_at is not None]
    if row.ended_at is not None:
        ends.append(row.ended_at)
    if is_running(detail):
        ends.append(now)
    if start is None or not ends:
        return 0.0
    return max(max(ends) - start, 0.0)


def is_running(detail: JobDetail) -> bool:
    return detail.row.status == "started"


def attempt_rows(detail: JobDetail, now: float) -> list[AttemptRow]:
    """The table of attempts, oldest first, each drawn on the job's own clock."""
    attempts = oldest_first(detail)
    whole = span_of(detail, now)
    start = detail.row.created_at
    rows = []
    for place, attempt in enumerate(attempts):
        queued = queued_at(detail, attempts, place)
        wait = max(attempt.started_at - queued, 0.0) if attempt.started_at and queued is not None else None
        run = run_seconds(attempt)
        tone, icon = RESULT_LOOKS.get(attempt.result, ("idle", "unknown"))
        bar: SafeString | str = ""
        if start is not None and attempt.started_at is not None and attempt.ended_at is not None:
            after = duration(attempt.started_at - start)
            bar = attempt_bar(
                queued=queued - start if queued is not None else None,
                started=attempt.started_at - start,
                ended=attempt.ended_at - start,
                limit=detail.row.timeout,
                whole=whole,
                failed=attempt.result == "failed",
                sentence=worded(
                    gettext("Started {after} after creation, ran {time}, {result}."),
                    after=after,
                    time=duration(run),
                    result=state_words(attempt.result),
                ),
            )
        rows.append(
            AttemptRow(
                number=place + 1,
                worker=attempt.worker,
                bar=bar,
                wait_seconds=wait,
                run_seconds=run,
                result=capitalized(state_words(attempt.result)),
                tone=tone,
                icon=icon,
                error=masked(attempt.error),
            )
        )
    return rows


def run_seconds(attempt: Attempt) -> float | None:
    if attempt.started_at is None or attempt.ended_at is None:
        return None
    return max(attempt.ended_at - attempt.started_at, 0.0)


def story(detail: JobDetail, now: float) -> list[Chapter]:
    """Created, waited, ran, ended: as far as RQ kept it."""
    row = detail.row
    attempts = oldest_first(detail)
    chapters: list[Chapter] = []
    if row.created_at is not None:
        chapters.append(
            Chapter(
                at=row.created_at,
                words=worded(gettext("Created for the queue {queue}"), queue=row.queue or gettext("unknown")),
            )
        )
    for place, attempt in enumerate(attempts):
        queued = queued_at(detail, attempts, place)
        if place and queued is not None:
            chapters.append(Chapter(at=queued, icon="wait", words=gettext("Queued again")))
        if attempt.started_at is not None:
            if queued is not None and attempt.started_at - queued > GAP_WORTH_NAMING:
                chapters.append(
                    Chapter(
                        is_gap=True, words=worded(gettext("waited {time}"), time=duration(attempt.started_at - queued))
                    )
                )
            chapters.append(Chapter(at=attempt.started_at, icon="run", tone="run", words=started_on(attempt.worker)))
            run = run_seconds(attempt)
            if run is not None:
                chapters.append(Chapter(is_gap=True, words=worded(gettext("ran {time}"), time=duration(run))))
        chapters.append(ending(attempt))
    return chapters + present(detail, now)


def started_on(worker: str) -> str:
    return worded(gettext("Started on {worker}"), worker=worker) if worker else gettext("Started")


def ending(attempt: Attempt) -> Chapter:
    tone, icon = RESULT_LOOKS.get(attempt.result, ("", "unknown"))
    words = capitalized(state_words(attempt.result))
    if attempt.error:
        words = f"{words}: {masked(attempt.error)}"
    return Chapter(at=attempt.ended_at, icon=icon, tone=tone, words=words)


def present(detail: JobDetail, now: float) -> list[Chapter]:
    """What it is doing now, when it has not ended."""
    row = detail.row
    last_end = max((each.ended_at for each in detail.attempts if each.ended_at is not None), default=0.0)
    if row.status == "queued":
        since = row.enqueued_at if row.enqueued_at is not None else row.created_at
        again = [Chapter(at=since, icon="wait", words=gettext("Queued again"))] if detail.attempts and since else []
        return [
            *again,
            Chapter(
                is_gap=True,
                words=worded(gettext("waiting for {time}"), time=duration(now - since))
                if since
                else gettext("waiting"),
            ),
        ]
    if is_running(detail) and row.started_at is not None and row.started_at >= last_end:
        return [
            Chapter(at=row.started_at, icon="run", tone="run", words=started_on(row.worker)),
            Chapter(is_gap=True, words=worded(gettext("running for {time}"), time=duration(now - row.started_at))),
        ]
    if row.status == "scheduled":
        why = gettext("waiting for its time: {reason}") if row.reason else gettext("waiting for its time")
        return [Chapter(is_gap=True, words=worded(why, reason=masked(row.reason)))]
    if row.status == "deferred":
        return [Chapter(is_gap=True, words=gettext("waiting for another job that it depends on"))]
    return []
