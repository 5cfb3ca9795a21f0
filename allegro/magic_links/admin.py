from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from allegro.accounts.models import User
from allegro.history import HistoryAdmin
from allegro.magic_links.jobs import send_test_mail
from allegro.magic_links.models import MagicLink, MailTemplate
from allegro.magic_links.placeholders import PLACEHOLDERS
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions


@admin.register(MagicLink)
class MagicLinkAdmin(HistoryAdmin):
    list_display = ("email", "organization", "requested_at", "sent_at", "used_at", "voided_at", "expires_at")
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
class MailTemplateAdmin(admin.ModelAdmin):
    """An organization's own sign-in mail. Deleting it brings the default back."""

    list_display = ("organization", "subject", "updated_at")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "subject")
    fieldsets = (
        (None, {"fields": ("organization", "subject", "text", "html"), "description": f"Placeholders: {PLACEHOLDERS}"}),
    )
    actions = ("send_test",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization",) if obj else ()

    @admin.action(description="Send a test to my address", permissions=["change"])
    def send_test(self, request: HttpRequest, templates: QuerySet[MailTemplate]) -> None:
        assert isinstance(request.user, User)
        try:
            for template in templates:
                tenant = str(template.organization_id)
                options = JobOptions(tenant=tenant, tags=(f"organization:{tenant}", "test-mail"))
                dispatch(send_test_mail, template.pk, request.user.pk, options=options)
        except QueueUnavailable as error:
            self.message_user(request, f"Not every test was queued. {error}", messages.ERROR)
            return
        count = len(templates)
        unit = "test mail" if count == 1 else "test mails"
        self.message_user(request, f"{count} {unit} queued for {request.user.email}.")
