"""The pages of queues, and the step before emptying or moving one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.actions import own_page
from allegro_queue.dashboard.queue_pages import (
    ConfirmQueuePage,
    QueuePage,
    read_confirm_queue,
    read_queue,
    read_queues,
)
from allegro_queue.dashboard.render import Missing, render_page
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse


@require_safe
def queues(request: HttpRequest) -> HttpResponse:
    """Are the queues keeping up?"""
    return render_page(request, "horizon/queues.html", read_queues, title="Queues", current="queues")


@require_safe
def one_queue(request: HttpRequest, queue: str) -> HttpResponse:
    """Is this queue keeping up?"""

    def read(stores: Stores, pulse: Pulse) -> QueuePage | Missing:
        return read_queue(stores, pulse, queue)

    return render_page(request, "horizon/queue.html", read, title=queue, current="queues")


@require_safe
def confirm_empty(request: HttpRequest) -> HttpResponse:
    """Empty this queue?"""
    return confirm(request, "empty", "Empty queue")


@require_safe
def confirm_move(request: HttpRequest) -> HttpResponse:
    """Move all that waits in it?"""
    return confirm(request, "move", "Move jobs")


def confirm(request: HttpRequest, act: str, title: str) -> HttpResponse:
    def read(stores: Stores, pulse: Pulse) -> ConfirmQueuePage:
        return read_confirm_queue(pulse, act, request.GET.get("queue", ""), own_page(request.GET.get("next", "")))

    return render_page(request, "horizon/confirm_queue.html", read, title=title, current="queues", every=0)


PAGES: list[tuple[str, View, str]] = [
    ("queues/", queues, "queues"),
    ("queues/empty/confirm/", confirm_empty, "confirm_empty"),
    ("queues/move/confirm/", confirm_move, "confirm_move"),
    ("queues/<str:queue>/", one_queue, "queue"),
]
