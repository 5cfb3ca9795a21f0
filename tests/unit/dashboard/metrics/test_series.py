from __future__ import annotations

import pytest

from allegro_queue.dashboard.metrics.ranges import Range, axis_of
from allegro_queue.dashboard.metrics.series import buckets, totals, unmeasured_spans
from allegro_queue.history.measured import Extent, Hole, Point, whole
from allegro_queue.metrics.counts import Counts

NOW = 1_800_000_120.0
"""Two minutes into a stretch."""

DAY = Range(key="24h", seconds=86_400, stretch=300)


def point(ago: int, **given: float) -> Point:
    """Counts of the five minutes that began so many stretches before the running one."""
    depth = given.pop("depth", None)
    counts = Counts(**given)  # type: ignore[arg-type]
    return Point(starts_at=NOW // 300 * 300 - 300 * ago, seconds=300, counts=counts, depth=depth)  # type: ignore[arg-type]


def reach(first_ago: float = 3600, behind_seconds: float = 0, holes: tuple[Hole, ...] = ()) -> Extent:
    return Extent(
        first=NOW - first_ago, until=NOW - behind_seconds, behind=int(behind_seconds), collector=None, holes=holes
    )


def test_no_run_is_lost_or_counted_twice_between_stretches_and_buckets() -> None:
    found = [point(place, succeeded=10 * place, started=10 * place) for place in range(250, 0, -1)]
    extent = reach(300 * 300)
    axis = axis_of(DAY, extent.first, NOW)

    measured = buckets(found, axis, extent)

    assert axis.seconds == 1800
    known = [each.done * axis.seconds / 60 for each in measured[:-1] if each.done is not None]
    assert sum(known) == pytest.approx(
        sum(each.counts.succeeded for each in found if axis.start <= each.starts_at < axis.end - axis.seconds)
    )


def test_the_running_bucket_shows_the_rate_so_far() -> None:
    extent = reach()

    measured = buckets([point(0, succeeded=20)], axis_of(DAY, extent.first, NOW), extent)

    assert measured[-1].done == 10


def test_what_was_before_the_first_run_is_unknown_and_a_quiet_time_after_it_is_nought() -> None:
    extent = reach(first_ago=900)

    measured = buckets([], axis_of(DAY, extent.first, NOW), extent)

    assert [each.done for each in measured][-3:] == [0, 0, 0]
    assert measured[0].done is None
    assert (measured[-1].runtime.p95, measured[-1].wait.p95) == (None, None)


def test_what_waits_for_the_collector_or_was_dropped_is_unknown() -> None:
    extent = reach(behind_seconds=1000, holes=(Hole(NOW - 2000, NOW - 1990, 5),))

    measured = buckets([point(1, depth=7)], axis_of(DAY, extent.first, NOW), extent)

    assert [each.measured for each in measured[-4:]] == [True, False, False, False]
    assert measured[-2].waiting == 7
    assert not measured[-8].measured or not measured[-7].measured


def test_totals_have_percentiles_of_all_stretches_together() -> None:
    quick = Counts(started=98, succeeded=98, run_seconds=9.8, run_longest=0.1, run_times={20: 98})
    slow = Counts(started=2, succeeded=1, failed=1, run_seconds=20, run_longest=10, run_times={34: 2})
    sums = totals(whole([Point(starts_at=0, seconds=300, counts=each) for each in (quick, slow)]), minutes=10)

    assert sums.runtime.p50 == pytest.approx(0.1, rel=0.2)
    assert sums.runtime.p99 == pytest.approx(10, rel=0.2)
    assert (sums.runtime.longest, sums.busy_seconds, sums.per_minute) == (10, 29.8, 9.9)
    assert sums.failed_share == 0.01
    assert totals(Counts(), 0).runtime.p95 is None


def clock(unix: float) -> str:
    return f"{NOW - unix:.0f} s ago"


def spans_of(extent: Extent) -> list[str]:
    axis = axis_of(DAY, extent.first, NOW)
    return [each.label for each in unmeasured_spans(buckets([], axis, extent), axis, extent.until, NOW, clock)]


def test_graphs_are_hatched_from_where_the_collector_stopped() -> None:
    assert spans_of(reach(first_ago=4000)) == []
    assert spans_of(reach(first_ago=4000, behind_seconds=1800)) == ["not measured since 1800 s ago"]


def test_a_hole_is_named() -> None:
    assert spans_of(reach(first_ago=4000, holes=(Hole(NOW - 2400, NOW - 1200, 5),))) == ["not measured"]


def test_a_short_history_is_shown_over_half_an_hour_and_a_long_one_over_a_day() -> None:
    short = axis_of(DAY, NOW, NOW)
    assert (short.seconds, short.count) == (300, 7)
    long = axis_of(DAY, NOW - 10 * 86_400, NOW)
    assert 86_400 <= long.seconds * long.count <= 86_400 + long.seconds
    assert long.count <= 96
