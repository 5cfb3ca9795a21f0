"""What follows from a try: it is written down, the endpoint's wishes are heeded, and another try may be due."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from allegro.webhooks.events import timestamp
from allegro.webhooks.failures import DeliveryFailed
from allegro.webhooks.holding import note_host
from allegro.webhooks.models import EXCERPT_LENGTH, Attempt, Delivery, Endpoint
from allegro.webhooks.retrying import next_try, wished_rest
from allegro.webhooks.sending import Outcome

GONE = 410
RESTING = (429, 503)
"""Answers whose ``Retry-After`` is heeded."""


def conclude(delivery: Delivery, outcome: Outcome, now: datetime) -> str:
    """Record the outcome, act on it, and say what comes next.

    Raises:
        DeliveryFailed: it did not succeed, whether or not it is tried again.
    """
    rest = heed_answer(delivery.endpoint, outcome, now)
    delivery.tries += 1
    again = None
    if outcome.problem and delivery.endpoint.retry and delivery.endpoint.active:
        again = next_try(delivery.tries, settings.WEBHOOK_RETRY_SECONDS, rest, now)
    record(delivery, outcome, again, now)
    note_host(delivery, outcome, now)
    if not outcome.problem:
        assert outcome.answer is not None
        return f"delivered: {outcome.answer.status}"
    later = f" It is tried again at {timestamp(again)}." if again else ""
    raise DeliveryFailed(f"Delivery {delivery.pk} failed: {outcome.problem}{later}")


def heed_answer(endpoint: Endpoint, outcome: Outcome, now: datetime) -> timedelta | None:
    """Do what the endpoint asks for: 410 switches it off, ``Retry-After`` gives it rest; that rest is returned."""
    if outcome.answer is None:
        return None
    if outcome.answer.status == GONE:
        endpoint.active = False
        endpoint.switched_off_because = f"It answered 410 (gone) on {now:%Y-%m-%d at %H:%M} UTC."
        endpoint.save(update_fields=["active", "switched_off_because"])
    if outcome.answer.status not in RESTING:
        return None
    rest = wished_rest(outcome.answer.headers.get("retry-after", ""), now)
    if rest is not None:
        endpoint.rest_until = now + rest
        endpoint.save(update_fields=["rest_until"])
    return rest


def record(delivery: Delivery, outcome: Outcome, again: datetime | None, now: datetime) -> None:
    """Write the outcome as an attempt, and on the delivery's row as the latest."""
    said = {
        "status_code": outcome.answer.status if outcome.answer else None,
        "error": outcome.problem[:500],
        "response_excerpt": excerpt(outcome.answer.body) if outcome.answer else "",
        "duration_ms": round(outcome.seconds * 1000),
    }
    if not outcome.problem:
        delivery.state = Delivery.State.SUCCEEDED
    else:
        delivery.state = Delivery.State.PENDING if again else Delivery.State.FAILED
    delivery.due_at = again
    delivery.attempted_at = now
    for name, value in said.items():
        setattr(delivery, name, value)
    with transaction.atomic():
        Attempt.objects.create(delivery=delivery, at=now, **said)
        delivery.save(update_fields=["state", "tries", "due_at", "attempted_at", *said])


def excerpt(body: bytes) -> str:
    """The start of an answer as text; NUL is left out, which some databases cannot hold."""
    return body.decode("utf-8", errors="replace").replace("\0", "")[:EXCERPT_LENGTH]
