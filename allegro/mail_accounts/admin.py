from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from allegro.accounts.models import User
from allegro.credential_form import CredentialForm
from allegro.mail_accounts import ses
from allegro.mail_accounts.jobs import send_account_test
from allegro.mail_accounts.models import MailAccount
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions


class MailAccountForm(CredentialForm):
    class Meta:
        model = MailAccount
        fields = (
            "organization",
            "service",
            "enabled",
            "from_name",
            "from_address",
            "username",
            "region",
            "host",
            "port",
            "security",
        )


@admin.register(MailAccount)
class MailAccountAdmin(admin.ModelAdmin):
    """Organizations' own mail accounts. Deleting one, or switching it off, brings the installation's back."""

    form = MailAccountForm
    list_display = ("organization", "service", "server", "from_address", "enabled", "credential_state")
    list_filter = ("service", "enabled")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "from_address", "host")
    readonly_fields = ("credential_state",)
    actions = ("send_test",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization", "credential_state") if obj else ("credential_state",)

    @admin.display(description="server")
    def server(self, account: MailAccount) -> str:
        return ses.host_of(account.region) if account.service == MailAccount.Service.SES else account.host

    @admin.display(description="credential stored")
    def credential_state(self, account: MailAccount) -> str:
        return "Stored, sealed." if account.sealed_credential else "None."

    @admin.action(description="Send a test to my address", permissions=["change"])
    def send_test(self, request: HttpRequest, accounts: QuerySet[MailAccount]) -> None:
        assert isinstance(request.user, User)
        try:
            for account in accounts:
                tenant = str(account.organization_id)
                options = JobOptions(tenant=tenant, tags=(f"organization:{tenant}", "test-mail"))
                dispatch(send_account_test, account.pk, request.user.pk, options=options)
        except QueueUnavailable as error:
            self.message_user(request, f"Not every test was queued. {error}", messages.ERROR)
            return
        count = len(accounts)
        unit = "test mail" if count == 1 else "test mails"
        self.message_user(request, f"{count} {unit} queued for {request.user.email}.")
