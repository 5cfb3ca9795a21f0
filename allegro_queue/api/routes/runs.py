"""Attempts that have ended."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import HIDDEN, may_see_payload, number_in
from allegro_queue.api.shapes.given import RunId
from allegro_queue.api.shapes.runs import Runs, RunsAsked, RunsWanted
from allegro_queue.dashboard.jobs.query import read_query
from allegro_queue.dashboard.jobs.search import Names, filter_of
from allegro_queue.history.filters import Filter
from allegro_queue.history.known_names import names_of_kinds
from allegro_queue.history.run_pages import find_runs
from allegro_queue.history.runs import RunRow, run_at
from allegro_queue.queues import all_queues

router = Router(tags=["history"])


@router.get("runs", response=Runs, summary="Attempts that have ended, newest first")
def runs(request: HttpRequest, given: Query[RunsAsked]) -> Any:
    shown = may_see_payload(request)
    wanted = filter_in(request, given)
    page = find_runs(wanted, after=number_in(given.after), limit=given.limit)
    return {
        "runs": [row if shown else replace(row, arguments="") for row in page.rows],
        "after": str(page.after) if page.after else None,
        "searched_to": page.searched_to,
    }


def filter_in(request: HttpRequest, given: RunsWanted) -> Filter:
    """The runs that are meant, as far as this caller may ask for them."""
    shown = may_see_payload(request)
    if given.q and not shown:
        # It looks at arguments too, and so would tell what they are.
        raise Refused(403, "query q", HIDDEN, "Use the other filters.")
    return typed_filter(given, shown=shown) if given.filter else plain_filter(given)


def plain_filter(given: RunsWanted) -> Filter:
    """What the fields ask for."""
    return Filter(
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


def typed_filter(given: RunsWanted, *, shown: bool) -> Filter:
    """What is typed, as the job list takes it."""
    others = given.model_dump(exclude={"filter", "after", "limit"}, exclude_defaults=True)
    query = read_query([("q", given.filter)], all_queues(), may_see_payload=shown)
    problems = [str(each) for each in query.problems]
    if others:
        problems.append(f"Beside it there is {', '.join(others)}.")
    if query.is_live or query.is_still:
        problems.append("Runs are of jobs that have ended; see jobs for the others.")
    if problems:
        raise Refused(422, "query filter", " ".join(problems), "As on the job list, and no other filter.")
    if not shown and any(not term.key for term in query.terms):
        raise Refused(403, "query filter", HIDDEN, "Words look at arguments too. Use the other terms.")
    now = time.time()
    kinds = names_of_kinds(("job", "error"), now=now)
    names = Names(functions=tuple(kinds["job"]), exceptions=tuple(kinds["error"]))
    zone = timezone.get_current_timezone()
    return filter_of(query, names, now=now, zone=zone, has_silenced=False).filter


@router.get("runs/{int:run_id}", response=RunRow, summary="One attempt, with its traceback")
def run(request: HttpRequest, run_id: RunId) -> Any:
    row = run_at(run_id)
    if row is None:
        raise Refused(404, "path run_id", f"There is no run {run_id}.", "Runs are kept for a while only.")
    return row if may_see_payload(request) else replace(row, arguments="")
