from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from allegro.credential_form import CredentialForm
from allegro.mail_accounts import ses
from allegro.mail_accounts.jobs import send_account_test
from allegro.mail_accounts.models import MailAccount
from allegro.trying_out import TryableAdmin


class MailAccountForm(CredentialForm):
    leads_to = ("service", "region", "host", "port", "security")

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
class MailAccountAdmin(TryableAdmin):
    """Organizations' own mail accounts. Deleting one, or switching it off, brings the installation's back."""

    form = MailAccountForm
    list_display = ("organization", "service", "server", "from_address", "enabled", "credential_state")
    list_filter = ("service", "enabled")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "from_address", "host")
    readonly_fields = ("credential_state",)
    test_job = staticmethod(send_account_test)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization", "credential_state") if obj else ("credential_state",)

    @admin.display(description="server")
    def server(self, account: MailAccount) -> str:
        return ses.host_of(account.region) if account.service == MailAccount.Service.SES else account.host

    @admin.display(description="credential stored")
    def credential_state(self, account: MailAccount) -> str:
        return "Stored, sealed." if account.sealed_credential else "None."
