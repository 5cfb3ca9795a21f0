"""Deliveries that wait: for a host that does not answer, or an endpoint that wants rest. They cost no try meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from allegro import breaker
from allegro.webhooks.events import timestamp
from allegro.webhooks.failures import DeliveryFailed, end_untried
from allegro.webhooks.models import Breaker, Delivery, Endpoint, problem_in_url
from allegro.webhooks.publishing import MOST_AT_ONCE, queue_again
from allegro.webhooks.sending import Outcome

LONGEST_HOLD = timedelta(hours=24)
"""How long a delivery waits for a host that does not answer, or an endpoint that wants rest, before it fails untried."""


def held_until(delivery: Delivery, now: datetime) -> datetime | None:
    """When to ask again, if the delivery must wait; ``None`` when it may go."""
    if delivery.endpoint.rest_until is not None and delivery.endpoint.rest_until > now:
        return delivery.endpoint.rest_until
    if problem_in_url(delivery.endpoint.url, allow_http=settings.IS_LOCAL):
        return None
    return breaker.let_through(breaker_of(delivery.event.organization_id, delivery.endpoint.host), now)


def hold(delivery: Delivery, until: datetime, now: datetime) -> str:
    """Leave the delivery for later without a try.

    Raises:
        DeliveryFailed: it has waited long enough.
    """
    host = delivery.endpoint.host
    if now - max(delivery.queued_at, delivery.attempted_at or delivery.queued_at) > LONGEST_HOLD:
        end_untried(
            delivery, f"Not tried: {host} has not answered for {LONGEST_HOLD.total_seconds() / 3600:.0f} hours."
        )
        raise DeliveryFailed(f"Delivery {delivery.pk} failed: {delivery.error}")
    Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING).update(due_at=until, is_held=True)
    return f"held back until {timestamp(until)}: {host} has not answered of late, or wants rest"


def breaker_of(organization_id: int, host: str) -> QuerySet[Breaker]:
    """The one row about an organization's host, made if nothing was known of it."""
    row, _ = Breaker.objects.get_or_create(organization_id=organization_id, host=host)
    return Breaker.objects.filter(pk=row.pk)


def note_host(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Tell the circuit breaker; a host that answers after all gets what was held back for it."""
    organization_id, host = delivery.event.organization_id, delivery.endpoint.host
    if outcome.silent:
        breaker.note_silence(breaker_of(organization_id, host), now - timedelta(seconds=outcome.seconds), now)
    elif outcome.answer is not None and breaker.note_answer(breaker_of(organization_id, host), now):
        release(organization_id, host, now)


def release(organization_id: int, host: str, now: datetime) -> None:
    """Queue what was held back for this host."""
    endpoints = [each.pk for each in Endpoint.objects.filter(organization_id=organization_id) if each.host == host]
    with transaction.atomic():
        held = list(
            Delivery.objects.select_for_update(of=("self",))
            .select_related("event", "endpoint")
            .filter(endpoint_id__in=endpoints, state=Delivery.State.PENDING, is_held=True)
            .order_by("queued_at")[:MOST_AT_ONCE]
        )
        queue_again(held, now)
