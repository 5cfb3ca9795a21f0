from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext, gettext_lazy, ngettext

from allegro.audience.by_hand import MOST_MEMBERS, TooMany, start_round, sync_members
from allegro.audience.faults import said_of
from allegro.audience.kept_errors import error_words
from allegro.audience.models import ExternalProfile, Member, ProviderAccount, SyncRound, SyncRun
from allegro.audience.providers import provider_for
from allegro.credential_form import CredentialForm
from allegro.history import HistoryAdmin, HistoryInline
from allegro.member_page import parts_of
from allegro_queue.errors import HorizonError
from allegro_queue.tellings import told_by

STATES = {
    "failed": {"external_profiles__failed_at__isnull": False},
    "put-off": {"external_profiles__ask_again_at__isnull": False},
    "never": {"external_profiles__isnull": True},
}
"""What the filter of members asks for."""


class SyncStateFilter(admin.SimpleListFilter):
    title = gettext_lazy("sync")
    parameter_name = "sync"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("failed", gettext("A source failed")),
            ("put-off", gettext("A source was too busy")),
            ("never", gettext("Never synced")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Member]) -> QuerySet[Member]:
        wanted = STATES.get(self.value() or "")
        return queryset.filter(**wanted).distinct() if wanted else queryset


class ToldError:
    """The error of a row, in the reader's language."""

    @admin.display(description=gettext_lazy("error"), ordering="error")
    def told_error(self, row: ExternalProfile | SyncRound) -> str:
        return error_words(row.error_said, row.error)


class ExternalProfileInline(ToldError, HistoryInline):
    model = ExternalProfile
    fields = ("provider", "payload", "synced_at", "changed_at", "ask_again_at", "failed_at", "told_error")
    readonly_fields = ("told_error",)


@admin.register(Member)
class MemberAdmin(admin.ModelAdmin):
    list_display = ("email", "name", "organization", "verified", "created_at")
    list_filter = (
        "organization",
        ("email_verified_at", admin.EmptyFieldListFilter),
        SyncStateFilter,
    )
    list_select_related = ("organization",)
    search_fields = ("email", "name", "=id")
    readonly_fields = ("id", "email_verified_at", "created_at", "updated_at")
    inlines = (ExternalProfileInline,)
    change_form_template = "admin/audience/member/change_form.html"
    actions = ("sync_now",)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if isinstance(context.get("original"), Member):
            context["parts"] = parts_of(context["original"], request)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(boolean=True, ordering="email_verified_at", description=gettext_lazy("verified"))
    def verified(self, member: Member) -> bool:
        return member.is_email_verified

    @admin.action(description=gettext_lazy("Sync now, with every enabled provider"), permissions=["change"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[Member]) -> None:
        try:
            count = sync_members(queryset)
        except TooMany:
            self.message_user(
                request,
                gettext(
                    "Choose at most {n} members. For all of an organization, start a round of its provider."
                ).format(n=number_format(MOST_MEMBERS, force_grouping=True)),
                messages.ERROR,
            )
        except HorizonError as error:
            self.message_user(request, told_by(error).words, messages.ERROR)
        else:
            self.message_user(
                request,
                ngettext("{n} job queued on {queue}.", "{n} jobs queued on {queue}.", count).format(
                    n=count, queue="audience-sync"
                ),
            )


class ProviderAccountForm(CredentialForm):
    leads_to = ("provider", "url", "list_url", "credential_header")

    class Meta:
        model = ProviderAccount
        fields = (
            "organization",
            "provider",
            "url",
            "list_url",
            "list_id",
            "credential_header",
            "read_list",
            "requests_per_minute",
            "enabled",
            "refresh_minutes",
            "max_login_age_minutes",
        )


@admin.register(ProviderAccount)
class ProviderAccountAdmin(admin.ModelAdmin):
    form = ProviderAccountForm
    list_display = (
        "organization",
        "provider",
        "enabled",
        "health",
        "last_answer",
        "next_due",
        "last_error",
        "refresh_minutes",
        "max_login_age_minutes",
    )
    list_display_links = ("organization", "provider")
    list_filter = ("provider", "enabled", "organization")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "provider")
    readonly_fields = ("credential_state", "health", "last_answer", "last_error", "next_due", "latest_round")
    actions = ("start_round", "switch_on", "switch_off")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderAccount]:
        run = SyncRun.objects.filter(organization=OuterRef("organization"), provider=OuterRef("provider"))
        wanted = (
            "last_dispatched_at",
            "last_success_at",
            "last_failure_at",
            "last_error",
            "last_error_said",
            "failures_in_a_row",
            "busy_until",
        )
        columns = {f"run_{name}": Subquery(run.values(name)[:1]) for name in wanted}
        accounts: QuerySet[ProviderAccount] = super().get_queryset(request).annotate(**columns)
        return accounts

    @admin.display(description=gettext_lazy("credential"))
    def credential_state(self, account: ProviderAccount) -> str:
        return gettext("Stored, sealed.") if account.sealed_credential else gettext("None.")

    @admin.display(description=gettext_lazy("health"))
    def health(self, account: Any) -> str:
        if not account.pk:
            return "-"
        if account.run_busy_until is not None and account.run_busy_until > timezone.now():
            return gettext("Asked to be left alone until {time}").format(time=f"{account.run_busy_until:%H:%M:%S}")
        failures = account.run_failures_in_a_row or 0
        if failures:
            return ngettext("Failing: {n} time in a row", "Failing: {n} times in a row", failures).format(n=failures)
        return gettext("Answers") if account.run_last_success_at else gettext("Not asked yet")

    @admin.display(description=gettext_lazy("last answer"), ordering="run_last_success_at")
    def last_answer(self, account: Any) -> datetime | str:
        # A form would show nothing at all as "None".
        return (account.run_last_success_at if account.pk else None) or "-"

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, account: Any) -> str:
        if not account.pk or account.run_last_failure_at is None:
            return ""
        said = error_words(account.run_last_error_said, account.run_last_error)
        return f"{account.run_last_failure_at:%Y-%m-%d %H:%M}: {said}"

    @admin.display(description=gettext_lazy("next due"))
    def next_due(self, account: Any) -> str:
        if not account.pk or not account.enabled:
            return "-"
        try:
            interval = provider_for(account).refresh_interval()
        except Exception as error:  # noqa: BLE001 - providers are other people's code
            return said_of(error).words
        if account.run_last_dispatched_at is None or account.run_last_dispatched_at + interval <= timezone.now():
            return gettext("With the next tick")
        return f"{account.run_last_dispatched_at + interval:%Y-%m-%d %H:%M}"

    @admin.display(description=gettext_lazy("latest round"))
    def latest_round(self, account: ProviderAccount) -> str:
        latest = account.rounds.first() if account.pk else None
        if latest is None:
            return gettext("None yet.")
        return gettext("{time}: {queued} queued, {synced} synced, {failed} failed, {put_off} put off").format(
            time=f"{latest.started_at:%Y-%m-%d %H:%M}",
            queued=latest.dispatched,
            synced=latest.synced,
            failed=latest.failed,
            put_off=latest.put_off,
        )

    @admin.action(description=gettext_lazy("Start a round over all members now"), permissions=["change"])
    def start_round(self, request: HttpRequest, queryset: QuerySet[ProviderAccount]) -> None:
        for account in queryset:
            try:
                begun = start_round(account)
            except HorizonError as error:
                self.message_user(request, str(error), messages.ERROR)
                return
            if begun:
                self.message_user(request, gettext("{account}: a round begins.").format(account=account))
            else:
                self.message_user(
                    request,
                    gettext("{account}: not begun; {reason}").format(account=account, reason=begun.reason),
                    messages.WARNING,
                )

    @admin.action(description=gettext_lazy("Switch on"), permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[ProviderAccount]) -> None:
        count = queryset.update(enabled=True)
        self.message_user(request, ngettext("{n} switched on.", "{n} switched on.", count).format(n=count))

    @admin.action(description=gettext_lazy("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[ProviderAccount]) -> None:
        count = queryset.update(enabled=False)
        text = ngettext(
            "{n} switched off; jobs that wait will do nothing.",
            "{n} switched off; jobs that wait will do nothing.",
            count,
        )
        self.message_user(request, text.format(n=count))


@admin.register(ExternalProfile)
class ExternalProfileAdmin(ToldError, HistoryAdmin):
    list_display = ("member", "provider", "synced_at", "changed_at", "ask_again_at", "failed_at", "told_error")
    exclude = ("error",)
    readonly_fields = ("told_error",)
    list_filter = (
        "provider",
        "member__organization",
        ("failed_at", admin.EmptyFieldListFilter),
        ("ask_again_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("member",)
    search_fields = ("member__email", "member__name")
    date_hierarchy = "synced_at"


@admin.register(SyncRun)
class SyncRunAdmin(HistoryAdmin):
    list_display = (
        "organization",
        "provider",
        "last_dispatched_at",
        "dispatched_members",
        "last_success_at",
        "failures_in_a_row",
        "error",
        "busy_until",
        "stale_sign_ins",
    )
    list_display_links = ("organization", "provider")
    list_filter = ("provider", "organization")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "provider")
    exclude = ("last_error",)
    readonly_fields = ("error",)

    @admin.display(description=gettext_lazy("last error"), ordering="last_error")
    def error(self, run: SyncRun) -> str:
        return error_words(run.last_error_said, run.last_error)


@admin.register(SyncRound)
class SyncRoundAdmin(ToldError, HistoryAdmin):
    list_display = (
        "started_at",
        "account",
        "state",
        "by_hand",
        "listed",
        "dispatched",
        "pending_already",
        "synced",
        "failed",
        "put_off",
        "skipped",
        "told_error",
    )
    list_filter = ("account__provider", "account__organization", "by_hand")
    list_select_related = ("account__organization",)
    search_fields = ("account__organization__name", "account__provider", "=id")
    date_hierarchy = "started_at"
    exclude = ("error",)
    readonly_fields = ("state", "told_error")

    @admin.display(description=gettext_lazy("state"))
    def state(self, step: SyncRound) -> str:
        if step.dispatched_at is None:
            return gettext("Being dispatched")
        left = step.dispatched - step.ended
        if left <= 0:
            return gettext("Done")
        return ngettext("{n} job to go", "{n} jobs to go", left).format(n=number_format(left, force_grouping=True))
