from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class MagicLinksConfig(AppConfig):
    name = "allegro.magic_links"
    verbose_name = gettext_lazy("Magic links")
