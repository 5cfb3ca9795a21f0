from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class AccountsConfig(AppConfig):
    name = "allegro.accounts"
    verbose_name = gettext_lazy("Staff accounts")
