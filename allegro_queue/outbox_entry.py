"""The table of jobs that Redis has not taken yet."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy


class OutboxEntry(models.Model):
    """A job that must not be lost while Redis is away: written with the change it belongs to, gone once Redis has it."""

    job_id = models.UUIDField(gettext_lazy("job id"), unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(gettext_lazy("job"), max_length=255)
    data = models.BinaryField(help_text=gettext_lazy("Function and arguments, as Redis will keep them."))
    terms = models.TextField(
        gettext_lazy("terms"), blank=True, help_text=gettext_lazy("Tags and the like, as Redis will keep them.")
    )
    options = models.JSONField(
        gettext_lazy("options"), default=dict, help_text=gettext_lazy("Queue, tries, timeout and the like.")
    )
    tenant = models.CharField(
        gettext_lazy("tenant"),
        max_length=100,
        blank=True,
        help_text=gettext_lazy("For whom the job acts; empty: nobody in particular."),
    )
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now)
    held_until = models.DateTimeField(
        gettext_lazy("held until"),
        help_text=gettext_lazy("Until then somebody is sending it; later, whoever looks first may."),
    )
    sendings = models.PositiveIntegerField(
        gettext_lazy("sendings"), default=0, help_text=gettext_lazy("How often it was sent in vain.")
    )
    error = models.CharField(
        gettext_lazy("error"), max_length=500, blank=True, help_text=gettext_lazy("Why, the last time.")
    )

    class Meta:
        verbose_name = gettext_lazy("waiting job")
        verbose_name_plural = gettext_lazy("outbox")
        ordering: ClassVar[list[str]] = ["pk"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["held_until"], name="horizon_outbox_due")]

    def __str__(self) -> str:
        return f"{self.name} {self.job_id}"
