"""Members of an audience, what outside sources know of them, and when each source was last asked.

The tables of runs and profiles are named as Allegro's documentation names them.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy

from allegro.audience.addresses import clean_address
from allegro.credentials import HoldsCredential
from allegro.organizations.models import Organization
from allegro_queue.tellings import told_by


def provider_choices() -> list[tuple[str, str]]:
    """The registered providers, for forms."""
    from allegro.audience.providers import registered

    return [(name, name) for name in registered()]


class Member(models.Model):
    """Somebody who reads, gives or joins. Not a user: members have no password and no rights in the admin site."""

    id = models.UUIDField(gettext_lazy("id"), primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, verbose_name=gettext_lazy("organization"), on_delete=models.CASCADE, related_name="members"
    )
    email = models.EmailField(gettext_lazy("e-mail address"), max_length=254)
    name = models.CharField(gettext_lazy("name"), max_length=150, blank=True)
    email_verified_at = models.DateTimeField(gettext_lazy("e-mail verified at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(gettext_lazy("updated at"), auto_now=True)

    class Meta:
        verbose_name = gettext_lazy("member")
        verbose_name_plural = gettext_lazy("members")
        ordering: ClassVar[list[str]] = ["email"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "organization",
                Lower("email"),
                name="one_member_per_address",
                violation_error_message=gettext_lazy("This organization has a member with this address."),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # A round walks through one organization's members in this order.
            models.Index(fields=["organization", "id"], name="members_in_order"),
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


class ProviderAccount(HoldsCredential):
    """One organization's account with an outside source: where it is, and how often it is asked."""

    organization = models.ForeignKey(
        Organization,
        verbose_name=gettext_lazy("organization"),
        on_delete=models.CASCADE,
        related_name="provider_accounts",
    )
    provider = models.CharField(gettext_lazy("provider"), max_length=50, choices=provider_choices)
    url = models.CharField(
        gettext_lazy("URL"),
        max_length=500,
        blank=True,
        help_text=gettext_lazy(
            "Where the provider finds one member; {email} stands for the member's address. Mailchimp: leave empty."
        ),
    )
    list_url = models.CharField(
        gettext_lazy("URL of the list"),
        max_length=500,
        blank=True,
        help_text=gettext_lazy("Where a JSON source lists its members, if it does. Mailchimp: leave empty."),
    )
    list_id = models.CharField(
        gettext_lazy("audience id"),
        max_length=50,
        blank=True,
        help_text=gettext_lazy("Of the Mailchimp audience, such as a1b2c3d4e5."),
    )
    credential_header = models.CharField(
        gettext_lazy("credential header"),
        max_length=50,
        blank=True,
        default="Authorization",
        help_text=gettext_lazy("Header in which a JSON source wants the credential. Mailchimp: not used."),
    )
    read_list = models.BooleanField(
        gettext_lazy("read the list first"),
        default=False,
        help_text=gettext_lazy(
            "Read the source's list at the start of a round, and ask one by one only for who was not in it."
        ),
    )
    requests_per_minute = models.PositiveIntegerField(
        gettext_lazy("requests per minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=gettext_lazy(
            "Members asked for per minute at most, by background jobs. Empty: as fast as they come."
        ),
    )
    enabled = models.BooleanField(gettext_lazy("enabled"), default=True)
    refresh_minutes = models.PositiveIntegerField(
        gettext_lazy("refresh minutes"),
        default=360,
        validators=[MinValueValidator(5), MaxValueValidator(60 * 24 * 30)],
        help_text=gettext_lazy("Minutes between two rounds over all members; looked at every five minutes."),
    )
    max_login_age_minutes = models.PositiveIntegerField(
        gettext_lazy("oldest at sign-in, in minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=gettext_lazy("A profile older than this is refreshed while its member signs in. Empty: never."),
    )

    class Meta:
        verbose_name = gettext_lazy("provider account")
        verbose_name_plural = gettext_lazy("provider accounts")
        ordering: ClassVar[list[str]] = ["organization", "provider"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["organization", "provider"],
                name="one_account_per_provider",
                violation_error_message=gettext_lazy("This organization has an account with this provider."),
            ),
        ]

    def __str__(self) -> str:
        return gettext("{provider} for {organization}").format(provider=self.provider, organization=self.organization)

    def clean(self) -> None:
        from allegro.audience.providers import ListingProvider, UnknownProvider, provider_for

        try:
            provider = provider_for(self)
        except UnknownProvider as error:
            raise ValidationError({"provider": told_by(error).words}) from error
        provider.check_account()
        if self.read_list and not isinstance(provider, ListingProvider):
            raise ValidationError(
                {
                    "read_list": gettext("The provider {provider} has no list to read.").format(
                        provider=repr(self.provider)
                    )
                }
            )


class ExternalProfile(models.Model):
    """What one provider said of one member, and when."""

    member = models.ForeignKey(
        Member, verbose_name=gettext_lazy("member"), on_delete=models.CASCADE, related_name="external_profiles"
    )
    provider = models.CharField(gettext_lazy("provider"), max_length=50)
    payload = models.JSONField(gettext_lazy("payload"), default=dict, blank=True)
    synced_at = models.DateTimeField(
        gettext_lazy("synced at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When the source was asked for what is shown here; empty when it never answered."),
    )
    changed_at = models.DateTimeField(
        gettext_lazy("changed at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("Since when it has been so, by the source's own clock, if the source says."),
    )
    etag = models.CharField(
        gettext_lazy("ETag"), max_length=500, blank=True, help_text=gettext_lazy("The source's mark of this version.")
    )
    failed_at = models.DateTimeField(
        gettext_lazy("failed at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When the source was last asked in vain."),
    )
    error = models.CharField(
        gettext_lazy("error"), max_length=500, blank=True, help_text=gettext_lazy("Why it was asked in vain.")
    )
    error_said = models.JSONField(null=True, editable=False)
    """The same, to be told in any language; ``None`` in rows of versions that had English only."""
    ask_again_at = models.DateTimeField(
        gettext_lazy("ask again at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("The source was too busy for this member; asked again from then on."),
    )

    class Meta:
        verbose_name = gettext_lazy("external profile")
        verbose_name_plural = gettext_lazy("external profiles")
        db_table = "audience_member_external_profiles"
        ordering: ClassVar[list[str]] = ["provider"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["member", "provider"], name="one_profile_per_provider"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["provider", "ask_again_at"],
                name="profiles_to_ask_again",
                condition=models.Q(ask_again_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return gettext("{member} at {provider}").format(member=self.member, provider=self.provider)


class SyncRun(models.Model):
    """How a provider stands with an organization. One row, updated: the clock of the due check, and the health."""

    organization = models.ForeignKey(
        Organization, verbose_name=gettext_lazy("organization"), on_delete=models.CASCADE, related_name="sync_runs"
    )
    provider = models.CharField(gettext_lazy("provider"), max_length=50)
    last_dispatched_at = models.DateTimeField(
        gettext_lazy("last dispatched at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When the last round was begun."),
    )
    dispatched_members = models.PositiveIntegerField(
        gettext_lazy("dispatched members"), default=0, help_text=gettext_lazy("Jobs that the last round queued.")
    )
    last_success_at = models.DateTimeField(
        gettext_lazy("last success at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When the source last answered, to within some seconds."),
    )
    last_failure_at = models.DateTimeField(gettext_lazy("last failure at"), null=True, blank=True)
    last_error = models.CharField(gettext_lazy("last error"), max_length=500, blank=True)
    last_error_said = models.JSONField(null=True, editable=False)
    """The same, to be told in any language; ``None`` in rows of versions that had English only."""
    failures_in_a_row = models.PositiveIntegerField(
        gettext_lazy("failures in a row"), default=0, help_text=gettext_lazy("Since the source last answered.")
    )
    busy_until = models.DateTimeField(
        gettext_lazy("busy until"),
        null=True,
        blank=True,
        help_text=gettext_lazy("Until then the source asked to be left alone."),
    )
    stale_sign_ins = models.PositiveIntegerField(
        gettext_lazy("stale sign ins"),
        default=0,
        help_text=gettext_lazy("Sign-ins that went on with old data, since the source did not answer in time."),
    )
    last_stale_sign_in_at = models.DateTimeField(gettext_lazy("last stale sign in at"), null=True, blank=True)

    class Meta:
        verbose_name = gettext_lazy("sync run")
        verbose_name_plural = gettext_lazy("sync runs")
        db_table = "audience_sync_runs"
        ordering: ClassVar[list[str]] = ["organization", "provider"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organization", "provider"], name="one_run_per_provider"),
        ]

    def __str__(self) -> str:
        return gettext("{provider} for {organization}").format(provider=self.provider, organization=self.organization)


class SyncRound(models.Model):
    """One round over a provider's members: how far its dispatch has come, and what became of its jobs. Kept a month."""

    id = models.UUIDField(gettext_lazy("id"), primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        ProviderAccount, verbose_name=gettext_lazy("account"), on_delete=models.CASCADE, related_name="rounds"
    )
    by_hand = models.BooleanField(
        gettext_lazy("by hand"), default=False, help_text=gettext_lazy("Asked for by somebody, not by the clock.")
    )
    started_at = models.DateTimeField(gettext_lazy("started at"), default=timezone.now)
    list_cursor = models.TextField(blank=True, editable=False)
    list_done_at = models.DateTimeField(
        gettext_lazy("list done at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When the source's list had been read to its end, if it was to be."),
    )
    pages = models.PositiveIntegerField(
        gettext_lazy("pages"), default=0, help_text=gettext_lazy("Pages of the source's list that were read.")
    )
    listed = models.PositiveIntegerField(
        gettext_lazy("listed"), default=0, help_text=gettext_lazy("Members who were in the source's list.")
    )
    cursor = models.UUIDField(null=True, blank=True, editable=False)
    moved_at = models.DateTimeField(
        gettext_lazy("moved at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When its dispatch last made progress; empty when the next tick is to go on."),
    )
    dispatched_at = models.DateTimeField(
        gettext_lazy("dispatched at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When the last of its jobs was queued."),
    )
    dispatched = models.PositiveIntegerField(
        gettext_lazy("dispatched"), default=0, help_text=gettext_lazy("Jobs queued, one a member.")
    )
    pending_already = models.PositiveIntegerField(
        gettext_lazy("pending already"),
        default=0,
        help_text=gettext_lazy("Members whose job from before was still waiting."),
    )
    synced = models.PositiveIntegerField(gettext_lazy("synced"), default=0)
    failed = models.PositiveIntegerField(gettext_lazy("failed"), default=0)
    put_off = models.PositiveIntegerField(
        gettext_lazy("put off"), default=0, help_text=gettext_lazy("Members for whom the source was too busy.")
    )
    skipped = models.PositiveIntegerField(
        gettext_lazy("skipped"), default=0, help_text=gettext_lazy("Members or accounts that were gone by then.")
    )
    error = models.CharField(
        gettext_lazy("error"),
        max_length=500,
        blank=True,
        help_text=gettext_lazy("What last stopped its dispatch or its list."),
    )
    error_said = models.JSONField(null=True, editable=False)
    """The same, to be told in any language."""

    class Meta:
        verbose_name = gettext_lazy("sync round")
        verbose_name_plural = gettext_lazy("sync rounds")
        ordering: ClassVar[list[str]] = ["-started_at"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["account", "-started_at"], name="rounds_of_an_account"),
            models.Index(fields=["account"], name="rounds_being_dispatched", condition=models.Q(dispatched_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.account}, {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def ended(self) -> int:
        """Its jobs that have run."""
        return self.synced + self.failed + self.put_off + self.skipped
