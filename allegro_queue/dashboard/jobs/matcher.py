"""What a query asks of a job in Redis. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from allegro_queue.dashboard.filters.spans import number_span, seconds_span
from allegro_queue.dashboard.filters.terms import Term
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import names_like
from allegro_queue.stores.job_records import UNNAMED, JobRow
from allegro_queue.stores.jobs import Matcher, Sight

IN_TERMS = ("tag", "tenant", "batch")
"""Keys whose values stand in a job's terms as they are."""

IN_WORDS = ("", "func")
"""Keys whose values stand in its id, its name or its tags, in any case of letters."""


def matcher_of(query: JobQuery, *, now: float) -> Matcher:
    """Whether a job in Redis is what a query asks for; terms that only runs can answer must not be in it."""
    asked = query.asked
    wanted = [term for term in asked if not term.excluded]
    written = [tuple(f'"{value}"' for value in term.values) for term in wanted if term.key in IN_TERMS]
    said = [tuple(value.casefold() for value in term.values) for term in wanted if term.key in IN_WORDS]
    return Matcher(
        holds=lambda row: all(holds(term, row, now) for term in asked),
        may_hold=lambda sight: may_have(sight, written, said),
    )


def may_have(sight: Sight, written: Sequence[Sequence[str]], said: Sequence[Sequence[str]]) -> bool:
    """Whether a job may have one text of each in its terms, and one of each anywhere in what names it; nothing is read
    for it. JSON writes a text as it is unless it has a backslash in it."""
    if "\\" in sight.terms:
        return True
    if not all(any(each in sight.terms for each in some) for some in written):
        return False
    if not said:
        return True
    words = "\n".join((sight.id, sight.description, UNNAMED, sight.terms)).casefold()
    return all(any(each in words for each in some) for some in said)


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
