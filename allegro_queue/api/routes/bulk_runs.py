"""Acting on many jobs: beginning it, its progress, its results, cancelling and undoing it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Body, Query, Router

from allegro_queue.api.acts import perform_run
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import HIDDEN, may_see_payload, needs, needs_right_of_run, number_in, optional
from allegro_queue.api.shapes.bulk_runs import (
    BulkRuns,
    BulkRunsAsked,
    BulkRunShape,
    CountAsked,
    Counted,
    ManyAsked,
    Matching,
    MoveAsked,
    Results,
    ResultsAsked,
)
from allegro_queue.api.shapes.given import RunId
from allegro_queue.api.shapes.told import Begun
from allegro_queue.bulk import noting, work
from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.bulk.selection import count
from allegro_queue.connection import page_client
from allegro_queue.dashboard.acting import views as acting_views
from allegro_queue.dashboard.acting.chosen import BY_RUNS, Chosen
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import open_stores
from allegro_queue.stores.bulk import BulkAct

router = Router(tags=["bulk runs"])

Action = Callable[[HttpRequest], HttpResponse]


@router.get("bulk-runs", response=BulkRuns, summary="Acts on many jobs, newest first")
def bulk_runs(request: HttpRequest, given: Query[BulkRunsAsked]) -> Any:
    found = BulkRun.objects.order_by("-pk")
    found = found.filter(act=given.act) if given.act else found
    found = found.filter(state__in=work.OPEN) if given.open else found
    before = number_in(given.after)
    found = found.filter(pk__lt=before) if before else found
    rows = list(found[: given.limit])
    return {"runs": rows, "after": str(rows[-1].pk) if len(rows) == given.limit else None}


@router.get("bulk-runs/count", response=Counted, summary="How many jobs an act would be about")
def count_jobs(request: HttpRequest, given: Query[CountAsked]) -> Any:
    act = BulkAct(given.act)
    chosen = meant(request, act, given, every=True)
    now = time.time()
    found = count(open_stores(page_client()), chosen.selection(act), all_queues(), now)
    return {"count": found.number, "is_more": found.is_more, "at": now}


@router.get("bulk-runs/{int:run_id}", response=BulkRunShape, summary="One act on many jobs")
def bulk_run(request: HttpRequest, run_id: RunId) -> Any:
    return known_run(run_id)


@router.get("bulk-runs/{int:run_id}/results", response=Results, summary="What became of each of its jobs")
def bulk_run_results(request: HttpRequest, run_id: RunId, given: Query[ResultsAsked]) -> Any:
    run = known_run(run_id)
    # Places count from 1, so that 0 is the start of the list.
    found = BulkResult.objects.filter(run=run, number__gte=number_in(given.after)).order_by("number")
    found = found.filter(result=given.result) if given.result else found
    rows = list(found[: given.limit])
    return {
        "results": rows,
        "after": str(rows[-1].number + 1) if len(rows) == given.limit else None,
        "not_kept": max(run.noted - noting.ROWS_KEPT, 0),
    }


def known_run(run_id: int) -> BulkRun:
    """404 unless there is a run over many of this number."""
    run = BulkRun.objects.filter(pk=run_id).first()
    if run is None:
        raise Refused(404, "path run_id", f"There is no run over many jobs {run_id}.", "See bulk-runs.")
    return run


@router.post("bulk-runs/retry", response=Begun, summary="Retry failed jobs", openapi_extra=needs(Right.RETRY))
def retry_many(request: HttpRequest, given: Body[ManyAsked]) -> Any:
    return begun(request, BulkAct.RETRY, acting_views.retry, given)


@router.post("bulk-runs/delete", response=Begun, summary="Put jobs into the bin", openapi_extra=needs(Right.DELETE))
def delete_many(request: HttpRequest, given: Body[ManyAsked]) -> Any:
    return begun(request, BulkAct.DELETE, acting_views.delete, given)


@router.post(
    "bulk-runs/cancel", response=Begun, summary="Have jobs that wait never run", openapi_extra=needs(Right.DELETE)
)
def cancel_many(request: HttpRequest, given: Body[ManyAsked]) -> Any:
    return begun(request, BulkAct.CANCEL, acting_views.cancel, given)


@router.post(
    "bulk-runs/move",
    response=Begun,
    summary="Put waiting jobs at the end of another queue",
    openapi_extra=needs(Right.ENQUEUE),
)
def move_many(request: HttpRequest, given: Body[MoveAsked]) -> Any:
    if given.to not in all_queues():
        raise Refused(422, "body to", f"There is no queue {given.to!r}.", "See queues.")
    return begun(request, BulkAct.MOVE, acting_views.move_jobs, given, to=given.to)


def begun(request: HttpRequest, act: BulkAct, view: Action, given: ManyAsked, to: str = "") -> Begun:
    """Begin it, as the page's button would."""
    if given.all == bool(given.ids):
        raise Refused(422, "body ids", "Give either ids, or all.", "Such as {'ids': ['…']}, or {'all': true}.")
    chosen = meant(request, act, given, every=given.all, ids=tuple(dict.fromkeys(given.ids)))
    number = optional(given.count)
    form: dict[str, str | list[str] | None] = {
        **dict(chosen.fields() if given.all else ()),
        "id": list(chosen.ids),
        "failed_until": optional(given.until),
        "count": number,
        # On a page the number is typed again.
        "typed": number,
        "reason": given.reason,
        "per_minute": optional(given.per_minute),
        "token": str(given.token) if given.token else None,
        "to": to or None,
    }
    return perform_run(request, view, form, "Say count and reason where more than one job is deleted.")


def meant(request: HttpRequest, act: BulkAct, given: Matching, *, every: bool, ids: tuple[str, ...] = ()) -> Chosen:
    """The choice; 422 where the act cannot be meant for it."""
    parts = {part: getattr(given, part) for part in ("queue", "q", "name", *BY_RUNS)}
    if given.text and not may_see_payload(request):
        # It looks at arguments too, and so would tell what they are.
        raise Refused(403, "text", HIDDEN, "Use the other filters.")
    if not every and (given.state or any(parts.values())):
        raise Refused(422, "body ids", "A filter says nothing about jobs that are named.", "Give all, or ids alone.")
    chosen = Chosen(ids=ids, all=every, state=given.state or "", **parts)
    if problem := chosen.problem(act, all_queues()):
        raise Refused(422, "filter", problem.english, "See the act's document.")
    return chosen


@router.post(
    "bulk-runs/{int:run_id}/cancel",
    response=Begun,
    summary="Act on no further job of it",
    openapi_extra=needs_right_of_run(),
)
def cancel_bulk_run(request: HttpRequest, run_id: RunId) -> Any:
    return on_run(request, acting_views.cancel_run, run_id)


@router.post(
    "bulk-runs/{int:run_id}/carry-on",
    response=Begun,
    summary="Queue the job that carries it on anew",
    openapi_extra=needs_right_of_run(),
)
def carry_on_bulk_run(request: HttpRequest, run_id: RunId) -> Any:
    return on_run(request, acting_views.carry_on_run, run_id)


@router.post(
    "bulk-runs/{int:run_id}/undo",
    response=Begun,
    summary="Restore what it deleted, or move back what it moved out of a queue; for 24 hours",
    openapi_extra=needs_right_of_run(),
)
def undo_bulk_run(request: HttpRequest, run_id: RunId) -> Any:
    return on_run(request, acting_views.undo_run, run_id)


def on_run(request: HttpRequest, view: Action, run_id: int) -> Begun:
    known_run(run_id)
    return perform_run(request, view, {"run": str(run_id)})
