from __future__ import annotations

from django.apps import AppConfig


class MagicLinksConfig(AppConfig):
    name = "allegro.magic_links"
    verbose_name = "Magic links"
