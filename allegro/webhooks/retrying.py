"""When a delivery that failed is tried again. Pure; the figures are this port's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_REST = timedelta(hours=1)
"""The most that an endpoint's ``Retry-After`` is heeded."""


def next_try(tries: int, schedule: Sequence[int], ask: timedelta | None, now: datetime) -> datetime | None:
    """When to try again after ``tries`` failed tries; ``None`` when that was the last.

    Args:
        schedule: seconds before the second try, the third, and so on.
        ask: the endpoint's own wish to be left alone for so long.
    """
    if tries > len(schedule):
        return None
    pause = timedelta(seconds=schedule[tries - 1])
    return now + max(pause, ask or timedelta(0))


def wished_rest(header: str, now: datetime) -> timedelta | None:
    """What a ``Retry-After`` asks for (seconds or a date), up to ``LONGEST_REST``; ``None`` when it says nothing."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:9])
    else:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = int(((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds())
    return min(timedelta(seconds=seconds), LONGEST_REST) if seconds > 0 else None
