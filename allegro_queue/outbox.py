"""Jobs that must survive Redis being away at the commit: a row in the same transaction, sent after it or later.

The row carries the job's id, and Redis takes a job of that id once. So a row may be sent again whenever it is not
certain that Redis has the job; nothing is doubled by it, as long as Redis keeps the job, which it does for a while after
the job has ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, transaction
from django.db.models import Max, Min
from django.utils import timezone
from redis import Redis

from allegro_queue.calls import Call
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import client
from allegro_queue.errors import HorizonError, QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.orders import Order, order_for
from allegro_queue.outbox_entry import OutboxEntry
from allegro_queue.queues import check_queue
from allegro_queue.stores.enqueue import NewJob

log = logging.getLogger(__name__)

HOLD = timedelta(seconds=30)
"""How long one who sends a row has it alone; longer than Redis is waited for."""

MOST_WAITING = 100_000
"""Rows at most. More cannot be sent in any useful time, and a database has an end as well."""

MOST_AT_ONCE = 200
"""Rows that one look sends."""

LOOK_SECONDS = 2.0
REST_SECONDS = 30.0
"""Between two looks, after one that the database refused."""

KEPT = ("queue", "tries", "timeout", "keep_completed", "keep_failed")
"""Options that a row keeps; the others are in its terms."""

SOON = timedelta(minutes=1)
"""A row that waits longer is worth a warning."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is in the outbox although it should have been sent."""

    count: int
    since: datetime | None


def dispatch_durably(
    function: Callable[..., Any],
    *args: Any,
    options: JobOptions | None = None,
    using: str = DEFAULT_DB_ALIAS,
    **kwargs: Any,
) -> str:
    """Queue a call as ``dispatch`` does, whether Redis answers or not, and return the job's id.

    Call it in the transaction of the change that the job belongs to: both are kept, or neither. With Redis away the job
    is queued once it is back, by the scheduler of any host.

    Raises:
        InvalidJob, UnknownQueue: as ``dispatch``.
        QueueUnavailable: the outbox is full; nothing was kept.
    """
    order = order_for(function, options, None, None)
    job_id = uuid4()
    job = order.new_job(str(job_id), Call(args, kwargs))
    refuse_when_full(using)
    entry = OutboxEntry.objects.using(using).create(
        job_id=job_id,
        name=order.name,
        data=job.data,
        terms=job.terms,
        options={
            **{name: getattr(order.options, name) for name in KEPT},
            "unique_key": job.unique_key,
            "unique_seconds": job.unique_seconds,
        },
        tenant=order.tenant,
        created_at=order.created_at,
        held_until=order.created_at + HOLD,
    )
    transaction.on_commit(lambda: send_at_once(entry), using=using)
    return str(job_id)


def refuse_when_full(using: str) -> None:
    """Raise ``QueueUnavailable`` if there are ``MOST_WAITING`` rows. Ids tell, so that nothing is counted as a rule."""
    ends = OutboxEntry.objects.using(using).aggregate(first=Min("pk"), last=Max("pk"))
    if ends["last"] is None or ends["last"] - ends["first"] < MOST_WAITING:
        return
    if OutboxEntry.objects.using(using).count() >= MOST_WAITING:
        raise QueueUnavailable(
            f"The outbox holds {MOST_WAITING} jobs that Redis has not taken, which is all it may hold. "
            "Is Redis up, and does 'manage.py horizon' run?"
        )


_away: tuple[Redis, float] | None = None
"""The client that got no answer of late, and until when it is not asked again."""


def send_at_once(entry: OutboxEntry) -> None:
    """Send after the commit. Whatever fails is left to ``drain``: the change is committed and must not seem to fail.

    Where Redis did not answer a moment ago it is not asked again: whoever commits would wait each time.
    """
    global _away
    asked = client()
    try:
        if _away is not None and _away[0] is asked and time.monotonic() < _away[1]:
            put_back(entry, timezone.now(), "Redis did not answer a moment before.")
        elif not send(entry, timezone.now()):
            _away = asked, time.monotonic() + LOOK_SECONDS
    except DatabaseError:
        log.warning("outbox row not put right; it is looked at again later job=%s", entry.job_id, exc_info=True)


def drain(now: datetime, using: str = DEFAULT_DB_ALIAS) -> int:
    """Send what waits, oldest first, and give up what has waited as long as a failed job is kept.

    Any number of processes may do so at once.

    Returns:
        How many rows were sent.
    """
    rows = OutboxEntry.objects.using(using)
    given_up = now - timedelta(minutes=horizon_settings().failed_minutes)
    sent = 0
    for entry in rows.filter(held_until__lte=now)[:MOST_AT_ONCE]:
        # Who changes the row from what was read has it alone.
        if not rows.filter(pk=entry.pk, held_until=entry.held_until).update(held_until=now + HOLD):
            continue
        if entry.created_at < given_up:
            log.error("job given up, not sent since %s name=%s job=%s", entry.created_at, entry.name, entry.job_id)
            entry.delete(using=using)
        elif send(entry, now):
            sent += 1
        elif entry.held_until <= now:
            # Redis is away; the others would fare no better.
            break
    return sent


def send(entry: OutboxEntry, now: datetime) -> bool:
    """Hand a row's job to Redis and remove the row; whether that went well."""
    options = dict(entry.options)
    job = NewJob(
        id=str(entry.job_id),
        data=bytes(entry.data),
        terms=entry.terms,
        unique_key=options.pop("unique_key", ""),
        unique_seconds=options.pop("unique_seconds", 0),
    )
    try:
        kept = JobOptions(**{name: options.get(name) for name in KEPT})
        check_queue(str(kept.queue))
        Order(horizon_settings(), entry.name, None, kept, created_at=entry.created_at).send([job])
    except QueueUnavailable as error:
        log.warning("job stays in the outbox name=%s job=%s: %s", entry.name, entry.job_id, error)
        put_back(entry, now, str(error))
        return False
    except HorizonError as error:
        log.error("job cannot be sent name=%s job=%s: %s", entry.name, entry.job_id, error)
        put_back(entry, now + timedelta(seconds=min(2.0 ** min(entry.sendings, 12), 3600.0)), str(error))
        return False
    entry.delete()
    return True


def put_back(entry: OutboxEntry, held_until: datetime, error: str) -> None:
    """Say that the row was sent in vain, and when the next may try."""
    entry.held_until = held_until
    entry.sendings += 1
    entry.error = error[:500]
    entry.save(update_fields=["held_until", "sendings", "error"])


def waiting(now: datetime, using: str = DEFAULT_DB_ALIAS) -> Waiting:
    """What has waited longer than a hiccup lasts."""
    late = OutboxEntry.objects.using(using).filter(created_at__lt=now - SOON)
    first = late.order_by("created_at").values_list("created_at", flat=True).first()
    return Waiting(count=late.count() if first else 0, since=first)


class OutboxDrain:
    """A chore for a loop: looks every few seconds, and is quiet where there is no outbox."""

    def __init__(self) -> None:
        self._due = 0.0
        self._refused = False

    def __call__(self, now: float) -> None:
        """One look, if it is time. Never raises for what the database does."""
        if now < self._due:
            return
        self._due = now + LOOK_SECONDS
        try:
            close_old_connections()
            if sent := drain(timezone.now()):
                log.info("outbox drained: %d sent", sent)
            self._refused = False
        except (DatabaseError, ImproperlyConfigured) as error:
            self._due = now + REST_SECONDS
            if not self._refused:
                log.warning("the outbox cannot be read (%s); has 'manage.py migrate' been run?", error)
            self._refused = True
