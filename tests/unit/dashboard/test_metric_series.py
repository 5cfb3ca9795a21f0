from __future__ import annotations

import pytest

from allegro_queue.dashboard.metric_series import axis_over, buckets, totals, unmeasured_spans
from allegro_queue.stores.metrics import Snapshot

NOW = 1_800_000_000.0


def snapshot(ago: float, length: float = 300, **given: float) -> Snapshot:
    """Counts that were frozen so many seconds ago."""
    values = {"length": 0, "done": 0, "failed": 0, "retried": 0, "runtime_ms": 0.0, "wait_ms": 0.0, "runs": 0, **given}
    return Snapshot(started_at=NOW - ago - length, taken_at=NOW - ago, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("late", [0, 1, 17, 150, 299])
def test_an_even_rate_stays_even_however_snapshots_fall_on_the_buckets(late):
    found = [snapshot(300.0 * place + late, done=10, failed=5) for place in range(20, 0, -1)]
    axis = axis_over(found, NOW)

    measured = [each for each in buckets(found, axis) if each.measured]

    assert axis.start <= found[0].started_at
    assert axis.end > NOW
    assert {round(each.done or 0, 6) for each in measured} == {2.0}
    assert {round(each.failed or 0, 6) for each in measured} == {1.0}


def test_no_job_is_lost_or_counted_twice_between_snapshots_and_buckets():
    found = [snapshot(300.0 * place, done=10 * place) for place in range(20, -1, -1)]

    measured = buckets(found, axis_over(found, NOW))

    assert sum(5 * (each.done or 0) for each in measured) == pytest.approx(sum(each.done for each in found))


def test_what_no_snapshot_covers_is_unknown_and_not_nought():
    found = [snapshot(3600, done=5), snapshot(0, done=5)]
    axis = axis_over(found, NOW)

    measured = buckets(found, axis)

    assert measured[len(measured) // 2].done is None
    assert not measured[len(measured) // 2].measured


def test_a_time_without_runs_is_measured_and_has_no_run_time():
    [bucket] = [each for each in buckets([snapshot(0)], axis_over([snapshot(0)], NOW)) if each.measured][:1]

    assert (bucket.done, bucket.runtime, bucket.wait) == (0, None, None)


def test_means_are_weighted_by_runs():
    found = [snapshot(150, 100, done=1, runs=1, runtime_ms=1000), snapshot(50, 100, done=9, runs=9, runtime_ms=900)]

    assert totals(found).runtime == pytest.approx(0.19)
    assert totals([]).runtime is None
    assert totals([snapshot(0, done=1, failed=3)]).failed_share == 0.75


def test_a_snapshot_taken_by_hand_after_a_second_makes_no_peak():
    [bucket] = [each for each in buckets([snapshot(0, 1, done=3)], axis_over([], NOW)) if each.measured]

    assert bucket.done == pytest.approx(3)


def clock(unix: float) -> str:
    return f"{NOW - unix:.0f} s ago"


def spans_of(found: list[Snapshot], last_ago: float | None) -> list[str]:
    axis = axis_over(found, NOW)
    last_at = None if last_ago is None else NOW - last_ago
    return [span.label for span in unmeasured_spans(buckets(found, axis), axis, last_at, NOW, clock)]


def test_graphs_are_stale_once_two_snapshots_are_missing():
    regular = [snapshot(300.0 * place, done=1) for place in range(12, 0, -1)]

    assert spans_of([snapshot(600 + 300.0 * place) for place in range(12)], 600) == []
    assert spans_of([snapshot(1200 + 300.0 * place) for place in range(12)], 1200) == ["not measured since 1200 s ago"]
    assert spans_of(regular, 300) == []


def test_a_gap_between_snapshots_is_named():
    assert spans_of([snapshot(3600), snapshot(0)], 0) == ["not measured"]


def test_a_short_history_is_shown_over_half_an_hour_and_a_long_one_over_a_day():
    short = axis_over([snapshot(0)], NOW)
    assert (short.seconds, short.count) == (300, 7)
    long = axis_over([snapshot(10 * 86_400)], NOW)
    assert 86_400 <= long.seconds * long.count <= 86_400 + long.seconds
    assert long.count <= 96
