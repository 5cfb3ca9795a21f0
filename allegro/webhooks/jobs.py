"""The jobs that deliver events to endpoints, and the one that forgets old ones."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from allegro.outbound import Answer, OutboundError, Silence, send
from allegro.webhooks import breaker
from allegro.webhooks.events import timestamp
from allegro.webhooks.models import EXCERPT_LENGTH, Attempt, Breaker, Delivery, Endpoint, Event, problem_in_url
from allegro.webhooks.publishing import FORGOTTEN_AFTER, queue_deliveries
from allegro.webhooks.retrying import next_try, wished_rest
from allegro.webhooks.signing import signature_headers
from allegro_queue.jobs import job

DELIVERY_SECONDS = 10.0
"""Time for one try, all in all. This port's own choice, as is that only a 2xx answer counts."""

SENDING = timedelta(seconds=60)
"""A try that has no outcome after this long has lost its worker: a job may run no longer."""

LONGEST_HOLD = timedelta(hours=24)
"""How long a delivery waits for a host that does not answer, or an endpoint that wants rest, before it fails untried."""

GONE = 410
RESTING = (429, 503)
"""Answers whose ``Retry-After`` is heeded."""

MOST_DUE_AT_ONCE = 1000
MOST_FORGOTTEN_AT_ONCE = 5000


class DeliveryFailed(Exception):
    """The endpoint did not take the event; the delivery's row says more."""


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
        .order_by("due_at")[:MOST_DUE_AT_ONCE]
    )
    waiting = [each for each in due if each.state == Delivery.State.PENDING]
    with transaction.atomic():
        # Not again next minute, while their jobs wait.
        Delivery.objects.filter(pk__in=[each.pk for each in waiting], state=Delivery.State.PENDING).update(
            due_at=now + FORGOTTEN_AFTER, is_held=False
        )
        queue_deliveries(due)
    return len(due)


@job(queue="default")
def forget_old_events() -> int:
    """Every day: delete events past their days, with their deliveries, and what is known of hosts out of use.

    Returns:
        How many events were deleted.
    """
    old = timezone.now() - timedelta(days=settings.WEBHOOK_HISTORY_DAYS)
    ids = list(Event.objects.filter(created_at__lt=old).values_list("pk", flat=True)[:MOST_FORGOTTEN_AT_ONCE])
    for start in range(0, len(ids), 500):
        Event.objects.filter(pk__in=ids[start : start + 500]).delete()
    # What is known of hosts that nobody has called since; another row is made when somebody does.
    unheard = Q(answered_at__isnull=True) | Q(answered_at__lt=old)
    Breaker.objects.filter(unheard, Q(open_until__isnull=True) | Q(open_until__lt=old)).delete()
    return len(ids)


def held_until(delivery: Delivery, now: datetime) -> datetime | None:
    """When to ask again, if the delivery must wait; ``None`` when it may go."""
    if delivery.endpoint.rest_until is not None and delivery.endpoint.rest_until > now:
        return delivery.endpoint.rest_until
    if problem_in_url(delivery.endpoint.url, allow_http=settings.IS_LOCAL):
        return None
    return breaker.let_through(delivery.event.organization_id, delivery.endpoint.host, now)


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


def note_host(delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Tell the circuit breaker; a host that answers after all gets what was held back for it."""
    organization_id, host = delivery.event.organization_id, delivery.endpoint.host
    if outcome.silent:
        breaker.note_silence(organization_id, host, now)
    elif outcome.answer is not None and breaker.note_answer(organization_id, host, now):
        release(organization_id, host, now)


def release(organization_id: int, host: str, now: datetime) -> None:
    """Queue what was held back for this host."""
    endpoints = [each.pk for each in Endpoint.objects.filter(organization_id=organization_id) if each.host == host]
    with transaction.atomic():
        held = list(
            Delivery.objects.select_for_update(of=("self",))
            .select_related("event", "endpoint")
            .filter(endpoint_id__in=endpoints, state=Delivery.State.PENDING, is_held=True)
            .order_by("queued_at")[:MOST_DUE_AT_ONCE]
        )
        Delivery.objects.filter(pk__in=[each.pk for each in held]).update(is_held=False, due_at=now + FORGOTTEN_AFTER)
        queue_deliveries(held)


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


def end_untried(delivery: Delivery, error: str) -> None:
    """Fail the delivery without a try."""
    delivery.state, delivery.error, delivery.due_at = Delivery.State.FAILED, error, None
    delivery.save(update_fields=["state", "error", "due_at"])


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
            state=Delivery.State.PENDING, is_held=False, tries=0, due_at=now + FORGOTTEN_AFTER, queued_at=now
        )
        queue_deliveries(chosen)
    return len(chosen)


def excerpt(body: bytes) -> str:
    """The start of an answer as text; NUL is left out, which some databases cannot hold."""
    return body.decode("utf-8", errors="replace").replace("\0", "")[:EXCERPT_LENGTH]
