"""What the page of one job shows: what Redis holds of it, with its runs from history; those alone when Redis has let go."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.charts import attempt_scale
from allegro_queue.dashboard.job.function_panel import FunctionPanel, read_function
from allegro_queue.dashboard.job.json_tree import argument_tree, keyword_tree, value_tree
from allegro_queue.dashboard.job.said import Notes, read_notes
from allegro_queue.dashboard.job.sentence import sentence_on
from allegro_queue.dashboard.job.story import AttemptRow, Chapter, attempt_rows, span_of, story
from allegro_queue.dashboard.job.two_sources import from_runs, with_runs
from allegro_queue.dashboard.jobs.acts import JobAct, acts_on
from allegro_queue.dashboard.jobs.terms import Fact, facts_of, of_value, shown_tags
from allegro_queue.dashboard.page.formats import about, count, duration
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.looks import Look, look_of
from allegro_queue.dashboard.page.tracebacks import Trace, read_trace
from allegro_queue.history.patience import counted
from allegro_queue.history.runs import RunRow, runs_of_job
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.job_records import JobDetail, JobRow
from allegro_queue.stores.jobs import is_job_id
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class Past:
    """What the page takes from the database. A job that Redis holds stands without, while that is busy."""

    kept: Sequence[RunRow]
    function: FunctionPanel | None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobPage:
    """What happened to it and why?"""

    row: JobRow
    look: Look
    short_id: str
    sentence: str
    failed: bool
    expired: bool
    """Whether Redis holds nothing of it any more, so that all is from its runs."""
    tags: tuple[tuple[str, str], ...]
    """Each with the address of its jobs."""
    reason: str
    """Why it was put off; empty when it was not."""
    facts: tuple[Fact, ...]
    attempts: tuple[AttemptRow, ...]
    more_attempts: str
    scale: SafeString | str
    span: str
    story: tuple[Chapter, ...]
    arguments: SafeString | str
    keywords: SafeString | str
    preview: str
    """The arguments as history keeps them: masked and cut short."""
    unreadable: str
    result: SafeString | str
    result_note: str
    trace: Trace | None
    trace_of: str
    """Which attempt the traceback is of, when it is not the state of the job now."""
    group: str
    """Address of its failure group; empty when there is none."""
    kept: str
    acts: tuple[JobAct, ...]
    queue_address: str
    metrics_address: str
    runs_address: str
    function: FunctionPanel | None
    late: bool
    """Whether the database took too long: what is from it is missing."""
    notes: Notes
    """What it says of itself."""


def read_job(stores: Stores, pulse: Pulse, job_id: str) -> JobPage | None:
    """One job; ``None`` when neither Redis nor history knows this id. Two round trips, three queries."""
    if not is_job_id(job_id):
        return None
    detail = stores.jobs.get(job_id)
    past = counted(lambda: read_past(detail, job_id, pulse.at)) if detail else read_past(None, job_id, pulse.at)
    if detail is None and not (past and past.kept):
        return None
    return job_page(detail, past, read_notes(stores, job_id), pulse.at)


def read_past(detail: JobDetail | None, job_id: str, now: float) -> Past:
    """All queries of the page."""
    kept = runs_of_job(job_id)
    name = detail.row.name if detail else kept[-1].name if kept else ""
    return Past(kept=kept, function=read_function(name, job_id, now) if name else None)


def job_page(found: JobDetail | None, past: Past | None, notes: Notes, now: float) -> JobPage:
    """The page, from what was read: something of it at least. Without a past, what Redis holds."""
    kept = past.kept if past else ()
    detail = with_runs(found, kept) if found else from_runs(kept)
    row = detail.row
    failed = row.status == "failed" and found is not None
    newest = detail.attempts[0] if detail.attempts else None
    told = next((each for each in detail.attempts if each.traceback), None)
    span = span_of(detail, now)
    last = kept[-1] if kept else None
    result: SafeString | str = ""
    if newest and newest.value:
        result = value_tree(json.loads(newest.value))
    tags = shown_tags([*row.terms.tags, *(last.tags if last else ())])
    fingerprint = next((run.fingerprint for run in reversed(kept) if run.fingerprint), "")
    return JobPage(
        row=row,
        look=look_of(row.status),
        short_id=row.id[:8],
        sentence=sentence_on(detail, now),
        failed=failed,
        expired=found is None,
        tags=tuple((tag, of_value("tag", tag)) for tag in tags),
        reason=masked(row.reason) if row.status == "scheduled" else "",
        facts=tuple(facts_of(row, last)),
        attempts=tuple(attempt_rows(detail, now)),
        more_attempts=worded(gettext("the first {n} are not kept any more"), n=count(kept[0].attempt - 1))
        if first_is_gone(kept)
        else "",
        scale=attempt_scale(span, duration) if span else "",
        span=span_in_words(span, is_running=row.status == "started") if span else "",
        story=tuple(story(detail, now)),
        arguments=argument_tree(detail.arguments) if detail.arguments else "",
        keywords=keyword_tree(detail.keywords) if detail.keywords else "",
        preview=last.arguments if last and found is None else "",
        unreadable=detail.unreadable,
        result=result,
        result_note=newest.unreadable if newest else "",
        trace=read_trace(told.traceback, sys.path) if told else None,
        trace_of="" if told is newest and row.status in ("failed", "lost") else gettext("of an earlier attempt"),
        group=link("failure", fingerprint=fingerprint) if fingerprint else "",
        kept=kept_in_words(detail, expired=found is None),
        acts=() if found is None else acts_on(row.id, row.status),
        queue_address=link("jobs", query={"state": "failed" if failed else "waiting", "queue": row.queue}),
        metrics_address=link("job_metrics", job_name=row.name) if "." in row.name else "",
        runs_address=of_value("id", row.id) if kept else "",
        function=past.function if past else None,
        late=past is None,
        notes=notes,
    )


def span_in_words(span: float, *, is_running: bool) -> str:
    text = gettext("{time} from creation to now") if is_running else gettext("{time} from creation to end")
    return worded(text, time=duration(span))


def first_is_gone(kept: Sequence[RunRow]) -> bool:
    return bool(kept) and kept[0].attempt > 1


def kept_in_words(detail: JobDetail, *, expired: bool) -> str:
    if expired:
        return worded(
            ngettext("its runs, {n} day", "its runs, {n} days", horizon_settings().history_days),
            n=horizon_settings().history_days,
        )
    if detail.expires_in is None:
        return gettext("until it has run")
    return worded(gettext("{time} more"), time=about(detail.expires_in))
