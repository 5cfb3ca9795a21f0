"""The time axis, what is marked on it, and labels that keep out of each other's way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.parts import element, hatched, label, percent, together, upright

LABEL_GAP = 14
"""Least distance in pixels between two labels at the right edge."""

DAY = 24 * 60 * 60

STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, DAY)
"""Seconds between ticks to choose from."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the time axis, as a share of the width. A minor one gives way on a narrow screen."""

    at: float
    label: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment worth a thin upright line (a deploy, a pause), as a share of the width."""

    at: float
    label: str
    kind: str = "event"
    """``event``, ``pause`` or ``bad``."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the time axis in which nothing was measured, and the words that say so."""

    start: float
    end: float
    label: str = ""


def clock_label(moment: float, zone: tzinfo = UTC, with_day: bool = False) -> str:
    """Wall-clock time of a Unix time."""
    return datetime.fromtimestamp(moment, zone).strftime("%a %H:%M" if with_day else "%H:%M")


def day_label(moment: float, zone: tzinfo = UTC) -> str:
    """Day and month of a Unix time."""
    return datetime.fromtimestamp(moment, zone).strftime("%-d %b")


def time_ticks(start: float, end: float, zone: tzinfo = UTC, most: int = 8) -> list[Tick]:
    """Ticks at round times of the zone between two Unix times, every second one minor.

    Past half a day the first tick of each day names the day; days apart, each says its date.
    """
    span = max(end - start, 1.0)
    step = next((each for each in STEPS if span / each <= most - 1), math.ceil(span / (most - 1) / DAY) * DAY)
    offset = datetime.fromtimestamp(start, zone).utcoffset()
    ahead = offset.total_seconds() if offset else 0.0
    first = math.ceil((start + ahead) / step) * step - ahead
    ticks: list[Tick] = []
    day = ""
    for place in range(int((end - first) // step) + 1):
        moment = first + place * step
        if step >= DAY:
            ticks.append(Tick((moment - start) / span, day_label(moment, zone), minor=place % 2 == 1))
            continue
        name = clock_label(moment, zone, with_day=True)
        names_day = span > DAY / 2 and name[:3] != day
        day = name[:3]
        ticks.append(Tick((moment - start) / span, name if names_day else name[4:], minor=place % 2 == 1))
    return ticks


def time_axis(ticks: Iterable[Tick], top: float, bottom: float) -> SafeString:
    """Labels under the plot, each with a faint upright line."""
    return together(
        element(
            "g",
            upright(tick.at, top, bottom + 4, "hz-grid"),
            label(percent(tick.at), bottom + 17, tick.label, anchor=anchor_at(tick.at)),
            class_="hz-tick hz-tick-minor" if tick.minor else "hz-tick",
        )
        for tick in ticks
    )


def anchor_at(share: float) -> str:
    """Words at an edge grow inwards."""
    return "start" if share < 0.02 else "end" if share > 0.98 else "middle"


def uprights(marks: Iterable[Mark], top: float, bottom: float) -> SafeString:
    """Marks rise above the plot to their words, which stand to the right of the line, or left in the right half."""
    return together(
        element(
            "g",
            upright(mark.at, top - 14, bottom),
            label(
                percent(mark.at),
                top - 5,
                mark.label,
                anchor="end" if mark.at > 0.5 else "start",
                dx=-5 if mark.at > 0.5 else 5,
            ),
            class_=f"hz-mark hz-mark-{mark.kind}",
        )
        for mark in marks
    )


def unmeasured(spans: Iterable[Span], top: float, bottom: float, words_at: float) -> SafeString:
    """Hatched stretches with their words, which grow inwards from the nearer edge."""
    parts = []
    for span in spans:
        parts.append(hatched(span.start, span.end, top, bottom - top))
        if span.label:
            from_end = span.end > 0.5
            parts.append(
                label(
                    percent(span.end if from_end else span.start),
                    words_at,
                    span.label,
                    "hz-unknown",
                    "end" if from_end else "start",
                    -8 if from_end else 8,
                )
            )
    return together(parts)


def spread(labels: Sequence[tuple[float, str, str]], height: float) -> list[tuple[float, str, str]]:
    """Labels (y, words, classes) moved apart until none touches another and none falls out of the plot."""
    placed: list[tuple[float, str, str]] = []
    for y, words, classes in sorted(labels):
        placed.append((max(y, placed[-1][0] + LABEL_GAP) if placed else y, words, classes))
    ceiling = height
    for index in range(len(placed) - 1, -1, -1):
        y, words, classes = placed[index]
        placed[index] = (min(y, ceiling), words, classes)
        ceiling = placed[index][0] - LABEL_GAP
    return placed
