"""What the page of one job shows: what Redis holds of it, with its runs from history; those alone when Redis has let go."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.charts import attempt_scale
from allegro_queue.dashboard.charts.runs import Result, Run, runs
from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.pairs import pairs_of
from allegro_queue.dashboard.filters.terms import Term
from allegro_queue.dashboard.job.json_tree import argument_tree, keyword_tree, value_tree
from allegro_queue.dashboard.job.said import Notes, read_notes
from allegro_queue.dashboard.job.story import AttemptRow, Chapter, attempt_rows, run_seconds, span_of, story
from allegro_queue.dashboard.jobs.acts import JobAct, acts_on
from allegro_queue.dashboard.jobs.terms import Fact, facts_of, of_value, shown_tags
from allegro_queue.dashboard.metrics.series import totals
from allegro_queue.dashboard.page.formats import about, count, duration
from allegro_queue.dashboard.page.links import link, link_to
from allegro_queue.dashboard.page.looks import Look, look_of
from allegro_queue.dashboard.page.tracebacks import Trace, read_trace
from allegro_queue.history.filters import Filter
from allegro_queue.history.measured import points, whole
from allegro_queue.history.run_pages import find_runs
from allegro_queue.history.runs import RunRow, runs_of_job
from allegro_queue.masking import masked
from allegro_queue.metrics.counts import DAY, HOUR
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import Attempt, JobDetail, JobRow, is_job_id
from allegro_queue.stores.pulse import Pulse
from allegro_queue.terms import NO_TERMS
from allegro_queue.wording import worded

RUNS_SHOWN = 20
"""Last runs of the function."""

SAME_RUN = 0.5
"""Seconds by which Redis and history may differ on when an attempt started."""

RESULTS: dict[str, Result] = {"succeeded": "done", "retried": "late", "failed": "failed", "lost": "missed"}
"""How the strip of last runs draws an outcome."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionPanel:
    """How its function does otherwise."""

    strip: SafeString | str
    sentence: str
    p50: float | None
    p95: float | None
    runs: int
    failed: int
    failed_share: float
    failed_address: str
    all_address: str
    metrics_address: str


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
    notes: Notes
    """What it says of itself."""


def read_job(stores: Stores, pulse: Pulse, job_id: str) -> JobPage | None:
    """One job; ``None`` when neither Redis nor history knows this id. Two round trips, three queries."""
    if not is_job_id(job_id):
        return None
    detail = stores.jobs.get(job_id)
    kept = runs_of_job(job_id)
    if detail is None and not kept:
        return None
    name = detail.row.name if detail else kept[-1].name
    return job_page(detail, kept, read_function(name, job_id, pulse.at), read_notes(stores, job_id), pulse.at)


def read_function(name: str, job_id: str, now: float) -> FunctionPanel | None:
    """The last runs of a function, and its day; ``None`` when nothing is known of it."""
    last = find_runs(Filter(name=name), limit=RUNS_SHOWN).rows
    day = points("job", [name], seconds=HOUR, since=now - DAY)[name]
    if not last and not day:
        return None
    sums = totals(whole(day), DAY / 60)
    ended = sums.done + sums.failed
    well = sum(run.outcome == "succeeded" for run in last)
    sentence = (
        worded(
            ngettext("{well} of the last {n} run ended well.", "{well} of the last {n} runs ended well.", len(last)),
            well=count(well),
            n=count(len(last)),
        )
        if last
        else ""
    )
    strip = [
        Run(RESULTS.get(run.outcome, "done"), run.run_seconds, current=run.job_id == job_id) for run in reversed(last)
    ]
    return FunctionPanel(
        strip=runs(strip, sentence) if strip else "",
        sentence=sentence,
        p50=sums.runtime.p50,
        p95=sums.runtime.p95,
        runs=ended,
        failed=sums.failed,
        failed_share=sums.failed_share,
        failed_address=of_function(name, "failed", "<24h"),
        all_address=of_function(name, ALL, ""),
        metrics_address=link("job_metrics", job_name=name) if "." in name else "",
    )


def of_function(name: str, state: str, age: str) -> str:
    """Its runs."""
    terms = [Term(key="state", values=(state,)), Term(key="func", values=(name,))]
    return link_to("jobs", pairs_of([*terms, Term(key="age", values=(age,))] if age else terms))


def job_page(
    found: JobDetail | None, kept: Sequence[RunRow], function: FunctionPanel | None, notes: Notes, now: float
) -> JobPage:
    """The page, from what was read: something of it at least."""
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
        function=function,
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


# --------------------------------------------------------------------------------------------- Redis and history as one


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
        text = gettext("{job} failed after {time}{error}.") if ran else gettext("{job} failed{error}.")
        return worded(text, job=name, time=ran, error=how)
    if row.status == "lost":
        text = (
            gettext("{job} was lost after {time}: its worker died.")
            if ran
            else gettext("{job} was lost: its worker died.")
        )
        return worded(text, job=name, time=ran)
    if row.status == "finished":
        return worded(gettext("{job} finished in {time}.") if ran else gettext("{job} finished."), job=name, time=ran)
    if row.status == "started":
        if row.started_at is None:
            return worded(gettext("{job} has been running."), job=name)
        since, limit = duration(now - row.started_at), duration(row.timeout) if row.timeout else ""
        text = (
            gettext("{job} has been running for {time} of at most {limit}.")
            if limit
            else gettext("{job} has been running for {time}.")
        )
        return worded(text, job=name, time=since, limit=limit)
    if row.status == "queued":
        queue = row.queue or gettext("its queue")
        if row.enqueued_at is None:
            return worded(gettext("{job} has been waiting in {queue}."), job=name, queue=queue)
        since = about(now - row.enqueued_at)
        return worded(gettext("{job} has been waiting in {queue} for {time}."), job=name, queue=queue, time=since)
    return worded(gettext("{job}: {state}."), job=name, state=look_of(row.status).word.lower())
