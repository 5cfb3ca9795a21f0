"""Where Django looks for models: the tables of history, the journal of what people did, the outbox of jobs that Redis has
not taken yet, and the permissions that can be granted in admin."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from allegro_queue.activity.models import Activity
from allegro_queue.history.models import (
    Collected,
    FailureGroup,
    Gap,
    MonitoredTag,
    Run,
    RunTag,
    Series,
)
from allegro_queue.rights import WORDS

__all__ = [
    "Activity",
    "Collected",
    "FailureGroup",
    "Gap",
    "Horizon",
    "MonitoredTag",
    "OutboxEntry",
    "Run",
    "RunTag",
    "Series",
]


class Horizon(models.Model):
    """Stands for the dashboard among Django's permissions."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = tuple((right.value, words) for right, words in WORDS.items())


class OutboxEntry(models.Model):
    """A job that must not be lost while Redis is away: written with the change it belongs to, gone once Redis has it."""

    job_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField("job", max_length=255)
    data = models.BinaryField(help_text="Function and arguments, as Redis will keep them.")
    terms = models.TextField(blank=True, help_text="Tags and the like, as Redis will keep them.")
    options = models.JSONField(default=dict, help_text="Queue, tries, timeout and the like.")
    tenant = models.CharField(
        max_length=100, blank=True, help_text="For whom the job acts; empty: nobody in particular."
    )
    created_at = models.DateTimeField(default=timezone.now)
    held_until = models.DateTimeField(help_text="Until then somebody is sending it; later, whoever looks first may.")
    sendings = models.PositiveIntegerField(default=0, help_text="How often it was sent in vain.")
    error = models.CharField(max_length=500, blank=True, help_text="Why, the last time.")

    class Meta:
        verbose_name = "waiting job"
        verbose_name_plural = "outbox"
        ordering: ClassVar[list[str]] = ["pk"]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["held_until"], name="horizon_outbox_due")]

    def __str__(self) -> str:
        return f"{self.name} {self.job_id}"
