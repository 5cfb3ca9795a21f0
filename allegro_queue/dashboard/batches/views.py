"""The pages of batches, and what can be done to one."""

from __future__ import annotations

import time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.batches import retry_failed
from allegro_queue.bulk.words import outcome_of
from allegro_queue.dashboard.acting.actions import Told, action, name_of
from allegro_queue.dashboard.batches.pages import BatchesPage, BatchPage, read_batch, read_batches
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.failed_jobs import Tally
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling
from allegro_queue.wording import worded

LAST_PAGE = 10_000


@require_safe
def batches(request: HttpRequest) -> HttpResponse:
    """How far are those bulk runs?"""
    given = request.GET.get("page", "")
    page = min(max(int(given), 1), LAST_PAGE) if given.isascii() and given.isdigit() and len(given) < 9 else 1
    only_open = request.GET.get("state") == "open"

    def read(stores: Stores, pulse: Pulse) -> BatchesPage:
        return read_batches(stores, pulse, page=page, only_open=only_open)

    return render_page(request, "horizon/batches.html", read, title=gettext("Batches"), current="batches")


@require_safe
def one_batch(request: HttpRequest, batch_id: str) -> HttpResponse:
    """How far is this bulk run?"""

    def read(stores: Stores, pulse: Pulse) -> BatchPage | Missing:
        return read_batch(stores, pulse, batch_id) or Missing(
            heading=gettext("There is no batch of this id."),
            words=gettext(
                "Its time was up: batches are kept for some days past their end. Or the id is not quite the right one."
            ),
            asked=batch_id[:200],
            back=link("batches"),
            back_words=gettext("All batches"),
        )

    return render_page(
        request, "horizon/batch.html", read, title=worded(gettext("Batch {id}"), id=batch_id[:8]), current="batches"
    )


@action(Right.CONTROL_WORKERS)
def cancel_batch(request: HttpRequest, stores: Stores) -> Told:
    """Have the waiting jobs of a batch skipped."""
    batch_id = request.POST.get("batch", "")
    record = stores.batches.get(batch_id)
    if record is None:
        return messages.WARNING, telling(
            "There is no batch {batch}, so nothing was cancelled.", batch=repr(batch_id[:200])
        )
    if not stores.batches.cancel(batch_id, by=name_of(request), now=time.time()):
        return messages.INFO, telling(
            "{batch} has ended or was cancelled before, so nothing was done.", batch=record.name
        )
    return messages.SUCCESS, telling(
        "Cancelled {batch}. Running jobs finish; what waits is skipped when its turn comes.", batch=record.name
    )


@action(Right.RETRY)
def retry_batch(request: HttpRequest, stores: Stores) -> Told:
    """Put the failed jobs of a batch, and those that were skipped for a failure, at the end of their queues again."""
    batch_id = request.POST.get("batch", "")
    record = stores.batches.get(batch_id)
    if record is None:
        return messages.WARNING, telling(
            "There is no batch {batch}, so nothing was retried.", batch=repr(batch_id[:200])
        )
    if record.was_cancelled:
        return messages.WARNING, telling(
            "{batch} was cancelled by {who}, so nothing was retried.", batch=record.name, who=record.cancelled_by
        )
    return retried(retry_failed(stores.batches, stores.failed_jobs, batch_id))


def retried(tally: Tally) -> Told:
    """``Retried 12 jobs. 1 was gone.``"""
    text = outcome_of("retry", done=tally.done, gone=tally.gone, barred=len(tally.barred))
    return (messages.SUCCESS if tally.done else messages.WARNING), text


PAGES: list[tuple[str, View, str]] = [
    ("batches/", batches, "batches"),
    ("batches/<str:batch_id>/", one_batch, "batch"),
]

ACTIONS: list[tuple[str, View, str]] = [
    ("actions/cancel-batch/", cancel_batch, "cancel_batch"),
    ("actions/retry-batch/", retry_batch, "retry_batch"),
]
