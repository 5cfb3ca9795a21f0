"""The Django app. ``ready()`` registers the system checks and does nothing else."""

from __future__ import annotations

from django.apps import AppConfig


class HorizonConfig(AppConfig):
    """``allegro_queue`` in ``INSTALLED_APPS``; put it before ``django_rq``, whose commands it refines."""

    name = "allegro_queue"
    verbose_name = "Horizon"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allegro_queue import checks  # noqa: F401 - registers itself
