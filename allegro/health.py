"""``/up``: whether this web process answers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def up(request: HttpRequest) -> HttpResponse:
    """Liveness of the web process alone; the workers' health is on the dashboard."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"x-allegro-health": "1"})
