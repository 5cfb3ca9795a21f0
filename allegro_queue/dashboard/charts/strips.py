"""Several measures over one time axis, each a strip with a scale of its own: none hides another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard.charts.axes import Mark, Span, Tick, time_axis, unmeasured, uprights
from allegro_queue.dashboard.charts.curves import curve, upright_bars
from allegro_queue.dashboard.charts.parts import Value, framed, hatched, label, level, stretched
from allegro_queue.dashboard.charts.scales import Scale, round_top
from allegro_queue.dashboard.charts.sentences import plain_number

TITLE_ROOM = 18
MARK_ROOM = 14
"""For the words of marks, which would run into the name of the first strip on a phone."""
STRIP_GAP = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    """One measure: a value per bucket, all strips of a chart with the same number of buckets."""

    name: str
    values: Sequence[Value]
    look: str = "hz-done"
    """The class that paints it: ``hz-done``, ``hz-wait``, ``hz-fail``, ``hz-in``, ``hz-p50`` …"""
    kind: Literal["line", "area", "bars"] = "line"
    height: int = 60
    now: str = ""
    """What stands at its right end; the last value, or ``unknown``, when empty."""


def strips(
    rows: Sequence[Strip],
    *,
    ticks: Sequence[Tick],
    sentence: str,
    marks: Sequence[Mark] = (),
    unknown: Sequence[Span] = (),
    running: bool = False,
) -> SafeString:
    """The chart.

    Args:
        sentence: what it shows, in words.
        unknown: stretches in which nothing was measured.
        running: whether the last bucket is not over yet.
    """
    plots: list[tuple[float, Strip]] = []
    begin = MARK_ROOM if marks else 0
    bottom = float(begin)
    for row in rows:
        top = bottom + (STRIP_GAP if plots else 0) + TITLE_ROOM
        plots.append((top, row))
        bottom = top + row.height
    first = begin + TITLE_ROOM
    parts: list[str] = [time_axis(ticks, first, bottom)]
    for top, row in plots:
        parts += plot(row, top)
    if running and rows and rows[0].values:
        parts.append(hatched(1 - 1 / len(rows[0].values), 1, first, bottom - first))
    parts.append(unmeasured(unknown, first, bottom, first + 20))
    parts.append(uprights(marks, begin, bottom))
    # The names come last, so that nothing is drawn over them.
    parts += [label("0", top - 6, row.name, "hz-strip-name") for top, row in plots]
    return framed(parts, bottom, sentence)


def plot(row: Strip, top: float) -> list[SafeString]:
    """One strip with its grid, its curve and its last value."""
    scale = Scale(high=round_top(row.values), height=row.height)
    base = top + row.height
    drawn = (
        upright_bars(row.values, scale, top, row.look)
        if row.kind == "bars"
        else stretched(curve(row.values, scale, row.look, area=row.kind == "area"), top, row.height)
    )
    return [
        level(top, "hz-grid"),
        level(base, "hz-grid hz-base"),
        label("0", top + 4, plain_number(scale.high), "hz-axis", "end", -8),
        label("0", base + 4, "0", "hz-axis", "end", -8),
        drawn,
        label("100%", base - row.height / 2 + 5, row.now or last_in_words(row.values), f"hz-end {row.look}", dx=8),
    ]


def last_in_words(values: Sequence[Value]) -> str:
    last = values[-1] if values else None
    return gettext("unknown") if last is None else plain_number(last)
