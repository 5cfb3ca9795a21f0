"""Taking a list of jobs along: the page that asks how, and the file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from allegro_queue.access import View, rights_of, without_right
from allegro_queue.activity.journal import note
from allegro_queue.connection import UNREACHABLE
from allegro_queue.dashboard.acting.actions import deed_of
from allegro_queue.dashboard.filters.terms import typed
from allegro_queue.dashboard.jobs.export import (
    COLUMNS,
    FORMATS,
    MOST_ROWS,
    PAYLOAD,
    ExportPage,
    Row,
    name_of_file,
    plan_export,
    read_export,
    told_of,
    written,
)
from allegro_queue.dashboard.jobs.query import JobQuery, read_query, without_words
from allegro_queue.dashboard.page.files import FILE_SECONDS
from allegro_queue.dashboard.page.formats import duration
from allegro_queue.dashboard.page.links import link, link_to
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.history.patience import TookTooLong, patience
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import verbatim
from allegro_queue.wording import worded

FORM_FIELDS = ("csrfmiddlewaretoken", "format", "arguments")


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """How shall it be written?"""
    if Right.EXPORT not in rights_of(request):
        return without_right(request, Right.EXPORT)
    query = asked_for(request)

    def read(stores: Stores, pulse: Pulse) -> ExportPage:
        return read_export(stores, pulse, query)

    return render_page(request, "horizon/export.html", read, title=gettext("Export"), current="jobs", every=0)


@require_POST
def download(request: HttpRequest) -> HttpResponseBase:
    """The file. What was written is noted when it is, since a reader may leave in the middle."""
    rights = rights_of(request)
    if Right.EXPORT not in rights:
        return without_right(request, Right.EXPORT)
    with_arguments = request.POST.get("arguments") == "1"
    if with_arguments and Right.VIEW_PAYLOAD not in rights:
        return without_right(request, Right.VIEW_PAYLOAD)
    ending = request.POST.get("format", "")
    query = asked_for(request)
    if ending not in FORMATS or query.problems:
        why = " ".join(map(str, query.problems)) or worded(
            gettext("There is no format {format}."), format=repr(ending[:20])
        )
        messages.warning(request, worded(gettext("Nothing was exported: {problem}"), problem=why))
        return HttpResponseRedirect(link("jobs"))
    now = time.time()
    try:
        with patience(FILE_SECONDS, counting=FILE_SECONDS):
            plan = plan_export(open_stores(), all_queues(), query, now=now)
        rows = started(plan.rows())
    except UNREACHABLE:
        messages.error(request, gettext("Nothing was exported: Redis did not answer."))
        return HttpResponseRedirect(link_to("export", query.pairs))
    except TookTooLong:
        text = gettext("Nothing was exported: the database did not answer within {time}. Try again in a while.")
        messages.error(request, worded(text, time=duration(FILE_SECONDS)))
        return HttpResponseRedirect(link_to("export", query.pairs))
    columns = (*COLUMNS, *(PAYLOAD if with_arguments and plan.has_arguments else ()))
    body = noted(request, rows, ending, columns, plan.query, with_arguments=with_arguments)
    return StreamingHttpResponse(
        body,
        content_type=FORMATS[ending][1],
        headers={"Content-Disposition": f'attachment; filename="{name_of_file(plan.query, ending, now)}"'},
    )


def asked_for(request: HttpRequest) -> JobQuery:
    """The list that is meant."""
    given = request.POST if request.method == "POST" else request.GET
    pairs = [(name, value) for name, values in given.lists() for value in values if name not in FORM_FIELDS]
    may_see_payload = Right.VIEW_PAYLOAD in rights_of(request)
    query = read_query(pairs, all_queues(), may_see_payload=may_see_payload)
    return query if may_see_payload else without_words(query)


def started(rows: Iterator[Row]) -> Iterator[Row]:
    """The same rows, the first of them read already, so that what cannot be read is known before anything is sent."""
    first = next(rows, None)

    def all_rows() -> Iterator[Row]:
        if first is not None:
            yield first
            yield from rows

    return all_rows()


def noted(
    request: HttpRequest,
    rows: Iterable[Row],
    ending: str,
    columns: tuple[str, ...],
    query: JobQuery,
    *,
    with_arguments: bool,
) -> Iterator[str]:
    """The file, with a note in the journal of what was written of it."""
    number, whole = 0, False

    def counted() -> Iterator[Row]:
        nonlocal number
        for row in islice(rows, MOST_ROWS):
            number += 1
            yield row

    try:
        yield from written(counted(), ending, columns)
        whole = True
    finally:
        outcome = told_of(number, ending, whole=whole, with_arguments=with_arguments)
        deed = deed_of(request, "export", outcome, succeeded=whole, subject=verbatim(typed(query.terms)))
        note(deed)


PAGES: list[tuple[str, View, str]] = [
    ("export/", export, "export"),
    ("actions/export/", download, "download"),
]
