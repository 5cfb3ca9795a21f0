from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy

from allegro.audience.models import Member, ProviderAccount
from allegro.history import HistoryInline
from allegro.magic_links.models import MailTemplate
from allegro.organizations.models import Organization


class ProviderAccountInline(HistoryInline):
    model = ProviderAccount
    fields = ("provider", "enabled", "refresh_minutes", "max_login_age_minutes")


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ("name", "slug", "domain", "members_link", "providers", "sign_in_mail", "created_at")
    search_fields = ("name", "slug", "domain")
    readonly_fields = ("created_at",)
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012 - admin's own declaration
    inlines = (ProviderAccountInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        organizations: QuerySet[Organization] = (
            super()
            .get_queryset(request)
            .annotate(
                member_count=counted(Member.objects.all()),
                provider_count=counted(ProviderAccount.objects.filter(enabled=True)),
                has_own_mail=Exists(MailTemplate.objects.filter(organization=OuterRef("pk"))),
            )
        )
        return organizations

    @admin.display(description=gettext_lazy("members"), ordering="member_count")
    def members_link(self, organization: Any) -> str:
        address = reverse("admin:audience_member_changelist")
        return format_html(
            '<a href="{}?organization__id__exact={}">{}</a>', address, organization.pk, organization.member_count
        )

    @admin.display(description=gettext_lazy("providers"), ordering="provider_count")
    def providers(self, organization: Any) -> int:
        return int(organization.provider_count)

    @admin.display(description=gettext_lazy("sign-in mail"), ordering="has_own_mail")
    def sign_in_mail(self, organization: Any) -> str:
        return gettext("Customized") if organization.has_own_mail else gettext("Default")


def counted(rows: QuerySet[Any]) -> Coalesce:
    """How many of these rows point at the organization; counted apart from each other, so that none multiplies."""
    counts = rows.filter(organization=OuterRef("pk")).order_by().values("organization").annotate(count=Count("pk"))
    return Coalesce(Subquery(counts.values("count")), 0, output_field=IntegerField())
