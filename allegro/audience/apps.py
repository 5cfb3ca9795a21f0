from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class AudienceConfig(AppConfig):
    name = "allegro.audience"
    verbose_name = gettext_lazy("Audience")

    def ready(self) -> None:
        from allegro.audience.json_profiles import JsonProfileProvider
        from allegro.audience.mailchimp import MailchimpProvider
        from allegro.audience.providers import register

        register(JsonProfileProvider)
        register(MailchimpProvider)
