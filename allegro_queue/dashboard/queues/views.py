"""The pages of queues, and emptying or moving one: the step before, and the act."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.bulk.selection import Selection
from allegro_queue.dashboard.acting.actions import Done, Told, action, own_page, problem_with_reason
from allegro_queue.dashboard.acting.beginning import begin
from allegro_queue.dashboard.acting.pause_page import PausePage, read_pause
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.render import Missing, render_page
from allegro_queue.dashboard.queues.confirm_page import ConfirmQueuePage, read_confirm_queue
from allegro_queue.dashboard.queues.list_page import read_queues
from allegro_queue.dashboard.queues.page import QueuePage, read_queue
from allegro_queue.queues import all_queues
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import telling


@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """Are the queues keeping up?"""
    return render_page(request, "horizon/queues.html", read_queues, title=gettext("Queues"), current="queues")


@require_safe
def one_queue(request: HttpRequest, queue: str) -> HttpResponse:
    """Is this queue keeping up?"""

    def read(stores: Stores, pulse: Pulse) -> QueuePage | Missing:
        return read_queue(stores, pulse, queue)

    return render_page(request, "horizon/queue.html", read, title=queue, current="queues")


@require_safe
def confirm_pause(request: HttpRequest) -> HttpResponse:
    """Pause this queue?"""

    def read(stores: Stores, pulse: Pulse) -> PausePage:
        given = request.GET.get("next", "") or link("overview")
        return read_pause(stores, pulse, request.GET.get("queue", ""), own_page(given))

    return render_page(request, "horizon/pause.html", read, title=gettext("Pause"), current="overview", every=0)


@require_safe
def confirm_empty(request: HttpRequest) -> HttpResponse:
    """Empty this queue?"""
    return confirm(request, "empty", gettext("Empty queue"))


@require_safe
def confirm_move(request: HttpRequest) -> HttpResponse:
    """Move all that waits in it?"""
    return confirm(request, "move", gettext("Move jobs"))


def confirm(request: HttpRequest, act: str, title: str) -> HttpResponse:
    def read(stores: Stores, pulse: Pulse) -> ConfirmQueuePage:
        return read_confirm_queue(pulse, act, request.GET.get("queue", ""), own_page(request.GET.get("next", "")))

    return render_page(request, "horizon/confirm_queue.html", read, title=title, current="queues", every=0)


@action(Right.DELETE)
def empty(request: HttpRequest, stores: Stores) -> Told | Done:
    """Put all that waits in a queue into the bin."""
    queue = request.POST.get("queue", "")
    if queue not in all_queues():
        return messages.WARNING, telling("There is no queue {queue}, so nothing was deleted.", queue=repr(queue[:200]))
    if request.POST.get("typed", "").strip() != queue:
        return messages.WARNING, telling(
            "{queue} was left alone: its name was not typed as it is written.", queue=queue
        )
    if problem := problem_with_reason(request, needed=True):
        return messages.WARNING, problem
    return begin(request, stores, BulkAct.DELETE, Selection(state=State.WAITING, queue=queue))


@action(Right.ENQUEUE)
def move(request: HttpRequest, stores: Stores) -> Told | Done:
    """Put all that waits in a queue at the end of another."""
    queue, to = request.POST.get("queue", ""), request.POST.get("to", "")
    for each in (queue, to):
        if each not in all_queues():
            return messages.WARNING, telling("There is no queue {queue}, so nothing was moved.", queue=repr(each[:200]))
    if queue == to:
        return messages.WARNING, telling("The jobs of {queue} are there already, so nothing was moved.", queue=queue)
    if problem := problem_with_reason(request):
        return messages.WARNING, problem
    return begin(request, stores, BulkAct.MOVE, Selection(state=State.WAITING, queue=queue), to=to)


PAGES: list[tuple[str, View, str]] = [
    ("confirm/pause/", confirm_pause, "confirm_pause"),
    ("queues/", queues, "queues"),
    ("queues/empty/confirm/", confirm_empty, "confirm_empty"),
    ("queues/move/confirm/", confirm_move, "confirm_move"),
    ("queues/<str:queue>/", one_queue, "queue"),
]

ACTIONS: list[tuple[str, View, str]] = [
    ("actions/empty/", empty, "empty"),
    ("actions/move/", move, "move"),
]
