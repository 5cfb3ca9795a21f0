"""A circuit breaker per host and organization: what does not answer holds one worker at the most, and is then left alone.

A host that has not answered of late gets one delivery at a time; once it answers, as many as there are. Only silence counts
against it (no connection, no answer in time): a host that answers, however badly, holds nobody up. One organization's breaker
says nothing about another's, or else one could shut the other's deliveries off.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F

from allegro.webhooks.models import Breaker

MOST_SILENCES = 3
"""In a row, before the host is left alone."""

FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=30)

PROBE = timedelta(seconds=20)
"""How long the one delivery that tries the host may take; longer than a delivery's deadline."""

PROVEN = timedelta(minutes=5)
"""How long an answer says that the host is up."""

NOTED = timedelta(minutes=1)
"""An answer is not noted again so soon after another."""


def let_through(organization_id: int, host: str, now: datetime) -> datetime | None:
    """``None`` when a delivery may go to the host now; else when to ask again.

    Of many who ask about a host of which nothing is known, one goes through to see.
    """
    row, _ = Breaker.objects.get_or_create(organization_id=organization_id, host=host)
    if row.silences == 0 and row.answered_at is not None and row.answered_at > now - PROVEN:
        return None
    if row.open_until is not None and row.open_until > now:
        return row.open_until
    mine = Breaker.objects.filter(pk=row.pk, open_until=row.open_until).update(open_until=now + PROBE)
    return None if mine else now + PROBE


def note_silence(organization_id: int, host: str, now: datetime) -> None:
    """The host did not answer; from the third time on it is left alone for ever longer."""
    Breaker.objects.get_or_create(organization_id=organization_id, host=host)
    rows = Breaker.objects.filter(organization_id=organization_id, host=host)
    rows.update(silences=F("silences") + 1)
    silences = rows.values_list("silences", flat=True).get()
    rows.update(open_until=now + rest(silences) if silences >= MOST_SILENCES else None)


def note_answer(organization_id: int, host: str, now: datetime) -> bool:
    """The host answers; whether that is news, so that those who wait for it may go."""
    Breaker.objects.get_or_create(organization_id=organization_id, host=host)
    rows = Breaker.objects.filter(organization_id=organization_id, host=host)
    is_news = rows.exclude(silences=0, answered_at__gt=now - PROVEN, open_until__isnull=True).update(
        silences=0, open_until=None, answered_at=now
    )
    if not is_news:
        rows.filter(answered_at__lte=now - NOTED).update(answered_at=now)
    return bool(is_news)


def rest(silences: int) -> timedelta:
    """How long to leave a host alone."""
    doublings: int = min(silences - MOST_SILENCES, 10)
    return min(FIRST_REST * (1 << doublings), LONGEST_REST)
