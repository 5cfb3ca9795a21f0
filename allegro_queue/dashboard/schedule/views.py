"""The pages of the schedule, the step before acting on an entry, and the acts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.acting.actions import (
    Told,
    action,
    minutes_in,
    name_of,
    nothing_done,
    own_page,
    problem_with_reason,
    reason_in,
)
from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.acting.pause_page import MOST_MINUTES
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.dashboard.schedule.page import EntryPage, EntryRow, read_entry, read_schedule_page
from allegro_queue.errors import HorizonError
from allegro_queue.rights import Right
from allegro_queue.scheduling.by_hand import pause_entry, resume_entry, run_by_hand
from allegro_queue.spans import lasting
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling, told_by


@require_safe
def schedule(request: HttpRequest) -> HttpResponse:
    """What runs when, and did it run?"""
    return render_page(
        request, "horizon/schedule.html", read_schedule_page, title=gettext("Schedule"), current="schedule", every=15
    )


@require_safe
def entry(request: HttpRequest, name: str) -> HttpResponse:
    """What became of this entry's last times?"""

    def read(stores: Stores, pulse: Pulse) -> EntryPage | Missing:
        return read_entry(stores, pulse, name) or missing(name)

    return render_page(request, "horizon/entry.html", read, title=name[:40], current="schedule", every=15)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmEntry:
    """Run, pause or resume this entry?"""

    each: EntryRow
    waiting: int
    longest_reason: int
    most_minutes: int
    next: str


def read_confirm(stores: Stores, pulse: Pulse, request: HttpRequest) -> ConfirmEntry | Missing:
    """The step before acting on an entry."""
    name = request.GET.get("entry", "")
    page = read_entry(stores, pulse, name)
    if page is None:
        return missing(name)
    queue = page.each.row.entry.queue
    return ConfirmEntry(
        each=page.each,
        waiting=next((each.waiting for each in pulse.queues if each.name == queue), 0),
        longest_reason=LONGEST_REASON,
        most_minutes=MOST_MINUTES,
        next=own_page(request.GET.get("next", "") or link("schedule")),
    )


@require_safe
def confirm_run_entry(request: HttpRequest) -> HttpResponse:
    """Run this entry now?"""

    def read(stores: Stores, pulse: Pulse) -> ConfirmEntry | Missing:
        return read_confirm(stores, pulse, request)

    return render_page(request, "horizon/run_entry.html", read, title=gettext("Run"), current="schedule", every=0)


@require_safe
def confirm_pause_entry(request: HttpRequest) -> HttpResponse:
    """Pause or resume this entry?"""

    def read(stores: Stores, pulse: Pulse) -> ConfirmEntry | Missing:
        return read_confirm(stores, pulse, request)

    return render_page(request, "horizon/pause_entry.html", read, title=gettext("Pause"), current="schedule", every=0)


def missing(name: str) -> Missing:
    return Missing(
        heading=gettext("There is no cron entry of this name."),
        words=gettext("It was renamed or removed, or the name is not quite the right one."),
        asked=name[:200],
        back=link("schedule"),
        back_words=gettext("The schedule"),
    )


@action(Right.RUN_CRON)
def run_entry(request: HttpRequest, stores: Stores) -> Told:
    """Queue one run now, beside the schedule."""
    name = request.POST.get("entry", "")
    try:
        job_id = run_by_hand(stores, name, time.time(), name_of(request))
    except HorizonError as error:
        return messages.WARNING, telling("Not queued: {problem}", problem=told_by(error))
    return messages.SUCCESS, telling(
        "Queued a run of {name}, as job {job_id}. Its next time stays.", name=name, job_id=job_id
    )


@action(Right.RUN_CRON)
def pause_entry_now(request: HttpRequest, stores: Stores) -> Told:
    """Skip the times of an entry, until resumed or for some minutes."""
    name = request.POST.get("entry", "")
    if problem := problem_with_reason(request, needed=True):
        return messages.WARNING, problem
    try:
        span = minutes_in(request.POST.get("minutes", "").strip())
        now = time.time()
        until = now + 60 * span if span else None
        pause_entry(stores, name, now, until=until, by=name_of(request), reason=reason_in(request))
    except (HorizonError, ValueError) as error:
        return messages.WARNING, nothing_done(error)
    text = (
        gettext_noop("Paused {name} for {time}. Its times are skipped; what has been queued runs.")
        if span
        else gettext_noop("Paused {name} until somebody resumes it. Its times are skipped; what has been queued runs.")
    )
    return messages.SUCCESS, telling(text, name=name, time=lasting(60 * span))


@action(Right.RUN_CRON)
def resume_entry_now(request: HttpRequest, stores: Stores) -> Told:
    """Queue an entry again when it is due."""
    name = request.POST.get("entry", "")
    try:
        was_paused = resume_entry(stores, name, time.time())
    except HorizonError as error:
        return messages.WARNING, nothing_done(error)
    if was_paused:
        return messages.SUCCESS, telling("Resumed {name}. It runs again from its next time on.", name=name)
    return messages.INFO, telling("{name} is not paused (any more).", name=name)


PAGES: list[tuple[str, View, str]] = [
    ("schedule/", schedule, "schedule"),
    ("schedule/<str:name>/", entry, "entry"),
    ("confirm/run-entry/", confirm_run_entry, "confirm_run_entry"),
    ("confirm/pause-entry/", confirm_pause_entry, "confirm_pause_entry"),
    ("actions/run-entry/", run_entry, "run_entry"),
    ("actions/pause-entry/", pause_entry_now, "pause_entry"),
    ("actions/resume-entry/", resume_entry_now, "resume_entry"),
]
