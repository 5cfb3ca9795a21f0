"""Members of an audience, what outside sources know of them, and when each source was last asked."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from allegro.audience.addresses import clean_address
from allegro.organizations.models import Organization


def provider_choices() -> list[tuple[str, str]]:
    """The registered providers, for forms."""
    from allegro.audience.providers import registered

    return [(name, name) for name in registered()]


class Member(models.Model):
    """Somebody who reads, gives or joins. Not a user: members have no password and no rights in the admin site."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="members")
    email = models.EmailField("e-mail address", max_length=254)
    name = models.CharField(max_length=150, blank=True)
    email_verified_at = models.DateTimeField("e-mail verified at", null=True, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["email"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                name="one_member_per_address",
                violation_error_message="This organization has a member with this address.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        try:
            self.email = clean_address(self.email)
        except ValidationError as error:
            raise ValidationError({"email": error.messages}) from error

    @property
    def is_email_verified(self) -> bool:
        """Whether somebody has followed a link that was mailed to this address."""
        return self.email_verified_at is not None


class ProviderAccount(models.Model):
    """One organization's account with an outside source: where it is, and how often it is asked."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="provider_accounts")
    provider = models.CharField(max_length=50, choices=provider_choices)
    url = models.CharField(
        "URL",
        max_length=500,
        help_text="Where the provider finds one member; {email} stands for the member's address.",
    )
    enabled = models.BooleanField(default=True)
    refresh_minutes = models.PositiveIntegerField(
        default=360,
        validators=[MinValueValidator(5), MaxValueValidator(60 * 24 * 30)],
        help_text="Minutes between two rounds over all members; looked at every five minutes.",
    )
    max_login_age_minutes = models.PositiveIntegerField(
        "oldest at sign-in, in minutes",
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="A profile older than this is refreshed while its member signs in. Empty: never.",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["organization", "provider"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organization", "provider"],
                name="one_account_per_provider",
                violation_error_message="This organization has an account with this provider.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} for {self.organization}"

    def clean(self) -> None:
        from allegro.audience.providers import UnknownProvider, provider_for

        try:
            provider_for(self).check_account()
        except UnknownProvider as error:
            raise ValidationError({"provider": str(error)}) from error


class ExternalProfile(models.Model):
    """What one provider said of one member, and when."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="external_profiles")
    provider = models.CharField(max_length=50)
    payload = models.JSONField(default=dict, blank=True)
    synced_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When the source was asked for what is shown here; empty when it never answered.",
    )
    failed_at = models.DateTimeField(null=True, blank=True, help_text="When the source was last asked in vain.")
    error = models.CharField(max_length=500, blank=True, help_text="Why it was asked in vain.")

    class Meta:
        ordering: ClassVar[list[str]] = ["provider"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["member", "provider"], name="one_profile_per_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.member} at {self.provider}"


class SyncRun(models.Model):
    """When a provider's members were last dispatched for an organization. One row, updated; the clock of the due check."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="sync_runs")
    provider = models.CharField(max_length=50)
    last_dispatched_at = models.DateTimeField(null=True, blank=True)
    dispatched_members = models.PositiveIntegerField(default=0, help_text="Jobs that the last round queued.")

    class Meta:
        ordering: ClassVar[list[str]] = ["organization", "provider"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organization", "provider"], name="one_run_per_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} for {self.organization}"
