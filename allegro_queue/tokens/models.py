"""The table of API tokens."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class ApiToken(models.Model):
    """One token. Its text is kept nowhere: only a hash that it is found by, and its beginning, to tell it from others."""

    name = models.CharField(max_length=100, help_text="What it is for.")
    hash = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=16, editable=False)
    rights = models.JSONField(default=list, help_text="Names of the rights that it has.")
    # With its author a token goes: one without an author is bound to nobody's rights.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="It can never do more than this person may at the time; none for one made by a command.",
    )
    made_by = models.CharField(max_length=254)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = gettext_lazy("API token")
        default_permissions = ()
        ordering: ClassVar[list[str]] = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
