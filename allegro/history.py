"""Admin pages for what is a record of the past: to be read, never written by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class HistoryAdmin(admin.ModelAdmin):
    """Lists and shows; neither adds, changes nor deletes."""

    can_be_deleted = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Not from its own pages. What it belongs to may be deleted, whose page asks here too, and takes it along."""
        page = (request.resolver_match and request.resolver_match.url_name) or ""
        is_own = page.startswith(f"{self.opts.app_label}_{self.opts.model_name}_")
        return (self.can_be_deleted or not is_own) and super().has_delete_permission(request, obj)


class HistoryInline(admin.TabularInline):
    """The same, as rows on another model's page."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
