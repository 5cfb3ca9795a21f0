"""The charts of metrics: throughput and failures, run time, wait; each with its sentence, its table and its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.charts import Column, Series, Strip
from allegro_queue.dashboard.metrics.deploys import Deploy, marks_of
from allegro_queue.dashboard.metrics.ranges import labels_of, ticks_of
from allegro_queue.dashboard.metrics.series import Axis, Bucket, Times, is_stale, unmeasured_spans
from allegro_queue.dashboard.metrics.words import clock
from allegro_queue.dashboard.page.formats import count, duration, in_words, rate
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """One chart with all that stands around it."""

    key: str
    title: str
    note: str
    drawing: SafeString
    sentence: str
    twin: SafeString
    columns: tuple[Column, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What charts are drawn from."""

    buckets: Sequence[Bucket]
    axis: Axis
    until: float
    """Up to when all is counted."""
    now: float
    deploys: Sequence[Deploy] = ()
    marks: Sequence[charts.Mark] = ()
    """Besides the deploys."""

    @property
    def is_running(self) -> bool:
        """Whether the last bucket is not over."""
        return not is_stale(self.until, self.now)

    def all_marks(self) -> list[charts.Mark]:
        return [*marks_of(self.deploys, self.axis), *self.marks]

    def unknown(self) -> list[charts.Span]:
        return unmeasured_spans(self.buckets, self.axis, self.until, self.now, clock)


def charts_of(measured: Measured, *, has_depth: bool) -> tuple[Chart, ...]:
    """All charts of one name.

    Args:
        has_depth: whether it is a queue, of which the waiting jobs are sampled.
    """
    return (
        counts_chart(measured, has_depth),
        times_chart(measured, "run", gettext("Run time"), lambda each: each.runtime),
        times_chart(measured, "wait", gettext("Wait"), lambda each: each.wait),
    )


def counts_chart(measured: Measured, has_depth: bool) -> Chart:
    """Throughput, failures and, for a queue, what waited."""
    found = measured.buckets
    done, failed = [each.done for each in found], [each.failed for each in found]
    percents = [each.failed_percent for each in found]
    rows = [
        Strip(name=gettext("Done per minute"), values=done, height=76, now=last_known(done)),
        Strip(
            name=gettext("Failed per minute"),
            values=failed,
            look="hz-fail",
            kind="bars",
            height=38,
            now=last_known(failed),
        ),
    ]
    if has_depth:
        waiting = [each.waiting for each in found]
        strip = Strip(
            name=gettext("Waiting"), values=waiting, look="hz-wait", kind="area", height=52, now=last_known(waiting)
        )
        rows.insert(1, strip)
    times = labels_of(measured.axis)
    said = [charts.describe(row.name, trimmed(row.values), times, rate, gaps=False) for row in rows]
    if any(percents):
        rows.append(
            Strip(name=gettext("Failed, %"), values=percents, look="hz-fail", height=38, now=last_percent(percents))
        )
        said.append(charts.describe(gettext("Share that failed"), trimmed(percents), times, percent, gaps=False))
    unknown = measured.unknown()
    sentence = " ".join([*said, gaps_in_words(unknown, measured.axis), deploys_in_words(measured)])
    sentence = " ".join(sentence.split())
    columns = [Column(row.name, row.values, rate) for row in rows if row.values is not percents]
    columns.append(Column(gettext("Failed, %"), percents, percent, gettext_noop("nothing ended")))
    return Chart(
        key="counts",
        title=gettext("Throughput and failures"),
        note=worded(gettext("{time} buckets"), time=duration(measured.axis.seconds)),
        drawing=charts.strips(
            rows,
            ticks=ticks_of(measured.axis),
            sentence=sentence,
            marks=measured.all_marks(),
            unknown=unknown,
            running=measured.is_running,
        ),
        sentence=sentence,
        twin=charts.twin(times, columns, gettext("Throughput and failures")),
        columns=tuple(columns),
    )


def times_chart(measured: Measured, key: str, title: str, pick: Callable[[Bucket], Times]) -> Chart:
    """Percentiles of a duration on a logarithmic scale."""
    found = [pick(each) for each in measured.buckets]
    p50, p95, p99 = [each.p50 for each in found], [each.p95 for each in found], [each.p99 for each in found]
    times = labels_of(measured.axis)
    sentence = describe_times(worded(gettext("{measure}, 95 of 100 within"), measure=title), p95, times)
    columns = (
        Column(f"{title} p50", p50, duration, gettext_noop("no run")),
        Column(f"{title} p95", p95, duration, gettext_noop("no run")),
        Column(f"{title} p99", p99, duration, gettext_noop("no run")),
        Column(
            worded(gettext("{measure}, longest"), measure=title),
            [each.longest for each in found],
            duration,
            gettext_noop("no run"),
        ),
    )
    return Chart(
        key=key,
        title=title,
        note=worded(gettext("log scale, {time} buckets"), time=duration(measured.axis.seconds)),
        drawing=charts.durations(
            [
                Series(name="p99", values=p99, look="hz-p99"),
                Series(name="p95", values=p95, look="hz-p95"),
                Series(name="p50", values=p50, look="hz-p50"),
            ],
            shown=duration,
            ticks=ticks_of(measured.axis),
            sentence=sentence,
            marks=measured.all_marks(),
            unknown=measured.unknown(),
            running=measured.is_running,
        ),
        sentence=sentence,
        twin=charts.twin(times, columns, title),
        columns=columns,
    )


def percent(value: float) -> str:
    """A share of a hundred; never a nought for what is more than nothing."""
    return f"{value:.0f} %" if value >= 9.95 or not value else f"{max(value, 0.1):.1f} %"


def last_percent(values: Sequence[charts.Value]) -> str:
    known = [value for value in values if value is not None]
    return percent(known[-1]) if known else gettext("unknown")


def gaps_in_words(unknown: Sequence[charts.Span], axis: Axis) -> str:
    """Which stretches were not measured; the one before the first snapshot is none."""
    length = axis.end - axis.start
    spans = [each for each in unknown if each.start > 0]
    named = [
        worded(
            gettext("from {begin} to {end}"),
            begin=clock(axis.start + each.start * length),
            end=clock(axis.start + each.end * length),
        )
        for each in spans
    ]
    if not named:
        return ""
    if len(named) > 3:
        return worded(gettext("{n} stretches were not measured."), n=count(len(named)))
    return worded(gettext("Not measured {times}."), times=in_words(named))


def deploys_in_words(measured: Measured) -> str:
    """What was deployed in that time."""
    seen = [each for each in measured.deploys if measured.axis.start <= each.at < measured.axis.end]
    if not seen:
        return ""
    return worded(
        ngettext("{n} deploy, the last of {version}.", "{n} deploys, the last of {version}.", len(seen)),
        n=count(len(seen)),
        version=seen[-1].version,
    )


def describe_times(name: str, values: Sequence[charts.Value], times: Sequence[str]) -> str:
    """A duration in words. Where nothing ran there is none, which is no gap in the measurement."""
    known = [(value, times[place]) for place, value in enumerate(values) if value is not None]
    if not known:
        return worded(gettext("{name}: nothing ran."), name=name)
    highest, when = max(known)
    return worded(
        gettext("{name}: {last} last, highest {highest} at {time}."),
        name=name,
        last=duration(known[-1][0]),
        highest=duration(highest),
        time=when,
    )


def trimmed(values: Sequence[charts.Value]) -> list[charts.Value]:
    """Without the end that the next snapshot will fill, and without what was before the first."""
    known = [place for place, value in enumerate(values) if value is not None]
    if not known:
        return list(values)
    return [None if place < known[0] else value for place, value in enumerate(values[: known[-1] + 1])]


def last_known(values: Sequence[charts.Value]) -> str:
    known = [value for value in values if value is not None]
    return rate(known[-1]) if known else gettext("unknown")
