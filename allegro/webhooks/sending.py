"""One try of a delivery: the request as receivers get it, and what came of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from allegro.outbound import Answer, OutboundError, Silence, send
from allegro.webhooks.events import timestamp
from allegro.webhooks.models import Delivery, Event, problem_in_url
from allegro.webhooks.signing import signature_headers

DELIVERY_SECONDS = 10.0
"""Time for one try, all in all. This port's own choice, as is that only a 2xx answer counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one try."""

    answer: Answer | None = None
    error: str = ""
    silent: bool = False
    """Whether nobody answered, as opposed to an answer or a URL that must not be called."""
    seconds: float = 0.0

    @property
    def problem(self) -> str:
        """Why it does not count as delivered; empty when it does."""
        if self.answer is not None and not 200 <= self.answer.status < 300:
            return f"The endpoint answered {self.answer.status}; only a 2xx answer counts as received."
        return self.error


def post(delivery: Delivery) -> Outcome:
    """Send the request. Never raises for what the network or the endpoint does."""
    endpoint, event = delivery.endpoint, delivery.event
    # The URL was checked when it was saved; rules and environment may have changed since.
    if problem := problem_in_url(endpoint.url, allow_http=settings.IS_LOCAL):
        return Outcome(error=problem)
    now = timezone.now()
    body = envelope(event)
    started = time.monotonic()
    try:
        answer = send(
            "POST",
            endpoint.url,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "Allegro-Webhooks",
                "X-Allegro-Event": event.type,
                "X-Allegro-Event-Id": str(event.pk),
                "X-Allegro-Delivery": str(delivery.pk),
                **signature_headers(endpoint.secrets_in_force(now), str(event.pk), now, body),
            },
            body=body,
            seconds=DELIVERY_SECONDS,
            allow_private=settings.IS_LOCAL,
        )
    except OutboundError as error:
        silent = isinstance(error, Silence)
        return Outcome(error=str(error), silent=silent, seconds=time.monotonic() - started)
    return Outcome(answer=answer, seconds=time.monotonic() - started)


def envelope(event: Event) -> bytes:
    """The request's body; its time is the event's, not that of the sending."""
    fields = {"id": str(event.pk), "event": event.type, "created_at": timestamp(event.created_at), "data": event.data}
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
