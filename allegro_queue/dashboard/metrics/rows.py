"""Queues and job names side by side: a row for each, by the time that its runs took. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.series import Axis, Totals, done_only, minutes_of_buckets, totals
from allegro_queue.dashboard.page.links import link
from allegro_queue.history.measured import OTHER_NAMES, Extent
from allegro_queue.history.summed import Sums
from allegro_queue.wording import worded

MetricKind = Literal["queue", "job"]


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRow:
    """One queue or job name."""

    name: str
    address: str
    totals: Totals
    share: SafeString | str
    spark: SafeString
    failed_address: str


def rows(
    kind: MetricKind, found: Mapping[str, Sums], axis: Axis, reach: Extent, minutes: float, key: str = ""
) -> list[MetricRow]:
    """A row for each name, their sparks over the same time.

    Args:
        minutes: how long was measured.
        key: the range that the rows lead on to; the usual one when empty.
    """
    sums = {name: totals(each.counts, minutes) for name, each in found.items()}
    of_buckets = minutes_of_buckets(axis, reach)
    most = max((each.busy_seconds for each in sums.values()), default=0.0)
    return [
        MetricRow(
            name=name,
            address=address_of(kind, name, key) if name != OTHER_NAMES else "",
            totals=sums[name],
            share=charts.share_bar(sums[name].busy_seconds / most) if most else "",
            spark=charts.spark(done_only(each.done, of_buckets), area=False),
            failed_address=failures_of(kind, name),
        )
        for name, each in found.items()
    ]


def address_of(kind: MetricKind, name: str, key: str = "") -> str:
    """The page of a name."""
    query = {"range": key}
    return link("queue_metrics", query, queue=name) if kind == "queue" else link("job_metrics", query, job_name=name)


def failures_of(kind: MetricKind, name: str) -> str:
    """The failed jobs of a queue, or the failure groups of a job name."""
    if kind == "job":
        return link("failures", query={"job": name, "state": "all"})
    return link("jobs", query={"state": "failed", "queue": name})


def sentence_on(jobs: Sequence[MetricRow]) -> str:
    """What takes most of the time."""
    busy = sum(row.totals.busy_seconds for row in jobs)
    if not busy:
        ended = any(row.totals.runs for row in jobs)
        return (
            gettext("No job has succeeded in the time that was measured.")
            if ended
            else gettext("No job has ended in the time that was measured.")
        )
    top = jobs[0]
    short = top.name.rpartition(".")[2]
    if len(jobs) == 1:
        return worded(gettext("{job} takes all of the workers’ time."), job=short)
    return worded(
        gettext("{job} takes {share} of the workers’ time."), job=short, share=f"{top.totals.busy_seconds / busy:.0%}"
    )
