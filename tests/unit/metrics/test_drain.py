from __future__ import annotations

from allegro_queue.metrics.drain import drain_of

ORDER = ["high", "default", "audience-sync"]


def test_what_stands_in_higher_queues_runs_first():
    drain = drain_of(
        "default", ORDER, {"high": 10, "default": 20, "audience-sync": 1_000}, {"high": 6.0, "default": 24.0}
    )

    assert (drain.ahead, drain.here) == (10, 20)
    assert drain.seconds == 60.0


def test_nothing_is_estimated_where_nothing_moves():
    assert drain_of("high", ORDER, {"high": 5}, {}).seconds is None


def test_an_estimate_is_a_second_at_least():
    assert drain_of("high", ORDER, {"high": 1}, {"high": 10_000.0}).seconds == 1.0
