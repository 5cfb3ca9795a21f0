"""Lines of a list of jobs, each made of a job in Redis or of a run, and how they were found. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language, gettext

from allegro_queue.dashboard.jobs.acts import ON_MANY
from allegro_queue.dashboard.jobs.terms import of_value, shown_tags
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.looks import Look, look_of
from allegro_queue.history.runs import RunRow
from allegro_queue.masking import masked
from allegro_queue.stores.job_records import JobRow
from allegro_queue.stores.jobs import State
from allegro_queue.wording import worded

TAGS_SHOWN = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One job or one run in the list."""

    id: str
    key: str
    """Tells this line from all others of the page."""
    name: str
    address: str
    queue: str
    tenant: str
    tenant_address: str
    tags: tuple[tuple[str, str], ...]
    """Each with the address of its jobs."""
    more_tags: int
    tries: str
    """Which attempt, of how many as far as that is known."""
    wait_seconds: float | None
    run_seconds: float | None
    when: float | None
    look: Look
    error: str = ""
    reason: str = ""
    """Why it was put off."""
    now_is: str = ""
    """What has become of its job since; empty when nothing has."""
    acts: bool = False
    """Whether it can be retried and deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The rows, and how they were found."""

    state: str
    lines: tuple[Line, ...]
    total: str
    """In words; empty when it was not counted."""
    count: int
    is_more: bool = False
    is_exact: bool = True
    """Whether all that match were counted."""
    unit: str = "job"
    reach: str = ""
    after: int = 0
    """Where the next page of runs begins."""
    stopped: bool = False
    """Whether it stopped looking before the page was full."""
    offset_pages: int = 0
    """Pages, of a list without a cursor."""
    slow: str = ""
    """Which terms no index answers, in words; empty when there are none."""
    notes: tuple[str, ...] = ()


@lru_cache(maxsize=500)
def n_of_all(n: int, all_of_them: int, language: str | None) -> str:
    """``1 of 3`` in the language at hand."""
    return worded(gettext("{n} of {all}"), n=n, all=all_of_them)


def line_of(row: JobRow, state: State | None, now: float) -> Line:
    """One job as its list shows it."""
    status = row.status
    tags = shown_tags(row.terms.tags)
    wait, run = row.wait_seconds, row.run_seconds
    if state is State.WAITING or (state is None and status == "queued"):
        wait, run = max(now - row.enqueued_at, 0.0) if row.enqueued_at is not None else wait, None
    if (state is State.RUNNING or (state is None and status == "started")) and row.started_at is not None:
        run = max(now - row.started_at, 0.0)
    when = {
        State.WAITING: row.enqueued_at,
        State.RUNNING: row.started_at,
        State.SCHEDULED: row.due_at,
        State.DEFERRED: row.created_at,
        None: row.due_at or row.started_at or row.enqueued_at or row.created_at,
    }.get(state, row.ended_at)
    return Line(
        id=row.id,
        key=row.id,
        name=row.name,
        address=link("job", job_id=row.id),
        queue=row.queue,
        tenant=row.terms.tenant,
        tenant_address=of_value("tenant", row.terms.tenant),
        tags=tuple((tag, of_value("tag", tag)) for tag in tags[:TAGS_SHOWN]),
        more_tags=max(len(tags) - TAGS_SHOWN, 0),
        tries=n_of_all(row.attempt, row.tries, get_language()),
        wait_seconds=wait,
        run_seconds=run,
        when=when,
        look=look_of(status),
        error=masked(row.error),
        reason=masked(row.reason) if status == "scheduled" else "",
        acts=state in ON_MANY,
    )


def line_of_run(run: RunRow, row: JobRow | None, *, may_act: bool) -> Line:
    """One run as its list shows it.

    Args:
        row: its job as it is now, if that was looked up and is there.
        may_act: whether something may be done to its job from here.
    """
    is_failed = row is not None and row.status == "failed"
    return Line(
        id=run.job_id,
        key=f"run-{run.id}",
        name=run.name,
        address=link("job", job_id=run.job_id),
        queue=run.queue,
        tenant=run.tenant,
        tenant_address=of_value("tenant", run.tenant),
        tags=tuple((tag, of_value("tag", tag)) for tag in run.tags[:TAGS_SHOWN]),
        more_tags=max(len(run.tags) - TAGS_SHOWN, 0),
        tries=n_of_all(run.attempt, max(row.tries, run.attempt), get_language()) if row else str(run.attempt),
        wait_seconds=run.wait_seconds,
        run_seconds=run.run_seconds,
        when=run.ended_at,
        look=look_of(run.outcome),
        error=f"{run.exception}: {run.message}".strip(": ") if run.fingerprint else "",
        now_is=look_of(row.status).word.lower() if row is not None and not is_failed else "",
        acts=is_failed and may_act,
    )
