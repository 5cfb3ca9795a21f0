"""Requests for a sign-in link. A row never holds the link's token, only its hash, and that only once the mail is made."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from allegro.organizations.models import Organization


class MagicLink(models.Model):
    """One request; it points at an address, not at a member, so that known and unknown addresses look the same here."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="magic_links")
    email = models.EmailField("e-mail address", max_length=254)
    return_url = models.CharField("return URL", max_length=500, blank=True)
    token_hash = models.CharField(
        max_length=64, null=True, unique=True, editable=False, help_text="Empty until the mail is made."
    )
    requested_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    voided_at = models.DateTimeField(null=True, blank=True, help_text="When a newer link took its place.")

    class Meta:
        ordering: ClassVar[list[str]] = ["-requested_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["organization", "email", "requested_at"], name="magic_link_by_address"),
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.requested_at:%Y-%m-%d %H:%M}"
