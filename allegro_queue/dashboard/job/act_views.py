"""Acts that are about one job alone: run it again as a new one, with other arguments, or stop it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe
from rq.utils import now as rq_now

from allegro_queue.access import View, rights_of, without_right
from allegro_queue.anew import Anew, masked_value, problem_with, run_anew, run_edited
from allegro_queue.dashboard.acting.actions import Done, Told, action, own_page
from allegro_queue.dashboard.acting.chosen import token_in
from allegro_queue.dashboard.acting.conflicts import why_not
from allegro_queue.dashboard.page.formats import about
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.errors import HorizonError, QueueUnavailable
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.job_records import JobRow
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import Telling, telling, told_by
from allegro_queue.wording import worded

LONGEST_FORM = 600_000
"""Characters of arguments that a form may bring."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OneJobPage:
    """Do this to this job?"""

    act: str
    """``again``, ``edit`` or ``stop``."""
    row: JobRow
    problem: str
    question: str
    name: str
    waiting: int
    paused: bool
    running_for: str
    args: str
    kwargs: str
    has_masks: bool
    token: str
    next: str


def read_one(stores: Stores, pulse: Pulse, act: str, job_id: str, next: str) -> OneJobPage | Missing:
    """The page before an act on one job."""
    rows = stores.jobs.rows([job_id])
    if not rows:
        return Missing(
            heading=gettext("There is no job of this id."),
            words=gettext("It was deleted, or its time was up. What was deleted in the last 24 hours can be restored."),
            asked=job_id[:200],
            back=link("bin"),
            back_words=gettext("The bin"),
        )
    row = rows[0]
    args = kwargs = ""
    has_masks = False
    name = row.name
    if act == "stop":
        problem = (
            ""
            if row.status == "started"
            else worded(gettext("It cannot be stopped: {reason}"), reason=why_not(stores, job_id, pulse.at).words)
        )
    else:
        source = stores.copies.payload(job_id)
        trouble = problem_with(source)
        problem = trouble.words if trouble else ""
        if source is not None and not problem:
            name = source.name
            if act == "edit":
                shown = masked_value(source.args), masked_value(source.kwargs)
                has_masks = shown != (source.args, source.kwargs)
                args, kwargs = (json.dumps(each, indent=2, ensure_ascii=False) for each in shown)
    short = name.rpartition(".")[2]
    return OneJobPage(
        act=act,
        row=row,
        problem=problem,
        question={
            "again": worded(gettext("Run {job} again as a new job?"), job=short),
            "edit": worded(gettext("Run {job} again with other arguments?"), job=short),
            "stop": worded(gettext("Stop {job}?"), job=short),
        }[act],
        name=name,
        waiting=next_waiting(pulse, row.queue),
        paused=pulse.is_paused(row.queue),
        running_for=about(pulse.at - row.started_at) if row.started_at else "",
        args=args,
        kwargs=kwargs,
        has_masks=has_masks,
        token=uuid4().hex,
        next=next,
    )


def next_waiting(pulse: Pulse, queue: str) -> int:
    return next((each.waiting for each in pulse.queues if each.name == queue), 0)


def confirm(act: str, title: str, *rights: Right) -> View:
    """The page that asks, for those who have all these rights."""

    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        for right in rights:
            if right not in rights_of(request):
                return without_right(request, right)
        job_id = request.GET.get("id", "")

        def read(stores: Stores, pulse: Pulse) -> OneJobPage | Missing:
            return read_one(stores, pulse, act, job_id, own_page(request.GET.get("next", "")))

        return render_page(request, "horizon/one_job.html", read, title=gettext(title), current="jobs", every=0)

    return view


@action(Right.ENQUEUE)
def run_again(request: HttpRequest, stores: Stores) -> Told | Done:
    """Queue a copy of a job."""
    new_id = str(token_in(request.POST) or uuid4())
    try:
        return told_of(run_anew(stores, request.POST.get("id", ""), new_id, rq_now()))
    except QueueUnavailable:
        raise
    except HorizonError as error:
        return messages.WARNING, not_queued(error)


@action(Right.ENQUEUE)
def run_other(request: HttpRequest, stores: Stores) -> Told | Done:
    """Queue a call of a job's function with other arguments."""
    if Right.VIEW_PAYLOAD not in rights_of(request):
        return messages.WARNING, telling(
            "Not queued: who may not see arguments may not edit them ({right}).", right=Right.VIEW_PAYLOAD
        )
    given = request.POST
    args, kwargs = given.get("args", ""), given.get("kwargs", "")
    if len(args) + len(kwargs) > LONGEST_FORM:
        return messages.WARNING, telling(
            "Not queued: the arguments have more than {most} characters.", most=LONGEST_FORM
        )
    new_id = str(token_in(given) or uuid4())
    try:
        return told_of(run_edited(stores, given.get("id", ""), new_id, args, kwargs))
    except QueueUnavailable:
        raise
    except HorizonError as error:
        back = link("edit", query={"id": given.get("id", "")})
        return Done(level=messages.WARNING, text=not_queued(error), next=back)


def not_queued(error: HorizonError) -> Telling:
    return telling("Not queued: {problem}", problem=told_by(error))


def told_of(anew: Anew) -> Done:
    """What came of it; on to the new job, or to the one that was there."""
    if anew.holder:
        text = telling("Not queued: another of its kind waits or runs, job {job_id}.", job_id=anew.holder)
        return Done(level=messages.WARNING, text=text, next=link("job", job_id=anew.holder))
    text = telling("Queued in {queue} as job {job_id}.", queue=anew.queue, job_id=anew.job_id)
    return Done(level=messages.SUCCESS, text=text, next=link("job", job_id=anew.job_id))


@action(Right.CONTROL_WORKERS)
def stop(request: HttpRequest, stores: Stores) -> Told:
    """Have the worker that runs a job stop it."""
    job_id = request.POST.get("id", "")
    now = time.time()
    rows = stores.jobs.rows([job_id])
    if not rows or rows[0].status != "started":
        return messages.WARNING, not_stopped(why_not(stores, job_id, now))
    trouble = stores.bulk.stop(job_id)
    if trouble:
        return messages.WARNING, not_stopped(trouble)
    return messages.SUCCESS, telling("Its worker was told to stop it. It ends as stopped, and is not tried again.")


def not_stopped(problem: Telling) -> Telling:
    return telling("Not stopped: {problem}", problem=problem)


PAGES: list[tuple[str, View, str]] = [
    ("confirm/again/", confirm("again", gettext_noop("Run again"), Right.ENQUEUE), "confirm_again"),
    ("confirm/edit/", confirm("edit", gettext_noop("Edit and run again"), Right.ENQUEUE, Right.VIEW_PAYLOAD), "edit"),
    ("confirm/stop/", confirm("stop", gettext_noop("Stop"), Right.CONTROL_WORKERS), "confirm_stop"),
]

ACTIONS: list[tuple[str, View, str]] = [
    ("actions/run-again/", run_again, "run_again"),
    ("actions/run-other/", run_other, "run_other"),
    ("actions/stop/", stop, "stop"),
]
