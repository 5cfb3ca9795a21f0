"""Jobs in Redis: finding them, and acting on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import uuid4

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router

from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import HIDDEN, following_offset, may_see_payload, needs, place_in
from allegro_queue.api.payloads import masked_value
from allegro_queue.api.shapes.given import JobId
from allegro_queue.api.shapes.jobs import JobDetailShape, Jobs, JobsAsked, JobsWanted
from allegro_queue.api.shapes.orders import AgainAsked, OtherAsked, Queued
from allegro_queue.api.shapes.told import Done
from allegro_queue.connection import page_client
from allegro_queue.dashboard.acting import views as acting_views
from allegro_queue.dashboard.job import act_views
from allegro_queue.errors import did_you_mean
from allegro_queue.masking import masked
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.job_records import JobDetail, JobRow
from allegro_queue.stores.jobs import Matcher, State

router = Router(tags=["jobs"])


@router.get("jobs", response=Jobs, summary="Jobs of one state")
def jobs(request: HttpRequest, given: Query[JobsAsked]) -> Any:
    wanted = queues_wanted(given)
    place = place_in(given.after)
    stores = open_stores(page_client())
    if given.q:
        words = given.q.casefold()
        found = stores.jobs.search(
            given.state, wanted, Matcher(holds=lambda row: words in row.name.casefold()), place.offset, given.limit
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


def queues_wanted(given: JobsWanted) -> Sequence[str]:
    """The queues whose jobs are meant."""
    if given.queue and given.queue not in all_queues():
        what = f"There is no queue {given.queue!r}{did_you_mean(given.queue, all_queues())}"
        raise Refused(422, "query queue", what, "See queues.")
    return [given.queue] if given.queue else all_queues()


def job_shape(row: JobRow) -> dict[str, Any]:
    return {
        **asdict(row),
        "wait_seconds": row.wait_seconds,
        "run_seconds": row.run_seconds,
        "error": masked(row.error),
    }


@router.get("jobs/{str:job_id}", response=JobDetailShape, summary="One job")
def job(request: HttpRequest, job_id: JobId) -> Any:
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


@router.post("jobs/{str:job_id}/retry", response=Done, summary="Retry one failed job", openapi_extra=needs(Right.RETRY))
def retry_job(request: HttpRequest, job_id: JobId) -> Any:
    return on_one(request, acting_views.retry, job_id)


@router.delete(
    "jobs/{str:job_id}",
    response=Done,
    summary="Put one job into the bin; not one that runs",
    openapi_extra=needs(Right.DELETE),
)
def delete_job(request: HttpRequest, job_id: JobId) -> Any:
    return on_one(request, acting_views.delete, job_id)


@router.post(
    "jobs/{str:job_id}/run-again", response=Queued, summary="Queue a copy of a job", openapi_extra=needs(Right.ENQUEUE)
)
def run_job_again(request: HttpRequest, job_id: JobId, given: Body[AgainAsked]) -> Any:
    new_id = str(given.token or uuid4())
    done = on_one(request, act_views.run_again, job_id, token=new_id)
    return {**done.dict(), "job_id": new_id}


@router.post(
    "jobs/{str:job_id}/run-other",
    response=Queued,
    summary="Queue a call of a job's function with other arguments; needs view_payload, too",
    openapi_extra=needs(Right.ENQUEUE),
)
def run_job_with_other_arguments(request: HttpRequest, job_id: JobId, given: Body[OtherAsked]) -> Any:
    if not may_see_payload(request):
        raise Refused(403, "body arguments", HIDDEN, "Who may not see arguments may not edit them.")
    new_id = str(given.token or uuid4())
    call = {"args": json.dumps(given.arguments), "kwargs": json.dumps(given.keywords)}
    done = on_one(request, act_views.run_other, job_id, token=new_id, **call)
    return {**done.dict(), "job_id": new_id}


@router.post(
    "jobs/{str:job_id}/stop",
    response=Done,
    summary="Have the worker that runs a job stop it",
    openapi_extra=needs(Right.CONTROL_WORKERS),
)
def stop_job(request: HttpRequest, job_id: JobId) -> Any:
    return on_one(request, act_views.stop, job_id)


def on_one(request: HttpRequest, act: Callable[[HttpRequest], HttpResponse], job_id: str, **form: str) -> Done:
    """Do it to this job; 404 unless there is one of this id."""
    found = known_job(open_stores(), job_id).row.status
    return perform(request, act, {"id": job_id, **form}, f"When looked at, this job was {found!r}.")
