"""For load balancers and monitors: one word of plain text each, without session and sign-in, since it tells nobody
anything else."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from allegro_queue.access import View
from allegro_queue.connection import UNREACHABLE, page_client
from allegro_queue.queues import all_queues
from allegro_queue.stores import open_stores


@never_cache
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Whether this web process answers: 200 ``live``."""
    return HttpResponse("live\n", content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether jobs can run: 200 ``ready`` while Redis answers and a worker lives, else 503 ``not ready``."""
    word, status = ("ready", 200) if can_run_jobs() else ("not ready", 503)
    return HttpResponse(f"{word}\n", status=status, content_type="text/plain; charset=utf-8")


def can_run_jobs() -> bool:
    """Whether Redis answers and some worker lives."""
    try:
        return bool(open_stores(page_client()).pulse.read(all_queues(), time.time()).workers)
    except UNREACHABLE:
        return False


PROBES: list[tuple[str, View, str]] = [("health/live", live, "live"), ("health/ready", ready, "ready")]
