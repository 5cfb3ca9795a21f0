from __future__ import annotations

from allegro_queue.metrics.wait import drain_seconds


def test_a_queue_waits_for_all_those_ahead_of_it():
    drains = drain_seconds({"high": 10, "default": 20}, {"high": 100.0, "default": 500.0}, processes=2)

    assert drains == {"high": 0.5, "default": 5.5}


def test_an_empty_queue_waits_as_long_as_the_one_ahead():
    assert drain_seconds({"high": 10, "default": 0}, {"high": 100.0}, processes=1) == {"high": 1.0, "default": 1.0}


def test_from_a_queue_of_unknown_run_time_on_nothing_can_be_said():
    drains = drain_seconds({"high": 1, "default": 2, "low": 3}, {"high": 1000.0, "low": 1000.0}, processes=1)

    assert drains == {"high": 1.0, "default": None, "low": None}


def test_a_backlog_without_a_process_never_ends():
    assert drain_seconds({"high": 1}, {"high": 1000.0}, processes=0) == {"high": None}
    assert drain_seconds({"high": 0}, {"high": 1000.0}, processes=0) == {"high": 0.0}
