from __future__ import annotations

from django.apps import AppConfig


class AudienceConfig(AppConfig):
    name = "allegro.audience"

    def ready(self) -> None:
        from allegro.audience.json_profiles import JsonProfileProvider
        from allegro.audience.mailchimp import MailchimpProvider
        from allegro.audience.providers import register

        register(JsonProfileProvider)
        register(MailchimpProvider)
