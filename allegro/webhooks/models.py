"""Endpoints that want to hear of events, the events as they were, and what became of each delivery."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from allegro.audience.models import Member
from allegro.breaker import Answering
from allegro.organizations.models import Organization
from allegro.outbound import OutboundError, parse_url
from allegro.sealing import seal, unseal
from allegro.webhooks.events import SUBSCRIBABLE
from allegro.webhooks.signing import new_secret
from allegro_queue.errors import nearest
from allegro_queue.tellings import told_by
from allegro_queue.wording import worded

MOST_ENDPOINTS = 5
TOO_MANY = format_lazy(
    gettext_lazy("An organization has at most {n} webhook endpoints; delete one to add another."), n=MOST_ENDPOINTS
)

EXCERPT_LENGTH = 500

OVERLAP = timedelta(hours=24)
"""How long an endpoint's former secret still signs beside the new one."""


class Endpoint(models.Model):
    """Where an organization wants its events sent."""

    organization = models.ForeignKey(
        Organization,
        verbose_name=gettext_lazy("organization"),
        on_delete=models.CASCADE,
        related_name="webhook_endpoints",
    )
    url = models.CharField(gettext_lazy("URL"), max_length=500, help_text=gettext_lazy("Must begin with https://."))
    description = models.CharField(gettext_lazy("description"), max_length=200, blank=True)
    all_events = models.BooleanField(
        gettext_lazy("all events"),
        default=True,
        help_text=gettext_lazy("Send every kind of event, those to come included."),
    )
    events = models.JSONField(
        gettext_lazy("events"),
        default=list,
        blank=True,
        help_text=gettext_lazy("The kinds to send, when it is not all of them."),
    )
    active = models.BooleanField(
        gettext_lazy("active"),
        default=True,
        help_text=gettext_lazy(
            "Off: nothing is sent, and what happens meanwhile is not sent later. The history stays."
        ),
    )
    retry = models.BooleanField(
        gettext_lazy("try again"),
        default=False,
        help_text=gettext_lazy("After a failure, try again with growing pauses (WEBHOOK_RETRY_SECONDS). Off: one try."),
    )
    switched_off_because = models.CharField(max_length=200, blank=True, editable=False)
    rest_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=gettext_lazy("Until then the endpoint has asked to be left alone."),
    )
    sealed_secret = models.TextField(blank=True, editable=False)
    sealed_former_secret = models.TextField(blank=True, editable=False)
    former_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    slot = models.PositiveSmallIntegerField(
        editable=False,
        blank=True,
        help_text=gettext_lazy(
            "Which of the organization's places this endpoint takes: the database itself holds the limit."
        ),
    )
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = gettext_lazy("endpoint")
        verbose_name_plural = gettext_lazy("endpoints")
        ordering: ClassVar[list[str]] = ["organization", "slot"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organization", "slot"], name="one_endpoint_per_slot"),
            models.CheckConstraint(
                condition=models.Q(slot__gte=1, slot__lte=MOST_ENDPOINTS),
                name="five_endpoints_per_organization",
                violation_error_message=TOO_MANY,
            ),
        ]

    def __str__(self) -> str:
        return self.description or self.url

    def clean(self) -> None:
        self.url = self.url.strip()
        problems: dict[str, str] = {}
        if problem := problem_in_url(self.url, allow_http=settings.IS_LOCAL):
            problems["url"] = problem
        if not self.all_events and (problem := problem_in_events(self.events)):
            problems["events"] = problem
        if problems:
            raise ValidationError(problems)
        if self.organization_id is not None and self.slot is None and self.free_slot() is None:
            raise ValidationError(TOO_MANY)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Take a free place and a secret, if this is new.

        Raises:
            ValidationError: the organization has none left.
        """
        if not self.sealed_secret:
            self.sealed_secret = seal(new_secret())
        if self.slot is not None:
            super().save(*args, **kwargs)
            return
        with transaction.atomic():
            # Two at once wait for each other here; the constraints above would stop them too, less politely.
            Organization.objects.select_for_update(no_key=True).get(pk=self.organization_id)
            self.slot = self.free_slot()
            if self.slot is None:
                raise ValidationError(TOO_MANY)
            super().save(*args, **kwargs)

    @property
    def host(self) -> str:
        """Host and port, as the circuit breaker counts them."""
        return parse_url(self.url).netloc.decode("ascii").lower()

    def secrets_in_force(self, now: datetime) -> list[str]:
        """The secrets that sign at ``now``, newest first."""
        kept = [self.sealed_secret]
        if self.former_secret_until is not None and self.former_secret_until > now:
            kept.append(self.sealed_former_secret)
        return [unseal(each) for each in kept if each]

    def renew_secret(self, now: datetime) -> str:
        """A new secret; the one before signs beside it for ``OVERLAP``. The caller shows it once and keeps it nowhere."""
        secret = new_secret()
        self.sealed_former_secret, self.former_secret_until = self.sealed_secret, now + OVERLAP
        self.sealed_secret = seal(secret)
        self.save(update_fields=["sealed_secret", "sealed_former_secret", "former_secret_until"])
        return secret

    def free_slot(self) -> int | None:
        """The lowest place that no endpoint of the organization takes."""
        taken = set(Endpoint.objects.filter(organization_id=self.organization_id).values_list("slot", flat=True))
        return next((slot for slot in range(1, MOST_ENDPOINTS + 1) if slot not in taken), None)

    def wants(self, event_type: str) -> bool:
        """Whether events of this kind go here."""
        return self.active and (self.all_events or event_type in self.events)


def problem_in_url(url: str, *, allow_http: bool) -> str:
    """What is wrong with an endpoint's URL; empty when nothing is."""
    if not url.isprintable() or " " in url:
        return gettext("The URL must not hold spaces or control characters.")
    try:
        target = parse_url(url)
    except OutboundError as error:
        return told_by(error).words
    if target.scheme != "https" and not allow_http:
        return gettext("The URL must begin with https://.")
    if not allow_http and target.port is not None and target.port != 443 and target.port < 1024:
        return gettext(
            "The URL's port must be 443, or 1024 or more: the others belong to services that do not speak HTTP."
        )
    if target.fragment:
        return gettext("The URL must not hold a fragment (the part from # on); it is never sent.")
    return ""


def problem_in_events(events: Any) -> str:
    """What is wrong with a choice of kinds; empty when nothing is."""
    if not isinstance(events, list) or not events:
        return gettext("Choose at least one kind of event, or all.")
    for each in events:
        if each not in SUBSCRIBABLE:
            return unknown_kind(each)
    return ""


def unknown_kind(kind: Any) -> str:
    """With the nearest that there is, or all."""
    near = nearest(str(kind), SUBSCRIBABLE)
    if near:
        text = gettext("There is no kind of event {kind}; did you mean {near}?")
        return worded(text, kind=repr(kind), near=repr(near))
    text = gettext("There is no kind of event {kind}; known are {known}.")
    return worded(text, kind=repr(kind), known=", ".join(map(repr, sorted(SUBSCRIBABLE))))


class Event(models.Model):
    """Something that happened, with the data as it was then."""

    id = models.UUIDField(gettext_lazy("id"), primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(
        Organization, verbose_name=gettext_lazy("organization"), on_delete=models.CASCADE, related_name="events"
    )
    member = models.ForeignKey(
        Member,
        verbose_name=gettext_lazy("member"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="events",
        help_text=gettext_lazy("Whom it is about."),
    )
    type = models.CharField(gettext_lazy("type"), max_length=100)
    data = models.JSONField(gettext_lazy("data"))
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now)

    class Meta:
        verbose_name = gettext_lazy("event")
        verbose_name_plural = gettext_lazy("events")
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"


class Delivery(models.Model):
    """One event on its way to one endpoint. Its id differs from the event's: an event goes to several endpoints."""

    class State(models.TextChoices):
        PENDING = "pending", gettext_lazy("Pending")
        SENDING = "sending", gettext_lazy("Sending")
        SUCCEEDED = "succeeded", gettext_lazy("Succeeded")
        FAILED = "failed", gettext_lazy("Failed")

    id = models.UUIDField(gettext_lazy("id"), primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(
        Event, verbose_name=gettext_lazy("event"), on_delete=models.CASCADE, related_name="deliveries"
    )
    endpoint = models.ForeignKey(
        Endpoint, verbose_name=gettext_lazy("endpoint"), on_delete=models.CASCADE, related_name="deliveries"
    )
    state = models.CharField(gettext_lazy("state"), max_length=10, choices=State.choices, default=State.PENDING)
    queued_at = models.DateTimeField(
        gettext_lazy("queued at"),
        default=timezone.now,
        help_text=gettext_lazy("When it was queued, the last time by hand."),
    )
    tries = models.PositiveSmallIntegerField(
        gettext_lazy("tries"), default=0, help_text=gettext_lazy("Since it was queued, or queued anew by hand.")
    )
    due_at = models.DateTimeField(
        gettext_lazy("due at"),
        null=True,
        blank=True,
        help_text=gettext_lazy("When it is looked at again: to try again, or to see whether it was forgotten."),
    )
    is_held = models.BooleanField(
        gettext_lazy("is held"),
        default=False,
        help_text=gettext_lazy("It waits for the host to answer another delivery."),
    )
    status_code = models.PositiveSmallIntegerField(gettext_lazy("status code"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(gettext_lazy("duration (ms)"), null=True, blank=True)
    error = models.CharField(gettext_lazy("error"), max_length=500, blank=True)
    response_excerpt = models.CharField(gettext_lazy("response excerpt"), max_length=EXCERPT_LENGTH, blank=True)
    attempted_at = models.DateTimeField(gettext_lazy("attempted at"), null=True, blank=True)
    created_at = models.DateTimeField(gettext_lazy("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = gettext_lazy("delivery")
        verbose_name_plural = gettext_lazy("deliveries")
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["due_at"], name="delivery_due")]
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="one_delivery_per_event_and_endpoint"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Attempt(models.Model):
    """One try of a delivery: what was answered, or why nothing was."""

    delivery = models.ForeignKey(
        Delivery, verbose_name=gettext_lazy("delivery"), on_delete=models.CASCADE, related_name="attempts"
    )
    at = models.DateTimeField(gettext_lazy("at"), default=timezone.now)
    status_code = models.PositiveSmallIntegerField(gettext_lazy("status code"), null=True, blank=True)
    duration_ms = models.PositiveIntegerField(gettext_lazy("duration (ms)"), null=True, blank=True)
    error = models.CharField(gettext_lazy("error"), max_length=500, blank=True)
    response_excerpt = models.CharField(gettext_lazy("response excerpt"), max_length=EXCERPT_LENGTH, blank=True)

    class Meta:
        verbose_name = gettext_lazy("attempt")
        verbose_name_plural = gettext_lazy("attempts")
        ordering: ClassVar[list[str]] = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class Breaker(Answering):
    """What is known of an organization's host."""

    organization = models.ForeignKey(
        Organization,
        verbose_name=gettext_lazy("organization"),
        on_delete=models.CASCADE,
        related_name="webhook_breakers",
    )
    host = models.CharField(gettext_lazy("host"), max_length=300)

    class Meta:
        verbose_name = gettext_lazy("breaker")
        verbose_name_plural = gettext_lazy("breakers")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organization", "host"], name="one_breaker_per_host"),
        ]

    def __str__(self) -> str:
        return self.host
