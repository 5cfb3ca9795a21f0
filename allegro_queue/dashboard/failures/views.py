"""The pages of failure groups, the step before acting on the jobs of one, and noting what people know of it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.acting.actions import Told, action, name_of, problem_with_reason
from allegro_queue.dashboard.acting.chosen import MOST_TICKED, Chosen, whole_number_in
from allegro_queue.dashboard.acting.confirm_pages import ConfirmPage, act_word, read_confirm
from allegro_queue.dashboard.failures.group_chart import values_of
from allegro_queue.dashboard.failures.list_page import FailuresPage, read_failures, read_groups, read_query
from allegro_queue.dashboard.failures.page import MOST_MUTE_MINUTES, FailurePage, read_failure
from allegro_queue.dashboard.metrics.chart_csv import CsvColumn, answer_with
from allegro_queue.dashboard.metrics.ranges import axis_of, range_for
from allegro_queue.dashboard.page.files import in_time
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.history.groups import GroupState, mark
from allegro_queue.history.measured import extent, points
from allegro_queue.history.touched import jobs_left_by
from allegro_queue.rights import Right
from allegro_queue.spans import lasting
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling

EVERY = 15

NOTED: Mapping[GroupState, str] = {
    GroupState.KNOWN: gettext_noop("Noted as known."),
    GroupState.MUTED: gettext_noop("Muted for {time}. It is counted all the same."),
    GroupState.RESOLVED: gettext_noop("Noted as resolved."),
}
"""States that people set, and what they are told then."""


@require_safe
def failures(request: HttpRequest) -> HttpResponse:
    """What broke, how much of it, since when?"""
    query = read_query(request.GET.dict())

    def read(stores: Stores, pulse: Pulse) -> FailuresPage:
        return read_failures(stores, pulse, query)

    def read_away(now: float) -> FailuresPage:
        return read_groups(query, now)

    every = 0 if query.before else EVERY
    return render_page(
        request,
        "horizon/failures.html",
        read,
        title=gettext("Failures"),
        current="failures",
        every=every,
        away=read_away,
    )


@require_safe
def failure(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """One group of failures."""

    def read(stores: Stores, pulse: Pulse) -> FailurePage | Missing:
        return read_failure(stores, pulse, fingerprint, request.GET.dict())

    every = 0 if request.GET.get("after") else EVERY
    return render_page(
        request, "horizon/failure.html", read, title=gettext("Failure group"), current="failures", every=every
    )


@require_safe
@in_time
def failure_csv(request: HttpRequest, fingerprint: str) -> HttpResponse:
    """The chart of a group as CSV."""
    now = time.time()
    chosen = range_for(request.GET.get("range", ""), "failure", horizon_settings(), usual="7d")
    reach = extent(open_stores(), now, chosen.stretch)
    axis = axis_of(chosen, reach.first, now)
    found = points("failure", [fingerprint], seconds=chosen.stretch, since=axis.start)[fingerprint]
    if not found:
        raise Http404("Nothing was counted of this group in this time.")
    columns = [CsvColumn("failed_attempts", values_of(found, axis, reach))]
    return answer_with(f"failures-{fingerprint}-{chosen.key}", axis.starts, columns)


@require_safe
def confirm_failure(request: HttpRequest, fingerprint: str, act: str) -> HttpResponse:
    """Retry or delete the jobs that this group left failed?"""
    if act not in ("retry", "delete"):
        raise Http404("There is no such action.")

    def read(stores: Stores, pulse: Pulse) -> ConfirmPage:
        ids = tuple(jobs_left_by(fingerprint, MOST_TICKED))
        back = link("failure", fingerprint=fingerprint)
        return read_confirm(stores, pulse, BulkAct(act), Chosen(ids=ids), back)

    return render_page(request, "horizon/confirm.html", read, title=act_word(BulkAct(act)), current="failures", every=0)


@action(Right.EDIT_ALERTS)
def mark_failure(request: HttpRequest, stores: Stores) -> Told:
    """Note a group as known or mended, or have nobody told of it for a while."""
    group, wanted = request.POST.get("group", ""), request.POST.get("state", "")
    if wanted not in NOTED:
        return messages.WARNING, telling("Nothing was noted: {state} is no state to set.", state=repr(wanted[:20]))
    if problem := problem_with_reason(request):
        return messages.WARNING, problem
    state, now, until = GroupState(wanted), time.time(), 0.0
    if state is GroupState.MUTED:
        given = request.POST.get("minutes", "").strip()
        span = whole_number_in(given, MOST_MUTE_MINUTES)
        if span is None:
            return messages.WARNING, telling(
                "Nothing was noted: the minutes {given} are no whole number from 1 to {most}.",
                given=repr(given[:20]),
                most=MOST_MUTE_MINUTES,
            )
        if not span:
            return messages.WARNING, telling("Nothing was noted: say for how long the group is to be muted.")
        until = now + 60.0 * span
    if not mark([group], state, by=name_of(request), now=now, until=until):
        return messages.WARNING, telling("There is no such group of failures (any more), so nothing was noted.")
    return messages.SUCCESS, telling(NOTED[state], time=lasting(until - now))


PAGES: list[tuple[str, View, str]] = [
    ("failures/", failures, "failures"),
    ("failures/<str:fingerprint>/", failure, "failure"),
    ("failures/<str:fingerprint>/failures.csv", failure_csv, "failure_csv"),
    ("failures/<str:fingerprint>/confirm/<str:act>/", confirm_failure, "confirm_failure"),
    ("actions/mark-failure/", mark_failure, "mark_failure"),
]
