"""The action of admin lists that mails a test to whoever looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

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

    @admin.action(description="Send a test to my address", permissions=["change"])
    def send_test(self, request: HttpRequest, rows: Any) -> None:
        assert isinstance(request.user, User)
        try:
            for row in rows:
                organization: Organization = row.organization
                tags = (f"organization:{organization.pk}", "test-mail")
                options = JobOptions(tenant=str(organization.pk), tags=tags)
                dispatch(self.test_job, row.pk, request.user.pk, options=options)
        except QueueUnavailable as error:
            self.message_user(request, f"Not every test was queued. {error}", messages.ERROR)
            return
        count = len(rows)
        unit = "test mail" if count == 1 else "test mails"
        self.message_user(request, f"{count} {unit} queued for {request.user.email}.")
