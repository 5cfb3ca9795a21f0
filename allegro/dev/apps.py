from __future__ import annotations

from django.apps import AppConfig


class DevConfig(AppConfig):
    name = "allegro.dev"
