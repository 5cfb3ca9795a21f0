"""The table of what people did."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from allegro_queue.tellings import Telling, read_telling


class Activity(models.Model):
    """One thing that somebody did, and what came of it. Written once and never changed."""

    class Via(models.TextChoices):
        """Where it was done."""

        PAGE = "page", gettext_lazy("Page")
        TOKEN = "token", gettext_lazy("API token")
        COMMAND = "command", gettext_lazy("Command")

    at = models.DateTimeField()
    who = models.CharField(max_length=254, help_text="The user's name; a host's account for a command.")
    via = models.CharField(max_length=10, choices=Via.choices)
    action = models.CharField(max_length=40, help_text="Such as retry, pause, empty.")
    subject = models.CharField(max_length=500, blank=True, help_text="Queue, ids or filter that it was about.")
    subject_said = models.JSONField(null=True)
    """The same, to be told in any language (``tellings``); ``None`` in rows of versions that had English only."""
    reason = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=500, help_text="What the person was told.")
    outcome_said = models.JSONField(null=True)
    succeeded = models.BooleanField()
    address = models.GenericIPAddressField(null=True, help_text="Of the socket; none for a command.")
    run = models.ForeignKey("allegro_queue.BulkRun", null=True, on_delete=models.SET_NULL, related_name="noted_in")
    """The run over many jobs that it began, if it did."""

    class Meta:
        verbose_name = gettext_lazy("activity")
        verbose_name_plural = gettext_lazy("activity")
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["-at", "-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["-at", "-id"], name="horizon_activity_at"),
            models.Index(fields=["who", "-at"], name="horizon_activity_who"),
            models.Index(fields=["action", "-at"], name="horizon_activity_action"),
        ]

    @property
    def subject_telling(self) -> Telling:
        return read_telling(self.subject_said, self.subject)

    @property
    def outcome_telling(self) -> Telling:
        return read_telling(self.outcome_said, self.outcome)

    def __str__(self) -> str:
        return f"{self.who}: {self.action} {self.subject}"
