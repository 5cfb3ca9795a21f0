"""The jobs that deliver events to endpoints, and the one that forgets old ones."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from allegro.forgetting import forget
from allegro.webhooks.concluding import conclude
from allegro.webhooks.failures import end_untried
from allegro.webhooks.holding import held_until, hold
from allegro.webhooks.models import Breaker, Delivery, Event
from allegro.webhooks.publishing import MOST_AT_ONCE, queue_again, queue_deliveries
from allegro.webhooks.sending import Outcome, post
from allegro_queue.jobs import job

SENDING = timedelta(seconds=60)
"""A try that has no outcome after this long has lost its worker: a job may run no longer."""

MOST_FORGOTTEN_AT_ONCE = 5000


@job(queue="default")
def deliver(delivery_id: str) -> str:
    """Post an event to its endpoint and record what came of it.

    Returns:
        What was done, in a few words.

    Raises:
        DeliveryFailed: no answer, or none of the 2xx kind, so that the job ends failed too.
    """
    delivery = Delivery.objects.select_related("event", "endpoint").filter(pk=delivery_id).first()
    if delivery is None:
        return "skipped: the endpoint was deleted"
    now = timezone.now()
    if delivery.state == Delivery.State.SENDING and delivery.due_at is not None and delivery.due_at <= now:
        return settle_lost(delivery, now)
    if delivery.state != Delivery.State.PENDING:
        return f"skipped: the delivery is {delivery.state}"
    if not delivery.endpoint.active:
        end_untried(delivery, "The endpoint was switched off.")
        return "skipped: the endpoint was switched off"
    if until := held_until(delivery, now):
        return hold(delivery, until, now)
    if not claim(delivery, now):
        return "skipped: another worker is sending it"
    return conclude(delivery, post(delivery), timezone.now())


@job(queue="default")
def queue_due_deliveries() -> int:
    """Every minute: queue what is to be tried again, and what was forgotten (its job lost, or its worker dead).

    Returns:
        How many jobs were queued.
    """
    now = timezone.now()
    due = list(
        Delivery.objects.select_related("event", "endpoint")
        .filter(due_at__lte=now, state__in=(Delivery.State.PENDING, Delivery.State.SENDING))
        .order_by("due_at")[:MOST_AT_ONCE]
    )
    with transaction.atomic():
        queue_again([each for each in due if each.state == Delivery.State.PENDING], now)
        # Their workers are dead; whether they were sent is what their jobs are to settle.
        queue_deliveries(each for each in due if each.state == Delivery.State.SENDING)
    return len(due)


@job(queue="default")
def forget_old_events() -> int:
    """Every day: delete events past their days, with their deliveries, and what is known of hosts out of use.

    Returns:
        How many events were deleted.
    """
    old = timezone.now() - timedelta(days=settings.WEBHOOK_HISTORY_DAYS)
    # What is known of hosts that nobody has called since; another row is made when somebody does.
    unheard = Q(answered_at__isnull=True) | Q(answered_at__lt=old)
    Breaker.objects.filter(unheard, Q(open_until__isnull=True) | Q(open_until__lt=old)).delete()
    return forget(Event.objects.filter(created_at__lt=old), most=MOST_FORGOTTEN_AT_ONCE)


def claim(delivery: Delivery, now: datetime) -> bool:
    """Take the delivery for this job; of several jobs for one delivery one sends."""
    return bool(
        Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.PENDING).update(
            state=Delivery.State.SENDING, due_at=now + SENDING, is_held=False
        )
    )


def settle_lost(delivery: Delivery, now: datetime) -> str:
    """The worker that sent it died: whether the endpoint has it is not known."""
    mine = Delivery.objects.filter(pk=delivery.pk, state=Delivery.State.SENDING, due_at=delivery.due_at).update(
        due_at=now + SENDING
    )
    if not mine:
        return "skipped: another worker settles it"
    error = "The worker died while it sent this; whether the endpoint has it is not known."
    return conclude(delivery, Outcome(error=error), now)
