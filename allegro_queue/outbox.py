"""Jobs that must survive Redis being away at the commit: a row in the same transaction, sent after it or later.

The row carries the job's id, and Redis takes a job of that id once. So a row may be sent again whenever it is not
certain that Redis has the job; nothing is doubled by it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, transaction
from django.db.models import Max, Min
from django.utils import timezone
from redis.exceptions import RedisError

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import enqueue, prepare
from allegro_queue.errors import HorizonError, QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.models import OutboxEntry
from allegro_queue.tenancy import acting_for, current_tenant

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
    _, name, chosen = prepare(function, args, kwargs, options)
    refuse_when_full(using)
    now = timezone.now()
    entry = OutboxEntry.objects.using(using).create(
        name=name,
        args=list(args),
        kwargs=kwargs,
        options=as_json(chosen),
        tenant=current_tenant(),
        created_at=now,
        held_until=now + HOLD,
    )
    transaction.on_commit(lambda: send_at_once(entry), using=using)
    return str(entry.job_id)


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


def send_at_once(entry: OutboxEntry) -> None:
    """Send after the commit. Whatever fails is left to ``drain``: the change is committed and must not seem to fail."""
    try:
        send(entry, timezone.now())
    except DatabaseError:
        log.warning("outbox row not removed; it is looked at again later job=%s", entry.job_id, exc_info=True)


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
    try:
        options = from_json(entry.options)
        with acting_for(entry.tenant):
            enqueue(
                horizon_settings(), entry.name, tuple(entry.args), entry.kwargs, options, str(entry.job_id), once=True
            )
    except (QueueUnavailable, RedisError) as error:
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


def as_json(options: JobOptions) -> dict[str, Any]:
    """Options as a row keeps them."""
    said = {each.name: getattr(options, each.name) for each in fields(options)}
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if value is not None
    }


def from_json(kept: dict[str, Any]) -> JobOptions:
    """The options of a row; what this release does not know is left out."""
    known = {each.name for each in fields(JobOptions)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in kept.items() if name in known
    }
    return JobOptions(**values)


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
