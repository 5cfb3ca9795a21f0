"""The pages of a single view: overview, activity, health."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from allegro_queue.dashboard.activity_page import ActivityPage, read_activity
from allegro_queue.dashboard.health_page import read_health
from allegro_queue.dashboard.overview.page import read_overview
from allegro_queue.dashboard.page.render import render_page
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Is anything wrong, and where?"""
    return render_page(request, "horizon/overview.html", read_overview, title=gettext("Overview"), current="overview")


@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Is the machinery itself well?"""
    return render_page(request, "horizon/health.html", read_health, title=gettext("Health"), current="health", every=15)


@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """Who did what?"""

    def read(stores: Stores, pulse: Pulse) -> ActivityPage:
        return read_activity(request.GET.dict())

    def read_away(now: float) -> ActivityPage:
        return read_activity(request.GET.dict())

    return render_page(
        request, "horizon/activity.html", read, title=gettext("Activity"), current="activity", every=15, away=read_away
    )


PAGES = [
    ("", overview, "overview"),
    ("activity/", activity, "activity"),
    ("health/", health, "health"),
]
