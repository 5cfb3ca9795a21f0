"""The last hour by the minute, as values of a chart: ``None`` where nobody looked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.formats import date_format

from allegro_queue.dashboard.page.formats import moment
from allegro_queue.history.measured import Minute

MINUTES = 60
RATE_MINUTES = 5
"""Whole minutes that "per minute" is averaged over."""


def was_measured(minute: Minute) -> bool:
    """Whether anybody looked in that minute (the master samples each queue), and its runs are counted."""
    return minute.counted and bool(minute.waiting or minute.done or minute.failed)


def done_values(minutes: Sequence[Minute], queue: str = "") -> list[float | None]:
    """Done per minute, of one queue or of all; ``None`` where nobody looked."""
    return [
        float(each.done.get(queue, 0) if queue else sum(each.done.values())) if was_measured(each) else None
        for each in minutes
    ]


def failed_values(minutes: Sequence[Minute]) -> list[float | None]:
    return [float(sum(each.failed.values())) if was_measured(each) else None for each in minutes]


def waiting_values(minutes: Sequence[Minute]) -> list[float | None]:
    return [float(sum(each.waiting.values())) if each.waiting else None for each in minutes]


def mean(values: Sequence[float | None]) -> float | None:
    """Mean of the known values; ``None`` when there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def rate_of(done: Sequence[float | None]) -> float | None:
    """Done per minute, of late. The running minute is not over; it would always look like a fall."""
    return mean(done[-RATE_MINUTES - 1 : -1])


def clock(unix: float) -> str:
    """Wall-clock time in the site's zone; with the day when it is not today's."""
    local = timezone.localtime(moment(unix))
    return date_format(local, "H:i:s" if local.date() == timezone.localdate() else "j M H:i")
