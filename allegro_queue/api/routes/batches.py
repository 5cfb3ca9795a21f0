"""Batches: how they stand, cancelling one, retrying what failed in one."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Body, Query, Router

from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import following_offset, needs, place_in
from allegro_queue.api.shapes.batches import BatchDetail, Batches, BatchesAsked, BatchId
from allegro_queue.api.shapes.orders import ReasonAsked
from allegro_queue.api.shapes.told import Done
from allegro_queue.connection import page_client
from allegro_queue.dashboard.batches import views as batch_views
from allegro_queue.masking import masked
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.batches import BatchRecord

router = Router(tags=["batches"])


@router.get("batches", response=Batches, summary="Batches, newest first")
def batches(request: HttpRequest, given: Query[BatchesAsked]) -> Any:
    stores, place = open_stores(page_client()), place_in(given.after)
    read = stores.batches.open_page if given.open else stores.batches.page
    records, total = read(place.offset, given.limit)
    following = following_offset(place, given.limit, total)
    return {
        "batches": [batch_shape(each) for each in records],
        "total": total,
        "after": str(following) if following else None,
    }


def batch_shape(record: BatchRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "name": masked(record.name),
        "created_at": record.created_at,
        "total": record.total,
        "pending": record.pending,
        "succeeded": record.succeeded,
        "failed": record.failed,
        "skipped": record.skipped,
        "dropped": record.dropped,
        "percent": record.percent,
        "allow_failures": record.allow_failures,
        "is_filling": record.is_filling,
        "cancelled_at": record.cancelled_at,
        "cancelled_by": record.cancelled_by,
        "finished_at": record.finished_at,
        "following": [
            {"moment": moment, "job_id": each.job_id, "queued_at": each.queued_at}
            for moment, each in record.following.items()
        ],
    }


@router.get("batches/{str:batch_id}", response=BatchDetail, summary="One batch")
def one_batch(request: HttpRequest, batch_id: BatchId) -> Any:
    stores = open_stores(page_client())
    record = known_batch(stores, batch_id)
    return {
        **batch_shape(record),
        "failed_ids": stores.batches.failed_ids(batch_id),
        "skipped_ids": stores.batches.skipped_ids(batch_id),
        "open_ids": stores.batches.open_ids(batch_id),
    }


def known_batch(stores: Stores, batch_id: str) -> BatchRecord:
    """404 unless there is a batch of this id."""
    record = stores.batches.get(batch_id)
    if record is None:
        raise Refused(
            404, "path batch_id", f"There is no batch {batch_id!r}.", "They are kept for some days. See batches."
        )
    return record


@router.post(
    "batches/{str:batch_id}/cancel",
    response=Done,
    summary="Have the waiting jobs of a batch skipped",
    openapi_extra=needs(Right.CONTROL_WORKERS),
)
def cancel_batch(request: HttpRequest, batch_id: BatchId, given: Body[ReasonAsked]) -> Any:
    known_batch(open_stores(), batch_id)
    return perform(request, batch_views.cancel_batch, {"batch": batch_id, "reason": given.reason})


@router.post(
    "batches/{str:batch_id}/retry",
    response=Done,
    summary="Retry the failed jobs of a batch, and those that were skipped for a failure",
    openapi_extra=needs(Right.RETRY),
)
def retry_batch(request: HttpRequest, batch_id: BatchId, given: Body[ReasonAsked]) -> Any:
    known_batch(open_stores(), batch_id)
    return perform(request, batch_views.retry_batch, {"batch": batch_id, "reason": given.reason})
