"""Beginning a run over many jobs for a person: few are done while they wait, many in the background."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext_noop

from allegro_queue.bulk import words, work
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.bulk.selection import count as counted_of
from allegro_queue.dashboard.acting.actions import Done, name_of, reason_in, via_of
from allegro_queue.dashboard.acting.chosen import failed_until, token_in
from allegro_queue.dashboard.acting.conflicts import why_not
from allegro_queue.dashboard.page.links import link
from allegro_queue.errors import QueueUnavailable
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.tellings import one_after_another, telling, telling_of, told_by

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
        text = telling("This was begun already, as run {run}.", run=str(run.pk))
        return Done(level=messages.INFO, text=text, next=page, run_id=run.pk)
    if is_few and not per_minute:
        return at_once(stores, run, selection, page, now)
    return in_background(stores, run, page)


NOT_DONE: Mapping[str, str] = {
    "retry": gettext_noop("Not retried: {reason}"),
    "delete": gettext_noop("Not deleted: {reason}"),
    "cancel": gettext_noop("Not cancelled: {reason}"),
    "move": gettext_noop("Not moved: {reason}"),
}
"""What is told of the one job that was meant, by act."""


def at_once(stores: Stores, run: BulkRun, selection: Selection, page: str, now: float) -> Done:
    """Few jobs: the person waits for it."""
    work.do(stores, run)
    text = words.outcome(run)
    if len(selection.ids) == 1 and not run.done:
        text = telling(NOT_DONE[run.act], reason=why_not(stores, selection.ids[0], now))
    elif run.act == BulkAct.DELETE:
        text = one_after_another(text, telling("For 24 hours this can be undone."))
    level = messages.SUCCESS if run.done else messages.WARNING
    next_page = page if run.act == BulkAct.DELETE and run.done else ""
    return Done(level=level, text=text, next=next_page, run_id=run.pk)


def in_background(stores: Stores, run: BulkRun, page: str) -> Done:
    """Many jobs: a job of the library's own does it. When that cannot be queued, the run's page offers to try again."""
    try:
        work.queue_slice(stores, run, 1)
    except QueueUnavailable as error:
        text = telling(
            "Run {run} is written down and has not begun: {problem}", run=str(run.pk), problem=told_by(error)
        )
        return Done(level=messages.ERROR, text=text, next=page, run_id=run.pk)
    text = telling(
        gettext_noop("{doing} in the background, as run {run}: {jobs}.")
        if run.expected
        else gettext_noop("{doing} in the background, as run {run}."),
        doing=words.doing(run),
        run=str(run.pk),
        jobs=telling_of("{n} job", "{n} jobs", run.expected),
    )
    return Done(level=messages.SUCCESS, text=text, next=page, run_id=run.pk)
