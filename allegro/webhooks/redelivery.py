"""Sending again what has ended, because somebody asked for it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from allegro.webhooks.models import Delivery
from allegro.webhooks.publishing import queue_again


def redeliver(ids: list[str], now: datetime) -> int:
    """Queue ended deliveries anew, with their ids and data as they were; how many.

    One that waits or is being sent is left alone, and so is one whose endpoint is switched off.
    """
    with transaction.atomic():
        chosen = list(
            Delivery.objects.select_for_update(of=("self",))
            .select_related("event", "endpoint")
            .filter(pk__in=ids, endpoint__active=True)
            .filter(Q(state=Delivery.State.SUCCEEDED) | Q(state=Delivery.State.FAILED))
        )
        Delivery.objects.filter(pk__in=[each.pk for each in chosen]).update(
            state=Delivery.State.PENDING, tries=0, queued_at=now
        )
        queue_again(chosen, now)
    return len(chosen)
