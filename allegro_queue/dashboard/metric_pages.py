"""What the pages of metrics show: queues and job names side by side, and the graphs of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.safestring import SafeString

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.charts import Column, Series, Strip
from allegro_queue.dashboard.formats import count, duration, in_words, plural, rate
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.metric_series import (
    Axis,
    Bucket,
    Totals,
    axis_over,
    buckets,
    is_stale,
    totals,
    unmeasured_spans,
)
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores
from allegro_queue.stores.metrics import Kind, Snapshot
from allegro_queue.stores.pulse import Pulse

SNAPSHOTS_READ = 20_000
"""Snapshots of job names that one look at the table reads at most; the more names, the shorter the time shown."""

FEWEST_EACH = 12

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
    """Whether no snapshot was ever taken."""
    stale_since: float | None
    """When the last snapshot was taken, if that is too long ago."""


def read_metrics(stores: Stores, pulse: Pulse) -> MetricsPage:
    """The tables."""
    queue_names = list(dict.fromkeys([*all_queues(), *stores.metrics.names("queue")]))
    job_names = stores.metrics.names("job")
    newest = max(SNAPSHOTS_READ // max(len(job_names), 1), FEWEST_EACH)
    return metrics_page(
        queues=stores.metrics.snapshots("queue", queue_names, newest),
        jobs=stores.metrics.snapshots("job", job_names, newest),
        last_at=pulse.last_snapshot_at,
        now=pulse.at,
    )


def metrics_page(
    *,
    queues: Mapping[str, Sequence[Snapshot]],
    jobs: Mapping[str, Sequence[Snapshot]],
    last_at: float | None,
    now: float,
) -> MetricsPage:
    """The page, from what was read."""
    everything = [each for found in queues.values() for each in found]
    axis = axis_over(everything, now)
    queue_rows = rows("queue", queues, axis)
    job_rows = sorted(rows("job", jobs, axis), key=lambda row: row.totals.busy_seconds, reverse=True)
    span = duration(now - max(axis.start, min((each.started_at for each in everything), default=now)))
    return MetricsPage(
        sentence=sentence_on(job_rows),
        sub=sub_on(totals(everything), span) if everything else "",
        queues=tuple(queue_rows),
        jobs=tuple(job_rows[:MOST_ROWS]),
        more_jobs=max(len(job_rows) - MOST_ROWS, 0),
        span=span,
        empty=last_at is None,
        stale_since=last_at if is_stale(last_at, now) else None,
    )


def rows(kind: Kind, found: Mapping[str, Sequence[Snapshot]], axis: Axis) -> list[MetricRow]:
    """A row for each name, their sparks over the same time."""
    sums = {name: totals(snapshots) for name, snapshots in found.items()}
    most = max((each.busy_seconds for each in sums.values()), default=0.0)
    return [
        MetricRow(
            name=name,
            address=address_of(kind, name),
            totals=sums[name],
            share=charts.share_bar(sums[name].busy_seconds / most) if most else "",
            spark=charts.spark([each.done for each in buckets(snapshots, axis)], area=False),
            failed_address=failures_of(kind, name),
        )
        for name, snapshots in found.items()
    ]


def address_of(kind: Kind, name: str) -> str:
    return link("queue_metrics", queue=name) if kind == "queue" else link("job_metrics", job_name=name)


def failures_of(kind: Kind, name: str) -> str:
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

    kind: Kind
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
    failed_address: str
    jobs_address: str
    pause_address: str
    """Where a queue is paused and resumed; empty for a job name."""
    paused: bool


def read_metric(stores: Stores, pulse: Pulse, kind: Kind, name: str) -> MetricPage | None:
    """The graphs of one name; ``None`` when nothing is known of it."""
    known = name in stores.metrics.names(kind) or (kind == "queue" and name in all_queues())
    if not known:
        return None
    found = stores.metrics.snapshots(kind, [name])[name]
    can_pause = kind == "queue" and name in all_queues()
    return metric_page(
        kind,
        name,
        found,
        last_at=pulse.last_snapshot_at,
        now=pulse.at,
        pause_address=link("confirm_pause", query={"queue": name, "next": address_of(kind, name)}) if can_pause else "",
        paused=can_pause and name in pulse.pauses,
    )


def metric_page(
    kind: Kind,
    name: str,
    found: Sequence[Snapshot],
    *,
    last_at: float | None,
    now: float,
    pause_address: str = "",
    paused: bool = False,
) -> MetricPage:
    """The page, from what was read."""
    axis = axis_over(found, now)
    shown = [each for each in found if each.taken_at > axis.start]
    measured = buckets(shown, axis)
    sums = totals(shown)
    short = name if kind == "queue" else name.rpartition(".")[2]
    counts, counts_sentence, counts_twin = counts_chart(kind, measured, axis, last_at, now)
    times, times_sentence, times_twin = times_chart(measured, axis, last_at, now)
    return MetricPage(
        kind=kind,
        name=name,
        short=short,
        sentence=metric_sentence(short, sums),
        sub=sub_on(sums, duration(now - max(axis.start, min((each.started_at for each in shown), default=now)))),
        totals=sums,
        bucket=duration(axis.seconds),
        counts=counts,
        counts_sentence=counts_sentence,
        counts_twin=counts_twin,
        times=times,
        times_sentence=times_sentence,
        times_twin=times_twin,
        empty=not shown,
        stale_since=last_at if is_stale(last_at, now) else None,
        failed_address=failures_of(kind, name),
        jobs_address=link("jobs", query={"state": "finished", "queue" if kind == "queue" else "q": name}),
        pause_address=pause_address,
        paused=paused,
    )


def metric_sentence(short: str, sums: Totals) -> str:
    if not sums.runs:
        return f"{short}: nothing ran in the time that was measured."
    took = f", {duration(sums.runtime)} each" if sums.runtime is not None else ""
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
    kind: Kind, measured: Sequence[Bucket], axis: Axis, last_at: float | None, now: float
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
    unknown = unmeasured_spans(measured, axis, last_at, now, clock)
    said = [charts.describe(row.name, trimmed(row.values), times, rate, gaps=False) for row in rows]
    sentence = " ".join([*said, gaps_in_words(unknown, axis)]).strip()
    drawn = charts.strips(
        rows, ticks=ticks_of(axis), sentence=sentence, unknown=unknown, running=not is_stale(last_at, now)
    )
    twin = charts.twin(times, [Column(row.name, row.values, rate) for row in rows], "throughput and failures")
    return drawn, sentence, twin


def times_chart(
    measured: Sequence[Bucket], axis: Axis, last_at: float | None, now: float
) -> tuple[SafeString, str, SafeString]:
    """Run time and wait on a logarithmic scale, with the sentence and the table."""
    runtime, wait = [each.runtime for each in measured], [each.wait for each in measured]
    times = labels(axis)
    sentence = " ".join(describe_times(name, values, times) for name, values in (("Run time", runtime), ("Wait", wait)))
    drawn = charts.durations(
        [Series(name="run", values=runtime, look="hz-p95"), Series(name="wait", values=wait, look="hz-wait")],
        shown=duration,
        ticks=ticks_of(axis),
        sentence=sentence,
        unknown=unmeasured_spans(measured, axis, last_at, now, clock),
        running=not is_stale(last_at, now),
    )
    columns = [
        Column("Mean run time", runtime, duration, "no run"),
        Column("Mean wait", wait, duration, "no run"),
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
