"""The project's own app: its checks."""

from __future__ import annotations

from django.apps import AppConfig


class AllegroConfig(AppConfig):
    """``allegro`` in ``INSTALLED_APPS``."""

    name = "allegro"
    verbose_name = "Allegro"

    def ready(self) -> None:
        from allegro import checks  # noqa: F401 - registers itself
