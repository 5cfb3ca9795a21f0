"""Durations over time, on a logarithmic scale, each line named at its right end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard.charts.axes import Mark, Span, Tick, spread, time_axis, unmeasured, uprights
from allegro_queue.dashboard.charts.curves import curve
from allegro_queue.dashboard.charts.parts import Value, framed, hatched, label, level, percent, stretched
from allegro_queue.dashboard.charts.scales import Scale, decades


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One line: a value per bucket, all series of a chart with the same number of buckets."""

    name: str
    values: Sequence[Value]
    look: str = "hz-p50"


def durations(
    series: Sequence[Series],
    *,
    shown: Callable[[float], str],
    ticks: Sequence[Tick],
    sentence: str,
    height: int = 160,
    marks: Sequence[Mark] = (),
    unknown: Sequence[Span] = (),
    running: bool = False,
) -> SafeString:
    """The chart. Its scale is logarithmic: say so beside it.

    Args:
        shown: how a value is written (``820 ms``).
        sentence: what it shows, in words.
        unknown: stretches in which nothing was measured.
        running: whether the last bucket is not over yet.
    """
    grid = decades(value for each in series for value in each.values)
    scale = Scale(high=grid[-1], height=height, low=grid[0])
    parts: list[str] = []
    for place, value in enumerate(grid):
        parts.append(level(scale.y(value), "hz-grid" if place else "hz-grid hz-base"))
        parts.append(label("0", scale.y(value) + 4, on_the_scale(value), "hz-axis", "end", -8))
    parts.append(time_axis(ticks, 0, height))
    if running and series and series[0].values:
        parts.append(hatched(1 - 1 / len(series[0].values), 1, 0, height))
    parts.append(stretched((shape for each in series for shape in curve(each.values, scale, each.look)), 0, height))
    parts.append(unmeasured(unknown, 0, height, height - 10))
    parts.append(uprights(marks, 0, height))
    parts += ends(series, scale, shown)
    return framed(parts, height, sentence, "hz-chart-marked" if marks else "")


def on_the_scale(seconds: float) -> str:
    """A power of ten, short enough to stand beside the plot."""
    unit = gettext("s") if seconds >= 1 else gettext("ms")
    return f"{seconds:,.0f} {unit}" if seconds >= 1 else f"{1000 * seconds:,.3g} {unit}"


def ends(series: Sequence[Series], scale: Scale, shown: Callable[[float], str]) -> list[SafeString]:
    """Name and last known value of each line, where its last known value stands or at the edge."""
    names = []
    for each in series:
        known = [value for value in each.values if value is not None]
        if known:
            words = f"{each.name} {shown(known[-1])}".strip() if each.values[-1] is not None else each.name
            names.append((scale.y(known[-1]), words, f"hz-end {each.look}"))
    return [label(percent(1), y + 4, words, classes, dx=8) for y, words, classes in spread(names, scale.height)]
