from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class MailAccountsConfig(AppConfig):
    name = "allegro.mail_accounts"
    verbose_name = gettext_lazy("Mail accounts")
