"""How many there are, counted to the end; in a list this would keep its reader waiting."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from allegro_queue.api.routes.jobs import queues_wanted
from allegro_queue.api.routes.runs import filter_in
from allegro_queue.api.shapes.counts import Count
from allegro_queue.api.shapes.jobs import JobsWanted
from allegro_queue.api.shapes.runs import RunsWanted
from allegro_queue.connection import page_client
from allegro_queue.dashboard.jobs.counting import count_of_listed, count_of_runs
from allegro_queue.stores import open_stores
from allegro_queue.stores.jobs import Matcher

router = Router()


@router.get("counts/jobs", response=Count, tags=["jobs"], summary="How many jobs of one state there are")
def jobs_counted(request: HttpRequest, given: Query[JobsWanted]) -> Any:
    words = given.q.casefold()
    return count_of_listed(
        open_stores(page_client()),
        [given.state],
        queues_wanted(given),
        Matcher(holds=lambda row: words in row.name.casefold()) if words else None,
    )


@router.get("counts/runs", response=Count, tags=["history"], summary="How many attempts there are that have ended")
def runs_counted(request: HttpRequest, given: Query[RunsWanted]) -> Any:
    return count_of_runs(filter_in(request, given))
