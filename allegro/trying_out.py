"""The action of admin lists that mails a test to whoever looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy, ngettext

from allegro.accounts.models import User
from allegro.organizations.models import Organization
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions


class TryableAdmin(admin.ModelAdmin):
    """For rows that belong to an organization each."""

    test_job: Callable[[int, int], str]
    """Mails a row's test to a user; both are given by their keys."""

    actions = ("send_test",)

    @admin.action(description=gettext_lazy("Send a test to my address"), permissions=["change"])
    def send_test(self, request: HttpRequest, rows: Any) -> None:
        assert isinstance(request.user, User)
        try:
            for row in rows:
                organization: Organization = row.organization
                tags = (f"organization:{organization.pk}", "test-mail")
                options = JobOptions(tenant=str(organization.pk), tags=tags)
                dispatch(self.test_job, row.pk, request.user.pk, options=options)
        except QueueUnavailable as error:
            self.message_user(
                request, gettext("Not every test was queued. {error}").format(error=error), messages.ERROR
            )
            return
        count = len(rows)
        text = ngettext("{n} test mail queued for {address}.", "{n} test mails queued for {address}.", count)
        self.message_user(request, text.format(n=count, address=request.user.email))
