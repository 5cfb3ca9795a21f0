from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

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
    list_display = ("organization", "service", "server", "from_address", "enabled", "answers", "credential_state")
    list_filter = ("service", "enabled")
    list_select_related = ("organization",)
    search_fields = ("organization__name", "from_address", "host")
    test_job = staticmethod(send_account_test)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization", "answers", "credential_state") if obj else ("credential_state",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        # Whoever has mended an account waits for its mail.
        obj.forget_silences()
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("server"))
    def server(self, account: MailAccount) -> str:
        return ses.host_of(account.region) if account.service == MailAccount.Service.SES else account.host

    @admin.display(description=gettext_lazy("answers"))
    def answers(self, account: MailAccount) -> str:
        if account.silent_since is None:
            return gettext("Yes.") if account.answered_at else gettext("Not tried yet.")
        text = (
            gettext("Not answering since {time} UTC. Mails wait; it is tried again at {next} UTC.")
            if account.is_left_alone(timezone.now())
            else gettext("Not answering since {time} UTC.")
        )
        return text.format(
            time=f"{account.silent_since:%Y-%m-%d %H:%M}",
            next=f"{account.open_until:%H:%M}" if account.open_until else "",
        )

    @admin.display(description=gettext_lazy("credential stored"))
    def credential_state(self, account: MailAccount) -> str:
        return gettext("Stored, sealed.") if account.sealed_credential else gettext("None.")
