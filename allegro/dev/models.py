"""What the local receiver page has received."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone


class ReceivedCall(models.Model):
    """One request to the receiver page, as it came."""

    received_at = models.DateTimeField(default=timezone.now)
    event = models.CharField(max_length=100, blank=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-pk"]

    def __str__(self) -> str:
        return f"{self.event or 'call'}, {self.received_at:%Y-%m-%d %H:%M:%S}"
