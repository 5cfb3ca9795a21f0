"""Acting on jobs, one or many: the step before, the act, and the page of a run over many."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_noop
from django.views.decorators.http import require_safe

from allegro_queue.access import View, rights_of, without_right
from allegro_queue.bulk import undoing, words, work
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.dashboard.acting.actions import (
    Done,
    Told,
    action,
    name_of,
    own_page,
    problem_with_reason,
    reason_in,
    via_of,
)
from allegro_queue.dashboard.acting.beginning import FEW, begin, in_background
from allegro_queue.dashboard.acting.bin_page import BinPage, read_bin
from allegro_queue.dashboard.acting.chosen import (
    DESTROYS,
    MOST_PER_MINUTE,
    RIGHTS,
    Chosen,
    chosen_in,
    token_in,
    whole_number_in,
)
from allegro_queue.dashboard.acting.confirm_pages import ConfirmPage, act_word, is_about_many, read_confirm
from allegro_queue.dashboard.acting.run_page import RunPage, read_run
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import Telling, telling
from allegro_queue.wording import worded


def confirm(act: BulkAct, current: str = "jobs") -> View:
    """The page that asks before an act."""

    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        if RIGHTS[act] not in rights_of(request):
            return without_right(request, RIGHTS[act])
        if tells_arguments(request, chosen_in(request.GET)):
            return without_right(request, Right.VIEW_PAYLOAD)

        def read(stores: Stores, pulse: Pulse) -> ConfirmPage:
            return read_confirm(stores, pulse, act, chosen_in(request.GET), own_page(request.GET.get("next", "")))

        return render_page(request, "horizon/confirm.html", read, title=act_word(act), current=current, every=0)

    return view


def tells_arguments(request: HttpRequest, chosen: Chosen) -> bool:
    """Whether its number would tell words of arguments to somebody who may not see them."""
    return bool(chosen.text) and Right.VIEW_PAYLOAD not in rights_of(request)


@action(Right.RETRY)
def retry(request: HttpRequest, stores: Stores) -> Told | Done:
    """Put failed jobs at the end of their queues again."""
    return do(request, stores, BulkAct.RETRY)


@action(Right.DELETE)
def delete(request: HttpRequest, stores: Stores) -> Told | Done:
    """Put jobs into the bin."""
    return do(request, stores, BulkAct.DELETE)


@action(Right.DELETE)
def cancel(request: HttpRequest, stores: Stores) -> Told | Done:
    """Have jobs that wait never run."""
    return do(request, stores, BulkAct.CANCEL)


@action(Right.ENQUEUE)
def move_jobs(request: HttpRequest, stores: Stores) -> Told | Done:
    """Put waiting jobs at the end of another queue."""
    return do(request, stores, BulkAct.MOVE)


def do(request: HttpRequest, stores: Stores, act: BulkAct) -> Told | Done:
    """Act on what the form names: few at once, many in the background."""
    given = request.POST
    chosen = chosen_in(given)
    if tells_arguments(request, chosen):
        return messages.WARNING, telling(
            "Nothing was done: words are looked for in arguments too ({right}).", right=Right.VIEW_PAYLOAD
        )
    to = given.get("to", "") if act is BulkAct.MOVE else ""
    problem = chosen.problem(act, all_queues()) or problem_of_form(request, act, chosen, to)
    if problem:
        return messages.WARNING, problem
    per_minute = whole_number_in(given.get("per_minute", ""), MOST_PER_MINUTE)
    if per_minute is None:
        text = gettext_noop("Nothing was done: the rate {given} is no whole number from 1 to {most}.")
        asked = repr(given["per_minute"].strip()[:20])
        return messages.WARNING, telling(text, given=asked, most=MOST_PER_MINUTE)
    return begin(request, stores, act, chosen.selection(act), to=to, per_minute=per_minute)


def problem_of_form(request: HttpRequest, act: BulkAct, chosen: Chosen, to: str) -> Telling | None:
    """What is missing beside the choice itself; ``None`` when nothing is."""
    if problem := problem_with_reason(request, needed=act in DESTROYS and is_about_many(chosen)):
        return problem
    if act is BulkAct.MOVE and to not in all_queues():
        return telling("There is no queue {queue}, so nothing was moved.", queue=repr(to[:200]))
    if act is BulkAct.MOVE and chosen.all and chosen.queue == to:
        return telling("The jobs of {queue} are there already, so nothing was moved.", queue=to)
    if act is BulkAct.DELETE and is_about_many(chosen):
        # However the reader's language groups digits.
        typed = "".join(filter(str.isdecimal, request.POST.get("typed", "")))
        if not typed or typed != request.POST.get("count", ""):
            return telling("Nothing was deleted: the number of jobs was not typed as it is shown.")
    return None


# ------------------------------------------------------------------------------------------------ Runs over many


def run_in(request: HttpRequest) -> BulkRun | None:
    given = request.POST.get("run", "")
    number = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else 0
    return BulkRun.objects.filter(pk=number).first()


def right_of_run(request: HttpRequest) -> Right:
    """The right that the run's own act asks for."""
    run = run_in(request)
    return RIGHTS[BulkAct(run.act)] if run else Right.RETRY


def act_on_run(act: Callable[[HttpRequest, Stores, BulkRun], Done]) -> Callable[[HttpRequest, Stores], Done]:
    """An act on the run that the form names, which leads back to its page."""

    def on_run(request: HttpRequest, stores: Stores) -> Done:
        run = run_in(request)
        if run is None:
            return Done(level=messages.WARNING, text=telling("There is no such run, so nothing was done."))
        return act(request, stores, run)

    on_run.__name__ = act.__name__
    on_run.__doc__ = act.__doc__
    return on_run


@action(right_of_run)
@act_on_run
def cancel_run(request: HttpRequest, stores: Stores, run: BulkRun) -> Done:
    """Act on no further job of it."""
    page = link("run", run=run.pk)
    if work.cancel(stores, run, who=name_of(request), now=time.time()):
        text = telling("Run {run} stopped. {outcome}", run=str(run.pk), outcome=words.outcome(run))
        return Done(level=messages.SUCCESS, text=text, next=page, run_id=run.pk)
    text = telling("Run {run} was over. {outcome}", run=str(run.pk), outcome=words.outcome(run))
    return Done(level=messages.INFO, text=text, next=page, run_id=run.pk)


@action(right_of_run)
@act_on_run
def carry_on_run(request: HttpRequest, stores: Stores, run: BulkRun) -> Done:
    """Queue the job that carries it on anew."""
    page = link("run", run=run.pk)
    if run.state not in work.OPEN:
        text = telling("Run {run} is over. {outcome}", run=str(run.pk), outcome=words.outcome(run))
        return Done(level=messages.INFO, text=text, next=page, run_id=run.pk)
    queue = work.queue_slice(stores, run, run.slice + 1, anew=True)
    text = telling("Run {run} goes on as soon as a worker of {queue} is free.", run=str(run.pk), queue=queue)
    return Done(level=messages.SUCCESS, text=text, next=page, run_id=run.pk)


def right_of_undo(request: HttpRequest) -> Right:
    """What undoes a run is of the same kind as what it did."""
    return right_of_run(request) if run_in(request) else Right.DELETE


@action(right_of_undo)
@act_on_run
def undo_run(request: HttpRequest, stores: Stores, run: BulkRun) -> Done:
    """Put what it deleted back from the bin, or what it moved out of a queue back into it."""
    page, now = link("run", run=run.pk), time.time()
    undo, is_new = undoing.begin(
        run,
        now=now,
        who=name_of(request),
        via=via_of(request),
        reason=reason_in(request),
        address=request.META.get("REMOTE_ADDR") or None,
    )
    if not isinstance(undo, BulkRun):
        return Done(level=messages.WARNING, text=undo, next=page, run_id=run.pk)
    undo_page = link("run", run=undo.pk)
    if not is_new:
        text = telling("Run {run} was undone already, by run {undo}.", run=str(run.pk), undo=str(undo.pk))
        return Done(level=messages.INFO, text=text, next=undo_page, run_id=undo.pk)
    if run.done <= FEW:
        work.do(stores, undo)
        level = messages.SUCCESS if undo.done else messages.WARNING
        return Done(level=level, text=words.outcome(undo), next=undo_page, run_id=undo.pk)
    return in_background(stores, undo, undo_page)


@action(Right.DELETE)
def restore(request: HttpRequest, stores: Stores) -> Told | Done:
    """Put jobs back from the bin."""
    chosen = chosen_in(request.POST)
    # All that is in the bin is never meant: only what is ticked comes back.
    chosen = Chosen(ids=() if chosen.all else chosen.ids)
    if problem := chosen.problem(BulkAct.RESTORE, all_queues()):
        return messages.WARNING, problem
    now = time.time()
    selection = Selection(ids=chosen.ids)
    run, _ = work.begin(
        BulkAct.RESTORE,
        selection,
        token=token_in(request.POST),
        cut_off=now,
        now=now,
        who=name_of(request),
        via=via_of(request),
        address=request.META.get("REMOTE_ADDR") or None,
    )
    work.do(stores, run)
    level = messages.SUCCESS if run.done else messages.WARNING
    return Done(level=level, text=words.outcome(run), run_id=run.pk)


@require_safe
def run(request: HttpRequest, run: int) -> HttpResponse:
    """How far is it, and what became of each job?"""

    def read(stores: Stores, pulse: Pulse) -> RunPage | Missing:
        return read_run(stores, pulse, run, request.GET.dict()) or Missing(
            heading=gettext("There is no run of this number."),
            words=gettext("Runs are kept as long as what people did, and then forgotten."),
            asked=str(run),
            back=link("activity"),
            back_words=gettext("Activity"),
        )

    return render_page(
        request,
        "horizon/run.html",
        read,
        title=worded(gettext("Run {number}"), number=run),
        current="activity",
        every=5,
    )


@require_safe
def bin(request: HttpRequest) -> HttpResponse:
    """What was deleted, and can come back?"""

    def read(stores: Stores, pulse: Pulse) -> BinPage:
        return read_bin(stores, request.GET.get("page", ""), pulse.at)

    return render_page(request, "horizon/bin.html", read, title=gettext("Bin"), current="jobs", every=0)


PAGES: list[tuple[str, View, str]] = [
    ("confirm/retry/", confirm(BulkAct.RETRY, "failures"), "confirm_retry"),
    ("confirm/delete/", confirm(BulkAct.DELETE), "confirm_delete"),
    ("confirm/cancel/", confirm(BulkAct.CANCEL), "confirm_cancel"),
    ("confirm/move-jobs/", confirm(BulkAct.MOVE), "confirm_move_jobs"),
    ("activity/runs/<int:run>/", run, "run"),
    ("bin/", bin, "bin"),
]

ACTIONS: list[tuple[str, View, str]] = [
    ("actions/retry/", retry, "retry"),
    ("actions/delete/", delete, "delete"),
    ("actions/cancel/", cancel, "cancel"),
    ("actions/move-jobs/", move_jobs, "move_jobs"),
    ("actions/restore/", restore, "restore"),
]

RUN_ACTIONS: list[tuple[str, View, str]] = [
    ("actions/cancel-run/", cancel_run, "cancel_run"),
    ("actions/carry-on-run/", carry_on_run, "carry_on_run"),
    ("actions/undo-run/", undo_run, "undo_run"),
]
