"""Where things are mounted."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.utils.translation import gettext_lazy
from django.views.generic import RedirectView
from django.views.i18n import set_language

from allegro.error_pages import something_broke
from allegro.health import up

admin.site.site_header = gettext_lazy("Allegro administration")
admin.site.site_title = "Allegro"


def mounted(*, local: bool) -> list[URLPattern | URLResolver]:
    """Every address of the site; the demo's other side exists in ``local`` alone."""
    patterns: list[URLPattern | URLResolver] = [
        path("", RedirectView.as_view(pattern_name="members:home"), name="home"),
        path("up", up, name="up"),
        path("members/magic-link/", include("allegro.magic_links.urls")),
        path("members/", include("allegro.audience.urls")),
        path("accounts/", include("allegro.accounts.urls")),
        path("admin/", admin.site.urls),
        path("language/", set_language, name="set_language"),
        path(f"{settings.HORIZON['path']}/", include("allegro_queue.dashboard.urls")),
    ]
    if local:
        patterns.append(path("demo/", include("allegro.dev.demo_urls")))
    return patterns


handler500 = something_broke
urlpatterns = mounted(local=settings.IS_LOCAL)
