"""A circuit breaker: what does not answer holds one worker at the most, and is then left alone.

What has not answered of late gets one at a time; once it answers, as many as there are. Only silence counts against it (no
connection, no answer in time): what answers, however badly, holds nobody up. Each is of one organization and says nothing
about another's, or else one could shut the other's ways off.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy

MOST_SILENCES = 3
"""In a row, before it is left alone."""

FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=30)

PROBE = timedelta(seconds=20)
"""How long the one that tries it may take; longer than an answer is waited for."""

PROVEN = timedelta(minutes=5)
"""How long an answer says that it is up."""

NOTED = timedelta(minutes=1)
"""An answer is not noted again so soon after another."""


class Answering(models.Model):
    """A row about something outside: when it answered, since when, how often in a row and when last it has not, and until
    when the others wait (for the one that tries it, or since it is left alone)."""

    answered_at = models.DateTimeField(gettext_lazy("answered at"), null=True, blank=True)
    silences = models.PositiveIntegerField(gettext_lazy("silences"), default=0)
    silent_since = models.DateTimeField(gettext_lazy("silent since"), null=True, blank=True)
    silent_at = models.DateTimeField(gettext_lazy("silent at"), null=True, blank=True)
    open_until = models.DateTimeField(gettext_lazy("open until"), null=True, blank=True)

    class Meta:
        abstract = True

    def is_left_alone(self, now: datetime) -> bool:
        """Whether it has been silent so often that nobody tries it now."""
        return self.silences >= MOST_SILENCES and self.open_until is not None and self.open_until > now

    def forget_silences(self) -> None:
        """Have it tried again at once, as if nothing were known of it; to be saved."""
        self.answered_at = self.silent_since = self.silent_at = self.open_until = None
        self.silences = 0


Row = TypeVar("Row", bound=Answering)


def let_through(one: QuerySet[Row], now: datetime) -> datetime | None:
    """``None`` when it may be tried now; else when to ask again.

    Of many who ask about something of which nothing is known, one goes through to see.
    """
    row = one.first()
    if row is None:
        # Deleted meanwhile: nothing is known of it, and nothing will be.
        return None
    if row.silences == 0 and row.answered_at is not None and row.answered_at > now - PROVEN:
        return None
    if row.open_until is not None and row.open_until > now:
        return row.open_until
    mine = one.filter(open_until=row.open_until).update(open_until=now + PROBE)
    return None if mine else now + PROBE


def note_silence(one: QuerySet[Row], tried_at: datetime, now: datetime, longest: timedelta = LONGEST_REST) -> None:
    """It did not answer; from the third time on it is left alone for ever longer, up to ``longest``.

    Tries that are under way at one time meet one and the same silence, which counts once: many at once may try what is
    known to answer, until it does not.

    Args:
        tried_at: when this try began.
    """
    another = one.filter(Q(silent_at__isnull=True) | Q(silent_at__lte=tried_at))
    if not another.update(silences=F("silences") + 1, silent_since=Coalesce("silent_since", now), silent_at=now):
        return
    silences = one.values_list("silences", flat=True).first() or 0
    one.update(open_until=now + rest(silences, longest) if silences >= MOST_SILENCES else None)


def note_answer(one: QuerySet[Row], now: datetime) -> bool:
    """It answers; whether that is news, so that those who wait for it may go."""
    is_news = one.exclude(silences=0, answered_at__gt=now - PROVEN, open_until__isnull=True).update(
        silences=0, silent_since=None, silent_at=None, open_until=None, answered_at=now
    )
    if not is_news:
        one.filter(answered_at__lte=now - NOTED).update(answered_at=now)
    return bool(is_news)


def rest(silences: int, longest: timedelta = LONGEST_REST) -> timedelta:
    """How long to leave it alone."""
    doublings: int = min(silences - MOST_SILENCES, 10)
    return min(FIRST_REST * (1 << doublings), longest)
