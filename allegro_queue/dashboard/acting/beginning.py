"""Beginning a run over many jobs for a person: few are done while they wait, many in the background."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from allegro_queue.bulk import words, work
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.bulk.selection import count as counted_of
from allegro_queue.dashboard.acting.actions import Done, name_of, reason_in, via_of
from allegro_queue.dashboard.acting.chosen import failed_until, token_in
from allegro_queue.dashboard.acting.conflicts import why_not
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.nouns import jobs_lazy
from allegro_queue.errors import QueueUnavailable
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.wording import worded_lazy

FEW = 500
"""Jobs that are acted on at once, while the person waits; more are left to a run in the background."""


def begin(
    request: HttpRequest, stores: Stores, act: BulkAct, selection: Selection, *, to: str = "", per_minute: int = 0
) -> Done:
    """Begin it, with the token, the cut-off, the count and the reason that the form brings."""
    given = request.POST
    now = time.time()
    is_few = bool(selection.ids) or (
        selection.is_whole and counted_of(stores, selection, all_queues(), now).number <= FEW
    )
    expected = given.get("count", "")
    run, is_new = work.begin(
        act,
        selection,
        token=token_in(given),
        cut_off=min(failed_until(given) or now, now),
        now=now,
        who=name_of(request),
        via=via_of(request),
        expected=int(expected) if expected.isascii() and expected.isdigit() and len(expected) < 9 else 0,
        to=to,
        per_minute=per_minute,
        reason=reason_in(request),
        address=request.META.get("REMOTE_ADDR") or None,
    )
    page = link("run", run=run.pk)
    if not is_new:
        text = worded_lazy(gettext_lazy("This was begun already, as run {run}."), run=run.pk)
        return Done(level=messages.INFO, text=text, next=page, run_id=run.pk)
    if is_few and not per_minute:
        return at_once(stores, run, selection, page, now)
    return in_background(stores, run, page)


NOT_DONE: Mapping[str, Promise] = {
    "retry": gettext_lazy("Not retried: {reason}"),
    "delete": gettext_lazy("Not deleted: {reason}"),
    "cancel": gettext_lazy("Not cancelled: {reason}"),
    "move": gettext_lazy("Not moved: {reason}"),
}
"""What is told of the one job that was meant, by act."""


def at_once(stores: Stores, run: BulkRun, selection: Selection, page: str, now: float) -> Done:
    """Few jobs: the person waits for it."""
    work.do(stores, run)
    text = words.outcome_lazy(run)
    if len(selection.ids) == 1 and not run.done:
        text = worded_lazy(NOT_DONE[run.act], reason=why_not(stores, selection.ids[0], now))
    elif run.act == BulkAct.DELETE:
        text = worded_lazy(gettext_lazy("{outcome} For 24 hours this can be undone."), outcome=text)
    level = messages.SUCCESS if run.done else messages.WARNING
    next_page = page if run.act == BulkAct.DELETE and run.done else ""
    return Done(level=level, text=text, next=next_page, run_id=run.pk)


def in_background(stores: Stores, run: BulkRun, page: str) -> Done:
    """Many jobs: a job of the library's own does it. When that cannot be queued, the run's page offers to try again."""
    try:
        work.queue_slice(stores, run, 1)
    except QueueUnavailable as error:
        text = worded_lazy(
            gettext_lazy("Run {run} is written down and has not begun: {problem}"), run=run.pk, problem=error
        )
        return Done(level=messages.ERROR, text=text, next=page, run_id=run.pk)
    text = worded_lazy(
        gettext_lazy("{doing} in the background, as run {run}: {jobs}.")
        if run.expected
        else gettext_lazy("{doing} in the background, as run {run}."),
        doing=words.doing_lazy(run),
        run=run.pk,
        jobs=jobs_lazy(run.expected),
    )
    return Done(level=messages.SUCCESS, text=text, next=page, run_id=run.pk)
