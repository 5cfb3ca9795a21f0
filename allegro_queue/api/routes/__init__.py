"""Every address of the API, by resource. A route names the right that it needs; the door asks for it."""

from __future__ import annotations

from ninja import NinjaAPI
from ninja.operation import Operation

from allegro_queue.api.routes import (
    activity,
    alerts,
    batches,
    bin,
    bulk_runs,
    counts,
    failures,
    jobs,
    metrics,
    now,
    queues,
    runs,
    schedule,
    tags,
    views,
)


class HorizonApi(NinjaAPI):
    """The API; an operation's id is its function's name, so that it outlives a move to another module."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return str(operation.view_func.__name__)


api = HorizonApi(
    title="Horizon",
    version="1",
    description="Jobs, queues, workers, batches, schedule, failures, metrics and alerts of allegro-queue. "
    "Times are Unix seconds. Lists are paged by `after`. Each operation names the right that it needs as `x-right`.",
    urls_namespace="horizon-api",
    docs_url=None,
    openapi_url=None,
)

ROUTERS = tuple(
    each.router
    for each in (
        now,
        queues,
        jobs,
        bulk_runs,
        bin,
        batches,
        runs,
        counts,
        failures,
        tags,
        schedule,
        metrics,
        alerts,
        views,
        activity,
    )
)
"""In the order of the document."""

for router in ROUTERS:
    api.add_router("", router)
