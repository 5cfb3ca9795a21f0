from __future__ import annotations

from django.contrib import admin

from allegro.organizations.models import Organization


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "domain", "created_at")
    search_fields = ("name", "slug", "domain")
    readonly_fields = ("created_at",)
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012 - admin's own declaration
