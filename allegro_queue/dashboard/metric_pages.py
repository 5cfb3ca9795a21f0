"""What the pages of metrics show: queues and job names side by side, and the graphs of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils import timezone
from django.utils.safestring import SafeString

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.charts import Column, Series, Strip
from allegro_queue.dashboard.formats import count, duration, in_words, plural, rate
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.metric_series import (
    LONGEST,
    Axis,
    Bucket,
    Totals,
    axis_over,
    buckets,
    is_stale,
    totals,
    unmeasured_spans,
)
from allegro_queue.history.measured import OTHER_NAMES, Extent, Point, busiest, extent, known, points
from allegro_queue.history.writing import MOST_NAMES
from allegro_queue.metrics.counts import FIVE_MINUTES, HOUR
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse

MetricKind = Literal["queue", "job"]

FINE_NAMES = 60
"""Job names up to which the table is made of five-minute stretches; with more it is made of hours."""

MOST_ROWS = 100
"""Job names shown; those that took the least time are only counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRow:
    """One queue or job name."""

    name: str
    address: str
    totals: Totals
    share: SafeString | str
    spark: SafeString
    failed_address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsPage:
    """What costs time, what fails?"""

    sentence: str
    sub: str
    queues: tuple[MetricRow, ...]
    jobs: tuple[MetricRow, ...]
    more_jobs: int
    """Job names that took less time than those shown."""
    span: str
    """How much time the figures are over, in words."""
    empty: bool
    """Whether no run was ever counted."""
    capped: str
    """What is measured together, in words; empty when each name is measured by itself."""
    stale_since: float | None
    """Up to when all runs are counted, if that is too long ago."""
    waits: str
    """What has not been counted yet, in words; empty when all is."""
    holes: str
    """What was never counted, in words."""


def read_metrics(stores: Stores, pulse: Pulse) -> MetricsPage:
    """The tables."""
    now = pulse.at
    reach = extent(stores, now)
    day = (now - LONGEST) // HOUR * HOUR
    jobs = busiest("job", since=day)
    fine = len(jobs) <= FINE_NAMES
    seconds, since = (FIVE_MINUTES, now - LONGEST) if fine else (HOUR, day)
    queues = dict.fromkeys([*all_queues(), *sorted(busiest("queue", since=day))])
    return metrics_page(
        queues=points("queue", list(queues), seconds=seconds, since=since),
        jobs=points("job", jobs[:MOST_ROWS], seconds=seconds, since=since),
        more_jobs=max(len(jobs) - MOST_ROWS, 0),
        capped=OTHER_NAMES in jobs,
        reach=reach,
        now=now,
        by_hour=not fine,
    )


def metrics_page(
    *,
    queues: Mapping[str, Sequence[Point]],
    jobs: Mapping[str, Sequence[Point]],
    more_jobs: int,
    capped: bool,
    reach: Extent,
    now: float,
    by_hour: bool = False,
) -> MetricsPage:
    """The page, from what was read."""
    axis = hourly_axis(now) if by_hour else axis_over(reach.first, now)
    everything = [each for found in queues.values() for each in found]
    measured_since = max(axis.start, reach.first if reach.first is not None else now)
    minutes = (reach.until - measured_since) / 60
    queue_rows = rows("queue", queues, axis, reach, minutes)
    job_rows = sorted(rows("job", jobs, axis, reach, minutes), key=lambda row: row.totals.busy_seconds, reverse=True)
    span = duration(now - measured_since)
    return MetricsPage(
        sentence=sentence_on(job_rows),
        sub=sub_on(totals(everything, minutes), span) if everything else "",
        queues=tuple(queue_rows),
        jobs=tuple(job_rows),
        more_jobs=more_jobs,
        span=span,
        empty=reach.first is None,
        capped=f"{MOST_NAMES:,} names are measured by themselves, all others together as {OTHER_NAMES}."
        if capped
        else "",
        stale_since=stale_since(reach, now),
        waits=waits_on(reach),
        holes=holes_in(reach, axis.start),
    )


def hourly_axis(now: float) -> Axis:
    """A day of hours, the running one last."""
    end = (now // HOUR + 1) * HOUR
    return Axis(start=end - 25 * HOUR, seconds=HOUR, count=25)


def stale_since(reach: Extent, now: float) -> float | None:
    """Up to when all is counted, if that is too long ago."""
    return reach.until if reach.behind and is_stale(reach.until, now) else None


def waits_on(reach: Extent) -> str:
    """What the collector has still to count."""
    if not reach.behind:
        return ""
    behind = plural(reach.behind, "run")
    if reach.collector is None:
        return f"Metrics wait for the collector: {behind} behind, and no collector runs."
    trouble = f" ({reach.collector.trouble})" if reach.collector.trouble else ""
    return f"Metrics wait for the collector: {behind} behind{trouble}."


def holes_in(reach: Extent, since: float) -> str:
    """Runs since then that can never be counted."""
    found = [each for each in reach.holes if each.to_at >= since]
    if not found:
        return ""
    missed = plural(sum(each.missed for each in found), "run")
    return (
        f"{missed} between {clock(found[-1].from_at)} and {clock(found[0].to_at)} were dropped from Redis before the "
        "collector came to them; the graphs leave that time out."
    )


def rows(
    kind: MetricKind, found: Mapping[str, Sequence[Point]], axis: Axis, reach: Extent, minutes: float
) -> list[MetricRow]:
    """A row for each name, their sparks over the same time."""
    sums = {name: totals(each, minutes) for name, each in found.items()}
    most = max((each.busy_seconds for each in sums.values()), default=0.0)
    return [
        MetricRow(
            name=name,
            address=address_of(kind, name) if name != OTHER_NAMES else "",
            totals=sums[name],
            share=charts.share_bar(sums[name].busy_seconds / most) if most else "",
            spark=charts.spark([each.done for each in buckets(stretches, axis, reach)], area=False),
            failed_address=failures_of(kind, name),
        )
        for name, stretches in found.items()
    ]


def address_of(kind: MetricKind, name: str) -> str:
    return link("queue_metrics", queue=name) if kind == "queue" else link("job_metrics", job_name=name)


def failures_of(kind: MetricKind, name: str) -> str:
    """The failed jobs of a queue or of a job name."""
    return link("jobs", query={"state": "failed", "queue" if kind == "queue" else "q": name})


def sentence_on(jobs: Sequence[MetricRow]) -> str:
    """What takes most of the time."""
    busy = sum(row.totals.busy_seconds for row in jobs)
    if not busy:
        ended = any(row.totals.runs for row in jobs)
        return f"No job has {'succeeded' if ended else 'ended'} in the time that was measured."
    top = jobs[0]
    share = top.totals.busy_seconds / busy
    short = top.name.rpartition(".")[2]
    if len(jobs) == 1:
        return f"{short} takes all of the workers’ time."
    return f"{short} takes {share:.0%} of the workers’ time."


def sub_on(whole: Totals, span: str) -> str:
    failed = f"{count(whole.failed)} failed ({whole.failed_share:.1%})" if whole.failed else "none failed"
    return (
        f"{plural(whole.runs, 'run')} used {duration(whole.busy_seconds)} of worker time in the last {span}; {failed}."
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricPage:
    """One queue or job name over time."""

    kind: MetricKind
    name: str
    short: str
    sentence: str
    sub: str
    totals: Totals
    bucket: str
    """Length of a bucket, in words."""
    counts: SafeString | str
    counts_sentence: str
    counts_twin: SafeString | str
    times: SafeString | str
    times_sentence: str
    times_twin: SafeString | str
    empty: bool
    stale_since: float | None
    waits: str
    holes: str
    failed_address: str
    jobs_address: str
    pause_address: str
    """Where a queue is paused and resumed; empty for a job name."""
    paused: bool


def read_metric(stores: Stores, pulse: Pulse, kind: MetricKind, name: str) -> MetricPage | None:
    """The graphs of one name; ``None`` when nothing is known of it."""
    can_pause = kind == "queue" and name in all_queues()
    if not can_pause and not known(kind, name):
        return None
    found = points(kind, [name], seconds=FIVE_MINUTES, since=pulse.at - LONGEST)[name]
    return metric_page(
        kind,
        name,
        found,
        reach=extent(stores, pulse.at),
        now=pulse.at,
        pause_address=link("confirm_pause", query={"queue": name, "next": address_of(kind, name)}) if can_pause else "",
        paused=can_pause and name in pulse.pauses,
    )


def metric_page(
    kind: MetricKind,
    name: str,
    found: Sequence[Point],
    *,
    reach: Extent,
    now: float,
    pause_address: str = "",
    paused: bool = False,
) -> MetricPage:
    """The page, from what was read."""
    axis = axis_over(reach.first, now)
    shown = [each for each in found if each.starts_at >= axis.start]
    measured = buckets(shown, axis, reach)
    measured_since = max(axis.start, reach.first if reach.first is not None else now)
    sums = totals(shown, (reach.until - measured_since) / 60)
    short = name if kind == "queue" else name.rpartition(".")[2]
    counts, counts_sentence, counts_twin = counts_chart(kind, measured, axis, reach.until, now)
    times, times_sentence, times_twin = times_chart(measured, axis, reach.until, now)
    return MetricPage(
        kind=kind,
        name=name,
        short=short,
        sentence=metric_sentence(short, sums),
        sub=sub_on(sums, duration(now - measured_since)),
        totals=sums,
        bucket=duration(axis.seconds),
        counts=counts,
        counts_sentence=counts_sentence,
        counts_twin=counts_twin,
        times=times,
        times_sentence=times_sentence,
        times_twin=times_twin,
        empty=reach.first is None,
        stale_since=stale_since(reach, now),
        waits=waits_on(reach),
        holes=holes_in(reach, axis.start),
        failed_address=failures_of(kind, name),
        jobs_address=link("jobs", query={"state": "finished", "queue" if kind == "queue" else "q": name}),
        pause_address=pause_address,
        paused=paused,
    )


def metric_sentence(short: str, sums: Totals) -> str:
    if not sums.runs:
        return f"{short}: nothing ran in the time that was measured."
    took = f", {duration(sums.runtime.p95)} each at most in 95 of 100" if sums.runtime.p95 is not None else ""
    return f"{short}: {rate(sums.per_minute)} done a minute{took}."


def clock(unix: float) -> str:
    return charts.clock_label(unix, timezone.get_current_timezone())


def labels(axis: Axis) -> list[str]:
    """What the rows of the table and the peaks in the sentences are called."""
    with_day = axis.seconds * axis.count > 12 * 60 * 60
    return [charts.clock_label(start, timezone.get_current_timezone(), with_day) for start in axis.starts]


def ticks_of(axis: Axis) -> list[charts.Tick]:
    return charts.time_ticks(axis.start, axis.end, timezone.get_current_timezone())


def counts_chart(
    kind: MetricKind, measured: Sequence[Bucket], axis: Axis, until: float, now: float
) -> tuple[SafeString, str, SafeString]:
    """Throughput, failures and, for a queue, what waited, with the sentence and the table."""
    done, failed = [each.done for each in measured], [each.failed for each in measured]
    rows = [
        Strip(name="Done per minute", values=done, height=76, now=last_known(done)),
        Strip(name="Failed per minute", values=failed, look="hz-fail", kind="bars", height=38, now=last_known(failed)),
    ]
    if kind == "queue":
        waiting = [each.waiting for each in measured]
        rows.insert(
            1,
            Strip(name="Waiting", values=waiting, look="hz-wait", kind="area", height=52, now=last_known(waiting)),
        )
    times = labels(axis)
    unknown = unmeasured_spans(measured, axis, until, now, clock)
    said = [charts.describe(row.name, trimmed(row.values), times, rate, gaps=False) for row in rows]
    sentence = " ".join([*said, gaps_in_words(unknown, axis)]).strip()
    drawn = charts.strips(
        rows, ticks=ticks_of(axis), sentence=sentence, unknown=unknown, running=not is_stale(until, now)
    )
    twin = charts.twin(times, [Column(row.name, row.values, rate) for row in rows], "throughput and failures")
    return drawn, sentence, twin


def times_chart(measured: Sequence[Bucket], axis: Axis, until: float, now: float) -> tuple[SafeString, str, SafeString]:
    """Run time and wait on a logarithmic scale, with the sentence and the table."""
    typical = [each.runtime.p50 for each in measured]
    slow = [each.runtime.p95 for each in measured]
    wait = [each.wait.p95 for each in measured]
    times = labels(axis)
    said = (("Run time, 95 of 100 within", slow), ("Wait, 95 of 100 within", wait))
    sentence = " ".join(describe_times(name, values, times) for name, values in said)
    drawn = charts.durations(
        [
            Series(name="run p95", values=slow, look="hz-p95"),
            Series(name="run p50", values=typical, look="hz-p50"),
            Series(name="wait p95", values=wait, look="hz-wait"),
        ],
        shown=duration,
        ticks=ticks_of(axis),
        sentence=sentence,
        unknown=unmeasured_spans(measured, axis, until, now, clock),
        running=not is_stale(until, now),
    )
    columns = [
        Column("Run p50", typical, duration, "no run"),
        Column("Run p95", slow, duration, "no run"),
        Column("Run p99", [each.runtime.p99 for each in measured], duration, "no run"),
        Column("Longest run", [each.runtime.longest for each in measured], duration, "no run"),
        Column("Wait p50", [each.wait.p50 for each in measured], duration, "no run"),
        Column("Wait p95", wait, duration, "no run"),
        Column("Wait p99", [each.wait.p99 for each in measured], duration, "no run"),
        Column("Longest wait", [each.wait.longest for each in measured], duration, "no run"),
    ]
    return drawn, sentence, charts.twin(times, columns, "run time and wait")


def gaps_in_words(unknown: Sequence[charts.Span], axis: Axis) -> str:
    """Which stretches were not measured; the one before the first snapshot is none."""
    length = axis.end - axis.start
    spans = [each for each in unknown if each.start > 0]
    named = [
        f"from {clock(axis.start + each.start * length)} to {clock(axis.start + each.end * length)}" for each in spans
    ]
    if not named:
        return ""
    if len(named) > 3:
        return f"{len(named)} stretches were not measured."
    return f"Not measured {in_words(named)}."


def describe_times(name: str, values: Sequence[charts.Value], times: Sequence[str]) -> str:
    """A duration in words. Where nothing ran there is none, which is no gap in the measurement."""
    known = [(value, times[place]) for place, value in enumerate(values) if value is not None]
    if not known:
        return f"{name}: nothing ran."
    highest, when = max(known)
    return f"{name}: {duration(known[-1][0])} last, highest {duration(highest)} at {when}."


def trimmed(values: Sequence[charts.Value]) -> list[charts.Value]:
    """Without the end that the next snapshot will fill, and without what was before the first."""
    known = [place for place, value in enumerate(values) if value is not None]
    if not known:
        return list(values)
    return [None if place < known[0] else value for place, value in enumerate(values[: known[-1] + 1])]


def last_known(values: Sequence[charts.Value]) -> str:
    known = [value for value in values if value is not None]
    return rate(known[-1]) if known else "unknown"
