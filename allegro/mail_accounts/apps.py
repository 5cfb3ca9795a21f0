from __future__ import annotations

from django.apps import AppConfig


class MailAccountsConfig(AppConfig):
    name = "allegro.mail_accounts"
    verbose_name = "Mail accounts"
