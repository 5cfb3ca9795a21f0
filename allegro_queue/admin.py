"""Read-only lists in Django's admin. The dashboard has its own pages and its own door."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from allegro_queue.models import OutboxEntry


@admin.register(OutboxEntry)
class OutboxEntryAdmin(admin.ModelAdmin):
    """What waits to be sent. A row may be deleted, which drops its job; arguments are not shown, as they may be private."""

    list_display = ("name", "tenant", "created_at", "sendings", "error")
    list_filter = ("name",)
    search_fields = ("=job_id", "name")
    fields = ("name", "job_id", "tenant", "options", "created_at", "held_until", "sendings", "error")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
