from __future__ import annotations

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "allegro.webhooks"

    def ready(self) -> None:
        from allegro.webhooks import receivers  # noqa: F401 - registers itself
