"""Failure groups, and noting what people know of them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Body, Query, Router

from allegro_queue.api.acts import perform
from allegro_queue.api.answers import Refused
from allegro_queue.api.asking import may_see_payload, needs, optional
from allegro_queue.api.shapes.failures import FailureDetail, Failures, FailuresAsked, Mark
from allegro_queue.api.shapes.given import Fingerprint
from allegro_queue.api.shapes.told import Done
from allegro_queue.dashboard.failures import views as failure_views
from allegro_queue.dashboard.failures.page import MOST_MUTE_MINUTES
from allegro_queue.history.group_rows import GroupRow, find_groups, group_counts, group_of
from allegro_queue.history.groups import GroupState
from allegro_queue.history.rows import LATEST
from allegro_queue.history.runs import run_at
from allegro_queue.rights import Right

router = Router(tags=["failures"])


@router.get("failures", response=Failures, summary="Failure groups, the last to fail first")
def failures(request: HttpRequest, given: Query[FailuresAsked]) -> Any:
    before = seconds_in(given.after)
    states = [GroupState(each) for each in given.state]
    found = find_groups(now=time.time(), states=states, name=given.name, limit=given.limit, before=before)
    return {
        "failures": found,
        "after": repr(found[-1].last_at) if len(found) == given.limit else None,
        "counts": {state.value: number for state, number in group_counts(time.time()).items()},
    }


def seconds_in(after: str) -> float:
    """The place of a list that is paged by time; 0 for its start."""
    try:
        moment = float(after or 0)
    except ValueError:
        moment = -1.0
    if not 0 <= moment <= LATEST:
        raise Refused(422, "query after", f"{after[:100]!r} is no place in this list.", "Give a page's 'after'.")
    return moment


@router.get("failures/{str:fingerprint}", response=FailureDetail, summary="One failure group")
def failure(request: HttpRequest, fingerprint: Fingerprint) -> Any:
    group = known_group(fingerprint)
    newest = run_at(group.last_run)
    if newest is not None and not may_see_payload(request):
        newest = replace(newest, arguments="")
    return {"failure": group, "newest": newest}


def known_group(fingerprint: str) -> GroupRow:
    """404 unless there is a failure group of this fingerprint."""
    group = group_of(fingerprint, now=time.time())
    if group is None:
        raise Refused(404, "path fingerprint", f"There is no failure group {fingerprint!r}.", "See failures.")
    return group


@router.post(
    "failures/{str:fingerprint}/mark",
    response=Done,
    summary="Note a failure group as known, muted or resolved",
    openapi_extra=needs(Right.EDIT_ALERTS),
)
def mark_failure(request: HttpRequest, fingerprint: Fingerprint, given: Body[Mark]) -> Any:
    if (given.state == "muted") != (given.minutes is not None):
        raise Refused(
            422, "body minutes", "Minutes belong to 'muted' alone, and it needs them.", f"1 to {MOST_MUTE_MINUTES}."
        )
    known_group(fingerprint)
    return perform(
        request,
        failure_views.mark_failure,
        {"group": fingerprint, "state": given.state, "minutes": optional(given.minutes), "reason": given.reason},
    )
