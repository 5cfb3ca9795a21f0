"""What the pages of metrics show: queues and job names side by side, and the graphs of one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.metrics.charts import Chart, Measured, charts_of
from allegro_queue.dashboard.metrics.first_graph import first_graph
from allegro_queue.dashboard.metrics.ranges import Choice, Range, axis_of, choices, range_for
from allegro_queue.dashboard.metrics.rows import MetricKind, MetricRow, address_of, failures_of, rows, sentence_on
from allegro_queue.dashboard.metrics.series import Axis, Totals, buckets, totals
from allegro_queue.dashboard.metrics.words import holes_in, stale_since, sub_on, waits_on
from allegro_queue.dashboard.page.formats import count, duration, rate
from allegro_queue.dashboard.page.links import link
from allegro_queue.history.deploys import Deploy, deploys_since
from allegro_queue.history.measured import (
    OTHER_NAMES,
    Extent,
    Point,
    counted_names,
    extent,
    known,
    points,
    whole,
)
from allegro_queue.history.ranking import busiest
from allegro_queue.history.stretches import MOST_NAMES
from allegro_queue.history.summed import Sums, sums_of
from allegro_queue.metrics.counts import DAY, FIVE_MINUTES, HOUR, Counts, Kind
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

MOST_STRETCHES = 6_000
"""Stretches that the tables are made of at most; with more they are made of longer ones."""

MOST_ROWS = 50
"""Job names shown; those that took the least time are only counted."""

MANY_DAYS = 31 * DAY
"""Above this, half as many are: there is ten times as much to add up of each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricsPage:
    """What costs time, what fails?"""

    sentence: str
    sub: str
    queues: tuple[MetricRow, ...]
    jobs: tuple[MetricRow, ...]
    more_jobs: int
    """Job names that took less time than those shown."""
    choices: tuple[Choice, ...]
    span: str
    """How much time the figures are over, in words."""
    empty: bool
    """Whether nothing was ever counted."""
    first_graph: str
    """When it will be, in words, if that is known."""
    capped: str
    """What is measured together, in words; empty when each name is measured by itself."""
    stale_since: float | None
    """Up to when all runs are counted, if that is too long ago."""
    waits: str
    """What has not been counted yet, in words; empty when all is."""
    holes: str
    """What was never counted, in words."""


def read_metrics(stores: Stores, pulse: Pulse, given: str) -> MetricsPage:
    """The tables: one round trip besides the pulse's two, four queries, or five when runs were ever dropped uncounted.

    Args:
        given: the range that the address asks for.
    """
    now = pulse.at
    chosen = range_for(given, "job", horizon_settings())
    since = now - chosen.seconds
    # Whatever the range, a name has few rows to be ranked by.
    ranked_by = FIVE_MINUTES if chosen.seconds <= HOUR else HOUR if chosen.seconds <= DAY else DAY
    jobs = busiest("job", since=since // ranked_by * ranked_by, seconds=ranked_by)
    most = MOST_ROWS if chosen.seconds <= MANY_DAYS else MOST_ROWS // 2
    queues = list(dict.fromkeys([*all_queues(), *counted_names("queue", since=since, seconds=ranked_by)]))
    chosen = coarser(chosen, min(len(jobs), most) + len(queues))
    reach = extent(stores, now, chosen.stretch)
    axis = axis_of(chosen, reach.first, now)
    names: Mapping[Kind, Sequence[str]] = {"queue": queues, "job": jobs[:most]}
    since = since // chosen.stretch * chosen.stretch
    sums = sums_of(names, seconds=chosen.stretch, since=since, first=axis.start, bucket_seconds=axis.seconds)
    found = {kind: {each: sums[kind].get(each, Sums(Counts(), {})) for each in names[kind]} for kind in names}
    return metrics_page(
        queues=found["queue"],
        jobs=found["job"],
        more_jobs=max(len(jobs) - most, 0),
        capped=OTHER_NAMES in jobs,
        reach=reach,
        axis=axis,
        chosen=chosen,
        now=now,
        first=first_graph(stores, pulse) if reach.first is None else "",
    )


def coarser(chosen: Range, names: int) -> Range:
    """The range by stretches that are few enough for so many names."""
    for stretch in (FIVE_MINUTES, HOUR):
        if stretch >= chosen.stretch and names * chosen.seconds // stretch <= MOST_STRETCHES:
            return Range(key=chosen.key, seconds=chosen.seconds, stretch=stretch)
    return Range(key=chosen.key, seconds=chosen.seconds, stretch=DAY if chosen.seconds > DAY else HOUR)


def metrics_page(
    *,
    queues: Mapping[str, Sums],
    jobs: Mapping[str, Sums],
    more_jobs: int,
    capped: bool,
    reach: Extent,
    axis: Axis,
    chosen: Range,
    now: float,
    first: str = "",
) -> MetricsPage:
    """The page, from what was read."""
    everything = Counts()
    for each in queues.values():
        everything.add(each.counts)
    measured_since = max(now - chosen.seconds, reach.first if reach.first is not None else now)
    minutes = (reach.until - measured_since) / 60
    job_rows = sorted(
        rows("job", jobs, axis, reach, minutes, chosen.key), key=lambda row: row.totals.busy_seconds, reverse=True
    )
    span = duration(now - measured_since)
    return MetricsPage(
        sentence=sentence_on(job_rows),
        sub=sub_on(totals(everything, minutes), span) if everything.started else "",
        queues=tuple(rows("queue", queues, axis, reach, minutes, chosen.key)),
        jobs=tuple(job_rows),
        more_jobs=more_jobs,
        choices=choices(chosen, link("metrics"), "job"),
        span=span,
        empty=reach.first is None,
        first_graph=first,
        capped=worded(
            gettext("{n} names are measured by themselves, all others together as {name}."),
            n=count(MOST_NAMES),
            name=OTHER_NAMES,
        )
        if capped
        else "",
        stale_since=stale_since(reach, now),
        waits=waits_on(reach),
        holes=holes_in(reach, axis.start),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricPage:
    """One queue or job name over time."""

    kind: MetricKind
    name: str
    sentence: str
    sub: str
    totals: Totals
    choices: tuple[Choice, ...]
    charts: tuple[Chart, ...]
    key: str
    """Of the range."""
    csv: str
    """Address of the numbers, without the name of the chart and the query."""
    starts: tuple[float, ...]
    """Of each bucket."""
    empty: bool
    first_graph: str
    stale_since: float | None
    waits: str
    holes: str
    failed_address: str
    jobs_address: str
    pause_address: str
    """Where a queue is paused and resumed; empty for a job name."""
    paused: bool


def read_metric(stores: Stores, pulse: Pulse, kind: MetricKind, name: str, given: str) -> MetricPage | None:
    """The graphs of one name; ``None`` when nothing is known of it. Four queries.

    Args:
        given: the range that the address asks for.
    """
    can_pause = kind == "queue" and name in all_queues()
    if not can_pause and not known(kind, name):
        return None
    chosen = range_for(given, kind, horizon_settings())
    since = pulse.at - chosen.seconds
    reach = extent(stores, pulse.at, chosen.stretch)
    return metric_page(
        kind,
        name,
        points(kind, [name], seconds=chosen.stretch, since=since // chosen.stretch * chosen.stretch)[name],
        reach=reach,
        chosen=chosen,
        deploys=deploys_since(since, max(chosen.stretch, FIVE_MINUTES)),
        now=pulse.at,
        pause_address=link("confirm_pause", query={"queue": name, "next": address_of(kind, name)}) if can_pause else "",
        paused=can_pause and name in pulse.pauses,
        first=first_graph(stores, pulse) if reach.first is None else "",
    )


def metric_page(
    kind: MetricKind,
    name: str,
    found: Sequence[Point],
    *,
    reach: Extent,
    chosen: Range,
    now: float,
    deploys: Sequence[Deploy] = (),
    pause_address: str = "",
    paused: bool = False,
    first: str = "",
) -> MetricPage:
    """The page, from what was read."""
    axis = axis_of(chosen, reach.first, now)
    shown = [each for each in found if each.starts_at >= axis.start]
    measured_since = max(axis.start, reach.first if reach.first is not None else now)
    sums = totals(whole(shown), (reach.until - measured_since) / 60)
    short = name if kind == "queue" else name.rpartition(".")[2]
    measured = Measured(buckets=buckets(shown, axis, reach), axis=axis, until=reach.until, now=now, deploys=deploys)
    return MetricPage(
        kind=kind,
        name=name,
        sentence=metric_sentence(short, sums),
        sub=sub_on(sums, duration(now - measured_since)),
        totals=sums,
        choices=choices(chosen, address_of(kind, name), kind),
        charts=charts_of(measured, has_depth=kind == "queue"),
        key=chosen.key,
        csv=address_of(kind, name),
        starts=tuple(axis.starts),
        empty=reach.first is None,
        first_graph=first,
        stale_since=stale_since(reach, now),
        waits=waits_on(reach),
        holes=holes_in(reach, axis.start),
        failed_address=failures_of(kind, name),
        jobs_address=link("jobs", query={"state": "finished", "queue" if kind == "queue" else "func": name}),
        pause_address=pause_address,
        paused=paused,
    )


def metric_sentence(short: str, sums: Totals) -> str:
    """How much ran, and how long it took."""
    if not sums.runs:
        return worded(gettext("{name}: nothing ran in the time that was measured."), name=short)
    if sums.runtime.p95 is None:
        return worded(gettext("{name}: {n} done a minute."), name=short, n=rate(sums.per_minute))
    return worded(
        gettext("{name}: {n} done a minute, {time} each at most in 95 of 100."),
        name=short,
        n=rate(sums.per_minute),
        time=duration(sums.runtime.p95),
    )
