from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "allegro.accounts"
    verbose_name = "Staff accounts"
