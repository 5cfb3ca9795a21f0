"""The pages that show how things stand: overview, workers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from allegro_queue.dashboard.overview_page import read_overview
from allegro_queue.dashboard.render import render_page
from allegro_queue.dashboard.workers_page import read_workers


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Is anything wrong, and where?"""
    return render_page(request, "horizon/overview.html", read_overview, title="Overview", current="overview")


@require_safe
def workers(request: HttpRequest) -> HttpResponse:
    """Who works, on what, since when?"""
    return render_page(request, "horizon/workers.html", read_workers, title="Workers", current="workers")


PAGES = [
    ("", overview, "overview"),
    ("workers/", workers, "workers"),
]
