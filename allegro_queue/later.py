"""When a job that is dispatched for later is due. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from allegro_queue.errors import InvalidJob

FARTHEST = timedelta(days=3660)


def due_time(at: datetime | None, delay: float | timedelta | None, now: datetime) -> datetime | None:
    """The moment that is meant; ``None`` for now, also when it has passed.

    Raises:
        InvalidJob: there are two times, or one that is naive, negative, no time at all, or more than ten years away.
    """
    if at is not None and delay is not None:
        raise InvalidJob("A job was given both 'at' and 'delay'; give one of them.")
    if at is not None:
        return checked(moment(at), repr(at), now)
    if delay is not None:
        return checked(now + span(delay), repr(delay), now)
    return None


def moment(at: datetime) -> datetime:
    if not isinstance(at, datetime):
        raise InvalidJob(f"A job was given at = {at!r}; it must be a datetime with a time zone.")
    if at.utcoffset() is None:
        raise InvalidJob(
            f"A job was given at = {at!r}, which names no time zone, so nobody can say when it is. "
            "Pass an aware datetime, such as django.utils.timezone.make_aware(...)."
        )
    # Near the ends of the calendar there is no such time in UTC.
    try:
        return at.astimezone(UTC)
    except OverflowError:
        too_far(repr(at))


def span(delay: float | timedelta) -> timedelta:
    if isinstance(delay, int | float) and not isinstance(delay, bool) and math.isfinite(delay):
        seconds = delay
    elif isinstance(delay, timedelta):
        seconds = delay.total_seconds()
    else:
        raise InvalidJob(f"A job was given delay = {delay!r}; it must be seconds or a timedelta.")
    if seconds < 0:
        raise InvalidJob(f"A job was given delay = {delay!r}, which is negative; a job cannot run in the past.")
    if seconds > FARTHEST.total_seconds():
        too_far(repr(delay))
    return timedelta(seconds=seconds)


def checked(due: datetime, given: str, now: datetime) -> datetime | None:
    if due - now > FARTHEST:
        too_far(given)
    return due if due > now else None


def too_far(given: str) -> NoReturn:
    raise InvalidJob(f"A job was given {given} as its time, which is more than ten years away.")
