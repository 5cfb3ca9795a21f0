"""The pages, each behind the door."""

from __future__ import annotations

from django.urls import path

from allegro_queue.access import gated
from allegro_queue.dashboard.views import PAGES

app_name = "horizon"

ROUTES = [*PAGES]

urlpatterns = [path(route, gated(view), name=name) for route, view, name in ROUTES]
