"""The job that delivers one event to one endpoint."""

from __future__ import annotations

import json
import time

from django.conf import settings
from django.utils import timezone

from allegro.outbound import Answer, OutboundError, send
from allegro.webhooks.events import timestamp
from allegro.webhooks.models import EXCERPT_LENGTH, Delivery, Event, problem_in_url
from allegro_queue.jobs import job

DELIVERY_SECONDS = 10.0
"""Time for one delivery, all in all. This port's own choice, as is that only a 2xx answer counts."""


class DeliveryFailed(Exception):
    """The endpoint did not take the event; the delivery's row says more."""


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
    if delivery.state == Delivery.State.SUCCEEDED:
        return "skipped: it was delivered before"
    if not delivery.endpoint.active:
        record(delivery, error="The endpoint was switched off.")
        return "skipped: the endpoint was switched off"
    started = time.monotonic()
    try:
        answer = post(delivery)
    except OutboundError as error:
        record(delivery, error=str(error), seconds=time.monotonic() - started)
        raise DeliveryFailed(f"Delivery {delivery.pk} failed: {error}") from error
    record(delivery, answer=answer, seconds=time.monotonic() - started)
    if delivery.state != Delivery.State.SUCCEEDED:
        raise DeliveryFailed(f"Delivery {delivery.pk} failed: {delivery.error}")
    return f"delivered: {answer.status}"


def post(delivery: Delivery) -> Answer:
    """Send the request.

    Raises:
        OutboundError: no answer came, or the URL must not be called.
    """
    # The URL was checked when it was saved; rules and environment may have changed since.
    if problem := problem_in_url(delivery.endpoint.url, allow_http=settings.IS_LOCAL):
        raise OutboundError(problem)
    return send(
        "POST",
        delivery.endpoint.url,
        headers={
            "Content-Type": "application/json",
            "User-Agent": "Allegro-Webhooks",
            "X-Allegro-Event": delivery.event.type,
            "X-Allegro-Event-Id": str(delivery.event.pk),
            "X-Allegro-Delivery": str(delivery.pk),
        },
        body=envelope(delivery.event),
        seconds=DELIVERY_SECONDS,
        allow_private=settings.IS_LOCAL,
    )


def envelope(event: Event) -> bytes:
    """The request's body; its time is the event's, not that of the sending."""
    fields = {"id": str(event.pk), "event": event.type, "created_at": timestamp(event.created_at), "data": event.data}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def record(delivery: Delivery, *, answer: Answer | None = None, error: str = "", seconds: float = 0) -> None:
    """Write the outcome on the delivery's row."""
    if answer is not None and not 200 <= answer.status < 300:
        error = f"The endpoint answered {answer.status}; only a 2xx answer counts as received."
    delivery.state = Delivery.State.FAILED if error else Delivery.State.SUCCEEDED
    delivery.status_code = answer.status if answer else None
    delivery.error = error[:500]
    delivery.response_excerpt = excerpt(answer.body) if answer else ""
    delivery.duration_ms = round(seconds * 1000)
    delivery.attempted_at = timezone.now()
    delivery.save(update_fields=["state", "status_code", "error", "response_excerpt", "duration_ms", "attempted_at"])


def excerpt(body: bytes) -> str:
    """The start of an answer as text; NUL is left out, which some databases cannot hold."""
    return body.decode("utf-8", errors="replace").replace("\0", "")[:EXCERPT_LENGTH]
