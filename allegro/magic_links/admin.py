from __future__ import annotations

from django.contrib import admin

from allegro.history import HistoryAdmin
from allegro.magic_links.models import MagicLink


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
    exclude = ("token_hash",)
