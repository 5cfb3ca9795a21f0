from __future__ import annotations

from django.contrib import admin

from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRun
from allegro.history import HistoryAdmin, HistoryInline


class ExternalProfileInline(HistoryInline):
    model = ExternalProfile
    fields = ("provider", "payload", "synced_at", "failed_at", "error")


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    list_display = ("email", "name", "organization", "verified", "created_at")
    list_filter = ("organization", ("email_verified_at", admin.EmptyFieldListFilter))
    list_select_related = ("organization",)
    search_fields = ("email", "name")
    readonly_fields = ("id", "email_verified_at", "created_at", "updated_at")
    inlines = (ExternalProfileInline,)

    @admin.display(boolean=True, ordering="email_verified_at")
    def verified(self, member: Member) -> bool:
        return member.is_email_verified


@admin.register(ProviderAccount)
class ProviderAccountAdmin(admin.ModelAdmin):
    list_display = ("organization", "provider", "enabled", "refresh_minutes", "max_login_age_minutes")
    list_display_links = ("organization", "provider")
    list_filter = ("provider", "enabled", "organization")
    list_select_related = ("organization",)


@admin.register(ExternalProfile)
class ExternalProfileAdmin(HistoryAdmin):
    list_display = ("member", "provider", "synced_at", "failed_at", "error")
    list_filter = ("provider", "member__organization", ("failed_at", admin.EmptyFieldListFilter))
    list_select_related = ("member",)
    search_fields = ("member__email", "member__name")
    date_hierarchy = "synced_at"


@admin.register(SyncRun)
class SyncRunAdmin(HistoryAdmin):
    list_display = ("organization", "provider", "last_dispatched_at", "dispatched_members")
    list_display_links = ("organization", "provider")
    list_filter = ("provider", "organization")
    list_select_related = ("organization",)
