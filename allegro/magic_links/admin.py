from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy

from allegro.history import HistoryAdmin
from allegro.magic_links.jobs import send_test_mail
from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.magic_links.placeholders import PLACEHOLDERS
from allegro.trying_out import TryableAdmin


@admin.register(MagicLink)
class MagicLinkAdmin(HistoryAdmin):
    list_display = (
        "email",
        "organization",
        "requested_at",
        "put_off_at",
        "sent_at",
        "used_at",
        "voided_at",
        "expires_at",
    )
    list_filter = (
        "organization",
        ("sent_at", admin.EmptyFieldListFilter),
        ("used_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("organization",)
    search_fields = ("email",)
    date_hierarchy = "requested_at"
    exclude = ("token_hash", "network")


@admin.register(MailTemplate)
class MailTemplateAdmin(TryableAdmin):
    """An organization's own sign-in mail. Deleting it brings the default back."""

    list_display = ("organization", "subject", "updated_at")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "subject")
    fieldsets = (
        (
            None,
            {
                "fields": ("organization", "subject", "text", "html"),
                "description": format_lazy(gettext_lazy("Placeholders: {names}"), names=PLACEHOLDERS),
            },
        ),
    )
    test_job = staticmethod(send_test_mail)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization",) if obj else ()
