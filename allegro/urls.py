"""Where things are mounted."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from allegro.health import up

urlpatterns = [
    path("up", up, name="up"),
    path("admin/", admin.site.urls),
    path(f"{settings.HORIZON['path']}/", include("allegro_queue.dashboard.urls")),
]
