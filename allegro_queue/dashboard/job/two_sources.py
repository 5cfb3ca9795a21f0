"""One job as Redis and history tell of it together: each knows something that the other does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allegro_queue.history.runs import RunRow
from allegro_queue.stores.job_records import Attempt, JobDetail, JobRow
from allegro_queue.terms import NO_TERMS

SAME_RUN = 0.5
"""Seconds by which Redis and history may differ on when an attempt started."""


def with_runs(detail: JobDetail, kept: Sequence[RunRow]) -> JobDetail:
    """With the attempts that history has and Redis does not, and what history knows better of those that both have."""
    if not kept:
        return detail
    last = kept[-1]
    values = {id(run): same(run, detail.attempts) for run in kept}
    told = [attempt_from(run, values[id(run)]) for run in kept]
    newer = [
        each for each in detail.attempts if each.started_at is not None and each.started_at > last.started_at + SAME_RUN
    ]
    return replace(detail, attempts=(*newer, *reversed(told)))


def same(run: RunRow, attempts: Sequence[Attempt]) -> Attempt | None:
    """What Redis holds of a run."""
    return next(
        (
            each
            for each in attempts
            if each.started_at is not None and abs(each.started_at - run.started_at) <= SAME_RUN
        ),
        None,
    )


def attempt_from(run: RunRow, held: Attempt | None) -> Attempt:
    """A run as an attempt; with Redis' own words where it has them."""
    return Attempt(
        result="finished" if run.outcome == "succeeded" else run.outcome,
        started_at=run.started_at,
        ended_at=run.ended_at,
        worker=run.worker,
        traceback=held.traceback if held and held.traceback else run.traceback,
        value=held.value if held else "",
        unreadable=held.unreadable if held else "",
        queued_at=run.enqueued_at or None,
        said=f"{run.exception}: {run.message}".strip(": ") if run.fingerprint else "",
    )


def from_runs(kept: Sequence[RunRow]) -> JobDetail:
    """A job of which only its runs are left."""
    first, last = kept[0], kept[-1]
    return JobDetail(
        row=JobRow(
            id=last.job_id,
            name=last.name,
            queue=last.queue,
            status="finished" if last.outcome == "succeeded" else last.outcome,
            created_at=first.enqueued_at or first.started_at,
            enqueued_at=last.enqueued_at or None,
            started_at=last.started_at,
            ended_at=last.ended_at,
            worker=last.worker,
            timeout=None,
            retries_left=0,
            error=f"{last.exception}: {last.message}".strip(": ") if last.fingerprint else "",
            attempt=last.attempt,
            terms=replace(NO_TERMS, tags=last.tags, tenant=last.tenant, batch=last.batch),
        ),
        arguments=None,
        keywords=None,
        unreadable="",
        attempts=tuple(attempt_from(run, None) for run in reversed(kept)),
    )
