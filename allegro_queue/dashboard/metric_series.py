"""From snapshots, which are as long as chance made them, to even buckets on a time axis. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allegro_queue.dashboard.charts import Span, Value
from allegro_queue.stores.metrics import Snapshot

BUCKET_SECONDS = (300, 600, 900, 1800, 3600)
MOST_BUCKETS = 96
LONGEST = 24 * 60 * 60
SHORTEST = 30 * 60

STALE_AFTER = 11 * 60
"""Seconds without a snapshot after which the graphs count as stale: two were missed."""

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
class Bucket:
    """What was measured in one bucket. Rates are per minute, means in seconds; ``None`` for unknown."""

    measured: bool
    done: Value = None
    failed: Value = None
    runtime: Value = None
    """``None`` also when nothing ran."""
    wait: Value = None
    waiting: Value = None


def axis_over(snapshots: Sequence[Snapshot], now: float, longest: int = LONGEST) -> Axis:
    """From the oldest snapshot to now, half an hour at least and a day at most."""
    oldest = min((each.started_at for each in snapshots), default=now)
    span = min(max(now - oldest, SHORTEST), longest)
    seconds = next(each for each in BUCKET_SECONDS if span / each < MOST_BUCKETS)
    end = (math.floor(now / seconds) + 1) * seconds
    count = math.ceil((end - (now - span)) / seconds)
    return Axis(start=end - count * seconds, seconds=seconds, count=count)


def buckets(snapshots: Sequence[Snapshot], axis: Axis) -> list[Bucket]:
    """Each snapshot's counts, shared out over the buckets that it overlaps."""
    return [bucket(snapshots, start, start + axis.seconds) for start in axis.starts]


def bucket(snapshots: Sequence[Snapshot], start: float, end: float) -> Bucket:
    """One bucket."""
    minutes = done = failed = runtime = wait = runs = 0.0
    newest: Snapshot | None = None
    for each in snapshots:
        length = max(each.taken_at - each.started_at, 1.0)
        overlap = min(each.taken_at, end) - max(each.taken_at - length, start)
        if overlap <= 0:
            continue
        share = overlap / length
        # A snapshot taken by hand after some seconds says little about a minute.
        minutes += share * max(length, 60.0) / 60
        done += each.done * share
        failed += each.failed * share
        runtime += each.runtime_ms * share
        wait += each.wait_ms * share
        runs += each.runs * share
        newest = each
    if newest is None:
        return Bucket(measured=False)
    return Bucket(
        measured=True,
        done=done / minutes,
        failed=failed / minutes,
        runtime=runtime / done / 1000 if done else None,
        wait=wait / runs / 1000 if runs else None,
        waiting=float(newest.length),
    )


def unmeasured_spans(
    found: Sequence[Bucket], axis: Axis, last_at: float | None, now: float, clock: Callable[[float], str]
) -> list[Span]:
    """Stretches without measurement, but for the buckets that the next snapshot will fill."""
    spans: list[Span] = []
    stale = is_stale(last_at, now)
    start: int | None = None
    for place in range(axis.count + 1):
        missing = place < axis.count and not found[place].measured
        if missing and start is None:
            start = place
        if not missing and start is not None:
            at_end = place == axis.count
            if not at_end or stale or start == 0:
                spans.append(span(start, place, axis, clock(last_at) if at_end and last_at else ""))
            start = None
    return spans


def span(start: int, end: int, axis: Axis, since: str) -> Span:
    words = f"not measured since {since}" if since else "not measured"
    return Span(start / axis.count, end / axis.count, words if (end - start) / axis.count >= WORDS_FROM else "")


def is_stale(last_at: float | None, now: float) -> bool:
    """Whether the newest snapshot is too old."""
    return last_at is not None and now - last_at > STALE_AFTER


@dataclass(frozen=True, kw_only=True, slots=True)
class Totals:
    """All snapshots of one name together."""

    done: int
    failed: int
    runs: int
    busy_seconds: float
    """Worker time of successful runs."""
    runtime: float | None
    """Mean seconds of a successful run."""
    wait: float | None
    """Mean seconds from queued to started."""
    per_minute: float
    failed_share: float
    """From 0 to 1."""


def totals(snapshots: Sequence[Snapshot]) -> Totals:
    """Sums and means."""
    done, failed = sum(each.done for each in snapshots), sum(each.failed for each in snapshots)
    runs = sum(each.runs for each in snapshots)
    busy = sum(each.runtime_ms for each in snapshots) / 1000
    minutes = sum(each.minutes for each in snapshots)
    return Totals(
        done=done,
        failed=failed,
        runs=runs,
        busy_seconds=busy,
        runtime=busy / done if done else None,
        wait=sum(each.wait_ms for each in snapshots) / 1000 / runs if runs else None,
        per_minute=done / minutes if minutes else 0.0,
        failed_share=failed / (done + failed) if done + failed else 0.0,
    )
