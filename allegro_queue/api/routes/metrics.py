"""What was counted."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from allegro_queue.api.answers import Refused
from allegro_queue.api.shapes.metrics import Metrics, MetricsAsked, Names, NamesAsked
from allegro_queue.connection import page_client
from allegro_queue.dashboard.metrics.series import run_times, wait_times
from allegro_queue.history.known_names import names_known
from allegro_queue.history.measured import Point, extent, points
from allegro_queue.stores import open_stores

router = Router(tags=["metrics"])

MOST_POINTS = 2_000


@router.get("metrics", response=Metrics, summary="What was counted of one name")
def metrics(request: HttpRequest, given: Query[MetricsAsked]) -> Any:
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


@router.get("metrics/names", response=Names, summary="Names that ran in the last 30 days")
def metric_names(request: HttpRequest, given: Query[NamesAsked]) -> Any:
    return {"names": names_known(given.kind, now=time.time())}
