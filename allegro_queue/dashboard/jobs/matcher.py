"""What a query asks of a job in Redis. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from allegro_queue.dashboard.filters.spans import number_span, seconds_span
from allegro_queue.dashboard.filters.terms import Term
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import names_like
from allegro_queue.stores.job_records import JobRow
from allegro_queue.stores.jobs import Matcher

IN_TERMS = ("tag", "tenant", "batch")
"""Keys whose values stand in a job's terms as they are."""


def matcher_of(query: JobQuery, *, now: float) -> Matcher:
    """Whether a job in Redis is what a query asks for; terms that only runs can answer must not be in it."""
    asked = query.asked
    written = [
        tuple(f'"{value}"' for value in term.values) for term in asked if term.key in IN_TERMS and not term.excluded
    ]
    return Matcher(
        holds=lambda row: all(holds(term, row, now) for term in asked), may_hold=lambda terms: may_have(terms, written)
    )


def may_have(terms: str, wanted: Sequence[Sequence[str]]) -> bool:
    """Whether terms as they travel may hold one text of each; they are not read for it. JSON writes a text as it is
    unless it has a backslash in it."""
    return "\\" in terms or all(any(each in terms for each in some) for some in wanted)


def holds(term: Term, row: JobRow, now: float) -> bool:
    """Whether one term holds of a job."""
    return any(matches(term.key, value, row, now) for value in term.values) is not term.excluded


def matches(key: str, value: str, row: JobRow, now: float) -> bool:
    if key == "attempt":
        return number_span(value).holds(row.attempt)
    if key in ("wait", "run", "age"):
        return seconds_span(value).holds(seconds_of(key, row, now))
    if key == "func":
        return bool(names_like(value, [row.name]))
    if key == "tag":
        return value in row.terms.tags
    if not key:
        said = "\n".join((row.name, row.id, *row.terms.tags))
        return value.casefold() in said.casefold()
    return value == {
        "queue": row.queue,
        "tenant": row.terms.tenant,
        "batch": row.terms.batch,
        "id": row.id,
        "worker": row.worker,
    }.get(key)


def seconds_of(key: str, row: JobRow, now: float) -> float | None:
    """How long it waited, ran, or has been there; of what goes on, up to now."""
    if key == "run":
        return row.run_seconds if row.status != "started" or row.started_at is None else max(now - row.started_at, 0.0)
    if key == "wait":
        waits = row.status == "queued" and row.enqueued_at is not None
        return max(now - (row.enqueued_at or now), 0.0) if waits else row.wait_seconds
    since = row.ended_at if row.status in ("finished", "failed", "stopped") else row.enqueued_at or row.created_at
    return max(now - since, 0.0) if since is not None else None
