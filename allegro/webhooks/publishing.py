"""From something that happened to one job per endpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from allegro.audience.models import Member
from allegro.organizations.models import Organization
from allegro.webhooks.models import Delivery, Endpoint, Event
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.outbox import dispatch_durably
from allegro_queue.tenancy import acting_for

log = logging.getLogger(__name__)

FORGOTTEN_AFTER = timedelta(hours=1)
"""A delivery that waits this long is queued again, in case its job was lost; a second job for it does nothing."""

MOST_AT_ONCE = 1000
"""Deliveries that are queued again by one job; the next minute takes the rest."""


def publish(
    organization: Organization, event_type: str, data: Mapping[str, Any], member: Member | None = None
) -> Event:
    """Record an event with its data as it is now, and queue a delivery to every endpoint that wants it.

    Call it in the transaction of the change it tells of: both are kept, or neither.

    Args:
        member: whom it is about, if it is about somebody: its page and its tag then lead to the deliveries.
    """
    endpoints = Endpoint.objects.filter(organization=organization, active=True)
    return publish_to((each for each in endpoints if each.wants(event_type)), organization, event_type, data, member)


def publish_to(
    endpoints: Iterable[Endpoint],
    organization: Organization,
    event_type: str,
    data: Mapping[str, Any],
    member: Member | None = None,
) -> Event:
    """The same for chosen endpoints, whatever they subscribed to."""
    due_at = timezone.now() + FORGOTTEN_AFTER
    with transaction.atomic():
        event = Event.objects.create(organization=organization, member=member, type=event_type, data=dict(data))
        deliveries = Delivery.objects.bulk_create(
            Delivery(event=event, endpoint=each, due_at=due_at) for each in endpoints
        )
        queue_deliveries(deliveries)
    return event


def queue_deliveries(deliveries: Iterable[Delivery]) -> None:
    """Queue one job per delivery: a slow endpoint then holds back no other.

    Never fails what the event tells of. With Redis away the jobs wait in the outbox; with that full, the deliveries
    stay pending and are looked at again later.
    """
    from allegro.webhooks.jobs import deliver

    for delivery in deliveries:
        tenant = str(delivery.event.organization_id)
        try:
            with acting_for(tenant):
                dispatch_durably(deliver, str(delivery.pk), options=JobOptions(tags=tags_of(delivery)))
        except QueueUnavailable as error:
            log.error("webhook delivery not queued delivery=%s: %s", delivery.pk, error)
            return


def queue_again(deliveries: Sequence[Delivery], now: datetime) -> None:
    """The same for deliveries that wait, in the caller's transaction. They are not looked at again while their jobs wait."""
    Delivery.objects.filter(pk__in=[each.pk for each in deliveries], state=Delivery.State.PENDING).update(
        is_held=False, due_at=now + FORGOTTEN_AFTER
    )
    queue_deliveries(deliveries)


def tags_of(delivery: Delivery) -> tuple[str, ...]:
    """Under which words a delivery's job is found."""
    event = delivery.event
    about = (f"member:{event.member_id}",) if event.member_id else ()
    return (
        f"organization:{event.organization_id}",
        f"webhook:{delivery.endpoint_id}",
        f"event:{event.type}",
        *about,
    )
