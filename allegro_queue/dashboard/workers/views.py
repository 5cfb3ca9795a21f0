"""The page of workers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.dashboard.workers.page import read_workers


@require_safe
def workers(request: HttpRequest) -> HttpResponse:
    """Who works, on what, since when?"""
    return render_page(request, "horizon/workers.html", read_workers, title=gettext("Workers"), current="workers")


PAGES: list[tuple[str, View, str]] = [("workers/", workers, "workers")]
