"""Endpoints that want to hear of events, the events as they were, and what became of each delivery."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone

from allegro.organizations.models import Organization
from allegro.outbound import OutboundError, parse_url
from allegro.webhooks.events import SUBSCRIBABLE
from allegro_queue.errors import did_you_mean

MOST_ENDPOINTS = 5
TOO_MANY = f"An organization has at most {MOST_ENDPOINTS} webhook endpoints; delete one to add another."

EXCERPT_LENGTH = 500


class Endpoint(models.Model):
    """Where an organization wants its events sent."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField("URL", max_length=500, help_text="Must begin with https://.")
    description = models.CharField(max_length=200, blank=True)
    all_events = models.BooleanField(default=True, help_text="Send every kind of event, those to come included.")
    events = models.JSONField(default=list, blank=True, help_text="The kinds to send, when it is not all of them.")
    active = models.BooleanField(
        default=True, help_text="Off: nothing is sent, and what happens meanwhile is not sent later. The history stays."
    )
    slot = models.PositiveSmallIntegerField(
        editable=False,
        blank=True,
        help_text="Which of the organization's places this endpoint takes: the database itself holds the limit.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
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
        """Take a free place, if this is new.

        Raises:
            ValidationError: the organization has none left.
        """
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
        return "The URL must not hold spaces or control characters."
    try:
        target = parse_url(url)
    except OutboundError as error:
        return str(error)
    if target.scheme != "https" and not allow_http:
        return "The URL must begin with https://."
    if target.fragment:
        return "The URL must not hold a fragment (the part from # on); it is never sent."
    return ""


def problem_in_events(events: Any) -> str:
    """What is wrong with a choice of kinds; empty when nothing is."""
    if not isinstance(events, list) or not events:
        return "Choose at least one kind of event, or all."
    for each in events:
        if each not in SUBSCRIBABLE:
            return f"There is no kind of event {each!r}{did_you_mean(str(each), SUBSCRIBABLE)}"
    return ""


class Event(models.Model):
    """Something that happened, with the data as it was then."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="events")
    type = models.CharField(max_length=100)
    data = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.type} {self.pk}"


class Delivery(models.Model):
    """One event on its way to one endpoint. Its id differs from the event's: an event goes to several endpoints."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField("duration (ms)", null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    response_excerpt = models.CharField(max_length=EXCERPT_LENGTH, blank=True)
    attempted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["event", "endpoint"], name="one_delivery_per_event_and_endpoint"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
