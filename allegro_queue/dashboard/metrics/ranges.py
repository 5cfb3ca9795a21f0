"""How far back a chart goes: chosen in the address, and the stretches and buckets that this takes. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.series import MOST_BUCKETS, Axis
from allegro_queue.metrics.counts import DAY, FIVE_MINUTES, HOUR, LENGTHS, MINUTE, Kind

RANGES: Mapping[str, tuple[str, int]] = {
    "1h": (gettext_noop("1 hour"), HOUR),
    "24h": (gettext_noop("24 hours"), DAY),
    "7d": (gettext_noop("7 days"), 7 * DAY),
    "30d": (gettext_noop("30 days"), 30 * DAY),
    "400d": (gettext_noop("400 days"), 400 * DAY),
}
"""Words and seconds by what the address says."""

BUCKETS = (60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, DAY, 2 * DAY, 5 * DAY)
FEWEST = 6
"""Buckets drawn at least, also when less was measured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One range to choose from."""

    key: str
    word: str
    address: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """A chosen range."""

    key: str
    seconds: int
    stretch: int
    """Length of the stretches that are read."""

    @property
    def word(self) -> str:
        return RANGES[self.key][0]


def range_for(given: str, kind: Kind, settings: HorizonSettings, usual: str = "24h") -> Range:
    """The range that an address asks for; the usual one when it asks for none that there is."""
    key = given if given in RANGES else usual
    seconds = RANGES[key][1]
    kept = {
        MINUTE: HOUR,
        FIVE_MINUTES: settings.metrics_hours * HOUR,
        HOUR: settings.metrics_days * DAY,
        DAY: settings.metrics_long_days * DAY,
    }
    lengths = LENGTHS[kind]
    return Range(
        key=key, seconds=seconds, stretch=next((each for each in lengths if kept[each] >= seconds), lengths[-1])
    )


def choices(chosen: Range, address: str, kind: Kind) -> tuple[Choice, ...]:
    """The ranges, as links; those that one stretch would fill are left out.

    Args:
        address: of the page, without a query.
    """
    return tuple(
        Choice(key=key, word=gettext(word), address=f"{address}?range={key}", current=key == chosen.key)
        for key, (word, seconds) in RANGES.items()
        if seconds > LENGTHS[kind][0]
    )


def axis_of(chosen: Range, first: float | None, now: float) -> Axis:
    """Even buckets of whole stretches, from the first measurement (or as far back as was chosen) to now."""
    span = min(max(now - (now if first is None else first), FEWEST * chosen.stretch), chosen.seconds)
    fitting = [each for each in BUCKETS if each >= chosen.stretch and each % chosen.stretch == 0]
    seconds = next((each for each in fitting if span / each < MOST_BUCKETS), fitting[-1])
    end = (math.floor(now / seconds) + 1) * seconds
    count = math.ceil((end - (now - span)) / seconds)
    return Axis(start=end - count * seconds, seconds=seconds, count=count)


def labels_of(axis: Axis) -> list[str]:
    """What the rows of the table and the peaks in the sentences are called."""
    zone = timezone.get_current_timezone()
    length = axis.seconds * axis.count
    if axis.seconds >= DAY:
        return [charts.day_label(each) for each in axis.starts]
    if length > 7 * DAY:
        return [f"{charts.day_label(each, zone)} {charts.clock_label(each, zone)}" for each in axis.starts]
    return [charts.clock_label(each, zone, length > DAY / 2) for each in axis.starts]


def ticks_of(axis: Axis) -> Sequence[charts.Tick]:
    """The ticks of its time axis; days are counted in UTC, whatever the reader's zone."""
    if axis.seconds >= DAY:
        return charts.time_ticks(axis.start, axis.end)
    return charts.time_ticks(axis.start, axis.end, timezone.get_current_timezone())
