"""From something that happened to one job per endpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from allegro.organizations.models import Organization
from allegro.webhooks.models import Delivery, Endpoint, Event
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable

log = logging.getLogger(__name__)


def publish(organization: Organization, event_type: str, data: Mapping[str, Any]) -> Event:
    """Record an event with its data as it is now, and queue a delivery to every endpoint that wants it.

    Call it in the transaction of the change it tells of: both are kept, or neither.
    """
    endpoints = Endpoint.objects.filter(organization=organization, active=True)
    return publish_to((each for each in endpoints if each.wants(event_type)), organization, event_type, data)


def publish_to(
    endpoints: Iterable[Endpoint], organization: Organization, event_type: str, data: Mapping[str, Any]
) -> Event:
    """The same for chosen endpoints, whatever they subscribed to."""
    with transaction.atomic():
        event = Event.objects.create(organization=organization, type=event_type, data=dict(data))
        deliveries = Delivery.objects.bulk_create(Delivery(event=event, endpoint=each) for each in endpoints)
        transaction.on_commit(lambda: queue_deliveries(deliveries))
    return event


def queue_deliveries(deliveries: Iterable[Delivery]) -> None:
    """Queue one job per delivery: a slow endpoint then holds back no other.

    What Redis cannot take is recorded as failed. It must not fail what the event tells of, which is committed.
    """
    from allegro.webhooks.jobs import deliver

    for delivery in deliveries:
        try:
            dispatch(deliver, str(delivery.pk))
        except QueueUnavailable as error:
            log.error("webhook delivery not queued delivery=%s: %s", delivery.pk, error)
            Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING).update(
                state=Delivery.State.FAILED, error="It could not be queued: Redis did not answer."
            )
