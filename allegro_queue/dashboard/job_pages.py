"""What the pages of jobs show: a list of one state, and one job."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts import attempt_scale
from allegro_queue.dashboard.formats import about, count, duration, plural
from allegro_queue.dashboard.job_query import PAGE_SIZE, JobQuery
from allegro_queue.dashboard.job_story import AttemptRow, Chapter, attempt_rows, run_seconds, span_of, story
from allegro_queue.dashboard.json_tree import argument_tree, keyword_tree, value_tree
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.tracebacks import Trace, read_trace
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import SEARCHED, JobDetail, JobRow, State
from allegro_queue.stores.pulse import Pulse

SEARCH_ORDER = (State.FAILED, State.RUNNING, State.WAITING, State.FINISHED, State.SCHEDULED, State.DEFERRED)
"""Where a search looks first when no state is chosen."""

TABS = (State.WAITING, State.RUNNING, State.SCHEDULED, State.FINISHED, State.FAILED, State.DEFERRED)

WHEN = {
    State.WAITING: "Queued",
    State.RUNNING: "Started",
    State.SCHEDULED: "Due",
    State.DEFERRED: "Created",
    State.FINISHED: "Ended",
    State.FAILED: "Ended",
}

ORDER = {State.WAITING: "next to run first", State.SCHEDULED: "soonest first"}

LOOKS: Mapping[str, tuple[str, str, str]] = {
    "queued": ("idle", "wait", "Waiting"),
    "started": ("run", "run", "Running"),
    "scheduled": ("idle", "wait", "Scheduled"),
    "deferred": ("idle", "wait", "Deferred"),
    "finished": ("ok", "ok", "Finished"),
    "failed": ("bad", "bad", "Failed"),
    "stopped": ("idle", "idle", "Stopped"),
    "canceled": ("idle", "idle", "Cancelled"),
}
"""Tone, icon and word by RQ's status. One that we have no word for is shown in RQ's own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a state is shown."""

    tone: str
    icon: str
    word: str


def look_of(status: str) -> Look:
    tone, icon, word = LOOKS.get(status, ("idle", "unknown", f"Unknown: {status or 'no state'}"))
    return Look(tone=tone, icon=icon, word=word)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tab:
    """One state with its count."""

    word: str
    count: int
    address: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One job in the list."""

    row: JobRow
    look: Look
    address: str
    wait_seconds: float | None
    run_seconds: float | None
    when: float | None
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobsPage:
    """Where is that job?"""

    sentence: str
    reach: str
    """How far a search looked; empty without one."""
    problems: tuple[str, ...]
    tabs: tuple[Tab, ...]
    queues: tuple[str, ...]
    query: JobQuery
    state: State
    lines: tuple[Line, ...]
    when: str
    order: str
    rows: str
    """Which rows are shown, in words; empty when there are none."""
    previous: str
    next: str
    acts: bool
    """Whether the rows can be retried and deleted."""
    retry_all: str
    delete_all: str
    empty: str
    """Why there are no rows; empty when there are some."""
    hint: str
    elsewhere: tuple[Tab, ...]
    """Other states that have jobs, for an empty list."""


def read_jobs(stores: Stores, pulse: Pulse, query: JobQuery) -> JobsPage:
    """One page of the list."""
    queues = [query.queue] if query.queue else [queue.name for queue in pulse.queues]
    counts = stores.jobs.counts(queues)
    if query.words:
        state, rows, total, reach = search(stores, queues, query)
    else:
        state = query.state or (State.FAILED if counts[State.FAILED] and not counts[State.WAITING] else State.WAITING)
        found, total = stores.jobs.page(state, queues, query.offset, PAGE_SIZE)
        rows, reach = found, ""
    return jobs_page(query, state, rows, total, reach, counts, [queue.name for queue in pulse.queues], pulse.at)


def search(stores: Stores, queues: Sequence[str], query: JobQuery) -> tuple[State, Sequence[JobRow], int, str]:
    """State, rows, matches and reach. Without a chosen state, the first that has a match is shown."""
    for state in [query.state] if query.state else SEARCH_ORDER:
        found = stores.jobs.search(state, queues, query.words, query.offset, PAGE_SIZE)
        if found.matches or query.state:
            break
    if not found.total:
        reach = f"There are no {state} jobs at all."
    elif found.searched < found.total:
        reach = f"Searched the newest {count(found.searched)} of {plural(found.total, f'{state} job')}."
    else:
        reach = f"Searched all {plural(found.total, f'{state} job')}."
    if not query.state and not found.matches:
        reach = f"Searched the newest {count(SEARCHED)} jobs of each state."
    return state, found.rows, found.matches, reach


def jobs_page(
    query: JobQuery,
    state: State,
    rows: Sequence[JobRow],
    total: int,
    reach: str,
    counts: Mapping[State, int],
    queues: Sequence[str],
    now: float,
) -> JobsPage:
    """The page, from what was read."""
    last_page = max((total + PAGE_SIZE - 1) // PAGE_SIZE, 1)
    problems = list(query.problems)
    if query.page > last_page:
        problems.append(f"There is no page {count(query.page)}; the last one is {count(last_page)}.")
    where = f" in {query.queue}" if query.queue else ""
    match = f" with “{query.words}” in the name" if query.words else ""
    tabs = tuple(
        Tab(
            word=each.capitalize(),
            count=counts[each],
            address=address_of(query, each, 1),
            current=each is state,
        )
        for each in TABS
        if each is not State.DEFERRED or counts[each] or state is each
    )
    has_all = state is State.FAILED and not query.words and total > len(rows)
    every = {"all": "1", "queue": query.queue, "next": address_of(query, state, 1)}
    return JobsPage(
        sentence=f"{plural(total, f'{state} job')}{where}{match}." if total else f"No {state} jobs{where}{match}.",
        reach=reach,
        problems=tuple(problems),
        tabs=tabs,
        queues=tuple(queues),
        query=query,
        state=state,
        lines=tuple(line_of(row, state, now) for row in rows),
        when=WHEN[state],
        order=ORDER.get(state, "newest first"),
        rows=f"Rows {count(query.offset + 1)} to {count(query.offset + len(rows))} of {count(total)}" if rows else "",
        previous=address_of(query, state, min(query.page - 1, last_page)) if query.page > 1 else "",
        next=address_of(query, state, query.page + 1) if query.page < last_page else "",
        acts=state is State.FAILED and bool(rows),
        retry_all=link("confirm_retry", query=every) if has_all else "",
        delete_all=link("confirm_delete", query=every) if has_all else "",
        empty=f"No {state} jobs{where}{match}" if not rows else "",
        hint=hint_for(state, bool(query.words)),
        elsewhere=tuple(tab for tab in tabs if tab.count and not tab.current),
    )


def address_of(query: JobQuery, state: State, page: int) -> str:
    """The list with another state or page."""
    return link(
        "jobs",
        query={
            "state": state.value,
            "queue": query.queue,
            "q": query.words,
            "page": page if page > 1 else "",
        },
    )


def hint_for(state: State, searched: bool) -> str:
    """What an empty list means."""
    if searched:
        return (
            "A job’s id opens its page, unless the job has expired; other words are looked for in the functions’ names."
        )
    return {
        State.WAITING: "Whatever was queued has been taken by a worker.",
        State.RUNNING: "No worker runs a job at this moment.",
        State.SCHEDULED: "Jobs that are to be queued later stand here; cron entries have a page of their own.",
        State.DEFERRED: "Jobs that wait for another job stand here.",
        State.FINISHED: "Finished jobs stay listed for a while; no job has finished in that time.",
        State.FAILED: "Nothing failed in the time for which failed jobs are kept.",
    }[state]


def line_of(row: JobRow, state: State, now: float) -> Line:
    """One job as its list shows it."""
    wait, run = row.wait_seconds, row.run_seconds
    if state is State.WAITING and row.enqueued_at is not None:
        wait, run = max(now - row.enqueued_at, 0.0), None
    if state is State.RUNNING and row.started_at is not None:
        run = max(now - row.started_at, 0.0)
    when = {
        State.WAITING: row.enqueued_at,
        State.RUNNING: row.started_at,
        State.SCHEDULED: row.due_at,
        State.DEFERRED: row.created_at,
    }.get(state, row.ended_at)
    return Line(
        row=row,
        look=look_of(row.status),
        address=link("job", job_id=row.id),
        wait_seconds=wait,
        run_seconds=run,
        when=when,
        error=masked(row.error),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPage:
    """What happened to it and why?"""

    row: JobRow
    look: Look
    short_id: str
    sentence: str
    failed: bool
    attempts: tuple[AttemptRow, ...]
    scale: SafeString | str
    span: str
    story: tuple[Chapter, ...]
    arguments: SafeString | str
    keywords: SafeString | str
    unreadable: str
    result: SafeString | str
    result_note: str
    trace: Trace | None
    trace_of: str
    """Which attempt the traceback is of, when it is not the state of the job now."""
    kept: str
    retry: str
    delete: str
    queue_address: str
    metrics_address: str


def read_job(stores: Stores, pulse: Pulse, job_id: str) -> JobPage | None:
    """One job; ``None`` when there is none of this id."""
    detail = stores.jobs.get(job_id)
    return job_page(detail, pulse.at) if detail else None


def job_page(detail: JobDetail, now: float) -> JobPage:
    """The page, from what was read."""
    row = detail.row
    failed = row.status == "failed"
    newest = detail.attempts[0] if detail.attempts else None
    told = next((each for each in detail.attempts if each.traceback), None)
    span = span_of(detail, now)
    after = {"id": row.id, "next": link("job", job_id=row.id)}
    result: SafeString | str = ""
    if newest and newest.value:
        result = value_tree(json.loads(newest.value))
    return JobPage(
        row=row,
        look=look_of(row.status),
        short_id=row.id[:8],
        sentence=sentence_on(detail, now),
        failed=failed,
        attempts=tuple(attempt_rows(detail, now)),
        scale=attempt_scale(span, duration) if span else "",
        span=f"{duration(span)} from creation to {'now' if row.status == 'started' else 'end'}" if span else "",
        story=tuple(story(detail, now)),
        arguments=argument_tree(detail.arguments) if detail.arguments else "",
        keywords=keyword_tree(detail.keywords) if detail.keywords else "",
        unreadable=detail.unreadable,
        result=result,
        result_note=newest.unreadable if newest else "",
        trace=read_trace(told.traceback, sys.path) if told else None,
        trace_of="" if told is newest and failed else "of an earlier attempt",
        kept=f"{about(detail.expires_in)} more" if detail.expires_in is not None else "until it has run",
        retry=link("confirm_retry", query=after) if failed else "",
        delete=link("confirm_delete", query={**after, "next": link("jobs", query={"state": "failed"})})
        if failed
        else "",
        queue_address=link("jobs", query={"state": "failed" if failed else "waiting", "queue": row.queue}),
        metrics_address=link("job_metrics", job_name=row.name) if "." in row.name else "",
    )


def sentence_on(detail: JobDetail, now: float) -> str:
    """The state of the job in one sentence."""
    row = detail.row
    name = row.name.rpartition(".")[2]
    # The newest attempt's own times, as the table of attempts has them; RQ sets the job's a moment later.
    took = run_seconds(detail.attempts[0]) if detail.attempts else row.run_seconds
    ran = duration(took) if took is not None else ""
    if row.status == "failed":
        kind = row.error.partition(":")[0] if ":" in row.error else ""
        how = f": {kind.rpartition('.')[2]}" if kind and " " not in kind else ""
        return f"{name} failed{f' after {ran}' if ran else ''}{how}."
    if row.status == "finished":
        return f"{name} finished{f' in {ran}' if ran else ''}."
    if row.status == "started":
        since = f" for {duration(now - row.started_at)}" if row.started_at is not None else ""
        limit = f" of at most {duration(row.timeout)}" if row.timeout else ""
        return f"{name} has been running{since}{limit}."
    if row.status == "queued":
        since = f" for {about(now - row.enqueued_at)}" if row.enqueued_at is not None else ""
        return f"{name} has been waiting in {row.queue or 'its queue'}{since}."
    return f"{name}: {look_of(row.status).word.lower()}."
