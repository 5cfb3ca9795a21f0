"""Attempts that have ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router

from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import HIDDEN, may_see_payload, number_in
from allegro_queue.api.shapes.given import RunId
from allegro_queue.api.shapes.runs import Runs, RunsAsked
from allegro_queue.history import queries

router = Router()


@router.get("runs", response=Runs, tags=["history"], summary="Attempts that have ended, newest first")
def runs(request: HttpRequest, given: Query[RunsAsked]) -> Any:
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


@router.get("runs/{int:run_id}", response=queries.RunRow, tags=["history"], summary="One attempt, with its traceback")
def run(request: HttpRequest, run_id: RunId) -> Any:
    row = queries.run_at(run_id)
    if row is None:
        raise Refused(404, "path run_id", f"There is no run {run_id}.", "Runs are kept for a while only.")
    return row if may_see_payload(request) else replace(row, arguments="")
