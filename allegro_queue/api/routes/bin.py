"""Deleted jobs, and restoring them."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest
from ninja import Body, Query, Router

from allegro_queue.api.acts import perform_run
from allegro_queue.api.asking import following_offset, needs, place_in
from allegro_queue.api.shapes.bin import Binned, RestoreAsked
from allegro_queue.api.shapes.given import Paging
from allegro_queue.api.shapes.told import Begun
from allegro_queue.connection import page_client
from allegro_queue.dashboard.acting import views as acting_views
from allegro_queue.rights import Right
from allegro_queue.stores import open_stores
from allegro_queue.stores.bulk import BIN_SECONDS

router = Router(tags=["bin"])


@router.get("bin", response=Binned, summary="Deleted jobs that can come back, the last deleted first")
def bin_(request: HttpRequest, given: Query[Paging]) -> Any:
    place = place_in(given.after)
    found, total = open_stores(page_client()).bin.page(place.offset, given.limit, time.time())
    following = following_offset(place, given.limit, total)
    return {
        "jobs": [
            {
                "id": each.row.id,
                "name": each.row.name,
                "queue": each.row.queue,
                "status": each.state,
                "deleted_at": each.deleted_at,
                "restorable_until": each.deleted_at + BIN_SECONDS,
            }
            for each in found
        ],
        "total": total,
        "after": str(following) if following else None,
    }


@router.post(
    "bin/restore", response=Begun, summary="Put deleted jobs back to where they were", openapi_extra=needs(Right.DELETE)
)
def restore_jobs(request: HttpRequest, given: Body[RestoreAsked]) -> Any:
    return perform_run(request, acting_views.restore, {"id": given.ids}, "See bin.")
