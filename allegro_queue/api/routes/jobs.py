"""Jobs in Redis: finding them, and acting on them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router

from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import HIDDEN, may_see_payload, needs, optional
from allegro_queue.api.payloads import masked_value
from allegro_queue.api.shapes.given import JobId
from allegro_queue.api.shapes.jobs import Chosen, JobDetailShape, Jobs, JobsAsked
from allegro_queue.api.shapes.told import Done
from allegro_queue.connection import page_client
from allegro_queue.dashboard import bulk_views
from allegro_queue.errors import did_you_mean
from allegro_queue.masking import masked
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.job_lists import Place, read_place
from allegro_queue.stores.jobs import JobDetail, JobRow, State

router = Router()


@router.get("jobs", response=Jobs, tags=["jobs"], summary="Jobs of one state")
def jobs(request: HttpRequest, given: Query[JobsAsked]) -> Any:
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


@router.get("jobs/{str:job_id}", response=JobDetailShape, tags=["jobs"], summary="One job")
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


@router.post(
    "failed-jobs/retry",
    response=Done,
    tags=["jobs"],
    summary="Retry failed jobs",
    openapi_extra=needs(Right.RETRY),
)
def retry_jobs(request: HttpRequest, given: Body[Chosen]) -> Any:
    return perform(request, bulk_views.retry, chosen(given), "Name failed jobs.")


@router.post(
    "failed-jobs/delete",
    response=Done,
    tags=["jobs"],
    summary="Delete failed jobs for good",
    openapi_extra=needs(Right.DELETE),
)
def delete_jobs(request: HttpRequest, given: Body[Chosen]) -> Any:
    return perform(request, bulk_views.delete, chosen(given), "Name failed jobs.")


def chosen(given: Chosen) -> dict[str, str | list[str] | None]:
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


@router.post(
    "jobs/{str:job_id}/retry",
    response=Done,
    tags=["jobs"],
    summary="Retry one failed job",
    openapi_extra=needs(Right.RETRY),
)
def retry_job(request: HttpRequest, job_id: JobId) -> Any:
    return on_failed(request, bulk_views.retry, job_id)


@router.delete(
    "jobs/{str:job_id}",
    response=Done,
    tags=["jobs"],
    summary="Delete one failed job for good",
    openapi_extra=needs(Right.DELETE),
)
def delete_job(request: HttpRequest, job_id: JobId) -> Any:
    return on_failed(request, bulk_views.delete, job_id)


def on_failed(request: HttpRequest, act: Callable[[HttpRequest], HttpResponse], job_id: str) -> Any:
    found = known_job(open_stores(), job_id).row.status
    right = f"Only a failed job can be meant; when looked at, this one was {found!r}."
    return perform(request, act, {"id": [job_id]}, right)
