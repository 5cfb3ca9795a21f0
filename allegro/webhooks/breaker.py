"""A circuit breaker per host and organization: what does not answer is left alone for a while, so that it holds no worker.

Only silence counts (no connection, no answer in time): a host that answers, however badly, holds nobody up. One
organization's breaker says nothing about another's, or else one could shut the other's deliveries off.
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
"""How long the one delivery that tries the host again may take; longer than a delivery's deadline."""


def let_through(organization_id: int, host: str, now: datetime) -> datetime | None:
    """``None`` when a delivery may go to the host now; else when to ask again.

    Of many who ask after a rest, one goes through to see.
    """
    row = Breaker.objects.filter(organization_id=organization_id, host=host).first()
    if row is None or row.silences < MOST_SILENCES or row.open_until is None:
        return None
    if row.open_until <= now:
        mine = Breaker.objects.filter(pk=row.pk, open_until=row.open_until).update(open_until=now + PROBE)
        return None if mine else now + PROBE
    return row.open_until


def note_silence(organization_id: int, host: str, now: datetime) -> None:
    """The host did not answer; each time after the third it is left alone for twice as long."""
    Breaker.objects.get_or_create(organization_id=organization_id, host=host)
    Breaker.objects.filter(organization_id=organization_id, host=host).update(silences=F("silences") + 1)
    silences = Breaker.objects.values_list("silences", flat=True).get(organization_id=organization_id, host=host)
    if silences >= MOST_SILENCES:
        Breaker.objects.filter(organization_id=organization_id, host=host).update(open_until=now + rest(silences))


def note_answer(organization_id: int, host: str) -> None:
    """The host answers."""
    Breaker.objects.filter(organization_id=organization_id, host=host, silences__gt=0).update(
        silences=0, open_until=None
    )


def rest(silences: int) -> timedelta:
    """How long to leave a host alone."""
    doublings: int = min(silences - MOST_SILENCES, 10)
    return min(FIRST_REST * (1 << doublings), LONGEST_REST)
