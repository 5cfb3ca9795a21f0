"""From what was counted to even buckets on a time axis. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from allegro_queue.dashboard.charts import Span, Value
from allegro_queue.history.measured import Extent, Point, whole
from allegro_queue.metrics.counts import Counts
from allegro_queue.metrics.histograms import percentile
from allegro_queue.wording import worded

MOST_BUCKETS = 96

STALE_AFTER = 60
"""Seconds that the metrics may be behind before the pages say so."""

WORDS_FROM = 0.12
"""Share of the axis from which on an unmeasured stretch has words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Axis:
    """Even buckets that end with the one that is running."""

    start: float
    seconds: int
    """Length of one bucket."""
    count: int

    @property
    def end(self) -> float:
        return self.start + self.seconds * self.count

    @property
    def starts(self) -> list[float]:
        return [self.start + self.seconds * place for place in range(self.count)]

    def share(self, moment: float) -> float:
        """Where a Unix time stands on the axis, from 0 to 1."""
        return min(max((moment - self.start) / (self.end - self.start), 0.0), 1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Durations of one kind, in seconds; ``None`` where nothing ran. Percentiles are good to a fifth."""

    mean: Value = None
    p50: Value = None
    p95: Value = None
    p99: Value = None
    longest: Value = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """What was measured in one bucket. Rates are per minute; ``None`` for unknown."""

    measured: bool
    done: Value = None
    failed: Value = None
    failed_percent: Value = None
    """Of what ended; ``None`` also when nothing did."""
    runtime: Times = Times()
    wait: Times = Times()
    waiting: Value = None
    """Most jobs that a snapshot saw waiting."""


def buckets(points: Sequence[Point], axis: Axis, extent: Extent) -> list[Bucket]:
    """The counts of each bucket, which holds whole stretches."""
    found = by_bucket(points, axis)
    return [bucket(found[place], start, axis.seconds, extent) for place, start in enumerate(axis.starts)]


def done_only(done: Mapping[int, int], minutes: Sequence[float | None]) -> list[Value]:
    """What was done per minute in each bucket, given by its number: the rows of a table show no more.

    Args:
        minutes: of each bucket, as ``minutes_of_buckets`` tells them.
    """
    return [None if each is None else done.get(place, 0) / each for place, each in enumerate(minutes)]


def minutes_of_buckets(axis: Axis, extent: Extent) -> list[float | None]:
    """Minutes of each bucket of which all runs are counted; ``None`` where not all are. The rows of a table share them."""
    ends = [(start, start + axis.seconds) for start in axis.starts]
    return [minutes_counted(start, end, extent) if extent.is_known(start, end) else None for start, end in ends]


def by_bucket(points: Sequence[Point], axis: Axis) -> list[list[Point]]:
    """The stretches of each bucket."""
    found: list[list[Point]] = [[] for _ in range(axis.count)]
    for each in points:
        place = int((each.starts_at - axis.start) // axis.seconds)
        if 0 <= place < axis.count:
            found[place].append(each)
    return found


def minutes_counted(start: float, end: float, extent: Extent) -> float:
    """Minutes of a bucket of which all runs are counted; one at least."""
    return max((min(end, extent.until) - max(start, extent.first or start)) / 60, 1.0)


def bucket(points: Sequence[Point], start: float, seconds: int, extent: Extent) -> Bucket:
    """One bucket. Of one that is not over, the rates are of the time that is counted."""
    depths = [each.depth for each in points if each.depth is not None]
    waiting = float(max(depths)) if depths else None
    if not extent.is_known(start, start + seconds):
        return Bucket(measured=False, waiting=waiting)
    counts = whole(points)
    minutes = minutes_counted(start, start + seconds, extent)
    return Bucket(
        measured=True,
        done=counts.succeeded / minutes,
        failed=counts.failed / minutes,
        failed_percent=100 * counts.failed / ended if (ended := counts.succeeded + counts.failed) else None,
        runtime=run_times(counts),
        wait=wait_times(counts),
        waiting=waiting,
    )


def run_times(counts: Counts) -> Times:
    """How long attempts ran."""
    if not counts.started:
        return Times()
    return times(counts.run_times, counts.run_seconds / counts.started, counts.run_longest)


def wait_times(counts: Counts) -> Times:
    """How long attempts had waited, as measured."""
    if not counts.waited:
        return Times()
    return times(counts.wait_times, counts.wait_seconds / counts.waited, counts.wait_longest)


def times(histogram: dict[int, int], mean: float, longest: float) -> Times:
    p50, p95, p99 = (percentile(histogram, share, longest) for share in (0.5, 0.95, 0.99))
    return Times(mean=mean, p50=p50, p95=p95, p99=p99, longest=longest)


def unmeasured_spans(
    found: Sequence[Bucket], axis: Axis, until: float, now: float, clock: Callable[[float], str]
) -> list[Span]:
    """Stretches without measurement, but for the end that the collector is about to fill."""
    spans: list[Span] = []
    stale = is_stale(until, now)
    start: int | None = None
    for place in range(axis.count + 1):
        missing = place < axis.count and not found[place].measured
        if missing and start is None:
            start = place
        if not missing and start is not None:
            at_end = place == axis.count
            if not at_end or stale or start == 0:
                spans.append(span(start, place, axis, clock(until) if at_end and stale and until else ""))
            start = None
    return spans


def span(start: int, end: int, axis: Axis, since: str) -> Span:
    words = worded(gettext("not measured since {time}"), time=since) if since else gettext("not measured")
    return Span(start / axis.count, end / axis.count, words if (end - start) / axis.count >= WORDS_FROM else "")


def is_stale(until: float, now: float) -> bool:
    """Whether the metrics are too far behind."""
    return now - until > STALE_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """All stretches of one name together."""

    done: int
    failed: int
    retried: int
    runs: int
    """Attempts."""
    busy_seconds: float
    """Worker time of all attempts."""
    runtime: Times
    wait: Times
    per_minute: float
    """Done."""
    failed_share: float
    """From 0 to 1."""


def totals(counts: Counts, minutes: float) -> Totals:
    """Sums and percentiles.

    Args:
        minutes: how long was measured.
    """
    ended = counts.succeeded + counts.failed
    return Totals(
        done=counts.succeeded,
        failed=counts.failed,
        retried=counts.retried,
        runs=counts.started,
        busy_seconds=counts.run_seconds,
        runtime=run_times(counts),
        wait=wait_times(counts),
        per_minute=counts.succeeded / max(minutes, 1.0),
        failed_share=counts.failed / ended if ended else 0.0,
    )
