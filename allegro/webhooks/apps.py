from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class WebhooksConfig(AppConfig):
    name = "allegro.webhooks"
    verbose_name = gettext_lazy("Webhooks")

    def ready(self) -> None:
        from allegro.webhooks import receivers  # noqa: F401 - registers itself
