"""Every address of the API. A route names the right that it needs; the door asks for it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace
from typing import Any

from django.http import HttpRequest
from ninja import Body, NinjaAPI, Query

from allegro_queue import __version__
from allegro_queue.access import rights_of
from allegro_queue.activity import journal
from allegro_queue.alerts.report import keeper_in_words
from allegro_queue.api import shapes
from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.payloads import masked_value
from allegro_queue.conf import horizon_settings
from allegro_queue.configuration import configuration_problems
from allegro_queue.connection import page_client
from allegro_queue.dashboard.metric_series import run_times, wait_times
from allegro_queue.dashboard.queue_rows import LATELY
from allegro_queue.dashboard.schedule_page import read_rows
from allegro_queue.errors import did_you_mean
from allegro_queue.health.check import worst
from allegro_queue.health.examine import examine
from allegro_queue.history import queries
from allegro_queue.history.groups import GroupState
from allegro_queue.history.measured import Point, extent, points, whole
from allegro_queue.masking import masked
from allegro_queue.metrics.counts import FIVE_MINUTES
from allegro_queue.plan import Plan
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.scheduling.table import ScheduleRow, faults_in, rows_of
from allegro_queue.status import status_of
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.job_lists import Place, read_place
from allegro_queue.stores.jobs import JobDetail, JobRow, State
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse

RIGHT = "x-right"
MOST_POINTS = 2_000
HIDDEN = "The right allegro_queue.view_payload is missing."

api = NinjaAPI(
    title="Horizon",
    version="1",
    description="Jobs, queues, workers, schedule, failures and metrics of allegro-queue. "
    "Times are Unix seconds. Lists are paged by `after`. Each operation names the right that it needs as `x-right`.",
    urls_namespace="horizon-api",
    docs_url=None,
    openapi_url=None,
)


def needs(right: Right) -> dict[str, Any]:
    """The right that an operation needs, as the API's document has it."""
    return {RIGHT: right.value}


def reading() -> tuple[Stores, Pulse]:
    """The stores with a page's patience, and how things stand."""
    stores = open_stores(page_client())
    return stores, stores.pulse.read(all_queues(), time.time())


def may_see_payload(request: HttpRequest) -> bool:
    return Right.VIEW_PAYLOAD in rights_of(request)


# ---------------------------------------------------------------------------------------------------------- Now


@api.get("status", response=shapes.StatusShape, tags=["now"], summary="How things stand")
def status(request: HttpRequest) -> Any:
    _, pulse = reading()
    settings = horizon_settings()
    return {
        "status": status_of(pulse.masters, pulse.pauses.values()),
        "notice": Plan(environment=settings.environment, connection=settings.connection, supervisors=()).notice,
        "environment": settings.environment,
        "version": __version__,
        "at": pulse.at,
        "waiting": pulse.waiting,
        "running": sum(queue.running for queue in pulse.queues),
        "failed": pulse.failed,
        "masters": len(pulse.masters),
        "workers": len(pulse.workers),
        "busy": sum(worker.state == "busy" for worker in pulse.workers),
        "suspended": pulse.suspended,
        "paused": sorted(pulse.pauses),
        "scheduler": pulse.scheduler.host if pulse.scheduler else "",
        "last_snapshot_at": pulse.last_snapshot_at,
    }


@api.get("masters", response=shapes.Masters, tags=["now"], summary="Horizon's processes and their supervisors")
def masters(request: HttpRequest) -> Any:
    _, pulse = reading()
    return {"masters": [asdict(each) for each in pulse.masters]}


@api.get("workers", response=shapes.Workers, tags=["now"], summary="Workers, and those that died lately")
def workers(request: HttpRequest) -> Any:
    _, pulse = reading()
    return {"workers": list(pulse.workers), "lost": list(pulse.lost)}


@api.get("health", response=shapes.Health, tags=["now"], summary="Is the machinery itself well?")
def health(request: HttpRequest) -> Any:
    stores, pulse = reading()
    checks = examine(stores, pulse, configuration_problems(), keeper_in_words(pulse.at))
    return {"result": worst(checks), "checks": [asdict(each) for each in checks]}


# ------------------------------------------------------------------------------------------------------- Queues


@api.get("queues", response=shapes.Queues, tags=["queues"], summary="Queues in the order of priority")
def queues(request: HttpRequest) -> Any:
    _, pulse = reading()
    return {"queues": queue_rows(pulse)}


@api.get("queues/{str:name}", response=shapes.QueueShape, tags=["queues"], summary="One queue")
def queue(request: HttpRequest, name: shapes.Name) -> Any:
    _, pulse = reading()
    known_queue(name)
    return next(each for each in queue_rows(pulse) if each["name"] == name)


def queue_rows(pulse: Pulse) -> list[dict[str, Any]]:
    names = [each.name for each in pulse.queues]
    lately = points("queue", names, seconds=FIVE_MINUTES, since=pulse.at - LATELY)
    return [
        {
            **asdict(each),
            "rank": rank,
            "oldest_seconds": max(pulse.at - each.oldest_at, 0.0) if each.oldest_at is not None else None,
            "workers": len(pulse.workers_of(each.name)),
            "wait_seconds": wait_times(whole(lately[each.name])).p95,
            "is_paused": pulse.is_paused(each.name),
            "pause": pulse.pauses.get(each.name) or pulse.pauses.get(ALL_QUEUES),
        }
        for rank, each in enumerate(pulse.queues, start=1)
    ]


def known_queue(name: str) -> None:
    """404 unless there is a queue of this name."""
    if name not in all_queues():
        raise Refused(404, "path name", f"There is no queue {name!r}{did_you_mean(name, all_queues())}", "See queues.")


def known_or_all(name: str) -> None:
    if name != ALL_QUEUES:
        known_queue(name)


@api.post(
    "queues/{str:name}/pause",
    response=shapes.Done,
    tags=["queues"],
    summary="Pause a queue; `*` stands for all",
    openapi_extra=needs(Right.PAUSE),
)
def pause_queue(request: HttpRequest, name: shapes.Name, given: Body[shapes.PauseAsked]) -> Any:
    known_or_all(name)
    return perform(request, "pause", {"queue": name, "reason": given.reason, "minutes": optional(given.minutes)})


@api.post(
    "queues/{str:name}/resume",
    response=shapes.Done,
    tags=["queues"],
    summary="Resume a queue; `*` stands for all",
    openapi_extra=needs(Right.PAUSE),
)
def resume_queue(request: HttpRequest, name: shapes.Name) -> Any:
    known_or_all(name)
    return perform(request, "resume", {"queue": name})


def optional(number: float | None) -> str | None:
    return None if number is None else str(number)


# --------------------------------------------------------------------------------------------------------- Jobs


@api.get("jobs", response=shapes.Jobs, tags=["jobs"], summary="Jobs of one state")
def jobs(request: HttpRequest, given: Query[shapes.JobsAsked]) -> Any:
    if given.queue and given.queue not in all_queues():
        what = f"There is no queue {given.queue!r}{did_you_mean(given.queue, all_queues())}"
        raise Refused(422, "query queue", what, "See queues.")
    place = place_in(given.after)
    stores = open_stores(page_client())
    wanted = [given.queue] if given.queue else all_queues()
    if given.q:
        words = given.q.casefold()
        found = stores.jobs.search(
            given.state, wanted, lambda row: words in row.name.casefold(), place.offset, given.limit
        )
        rows, total, searched = list(found.rows), found.matches, found.searched
        following = following_offset(place, given.limit, total)
    elif given.state is State.WAITING:
        rows, total = stores.jobs.page(given.state, wanted, place.offset, given.limit)
        searched, following = None, following_offset(place, given.limit, total)
    else:
        ids, following = stores.job_lists.registered(given.state, wanted, place, given.limit)
        rows = stores.jobs.rows(list(ids), with_errors=given.state is State.FAILED)
        if given.state is State.SCHEDULED:
            rows = [replace(row, due_at=ids[row.id]) for row in rows]
        total, searched = stores.jobs.counts(wanted)[given.state], None
    return {
        "jobs": [job_shape(row) for row in rows],
        "total": total,
        "searched": searched,
        "after": str(following) if following else None,
    }


def place_in(after: str) -> Place:
    if not after:
        return Place()
    try:
        return read_place(after)
    except ValueError as error:
        raise Refused(422, "query after", str(error), "Give the 'after' of the page before.") from error


def following_offset(place: Place, limit: int, total: int) -> Place | None:
    end = place.offset + limit
    return Place(offset=end) if end < total else None


def job_shape(row: JobRow) -> dict[str, Any]:
    return {
        **asdict(row),
        "wait_seconds": row.wait_seconds,
        "run_seconds": row.run_seconds,
        "error": masked(row.error),
    }


@api.get("jobs/{str:job_id}", response=shapes.JobDetailShape, tags=["jobs"], summary="One job")
def job(request: HttpRequest, job_id: shapes.JobId) -> Any:
    detail = known_job(open_stores(page_client()), job_id)
    shown = may_see_payload(request)
    newest = detail.attempts[0] if detail.attempts else None
    return {
        **job_shape(detail.row),
        "arguments": masked_value(list(detail.arguments)) if shown and detail.arguments is not None else None,
        "keywords": masked_value(dict(detail.keywords)) if shown and detail.keywords is not None else None,
        "result": masked_value(json.loads(newest.value)) if shown and newest and newest.value else None,
        "hidden": detail.unreadable if shown else HIDDEN,
        "attempts": [
            {**asdict(each), "error": masked(each.error), "traceback": masked(each.traceback)}
            for each in detail.attempts
        ],
        "expires_in": detail.expires_in,
    }


def known_job(stores: Stores, job_id: str) -> JobDetail:
    """404 unless there is a job of this id."""
    detail = stores.jobs.get(job_id)
    if detail is None:
        raise Refused(404, "path job_id", f"There is no job {job_id!r}.", "It may have expired; its runs may be kept.")
    return detail


@api.post(
    "failed-jobs/retry",
    response=shapes.Done,
    tags=["jobs"],
    summary="Retry failed jobs",
    openapi_extra=needs(Right.RETRY),
)
def retry_jobs(request: HttpRequest, given: Body[shapes.Chosen]) -> Any:
    return perform(request, "retry", chosen(given), "Name failed jobs.")


@api.post(
    "failed-jobs/delete",
    response=shapes.Done,
    tags=["jobs"],
    summary="Delete failed jobs for good",
    openapi_extra=needs(Right.DELETE),
)
def delete_jobs(request: HttpRequest, given: Body[shapes.Chosen]) -> Any:
    return perform(request, "delete", chosen(given), "Name failed jobs.")


def chosen(given: shapes.Chosen) -> dict[str, str | list[str] | None]:
    """The choice as a form has it."""
    if given.all == bool(given.ids):
        raise Refused(422, "body ids", "Give either ids, or all.", "Such as {'ids': ['…']}, or {'all': true}.")
    if given.queue and (not given.all or given.queue not in all_queues()):
        raise Refused(422, "body queue", f"{given.queue!r} cannot be meant.", "With all, the name of a queue.")
    until = given.failed_until if given.failed_until is not None or not given.all else time.time()
    return {
        "id": given.ids,
        "all": "1" if given.all else None,
        "queue": given.queue or None,
        "failed_until": optional(until),
    }


@api.post(
    "jobs/{str:job_id}/retry",
    response=shapes.Done,
    tags=["jobs"],
    summary="Retry one failed job",
    openapi_extra=needs(Right.RETRY),
)
def retry_job(request: HttpRequest, job_id: shapes.JobId) -> Any:
    return on_failed(request, "retry", job_id)


@api.delete(
    "jobs/{str:job_id}",
    response=shapes.Done,
    tags=["jobs"],
    summary="Delete one failed job for good",
    openapi_extra=needs(Right.DELETE),
)
def delete_job(request: HttpRequest, job_id: shapes.JobId) -> Any:
    return on_failed(request, "delete", job_id)


def on_failed(request: HttpRequest, act: str, job_id: str) -> Any:
    found = known_job(open_stores(), job_id).row.status
    right = f"Only a failed job can be meant; when looked at, this one was {found!r}."
    return perform(request, act, {"id": [job_id]}, right)


# ------------------------------------------------------------------------------------------------------ History


@api.get("runs", response=shapes.Runs, tags=["history"], summary="Attempts that have ended, newest first")
def runs(request: HttpRequest, given: Query[shapes.RunsAsked]) -> Any:
    shown = may_see_payload(request)
    if given.q and not shown:
        # It looks at arguments too, and so would tell what they are.
        raise Refused(403, "query q", HIDDEN, "Use the other filters.")
    wanted = queries.Filter(
        outcomes=tuple(given.outcome),
        text=given.q,
        **{
            each: getattr(given, each)
            for each in (
                "queue", "name", "tag", "tenant", "batch", "exception", "fingerprint", "job_id", "worker", "host",
                "silenced", "since", "until",
            )
        },
    )  # fmt: skip
    page = queries.find_runs(wanted, after=number_in(given.after), limit=given.limit)
    return {
        "runs": [row if shown else replace(row, arguments="") for row in page.rows],
        "after": str(page.after) if page.after else None,
        "searched_to": page.searched_to,
    }


def number_in(after: str) -> int:
    """The place of a list that is paged by number; 0 for its start."""
    number = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else 0
    if after and not 0 < number < 2**63:
        raise Refused(422, "query after", f"{after[:100]!r} is no place in this list.", "Give a page's 'after'.")
    return number


@api.get("runs/{int:run_id}", response=queries.RunRow, tags=["history"], summary="One attempt, with its traceback")
def run(request: HttpRequest, run_id: shapes.RunId) -> Any:
    row = queries.run_at(run_id)
    if row is None:
        raise Refused(404, "path run_id", f"There is no run {run_id}.", "Runs are kept for a while only.")
    return row if may_see_payload(request) else replace(row, arguments="")


@api.get("failures", response=shapes.Failures, tags=["failures"], summary="Failure groups, the last to fail first")
def failures(request: HttpRequest, given: Query[shapes.FailuresAsked]) -> Any:
    before = seconds_in(given.after)
    states = [GroupState(each) for each in given.state]
    found = queries.find_groups(now=time.time(), states=states, name=given.name, limit=given.limit, before=before)
    return {
        "failures": found,
        "after": repr(found[-1].last_at) if len(found) == given.limit else None,
        "counts": {state.value: number for state, number in queries.group_counts(time.time()).items()},
    }


def seconds_in(after: str) -> float:
    """The place of a list that is paged by time; 0 for its start."""
    try:
        moment = float(after or 0)
    except ValueError:
        moment = -1.0
    if not 0 <= moment <= shapes.LATEST:
        raise Refused(422, "query after", f"{after[:100]!r} is no place in this list.", "Give a page's 'after'.")
    return moment


@api.get("failures/{str:fingerprint}", response=shapes.FailureDetail, tags=["failures"], summary="One failure group")
def failure(request: HttpRequest, fingerprint: shapes.Fingerprint) -> Any:
    group = known_group(fingerprint)
    newest = queries.run_at(group.last_run)
    if newest is not None and not may_see_payload(request):
        newest = replace(newest, arguments="")
    return {"failure": group, "newest": newest}


def known_group(fingerprint: str) -> queries.GroupRow:
    """404 unless there is a failure group of this fingerprint."""
    group = queries.group_of(fingerprint, now=time.time())
    if group is None:
        raise Refused(404, "path fingerprint", f"There is no failure group {fingerprint!r}.", "See failures.")
    return group


@api.post(
    "failures/{str:fingerprint}/mark",
    response=shapes.Done,
    tags=["failures"],
    summary="Note a failure group as known, muted or resolved",
    openapi_extra=needs(Right.EDIT_ALERTS),
)
def mark_failure(request: HttpRequest, fingerprint: shapes.Fingerprint, given: Body[shapes.Mark]) -> Any:
    if (given.state == "muted") != (given.minutes is not None):
        raise Refused(422, "body minutes", "Minutes belong to 'muted' alone, and it needs them.", "1 to 10080.")
    known_group(fingerprint)
    return perform(request, "mark", {"group": fingerprint, "state": given.state, "minutes": optional(given.minutes)})


@api.get("tags", response=shapes.Tags, tags=["history"], summary="Tags that are followed")
def tags(request: HttpRequest) -> Any:
    return {"tags": queries.monitored_tags()}


@api.post(
    "tags", response=shapes.Done, tags=["history"], summary="Follow a tag", openapi_extra=needs(Right.EDIT_ALERTS)
)
def follow_tag(request: HttpRequest, given: Body[shapes.TagAsked]) -> Any:
    return perform(request, "follow", {"tag": given.tag})


@api.delete(
    "tags/{str:name}",
    response=shapes.Done,
    tags=["history"],
    summary="Follow a tag no longer",
    openapi_extra=needs(Right.EDIT_ALERTS),
)
def let_go_of_tag(request: HttpRequest, name: shapes.Name) -> Any:
    return perform(request, "let_go", {"tag": name})


# ----------------------------------------------------------------------------------------------------- Schedule


@api.get("schedule", response=shapes.Schedule, tags=["schedule"], summary="Cron entries")
def schedule(request: HttpRequest) -> Any:
    stores, now = open_stores(page_client()), time.time()
    known = stores.entries.known(now)
    return {
        "entries": [entry_shape(row) for row in rows_of(stores, known, now)],
        "faults": [asdict(each) for each in faults_in(known)],
    }


def entry_shape(row: ScheduleRow) -> dict[str, Any]:
    return {
        "name": row.entry.name,
        "job": row.entry.job,
        "queue": row.entry.queue,
        "line": row.line,
        "in_words": row.in_words,
        "zone": row.zone,
        "enabled": row.entry.enabled,
        "source": row.entry.source,
        "next_at": row.next_at,
        "late_seconds": row.late_seconds,
        "error": row.state.error,
        "runs": row.state.runs,
        "missed": row.state.missed,
        "skipped": row.state.skipped,
        "pause": row.pause,
        "last": row.last,
    }


@api.get("schedule/{str:name}", response=shapes.EntryDetail, tags=["schedule"], summary="One cron entry")
def entry(request: HttpRequest, name: shapes.Name) -> Any:
    stores, pulse = reading()
    rows, _ = read_rows(stores, pulse)
    for each in rows:
        if each.row.entry.name == name:
            return {**entry_shape(each.row), "coming": each.row.coming(), "accounts": each.accounts}
    raise no_entry(name, [each.row.entry.name for each in rows])


def no_entry(name: str, known: list[str]) -> Refused:
    return Refused(404, "path name", f"There is no cron entry {name!r}{did_you_mean(name, known)}", "See schedule.")


def known_entry(name: str) -> None:
    """404 unless there is a cron entry of this name."""
    stores, now = open_stores(), time.time()
    names = [row.entry.name for row in rows_of(stores, stores.entries.known(now), now)]
    if name not in names:
        raise no_entry(name, names)


@api.post(
    "schedule/{str:name}/run",
    response=shapes.Done,
    tags=["schedule"],
    summary="Queue one run now, beside the schedule",
    openapi_extra=needs(Right.RUN_CRON),
)
def run_entry(request: HttpRequest, name: shapes.Name) -> Any:
    known_entry(name)
    return perform(request, "run_entry", {"entry": name})


@api.post(
    "schedule/{str:name}/pause",
    response=shapes.Done,
    tags=["schedule"],
    summary="Skip the times of an entry",
    openapi_extra=needs(Right.RUN_CRON),
)
def pause_entry(request: HttpRequest, name: shapes.Name, given: Body[shapes.PauseAsked]) -> Any:
    known_entry(name)
    form = {"entry": name, "reason": given.reason, "minutes": optional(given.minutes)}
    return perform(request, "pause_entry_now", form)


@api.post(
    "schedule/{str:name}/resume",
    response=shapes.Done,
    tags=["schedule"],
    summary="Queue an entry again when it is due",
    openapi_extra=needs(Right.RUN_CRON),
)
def resume_entry(request: HttpRequest, name: shapes.Name) -> Any:
    known_entry(name)
    return perform(request, "resume_entry_now", {"entry": name})


# ------------------------------------------------------------------------------------------- Metrics and journal


@api.get("metrics", response=shapes.Metrics, tags=["metrics"], summary="What was counted of one name")
def metrics(request: HttpRequest, given: Query[shapes.MetricsAsked]) -> Any:
    now = time.time()
    until = given.until if given.until is not None else now
    since = given.since if given.since is not None else max(until - 100 * given.seconds, 0.0)
    if (until - since) / given.seconds > MOST_POINTS:
        what = f"These are more than {MOST_POINTS:,} stretches of {given.seconds} s."
        raise Refused(422, "query since", what, "Ask for less, or for longer stretches.")
    found = points(given.kind, [given.name], seconds=given.seconds, since=since, until=until)[given.name]
    return {
        "kind": given.kind,
        "name": given.name,
        "seconds": given.seconds,
        "counted_until": extent(open_stores(page_client()), now).until,
        "points": [point_shape(each) for each in found],
    }


def point_shape(point: Point) -> dict[str, Any]:
    counts = point.counts
    return {
        "starts_at": point.starts_at,
        "started": counts.started,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "retried": counts.retried,
        "stopped": counts.stopped,
        "runtime": asdict(run_times(counts)),
        "wait": asdict(wait_times(counts)),
        "depth": point.depth,
        "oldest_seconds": point.oldest_seconds,
    }


@api.get("metrics/names", response=shapes.Names, tags=["metrics"], summary="Names that ran in the last 30 days")
def metric_names(request: HttpRequest, given: Query[shapes.NamesAsked]) -> Any:
    return {"names": queries.names_known(given.kind, now=time.time())}


@api.get("activity", response=shapes.Deeds, tags=["activity"], summary="Who did what, newest first")
def activity(request: HttpRequest, given: Query[shapes.ActivityAsked]) -> Any:
    rows = journal.read(who=given.who, action=given.action, words=given.q, before=number_in(given.after) or None)
    return {"activity": list(rows), "after": str(rows[-1].pk) if len(rows) == journal.PAGE else None}
