"""The failed attempts of a group over time: as a chart, a sentence and a table."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.deploys import Deploy, marks_of
from allegro_queue.dashboard.metrics.ranges import labels_of, ticks_of
from allegro_queue.dashboard.metrics.series import Axis
from allegro_queue.dashboard.page.formats import about, count
from allegro_queue.dashboard.page.nouns import failed_attempts
from allegro_queue.history.measured import Extent, Point
from allegro_queue.wording import worded


def values_of(found: Sequence[Point], axis: Axis, reach: Extent) -> list[float | None]:
    """Failed attempts by bucket; ``None`` where not all is known."""
    counts = [0.0] * axis.count
    for each in found:
        place = int((each.starts_at - axis.start) // axis.seconds)
        if 0 <= place < axis.count:
            counts[place] += each.counts.started
    return [
        value if value or reach.is_known(start, start + axis.seconds) else None
        for start, value in zip(axis.starts, counts, strict=True)
    ]


def chart_of(
    found: Sequence[Point], axis: Axis, reach: Extent, deploys: Sequence[Deploy], now: float
) -> tuple[SafeString, str, SafeString]:
    """Failed attempts over time, with the sentence and the table."""
    values = values_of(found, axis, reach)
    times = labels_of(axis)
    bucket = about(axis.seconds)
    total = round(sum(each or 0 for each in values))
    peak = max(((value, place) for place, value in enumerate(values) if value), default=None)
    sentence = (
        worded(
            ngettext(
                "{attempts}, at most {n} attempt in {bucket}, at {time}.",
                "{attempts}, at most {n} attempts in {bucket}, at {time}.",
                round(peak[0]),
            ),
            attempts=failed_attempts(total),
            n=count(round(peak[0])),
            bucket=bucket,
            time=times[peak[1]],
        )
        if peak
        else gettext("No failed attempt in this time.")
    )
    marks = marks_of(deploys, axis)
    if marks:
        sentence += " " + worded(
            ngettext(
                "{n} deploy in this time, the last at {time}.",
                "{n} deploys in this time, the last at {time}.",
                len(marks),
            ),
            n=count(len(marks)),
            time=when(deploys[-1].at),
        )
    drawn = charts.strips(
        [
            charts.Strip(
                name=worded(gettext("Failed attempts in {bucket}"), bucket=bucket),
                values=values,
                look="hz-fail",
                kind="bars",
                height=96,
            )
        ],
        ticks=ticks_of(axis),
        sentence=sentence,
        marks=marks,
        unknown=spans_of(values, axis),
        running=True,
    )
    twin = charts.twin(times, [charts.Column(gettext("Failed attempts"), values)], gettext("this group over time"))
    return drawn, sentence, twin


def spans_of(values: Sequence[float | None], axis: Axis) -> list[charts.Span]:
    """Stretches of which not all is known, but for the bucket that is running."""
    spans: list[charts.Span] = []
    start: int | None = None
    for place in range(axis.count + 1):
        missing = place < axis.count - 1 and values[place] is None
        if missing and start is None:
            start = place
        if not missing and start is not None:
            words = gettext("not measured") if (place - start) / axis.count >= 0.12 else ""
            spans.append(charts.Span(start / axis.count, place / axis.count, words))
            start = None
    return spans


def when(unix: float) -> str:
    return charts.clock_label(unix, timezone.get_current_timezone(), with_day=True)
